"""Metrics whose values are read at their first use; names, lengths and last steps are known before.

A table of ten thousand runs needs a last and a best value of each, and no curve. So a history may be left on
disk until a curve is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from ired_diag.errors import UnreadableFile
from ired_diag.runs.history import Floats, History, Integers, Series


class Outline(NamedTuple):
    """What is known of a metric without its values: its name, its length and its last step."""

    name: str
    length: int
    last_step: int | None


class _Source:
    """The values of all metrics of one history, read at once."""

    def __init__(self, read: Callable[[], Mapping[str, Series]]) -> None:
        self._read = read

    @cached_property
    def series(self) -> Mapping[str, Series]:
        return self._read()


class LaterSeries(Series):
    """One metric over training, read at the first use of its steps or values."""

    def __init__(self, outline: Outline, source: _Source) -> None:
        """Read nothing yet."""
        object.__setattr__(self, "_outline", outline)  # the class is frozen
        object.__setattr__(self, "_source", source)

    def __len__(self) -> int:
        return self._outline.length

    @property
    def last_step(self) -> int:
        """The step of the last value."""
        assert self._outline.last_step is not None
        return self._outline.last_step

    @property
    def steps(self) -> Integers:
        """Steps of the values, of shape (n,)."""
        return self._values_now().steps

    @property
    def values(self) -> Floats:
        """Values at the steps, of shape (n,)."""
        return self._values_now().values

    def _values_now(self) -> Series:
        outline = self._outline
        series = self._source.series.get(outline.name)
        if series is None or len(series) != outline.length:
            raise UnreadableFile(
                f"{outline.name}: its file was written again while it was looked at. Look again."
            )
        return series

    _outline: Outline
    _source: _Source


def outlines_of(history: History) -> list[Outline]:
    """Return what is known of each metric of a history without its values."""
    outlines: list[Outline] = []
    for name, series in history.series.items():
        last_step = series.last_step if len(series) else None
        outlines.append(Outline(name, len(series), last_step))
    return outlines


def later(outlines: Sequence[Outline], read: Callable[[], Mapping[str, Series]]) -> dict[str, Series]:
    """Return metrics that are read at their first use.

    Args:
        outlines: What is known of each.
        read: Returns all of them; it is called once, at the first use of any.
    """
    source = _Source(read)
    return {outline.name: LaterSeries(outline, source) for outline in outlines}


def is_later(history: History) -> bool:
    """Say whether the values of a history may still have to be read."""
    return any(isinstance(series, LaterSeries) for series in history.series.values())
