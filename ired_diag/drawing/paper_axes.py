"""The axes of a panel by matplotlib: scales, ticks and ends, so that values can be read off."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import Formatter, Locator, MaxNLocator, NullFormatter

from ired_diag.drawing.data import Line, Panel
from ired_diag.drawing.label_lines import broken_name
from ired_diag.drawing.log_ticks import log_ticks
from ired_diag.drawing.paper_widths import COLUMN
from ired_diag.drawing.tick_words import PLAIN, linear_words, tick_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LETTERS_SIDE_BY_SIDE = 40  # of names on the x axis of a panel as wide as a column
THINNEST = 0.1  # inches from one upright name to the next
SMALLEST = 5.5  # points, of upright names
LETTERS_OF_ROWS = 9  # of names of the rows of an image
BEYOND = 0.3  # of the distance of two ticks: so far above the last one data may lie
TICK_WIDTH = 0.6  # inches from one number on an x axis to the next
LOG_TICK_WIDTH = 0.36  # inches of a panel to each number on a logarithmic x axis
FEWEST_INTERVALS, MOST_INTERVALS = 3, 6  # between numbers on an x axis
TURNED, UPRIGHT = 40, 90  # degrees, of names that are too long, and of many of them
CLOSE, Y_AXIS = 0.15, 0.6  # inches between such names, and of the y axis next to them
TICK_LETTER = 0.055  # inches of a name's letter
FREE_LETTERS = 6  # of a turned name, for which a picture has room
LARGEST = 1e250  # of a curve that diverged: beyond, the margin of an axis overflows, and all is blank


def draw_axes(axis: Axes, panel: Panel, *, inches: float = COLUMN) -> None:
    """Give a panel's axes their scales, ticks and ends.

    Args:
        axis: The axes.
        panel: The panel.
        inches: Width of the panel.
    """
    fitting = round(inches / TICK_WIDTH)
    intervals = max(FEWEST_INTERVALS, min(MOST_INTERVALS, fitting))
    if any(map(_diverged, panel.lines)):
        axis.set_ymargin(0)
    if panel.y_scale == "log" and _has_positive(axis.dataLim.intervaly):
        axis.set_yscale("log", nonpositive="mask")
        _label_logarithmic(axis.yaxis)
    if panel.x_scale == "log" and _has_positive(axis.dataLim.intervalx):
        axis.set_xscale("log", nonpositive="mask")
        _label_logarithmic(axis.xaxis, most=max(FEWEST_INTERVALS, int(inches / LOG_TICK_WIDTH)))
    if panel.x_ticks:
        _name_places(axis, panel, inches)
    elif axis.get_xscale() == "linear":
        _number_places(axis, panel, intervals)
    if panel.y_ticks:
        places, names = zip(*panel.y_ticks, strict=True)
        if panel.raster is not None:  # as high as its pixels are wide: a long name would lie beyond the paper
            names = tuple(broken_name(name, LETTERS_OF_ROWS) or name for name in names)
        axis.set_yticks(places, names)
    if panel.x_range:
        axis.set_xlim(*panel.x_range)
    if panel.y_range:
        axis.set_ylim(*panel.y_range)
    elif not panel.y_ticks and not _is_filled(panel):
        _end_at_ticks(axis, from_zero=panel.y_from_zero)
    if panel.square:
        axis.set_aspect("equal", adjustable="box")
    if panel.raster is not None:  # pixels need no axes: their rows and columns have names
        axis.spines[:].set_visible(False)
        axis.tick_params(length=0)
    if panel.bare:
        axis.yaxis.set_visible(False)
        axis.spines["left"].set_visible(False)


def _number_x_axis(axis: Axes, intervals: int, **settings: Any) -> None:
    """Write numbers at about so many intervals; at more where too few numbers would be seen."""
    low, high = sorted(axis.get_xlim())
    least = FEWEST_INTERVALS if intervals > FEWEST_INTERVALS else 2  # in a narrow panel two are enough
    for count in range(intervals, MOST_INTERVALS + 1):
        locator = MaxNLocator(nbins=count, **settings)
        axis.xaxis.set_major_locator(locator)
        ticks = np.asarray(locator.tick_values(low, high))
        if ((ticks >= low) & (ticks <= high)).sum() >= least:
            return


def _is_filled(panel: Panel) -> bool:
    """Say whether cells, pixels or areas fill the panel to its ends."""
    fillings = (panel.cells, panel.raster, panel.areas)
    return any(filling is not None for filling in fillings)


def _end_at_ticks(axis: Axes, *, from_zero: bool) -> None:
    """Let a linear y axis reach the next tick where data lie well above its last one; say plain numbers."""
    if axis.get_yscale() != "linear":
        return
    axis.yaxis.set_major_formatter(_PlainNumbers())
    bottom, top = axis.get_ylim()
    if from_zero and top > 0:
        bottom = 0.0
        axis.set_ylim(bottom=bottom)
    ticks = np.asarray(axis.yaxis.get_major_locator().tick_values(bottom, top))
    most = axis.dataLim.y1
    inside = ticks[ticks <= top]
    has_ticks = len(ticks) >= 2 and len(inside)
    if not has_ticks or not np.isfinite(most):
        return
    last = inside[-1]
    apart = ticks[1] - ticks[0]
    if most - last > BEYOND * apart:
        axis.set_ylim(top=last + apart)


def _diverged(line: Line) -> bool:
    is_huge = np.isfinite(line.y) & (np.abs(line.y) > LARGEST)
    return bool(is_huge.any())


def _name_places(axis: Axes, panel: Panel, inches: float) -> None:
    """Write names at places on the x axis: in several lines where they are long, else turned."""
    places, names = zip(*panel.x_ticks, strict=True)
    broken = _broken_names(panel, inches)
    if broken:
        axis.set_xticks(places, broken, rotation=0, ha="center")
        return
    angle = _angle(panel, inches)
    if angle == TURNED:
        axis.set_xticks(places, names, rotation=angle, ha="right")
        return
    # Of too many names only every few: the table has all.
    stride = math.ceil(THINNEST * len(names) / (inches - Y_AXIS))
    shown = [name if place % stride == 0 else "" for place, name in enumerate(names)]
    axis.set_xticks(places, shown, rotation=angle, ha="center", fontsize=SMALLEST)


def _angle(panel: Panel, inches: float) -> float:
    """Return by how many degrees names are turned: upright where they would touch else."""
    apart = (inches - Y_AXIS) / len(panel.x_ticks)
    return TURNED if apart >= CLOSE else UPRIGHT


def _broken_names(panel: Panel, inches: float) -> list[str]:
    """Return the names on the x axis in lines that fit next to each other; none where one does not."""
    letters = int(LETTERS_SIDE_BY_SIDE * inches / COLUMN / len(panel.x_ticks))
    broken = [broken_name(name, letters) for _, name in panel.x_ticks]
    return broken if all(broken) else []


def depth_of_names(panel: Panel, inches: float) -> float:
    """Return how many inches turned names on the x axis reach below a usual line; 0 where none is turned."""
    if not panel.x_ticks or _broken_names(panel, inches):
        return 0.0
    longest = max(len(name) for _, name in panel.x_ticks)
    return max(0, longest - FREE_LETTERS) * TICK_LETTER * math.sin(math.radians(_angle(panel, inches)))


def _number_places(axis: Axes, panel: Panel, intervals: int) -> None:
    """Write numbers at round places of a linear x axis, whole ones where its data are whole."""
    axis.xaxis.set_major_formatter(_PlainNumbers())
    if not panel.lines:
        return
    if panel.x_scale == "linear" and all(_whole(line) for line in panel.lines):
        _number_x_axis(axis, intervals, integer=True, steps=[1, 2, 5, 10])
    else:
        _number_x_axis(axis, intervals, steps=[1, 2, 2.5, 5, 10])


def _has_positive(ends: Any) -> bool:
    """Say whether a logarithmic axis can show any of the data: where all are 0, a linear one shows them."""
    finite = ends[np.isfinite(ends)]
    return bool((finite > 0).any())


def _label_logarithmic(axis: Any, *, most: int = 99) -> None:
    axis.set_major_locator(_LogTicks(most))
    axis.set_major_formatter(_LogWords())
    axis.set_minor_formatter(NullFormatter())


class _LogWords(Formatter):
    """``tick_words`` for matplotlib."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return one number."""
        return tick_words([x])[0]

    def format_ticks(self, values: Any) -> list[str]:
        """Return all numbers of an axis."""
        return tick_words(values)


