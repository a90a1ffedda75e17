"""Metrics whose values are read at their first use; names, lengths and last steps are known before.

A table of ten thousand runs needs a last and a best value of each, and no curve. So a history may be left on
disk until a curve is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ired_diag.errors import UnreadableFile
from ired_diag.runs.fingerprints import Fingerprint
from ired_diag.runs.history import History, Series
from ired_diag.runs.history_columns import Floats, Integers

ReadHistory = Callable[[Path, Fingerprint], Mapping[str, Series]]  # of a run folder, in a state of its file


class Outline(NamedTuple):
    """What is known of a metric without its values: its length and its last step."""

    length: int
    last_step: int | None


class LaterSeries(Series):
    """One metric over training, read at the first use of its steps or values."""

    def __init__(self, name: str, outline: Outline, metrics: LaterMetrics) -> None:
        """Read nothing yet."""
        object.__setattr__(self, "_name", name)  # the class is frozen
        object.__setattr__(self, "_outline", outline)
        object.__setattr__(self, "_metrics", metrics)

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
        series = self._metrics.values_now().get(self._name)
        if series is None or len(series) != self._outline.length:
            raise UnreadableFile(
                f"{self._name}: its file was written again while it was looked at. Look again."
            )
        return series

    _name: str
    _outline: Outline
    _metrics: LaterMetrics


class LaterMetrics(Mapping[str, Series]):
    """All metrics of a run folder by their names, read together at the first use of any value.

    Attributes:
        folder: The run folder.
        state: State of the file of its history, in which alone it is read.
        outlines: What is known of each metric.
        read: Reads the metrics. It is set by whoever unpacks this.
    """

    def __init__(self, folder: Path, state: Fingerprint, outlines: Mapping[str, Outline]) -> None:
        """Read nothing yet."""
        self.folder = str(folder)
        self.state = tuple(state)
        self.outlines: dict[str, tuple[int, int | None]] = {}
        for name, outline in outlines.items():
            self.outlines[name] = (outline.length, outline.last_step)
        self.read: ReadHistory | None = None
        self._series: dict[str, LaterSeries] = {}
        self._values: Mapping[str, Series] | None = None

    def __getitem__(self, name: str) -> Series:
        if name not in self._series:
            self._series[name] = LaterSeries(name, Outline(*self.outlines[name]), self)
        return self._series[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.outlines)

    def __len__(self) -> int:
        return len(self.outlines)

    def __contains__(self, name: object) -> bool:
        return name in self.outlines

    def __getstate__(self) -> tuple[Any, ...]:
        return self.folder, self.state, self.outlines

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.folder, self.state, self.outlines = state
        self.read, self._values = None, None
        self._series = {}

    @property
    def is_read(self) -> bool:
        """Whether the values were read."""
        return self._values is not None

    def values_now(self) -> Mapping[str, Series]:
        """Return the metrics with their values.

        Raises:
            UnreadableFile: Something else than an appended line has changed since.
        """
        if self._values is None:
            assert self.read is not None
            self._values = self.read(Path(self.folder), Fingerprint(*self.state))
        return self._values


def outlines_of(history: History) -> dict[str, Outline]:
    """Return what is known of each metric of a history without its values."""
    outlines: dict[str, Outline] = {}
    for name, series in history.series.items():
        last_step = series.last_step if len(series) else None
        outlines[name] = Outline(len(series), last_step)
    return outlines


def is_later(history: History) -> bool:
    """Say whether the values of a history may still have to be read."""
    return isinstance(history.series, LaterMetrics)
