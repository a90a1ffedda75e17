"""The axes of a panel by matplotlib: scales, ticks and ends, so that values can be read off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FuncFormatter, Locator, MaxNLocator, NullFormatter

from ired_diag.drawing.data import Line, Panel
from ired_diag.drawing.log_ticks import log_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LETTERS_SIDE_BY_SIDE = 36  # of names on the x axis, before they are turned
LARGEST = 1e250  # of a curve that diverged: beyond, the margin of an axis overflows, and all is blank


def draw_axes(axis: Axes, panel: Panel) -> None:
    """Give a panel's axes their scales, ticks and ends."""
    if any(map(_diverged, panel.lines)):
        axis.set_ymargin(0)
    if panel.y_scale == "log" and _has_positive(axis.dataLim.intervaly):
        axis.set_yscale("log", nonpositive="mask")
        _label_logarithmic(axis.yaxis)
    if panel.x_scale == "log" and _has_positive(axis.dataLim.intervalx):
        axis.set_xscale("log", nonpositive="mask")
        _label_logarithmic(axis.xaxis)
    if panel.x_ticks:
        _name_places(axis, panel)
    elif panel.x_scale == "linear" and panel.lines and all(_whole(line) for line in panel.lines):
        axis.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    if panel.y_ticks:
        places, names = zip(*panel.y_ticks, strict=True)
        axis.set_yticks(places, names)
    if panel.x_range:
        axis.set_xlim(*panel.x_range)
    if panel.y_range:
        axis.set_ylim(*panel.y_range)
    if panel.bare:
        axis.yaxis.set_visible(False)
        axis.spines["left"].set_visible(False)


def _diverged(line: Line) -> bool:
    is_huge = np.isfinite(line.y) & (np.abs(line.y) > LARGEST)
    return bool(is_huge.any())


def _name_places(axis: Axes, panel: Panel) -> None:
    """Write names at places on the x axis, turned where they would lie on each other."""
    places, names = zip(*panel.x_ticks, strict=True)
    letters = max(map(len, names)) * len(names)
    if letters > LETTERS_SIDE_BY_SIDE:
        axis.set_xticks(places, names, rotation=40, ha="right")
    else:
        axis.set_xticks(places, names, rotation=0, ha="center")


def _has_positive(ends: Any) -> bool:
    """Say whether a logarithmic axis can show any of the data: where all are 0, a linear one shows them."""
    finite = ends[np.isfinite(ends)]
    return bool((finite > 0).any())


def _label_logarithmic(axis: Any) -> None:
    axis.set_major_locator(_LogTicks())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


class _LogTicks(Locator):
    """``log_ticks`` for matplotlib."""

    def __call__(self) -> Any:
        """Return the places of the labels."""
        if self.axis is None:
            return []
        return self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return the places of the labels between two ends."""
        return log_ticks(*sorted((vmin, vmax)))


def _whole(line: Line) -> bool:
    """Say whether a line's x are whole numbers or lie next to such: levels, steps, counts."""
    if len(line.x) == 0:
        return True
    apart = np.diff(np.sort(line.x))
    return float(np.ptp(line.x)) >= 1 and bool(np.all(apart > 0.5))
