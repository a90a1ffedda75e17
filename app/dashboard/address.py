"""The address holds the whole view: opening it elsewhere shows the same, and Back works.

A ``View`` is what a reader has chosen: page, filter, groups, metric, zoom. It is written into the query of
the address and read from it, and lives nowhere else. Whoever writes an address by hand may write anything:
a value that is not understood becomes the default, and no value is ever used as a path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from ired_diag.errors import DiagError

if TYPE_CHECKING:
    from ired_diag.comparison.margin import Margin

MOST_CHARACTERS = 300  # of one word
MOST_WORDS = 500  # of one list
MOST_FIELDS = 5000  # of an address
LONGEST_WINDOW = 1000  # evaluations
LARGEST = 10**15  # of the ends of an axis: below 2^53, up to which steps are exact as floats
MARGIN = 0.01  # the default of ``ired-diag stats``
THEMES = ("auto", "light", "dark")
READOUTS = ("plateau", "last", "best", "last10", "area")
BANDS = ("t interval", "sd", "range")
DIRECTIONS = ("", "1", "0")
SCALES = ("auto", "linear", "log")
NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
RUN = re.compile(r"[0-9a-f]{12}")
NUMBER = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, kw_only=True)
class View:
    """A view: all choices of a reader.

    Attributes:
        page: Name of the page.
        filter: Words by which runs are filtered.
        groups: Groups chosen for a comparison or a picture. Empty: the page chooses.
        highlight: Group that stands out in every picture.
        hidden: Groups that are not drawn.
        open: Groups whose single runs are listed.
        metric: Name of a logged metric. Empty: the page chooses.
        more: Further metrics, drawn next to the first one.
        clock: Whether curves are drawn over the logged time instead of the training step.
        readout: How a curve becomes one number.
        margin: Smallest difference that matters, as a share of the mean or in the metric's unit.
        higher: One of ``DIRECTIONS``: ``1`` where a higher value of the metric is better, ``0`` where a lower
            one is. Empty: by configuration and name.
        smooth: Number of evaluations over which a drawn curve is averaged. 0: as it is.
        log: Whether the y axis is logarithmic.
        scale: One of ``SCALES``; auto chooses by the values.
        whole: Whether the y axis of learning curves shows the first fall too.
        end: Whether learning curves show the last fifth of their steps alone.
        band: One of ``BANDS``: the band around the mean of a learning curve.
        x: Ends of the x axis where it is zoomed.
        y: Ends of the y axis of the page's only picture where it is zoomed; powers of ten on a logarithmic
            axis.
        run: Opaque id of a run.
        probe: Name of a probe.
        level: Noise level. None: the page chooses.
        step: Training step. None: the page chooses.
        theme: One of ``THEMES``; auto follows the system.
        by: Configuration key by whose value the table of runs is grouped. Empty: by experiment.
        columns: Configuration keys that the table of runs shows.
        sort: Column by which a table is sorted. Empty: its natural order.
        descending: Whether the largest value stands first.
        severity: Severities of the findings that are shown. Empty: all.
        rule: Rule of the findings that are shown. Empty: all.
        quantity: Quantity whose distribution is drawn. Empty: the page chooses.
        kind: Kind of candidate that is compared over groups. Empty: all kinds of one group.
        form: Form in which a distribution is drawn.
        weights: Weights of checkpoints, raw or ema. Empty: those that were probed last.
        experiment: Experiment whose variants are a sweep. Empty: the first one that has a sweep.
        knob: Configuration key in which the variants differ.
        part: Which part of a long table is shown, from 1.
    """

    page: str = "overview"
    filter: str = ""
    groups: tuple[str, ...] = ()
    highlight: str = ""
    hidden: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    metric: str = ""
    more: tuple[str, ...] = ()
    clock: bool = False
    readout: str = "plateau"
    margin: float | Margin = MARGIN
    higher: str = ""
    smooth: int = 0
    log: bool = False
    scale: str = "auto"
    whole: bool = False
    end: bool = False
    band: str = "t interval"
    x: tuple[float, float] | None = None
    y: tuple[float, float] | None = None
    run: str = ""
    probe: str = ""
    level: int | None = None
    step: int | None = None
    theme: str = "auto"
    by: str = ""
    columns: tuple[str, ...] = ()
    sort: str = ""
    descending: bool = False
    severity: tuple[str, ...] = ()
    rule: str = ""
    quantity: str = ""
    kind: str = ""
    form: str = ""
    weights: str = ""
    experiment: str = ""
    knob: str = ""
    part: int = 1

    @property
    def higher_is_better(self) -> bool | None:
        """Whether a higher value of the metric is better; None where its name decides."""
        if self.higher == "":
            return None
        return self.higher == "1"

    @property
    def lower_is_better(self) -> bool | None:
        """Whether a lower value of the metric is better; None where its name decides."""
        if self.higher_is_better is None:
            return None
        return not self.higher_is_better

    @classmethod
    def from_query(cls, query: str | None) -> View:
        """Return the view in the query of an address, which may begin with ``?``.

        >>> View.from_query("?page=curves&groups=q101&groups=q102&log=1&level=x").groups
        ('q101', 'q102')
        """
        text = (query or "").removeprefix("?")
        try:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            return cls()
        values: dict[str, list[str]] = {}
        for key, value in pairs:
            if key in _READ:
                values.setdefault(key, []).append(value)
        return cls(**{key: _READ[key](texts) for key, texts in values.items()})

    def to_query(self) -> str:
        """Return the query of the address, without what is at its default.

        >>> View(page="curves", x=(0, 500)).to_query()
        '?page=curves&x=0.0%2C500.0'
        """
        pairs: list[tuple[str, str]] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value == field.default:
                continue
            for text in _written(value):
                pairs.append((field.name, text))
        if not pairs:
            return ""
        return f"?{urlencode(pairs)}"


def _written(value: Any) -> list[str]:
    if isinstance(value, bool):
        return [str(int(value))]
    if isinstance(value, str | int | float | None):
        return [str(value)]
    if not isinstance(value, tuple):
        return [value.text]  # a margin
    if isinstance(value[0], float | int):
        return [",".join(repr(float(end)) for end in value)]
    return list(value)


def _text(values: list[str]) -> str:
    """Return a word without control characters, and without halves of characters."""
    printable = "".join(filter(str.isprintable, values[-1]))
    return printable.encode(errors="ignore").decode()[:MOST_CHARACTERS]


def _texts(values: list[str]) -> tuple[str, ...]:
    words = [_text([value]) for value in values[:MOST_WORDS]]
    return tuple(dict.fromkeys(filter(None, words)))


def _matching(pattern: re.Pattern[str]) -> Callable[[list[str]], str]:
    """Return a reader of a word that matches a pattern; another word becomes empty."""

    def read(values: list[str]) -> str:
        return values[-1] if pattern.fullmatch(values[-1]) else ""

    return read


def _one_of(choices: Sequence[str]) -> Callable[[list[str]], str]:
    """Return a reader of one of the choices; another word becomes the first choice."""

    def read(values: list[str]) -> str:
        return values[-1] if values[-1] in choices else choices[0]

    return read


def _page(values: list[str]) -> str:
    return _name(values) or View.page


def _margin(values: list[str]) -> float | Margin:
    """Return a share, or an absolute margin: ``0.05abs``."""
    from ired_diag.comparison.margin import ABSOLUTE, margin_of, parse_margin

    try:
        if values[-1].endswith(ABSOLUTE):
            return margin_of(parse_margin(values[-1]))
        share = float(values[-1])
    except (ValueError, DiagError):
        return MARGIN
    if 0 < share < 1:  # not so for NaN
        return share
    return MARGIN


def _flag(values: list[str]) -> bool:
    return values[-1] == "1"


def _number(values: list[str]) -> int | None:
    if not NUMBER.fullmatch(values[-1]):
        return None
    return int(values[-1])


def _part(values: list[str]) -> int:
    return max(_number(values) or 1, 1)


def _window(values: list[str]) -> int:
    return min(_number(values) or 0, LONGEST_WINDOW)


def _range(values: list[str]) -> tuple[float, float] | None:
    try:
        low, high = map(float, values[-1].split(","))
    except ValueError:
        return None
    if -LARGEST < low < high < LARGEST:  # not so for NaN
        return low, high
    return None


_name = _matching(NAME)
_READ: dict[str, Callable[[list[str]], Any]] = {
    "page": _page,
    "filter": _text,
    "groups": _texts,
    "highlight": _text,
    "hidden": _texts,
    "open": _texts,
    "metric": _text,
    "more": _texts,
    "clock": _flag,
    "readout": _one_of(READOUTS),
    "margin": _margin,
    "higher": _one_of(DIRECTIONS),
    "smooth": _window,
    "log": _flag,
    "scale": _one_of(SCALES),
    "whole": _flag,
    "end": _flag,
    "band": _one_of(BANDS),
    "x": _range,
    "y": _range,
    "run": _matching(RUN),
    "probe": _name,
    "level": _number,
    "step": _number,
    "theme": _one_of(THEMES),
    "by": _text,
    "columns": _texts,
    "sort": _name,
    "descending": _flag,
    "severity": _texts,
    "rule": _name,
    "quantity": _name,
    "kind": _name,
    "form": _name,
    "weights": _name,
    "experiment": _text,
    "knob": _text,
    "part": _part,
}
