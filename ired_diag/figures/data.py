"""The data of a picture, apart from how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Scale = Literal["linear", "log"]
Drawn = Literal["both", "line", "points", "steps"]


@dataclass(frozen=True)
class Line:
    """A line, with a spread around each of its points where there is one.

    Attributes:
        name: As the legend says it; it also fixes colour, dash and marker (``palette``).
        x: Of shape (n,).
        y: Of shape (n,).
        low: Lower end of the spread.
        high: Upper end.
        drawn: As ``both`` line and markers, ``line`` (for many points), ``points``, or ``steps``.
    """

    name: str
    x: NDArray[Any]
    y: NDArray[Any]
    low: NDArray[Any] | None = None
    high: NDArray[Any] | None = None
    drawn: Drawn = "both"


@dataclass(frozen=True)
class Guide:
    """A thin grey line across a panel, at a value of y that is known beforehand."""

    y: float
    label: str


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes:
        y_label: With the unit.
        lines: What is drawn.
        y_scale: Of the y axis.
        x_label: Of its own x axis; without it the panel shares that of the figure.
        x_scale: Of the x axis.
        x_ticks: Names at places on the x axis, where it has names and no numbers.
        guides: Values of y that are known beforehand.
    """

    y_label: str
    lines: tuple[Line, ...]
    y_scale: Scale = "linear"
    x_label: str = ""
    x_scale: Scale = "linear"
    x_ticks: tuple[tuple[float, str], ...] = ()
    guides: tuple[Guide, ...] = ()


def drawable_spread(line: Line, panel: Panel) -> tuple[NDArray[Any], ...] | None:
    """Return the ends of a line's spread as they can be drawn, and where each had to be cut.

    An infinite end, or one at or below 0 on a log axis, is cut at the largest or smallest value that the
    panel draws: left out, it would look like no spread at all.
    """
    if line.low is None or line.high is None:
        return None
    shown = [v for one in panel.lines for v in (one.y, one.low, one.high) if v is not None]
    values = np.concatenate(shown).astype(float)
    values = values[np.isfinite(values) & ((values > 0) | (panel.y_scale == "linear"))]
    if not len(values):
        return None
    low, high = (np.clip(end.astype(float), values.min(), values.max()) for end in (line.low, line.high))
    return low, high, low != line.low, high != line.high


@dataclass(frozen=True)
class FigureData:
    """A picture.

    Attributes:
        name: Of its files.
        title: What is seen, in a few words.
        x_label: Of the axis that all panels share.
        panels: From left to right, or from top to bottom.
        method: What line and spread are, and N: a caption.
        note: The same in a few words, drawn into the picture.
    """

    name: str
    title: str
    x_label: str
    panels: tuple[Panel, ...]
    method: str
    note: str = ""
