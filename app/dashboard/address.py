"""The address holds the whole view: opening it elsewhere shows the same, and Back works.

A ``View`` is what a reader has chosen: page, filter, groups, metric, zoom. It is written into the query of
the address and read from it, and lives nowhere else. Whoever writes an address by hand may write anything:
a value that is not understood becomes the default, and no value is ever used as a path.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import parse_qsl, urlencode

from ired_diag.comparison.margin import ABSOLUTE, Margin, margin_of, parse_margin
from ired_diag.errors import DiagError

MOST_CHARACTERS = 300  # of one word
MOST_WORDS = 500  # of one list
LARGEST = 10**15
MARGIN = 0.01
THEMES = ("auto", "light", "dark")
READOUTS = ("plateau", "last", "best", "last10", "area")
BANDS = ("t interval", "sd", "range")
DIRECTIONS = ("", "1", "0")
SCALES = ("auto", "linear", "log")
NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
RUN = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class View:
    """What is looked at.

    Attributes:
        page: Name of the page.
        filter: Words that runs are filtered by.
        groups: Groups chosen for a comparison or a picture; all where empty.
        hidden: Groups that are not drawn.
        open: Groups whose single runs are listed.
        metric: Name of a logged metric; the page's own choice where empty.
        readout: How a curve becomes one number.
        margin: What is too small to matter, as a share of the mean or in the metric's unit.
        higher: Of ``DIRECTIONS``: ``1`` where a higher value of the metric is better, ``0`` where a lower one
            is; by configuration and name where empty.
        smooth: Evaluations that a drawn curve is averaged over; 0 is none.
        log: Whether the y axis is logarithmic.
        scale: Of ``SCALES``; auto is what the values ask for.
        band: Of ``BANDS``, around the mean of a learning curve.
        x: Ends of the x axis, where it is zoomed.
        y: Ends of the y axis, likewise, of the page's only picture; powers of ten on a logarithmic axis.
        run: Opaque id of a run.
        probe: Name of a probe.
        level: Noise level; the page's own choice where None.
        step: Training step, likewise.
        theme: Of ``THEMES``; auto is what the system prefers.
        sort: Column that a table is sorted by; its natural order where empty.
        descending: Whether the largest stands first.
        severity: Severities of the findings that are shown; all where empty.
        rule: Rule of the findings that are shown; all where empty.
        quantity: Whose distribution is drawn; the page's own choice where empty.
        kind: Of candidate, that is compared over groups; all kinds of one group where empty.
        form: Of a distribution.
        weights: Of checkpoints: raw or ema; those that were probed last where empty.
        experiment: Whose variants are a sweep; the first that has one where empty.
        knob: Key of the configurations that they differ in.
    """

    page: str = "study"
    filter: str = ""
    groups: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    metric: str = ""
    readout: str = "plateau"
    margin: float | Margin = MARGIN
    higher: str = ""
    smooth: int = 0
    log: bool = False
    scale: str = "auto"
    band: str = "t interval"
    x: tuple[float, float] | None = None
    y: tuple[float, float] | None = None
    run: str = ""
    probe: str = ""
    level: int | None = None
    step: int | None = None
    theme: str = "auto"
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

    @property
    def higher_is_better(self) -> bool | None:
        """Whether a higher value of the metric is better; None where the reader leaves it to its name."""
        return None if self.higher == "" else self.higher == "1"

    @classmethod
    def from_query(cls, query: str | None) -> View:
        """Return the view that the query of an address tells, with or without its ``?``.

        >>> View.from_query("?page=curves&groups=q101&groups=q102&log=1&level=x").groups
        ('q101', 'q102')
        """
        try:
            told = parse_qsl((query or "").removeprefix("?"), keep_blank_values=True, max_num_fields=5000)
        except ValueError:
            return cls()
        values: dict[str, list[str]] = {}
        for key, value in told:
            values.setdefault(key, []).append(value)
        return cls(**{key: _READ[key](values[key]) for key in _READ if key in values})

    def to_query(self) -> str:
        """Return the query of the address, without what is at its default.

        >>> View(page="curves", x=(0, 500)).to_query()
        '?page=curves&x=0.0%2C500.0'
        """
        pairs: list[tuple[str, str]] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                pairs += [(field.name, text) for text in _written(value)]
        return "?" + urlencode(pairs) if pairs else ""


def _written(value: Any) -> list[str]:
    if isinstance(value, bool):
        return [str(int(value))]
    if isinstance(value, tuple) and isinstance(value[0], float | int):
        return [",".join(repr(float(end)) for end in value)]
    if isinstance(value, Margin):
        return [value.text]
    return list(value) if isinstance(value, tuple) else [str(value)]


def _text(values: list[str]) -> str:
    """Return a word without control characters, and without halves of characters."""
    kept = "".join(c for c in values[-1] if c.isprintable())
    return kept.encode(errors="ignore").decode()[:MOST_CHARACTERS]


def _texts(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for value in values[:MOST_WORDS] if (word := _text([value]))))


def _name(values: list[str]) -> str:
    return values[-1] if NAME.fullmatch(values[-1]) else ""


def _run(values: list[str]) -> str:
    return values[-1] if RUN.fullmatch(values[-1]) else ""


def _page(values: list[str]) -> str:
    return _name(values) or "study"


def _theme(values: list[str]) -> str:
    return values[-1] if values[-1] in THEMES else "auto"


def _readout(values: list[str]) -> str:
    return values[-1] if values[-1] in READOUTS else READOUTS[0]


def _margin(values: list[str]) -> float | Margin:
    """Return a share, or an absolute margin: ``0.05abs``."""
    try:
        if values[-1].endswith(ABSOLUTE):
            return margin_of(parse_margin(values[-1]))
        share = float(values[-1])
    except (ValueError, DiagError):
        return MARGIN
    return share if 0 < share < 1 else MARGIN  # NaN is in no order


def _scale(values: list[str]) -> str:
    return values[-1] if values[-1] in SCALES else "auto"


def _band(values: list[str]) -> str:
    return values[-1] if values[-1] in BANDS else BANDS[0]


def _direction(values: list[str]) -> str:
    return values[-1] if values[-1] in DIRECTIONS else ""


def _flag(values: list[str]) -> bool:
    return values[-1] == "1"


def _number(values: list[str]) -> int | None:
    return int(values[-1]) if re.fullmatch(r"[0-9]{1,15}", values[-1]) else None


def _window(values: list[str]) -> int:
    return min(_number(values) or 0, 1000)


def _range(values: list[str]) -> tuple[float, float] | None:
    try:
        low, high = (float(end) for end in values[-1].split(","))
    except ValueError:
        return None
    return (low, high) if -LARGEST < low < high < LARGEST else None  # NaN is in no order


_READ: dict[str, Callable[[list[str]], Any]] = {
    "page": _page,
    "filter": _text,
    "groups": _texts,
    "hidden": _texts,
    "open": _texts,
    "metric": _text,
    "readout": _readout,
    "margin": _margin,
    "higher": _direction,
    "smooth": _window,
    "log": _flag,
    "scale": _scale,
    "band": _band,
    "x": _range,
    "y": _range,
    "run": _run,
    "probe": _name,
    "level": _number,
    "step": _number,
    "theme": _theme,
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
}