class _PlainNumbers(Formatter):
    """``linear_words`` for matplotlib."""

    def __init__(self) -> None:
        self.power = ""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return one number, as under the pointer."""
        return f"{x:g}"

    def format_ticks(self, values: Any) -> list[str]:
        """Return all numbers of an axis."""
        ends = (0.0, 1.0) if self.axis is None else tuple(self.axis.get_view_interval())
        words, self.power = linear_words(values, ends)
        return words

    def get_offset(self) -> str:
        """Return the power of ten that all numbers are multiples of."""
        return self.power


class _LogTicks(Locator):
    """``log_ticks`` for matplotlib; of more than ``most`` only the powers of ten, or every few."""

    def __init__(self, most: int) -> None:
        self.most = most

    def __call__(self) -> Any:
        """Return the places of the labels."""
        if self.axis is None:
            return []
        return self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return the places of the labels between two ends."""
        ticks = log_ticks(*sorted((vmin, vmax)))
        is_plain = bool(((ticks >= PLAIN[0]) & (ticks < PLAIN[1])).all())
        if len(ticks) == 0 or (is_plain and len(ticks) <= self.most):
            return ticks
        powers = [tick for tick in ticks if f"{tick:e}".startswith("1.000000e")]
        if len(powers) > 1:
            ticks = np.array(powers)  # 10⁻³ is read at once, 2×10⁻³ is not
        return ticks[:: -(-len(ticks) // self.most)]


def _whole(line: Line) -> bool:
    """Say whether a line's x are whole numbers or lie next to such: levels, steps, counts."""
    if len(line.x) == 0:
        return True
    apart = np.diff(np.sort(line.x))
    return float(np.ptp(line.x)) >= 1 and bool(np.all(apart > 0.5))
