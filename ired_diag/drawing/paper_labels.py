"""Where the words of marks and guides stand: next to what they name, on no data.

The picture is drawn once without its words, and every pixel that is not white counts as taken: lines and
points fully, bands by how dark they are. Each word then tries places at growing distances around its mark, or
along its guide, and takes the one that covers least and is nearest. One that stands further off gets a thin
leader line: guides that lie close have their words above each other, each with an arrow to its guide. Words
for which there is no place are left out: the table and the caption have them.

Nothing here is random: the same picture has its words at the same places.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from ired_diag.drawing.data import FigureData, Guide, Mark, Panel
from ired_diag.drawing.palette import BLACK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SMALL = 6.5  # points, of words within the axes
GREY = "#555555"
HALO = [withStroke(linewidth=1.5, foreground="white")]
MOST_WORDS = 6  # of a panel: of more, only those with room enough on any screen are named
DISTANCES = (
    7.0,
    10.0,
    14.0,
    19.0,
    25.0,
    32.0,
    40.0,
    50.0,
    62.0,
    80.0,
    100.0,
)  # pixels from a mark to its words
DIRECTIONS = 16
ALONG = 13  # places of words along a guide
LEADER = 12.0  # pixels: from here on a line leads from the words to their mark
MARKER = 5.0  # pixels around a mark that it takes itself
DARK = 0.12  # how dark a curve or a band is: a leader line crosses none
COVERED = 0.12  # of the pixels under words: of more they are left out; a pale band counts a quarter
COVERED_ALONG = 0.005  # the same of guides, of which even a thin line through the words is more
WEIGHT = 1500.0  # pixels of distance that words go to cover nothing instead of everything
CLEAR = 5.0  # pixels that words of a guide keep from points at their sides, where there is room
GAP = 2.0  # pixels between a guide and its words
ROWS = 7  # of words above or below a guide, where there is no place along it
ROW_WEIGHT = 3.0  # places along a guide that words go to stand one row nearer
STARTS = (0.5, 0.9, 0.1)  # shares of the width of words at which an arrow may begin
ARROW_COVERED = 0.3  # of the pixels from words to their guide, which other guides may cross
ARROW: Any = {"arrowstyle": "->,head_length=0.2,head_width=0.12", "color": GREY, "linewidth": 0.5}
EDGE = 1.0  # pixels that words keep from the ends of the axes
POINTS = 72.0  # to the inch
WRITTEN: Any = {
    "textcoords": "offset points",
    "ha": "center",
    "va": "center",
    "fontsize": SMALL,
    "path_effects": HALO,
    "zorder": 6,
}

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """A place of words, in pixels from the left and from the bottom, and its distance from what it names."""

    left: float
    bottom: float
    width: float
    height: float
    distance: float

    @property
    def right(self) -> float:
        """Its right end."""
        return self.left + self.width

    @property
    def top(self) -> float:
        """Its upper end."""
        return self.bottom + self.height

    def overlaps(self, other: Box) -> bool:
        """Say whether another box has a place in common with it."""
        is_apart_along = self.right <= other.left or other.right <= self.left
        is_apart_up = self.top <= other.bottom or other.top <= self.bottom
        return not (is_apart_along or is_apart_up)

    @property
    def centre(self) -> tuple[float, float]:
        """The middle."""
        return self.left + self.width / 2, self.bottom + self.height / 2


class Ground:
    """Which pixels of a picture are taken."""

    def __init__(self, drawn: Figure) -> None:
        canvas: Any = FigureCanvasAgg(drawn)
        canvas.draw()
        colours = np.asarray(canvas.buffer_rgba())[:, :, :3]
        darkest = colours.min(axis=2).astype(np.float64)
        self.taken: Array = 1.0 - darkest[::-1] / 255.0  # the lowest row first, as matplotlib counts
        self.words: list[Box] = []
        self._sum_up()

    def _sum_up(self) -> None:
        rows, columns = self.taken.shape
        self.sums: Array = np.zeros((rows + 1, columns + 1))
        self.sums[1:, 1:] = self.taken.cumsum(axis=0).cumsum(axis=1)

    def _ends(self, box: Box) -> tuple[int, int, int, int]:
        """Return the first and last columns and rows of a box, within the picture."""
        rows, columns = self.taken.shape
        left, right = np.clip(
            [math.floor(box.left), math.ceil(box.right)],
            0,
            columns,
        )
        bottom, top = np.clip(
            [math.floor(box.bottom), math.ceil(box.top)],
            0,
            rows,
        )
        return int(left), int(right), int(bottom), int(top)

    def share_taken(self, box: Box) -> float:
        """Return which share of a box is taken."""
        left, right, bottom, top = self._ends(box)
        area = (right - left) * (top - bottom)
        if area <= 0:
            return 1.0
        below_top = self.sums[top, right] - self.sums[top, left]
        below_bottom = self.sums[bottom, right] - self.sums[bottom, left]
        total = float(below_top - below_bottom)
        return total / area

    def is_free_to(self, box: Box, at: Any) -> bool:
        """Say whether a line from a mark at a pixel to words would cross no curve, beyond the mark itself."""
        start = np.asarray(at, dtype=np.float64)
        end = np.clip(start, [box.left, box.bottom], [box.right, box.top])
        length = float(np.hypot(*(end - start)))
        for distance in np.arange(MARKER, length):
            x, y = (start + (end - start) * distance / length).astype(int)
            rows, columns = self.taken.shape
            if 0 <= y < rows and 0 <= x < columns and self.taken[y, x] > DARK:
                return False
        return True

    def take(self, box: Box) -> None:
        """Count a box as taken by words, or by the line to them, from now on."""
        self.words.append(box)
        left, right, bottom, top = self._ends(box)
        self.taken[bottom:top, left:right] = 1.0
        self._sum_up()


def draw_words(drawn: Figure, axes: Sequence[Axes], figure: FigureData) -> None:
    """Draw the words of all marks and guides of a picture that is otherwise complete."""
    if not any(map(_has_words, figure.panels)):
        return
    drawn.draw_without_rendering()
    drawn.set_layout_engine("none")  # words come into a layout that is settled
    ground = Ground(drawn)
    for axis, panel in zip(axes, figure.panels, strict=True):
        for mark in _named_marks(panel):
            colour = figure.style(mark.of, 0).colour if mark.of else BLACK
            _draw_mark_words(drawn, axis, ground, mark, colour)
        _draw_words_of_guides(drawn, axis, ground, _named_guides(panel))


def _has_words(panel: Panel) -> bool:
    return bool(_named_guides(panel) or _named_marks(panel))


def _named_marks(panel: Panel) -> list[Mark]:
    are_few = len(panel.marks) <= MOST_WORDS
    named = []
    for mark in panel.marks:
        has_place = math.isfinite(mark.x) and math.isfinite(mark.y)
        has_room = are_few or not mark.quiet
        if mark.label and has_place and has_room:
            named.append(mark)
    return named


def _named_guides(panel: Panel) -> list[Guide]:
    return [guide for guide in panel.guides if guide.label and math.isfinite(guide.y)]


def _draw_mark_words(drawn: Figure, axis: Axes, ground: Ground, mark: Mark, colour: str) -> None:
    at = axis.transData.transform((mark.x, mark.y))
    size = _size(drawn, mark.label)
    places = [box for box in _around(at, size) if box.distance < LEADER or ground.is_free_to(box, at)]
    box = _best_box(ground, axis, places, most=COVERED)
    if box is None:
        return
    ground.take(box)
    leader: dict[str, Any] | None = None
    if box.distance >= LEADER:
        leader = {
            "arrowstyle": "-",
            "color": colour,
            "linewidth": 0.5,
            "shrinkA": 0.5,
            "shrinkB": 3.0,
            "path_effects": HALO,
        }
    axis.annotate(
        mark.label,
        (mark.x, mark.y),
        xytext=_offset(drawn, at, box),
        color=colour,
        arrowprops=leader,
        **WRITTEN,
    )


def _draw_words_of_guides(drawn: Figure, axis: Axes, ground: Ground, guides: Sequence[Guide]) -> None:
    """Draw the words of guides: first of all that have room along their guide, then of the others."""
    crowded = []
    for guide in sorted(guides, key=lambda guide: -guide.y):
        at_y, (width, height) = _height_of(axis, guide), _size(drawn, guide.label)
        apart = width + 2 * CLEAR, height
        box = _best_box(ground, axis, _along(axis, at_y, apart), most=COVERED_ALONG)
        box = box or _best_box(ground, axis, _along(axis, at_y, (width, height)), most=COVERED_ALONG)
        if box is None:
            crowded.append(guide)
            continue
        ground.take(box)
        _write_guide(drawn, axis, guide, box, box.centre[0], None)
    for guide in crowded:
        _draw_words_away(drawn, axis, ground, guide)


def _draw_words_away(drawn: Figure, axis: Axes, ground: Ground, guide: Guide) -> None:
    """Draw the words of a guide further off, with an arrow straight to it; none where there is no room."""
    at_y, size = _height_of(axis, guide), _size(drawn, guide.label)
    starts: dict[Box, float] = {}
    for box in _away(axis, at_y, size):
        free = [share for share in STARTS if _has_free_way(ground, box, at_y, share)]
        if free:
            starts[box] = free[0]
    chosen = _best_box(ground, axis, starts, most=COVERED_ALONG)
    if chosen is None:
        return
    start = starts[chosen]
    ground.take(chosen)
    ground.take(_way(chosen, at_y, start))
    arrow = {**ARROW, "relpos": (start, 0.0 if chosen.bottom > at_y else 1.0), "shrinkA": 0.0, "shrinkB": 0.0}
    _write_guide(drawn, axis, guide, chosen, chosen.left + start * chosen.width, arrow)


def _height_of(axis: Axes, guide: Guide) -> float:
    """Return where a guide lies, in pixels from the bottom."""
    any_x, _ = axis.get_xlim()
    return float(axis.transData.transform((any_x, guide.y))[1])


def _write_guide(
    drawn: Figure, axis: Axes, guide: Guide, box: Box, at_x: float, arrow: dict[str, Any] | None
) -> None:
    """Write the words of a guide into a box, with an arrow to the guide at a pixel of x."""
    at_y = _height_of(axis, guide)
    share, _ = axis.transAxes.inverted().transform((at_x, at_y))
    axis.annotate(
        guide.label,
        (float(share), guide.y),
        xycoords=("axes fraction", "data"),
        xytext=_offset(drawn, (at_x, at_y), box),
        color=GREY,
        arrowprops=arrow,
        **WRITTEN,
    )


def _offset(drawn: Figure, at: Any, box: Box) -> tuple[float, float]:
    """Return how far the middle of a box lies from a pixel, in points."""
    x, y = box.centre
    to_points = POINTS / drawn.dpi
    return (x - float(at[0])) * to_points, (y - float(at[1])) * to_points


def _size(drawn: Figure, words: str) -> tuple[float, float]:
    """Return width and height of words in pixels."""
    renderer: Any = drawn.canvas.get_renderer()  # type: ignore[attr-defined]
    font = FontProperties(size=SMALL)
    width, height, _ = renderer.get_text_width_height_descent(words, font, False)
    return float(width) + 1.0, float(height) + 1.0


def _around(at: Any, size: tuple[float, float]) -> Iterator[Box]:
    """Yield places around a mark, the nearest first."""
    width, height = size
    for distance in DISTANCES:
        for turn in range(DIRECTIONS):
            # From the right upwards, so that of equal places the usual one is taken.
            angle = 2 * math.pi * (turn + 1) / DIRECTIONS
            along = math.cos(angle) * (distance + width / 2)
            up = math.sin(angle) * (distance + height / 2)
            yield Box(
                left=float(at[0]) + along - width / 2,
                bottom=float(at[1]) + up - height / 2,
                width=width,
                height=height,
                distance=distance,
            )


def _along(axis: Axes, at_y: float, size: tuple[float, float]) -> Iterator[Box]:
    """Yield places above and below a guide, from its right end to the left."""
    width, height = size
    ends = axis.get_window_extent()
    room = ends.width - width - 2 * EDGE
    above = at_y + GAP
    below = at_y - GAP - height
    for step in range(ALONG):
        share = 1 - step / (ALONG - 1)
        for bottom in (above, below):
            yield Box(
                left=ends.x0 + EDGE + room * share,
                bottom=bottom,
                width=width,
                height=height,
                distance=float(step),
            )


def _away(axis: Axes, at_y: float, size: tuple[float, float]) -> Iterator[Box]:
    """Yield places in rows above and below a guide, from its right end to the left."""
    _, height = size
    for row in range(1, ROWS + 1):
        for near in _along(axis, at_y, size):
            up = near.bottom > at_y
            shift = row * (height + GAP)
            yield replace(
                near,
                bottom=near.bottom + (shift if up else -shift),
                distance=near.distance + ROW_WEIGHT * row,
            )


def _way(box: Box, at_y: float, start: float) -> Box:
    """Return the place of an arrow from words to their guide; it starts at a share of their width."""
    x = box.left + start * box.width
    bottom, top = sorted((at_y, box.bottom if box.bottom > at_y else box.top))
    return Box(left=x - 1.5, bottom=bottom, width=3.0, height=top - bottom, distance=0.0)


def _has_free_way(ground: Ground, box: Box, at_y: float, start: float) -> bool:
    """Say whether an arrow from words to their guide would cross neither curves nor other words."""
    way = _way(box, at_y, start)
    is_crossed = any(way.overlaps(words) for words in ground.words)
    return not is_crossed and ground.share_taken(way) <= ARROW_COVERED


def _best_box(ground: Ground, axis: Axes, boxes: Iterable[Box], *, most: float) -> Box | None:
    """Return the place that covers least and is nearest; None where each covers too much."""
    ends = axis.get_window_extent()
    paper = len(ground.taken) - EDGE
    best: Box | None = None
    least = math.inf
    for box in boxes:
        is_within_x = ends.x0 + EDGE <= box.left and box.right <= ends.x1 - EDGE
        # Above the axes are two free lines before the legend.
        is_within_y = ends.y0 + EDGE <= box.bottom and box.top <= min(ends.y1 + 2 * box.height, paper)
        if not (is_within_x and is_within_y):
            continue
        share = ground.share_taken(box)
        cost = WEIGHT * share + box.distance
        if share <= most and cost < least:
            best, least = box, cost
    return best
