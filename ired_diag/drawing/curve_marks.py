"""Marks of where curves of single seeds are best, turn for the worse, and were stopped early.

Each group has at most one mark of each:

    onset    the earliest lasting turn for the worse among the seeds (``verdict``), on that seed's own curve
    best     the best evaluation of the seed whose best is the median of the group's; it is called "best
             (noise)" where the verdict says that noise around one level explains it (``curves.best``)
    early stop  the last evaluation of the seed whose early stop is the median of the group's, where early
             stopping ended any (``runs.early_stopped``)

Many marks hide the curves on paper. Where at most so many are wanted, those of the best are left out, then
those of early stops, as long as a kind is left. On the screen all stay: hiding a group changes no other.

Marks that stand right next to each other are all drawn and the first is named; so are guides, of which the
lowest is. Words end at marks on the right, and are left out where those of a guide are. Those of a best
stand below it, where no curve is, unless the axis is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.data import Anchor, Guide, Mark, Scale, Shape
from ired_diag.runs.early_stopped import early_stop_of
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.verdict import Verdict, verdict_of

CLOSE_ALONG, CLOSE_UP = 0.22, 0.12  # of the extent of x and of y: nearer, two labels would lie on each other
ROW = 0.06  # of the extent of y: the words of a guide
ONSET = "onset"
NOISE = "(noise)"
EARLY_STOP = "early stop"
LEAST_FIRST: tuple[Shape, ...] = ("circle", "square", "diamond")  # the best, early stops, onsets
PLACES_OF_WORDS: tuple[tuple[Anchor, bool], ...] = (
    ("right", False),
    ("right", True),
    ("left", False),
    ("left", True),
)  # of a guide: the end, and whether below it
RIGHT = 0.7  # of the extent of x: from here on words end at their mark
GUIDES = 0.45  # of the extent of x: from here on are the words of guides

Array = NDArray[Any]


@dataclass(frozen=True)
class Curve:
    """One seed's curve, the verdict on it, and the step at which early stopping ended it, if it did."""

    run: Run
    series: Series
    verdict: Verdict
    stopped: int | None = None


@dataclass(frozen=True)
class Axes:
    """The extent of what is drawn: of steps, and of values on a linear or logarithmic axis."""

    left: float
    width: float
    bottom: float
    height: float
    scale: Scale

    @classmethod
    def of(cls, curves: Sequence[Series], guides: Sequence[Guide], scale: Scale) -> Axes:
        """Return the axes that hold curves and guides."""
        curve_steps = [curve.steps for curve in curves]
        curve_values = [curve.values for curve in curves]
        guide_values = [guide.y for guide in guides]
        steps = np.concatenate([[0], *curve_steps])
        values = np.concatenate([guide_values, *curve_values])
        finite = values[np.isfinite(values)]
        placed = _place(finite, scale)
        width = float(np.ptp(steps))
        height = 0.0
        if len(placed):
            height = float(np.ptp(placed))
        return cls(
            left=float(steps.min()),
            width=width or 1.0,
            bottom=float(finite.min(initial=np.inf)),
            height=height or 1.0,
            scale=scale,
        )

    def along(self, x: float) -> float:
        """Return where a step lies, as a share of the width."""
        return (x - self.left) / self.width

    def up(self, a: float, b: float) -> float:
        """Return how far apart two values lie, as a share of the height."""
        values = np.array([a, b])
        low, high = _place(values, self.scale)
        apart = abs(float(high - low))
        return apart / self.height

    def are_close(self, a: Mark, b: Mark) -> bool:
        """Say whether the words of two marks would lie on each other."""
        if a.below != b.below:
            return False
        apart_along = abs(a.x - b.x) / self.width
        apart_up = self.up(a.y, b.y)
        return apart_along < CLOSE_ALONG and apart_up < CLOSE_UP


def _place(values: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    if scale == "log":
        return np.log(values)
    return values


def curve_of(run: Run, metric: str, judge: Callable[[Run], Verdict] = verdict_of) -> Curve:
    """Return a run's curve of a metric that it logged, and what ``judge`` says of it."""
    judged = replace(run, metric=metric)
    return Curve(
        run=run,
        series=run.history.series[metric],
        verdict=judge(judged),
        stopped=early_stop_of(judged),
    )


def first_onset(curves: Sequence[Curve]) -> Curve | None:
    """Return the seed that is the first to get worse for good; None where none does."""
    rising = [curve for curve in curves if curve.verdict.onset is not None]
    return min(rising, key=lambda curve: curve.verdict.onset or 0.0, default=None)


def median_best(curves: Sequence[Curve]) -> Curve | None:
    """Return the seed whose best evaluation is the (lower) median of all; None where nothing is finite."""
    with_best = [curve for curve in curves if curve.verdict.best is not None]
    if not with_best:
        return None
    with_best.sort(key=lambda curve: curve.verdict.best or 0.0)
    middle = (len(with_best) - 1) // 2
    return with_best[middle]


def median_stop(curves: Sequence[Curve]) -> Curve | None:
    """Return the seed whose early stop is the (lower) median of the group's; None where none was stopped."""
    stopped = [curve for curve in curves if curve.stopped is not None]
    stopped.sort(key=lambda curve: curve.stopped or 0)
    return stopped[(len(stopped) - 1) // 2] if stopped else None


def with_room(
    guides: Sequence[Guide], axes: Axes, curves: Sequence[tuple[Array, Array]] = ()
) -> tuple[Guide, ...]:
    """Return guides, from the lowest on, with their words where nothing is; quiet where there is no room.

    Args:
        guides: Guides, whose words stand above or below their right or left end.
        axes: The axes that they are drawn on.
        curves: Steps and values of the lines that words may not cover.
    """
    shown: list[Guide] = []
    for guide in sorted(guides, key=lambda guide: guide.y):
        others = [other for other in guides if other.y != guide.y]
        places = [replace(guide, anchor=anchor, below=below) for anchor, below in PLACES_OF_WORDS]
        free = [place for place in places if _is_free(place, axes, shown, others, curves)]
        shown.append(free[0] if free else replace(guide, quiet=True))
    return tuple(shown)


def _is_free(
    guide: Guide,
    axes: Axes,
    shown: Sequence[Guide],
    others: Sequence[Guide],
    curves: Sequence[tuple[Array, Array]],
) -> bool:
    """Say whether the words of a guide would cover no other guide, no words of one, and no curve."""
    low, high = _rows(guide, axes)
    if low < -ROW:
        return False
    for other in others:
        if low < axes.up(axes.bottom, other.y) < high:
            return False
    for other in shown:
        other_low, other_high = _rows(other, axes)
        if not other.quiet and other.anchor == guide.anchor and other_low < high and low < other_high:
            return False
    return not any(_runs_through_words(guide, axes, *curve) for curve in curves)


def _rows(guide: Guide, axes: Axes) -> tuple[float, float]:
    """Return from where to where the words of a guide reach, as shares of the height."""
    at = axes.up(axes.bottom, guide.y)
    return (at - ROW, at) if guide.below else (at, at + ROW)


def _runs_through_words(guide: Guide, axes: Axes, steps: Array, values: Array) -> bool:
    """Say whether a curve runs where the words of a guide stand, in the half of its anchor."""
    low, high = _rows(guide, axes)
    for step, value in zip(steps.tolist(), values.tolist(), strict=True):
        if not np.isfinite(value) or (axes.scale == "log" and value <= 0):
            continue
        along = axes.along(step)
        is_beside = along > GUIDES if guide.anchor == "right" else along < 1 - GUIDES
        height = axes.up(axes.bottom, value) if value >= axes.bottom else -axes.up(axes.bottom, value)
        if is_beside and low <= height <= high:
            return True
    return False


def marks_of(
    groups: Mapping[str, Sequence[Curve]], axes: Axes, guides: Sequence[Guide] = (), most: int | None = None
) -> tuple[Mark, ...]:
    """Return the marks of all groups, those named of which there is room for the name.

    Args:
        groups: Curves by group.
        axes: Axes on which they are drawn.
        guides: Guides that are drawn and named on the same axes.
        most: Number of marks from which on kinds that say least are left out. None: all are drawn.
    """
    placed: list[Mark] = []
    every = [mark for name, curves in groups.items() for mark in _marks_of_group(name, curves)]
    for mark in every if most is None else _few(every, most):
        turned = _turned(mark, axes)
        near_guide = _is_near_guide(turned, axes, guides)
        near_mark = _is_near_mark(turned, axes, placed)
        placed.append(replace(turned, quiet=near_guide or near_mark))
    return tuple(placed)


def _few(marks: Sequence[Mark], most: int) -> list[Mark]:
    """Return marks without the kinds that say least, as long as there are many and a kind is left."""
    kept = list(marks)
    for shape in LEAST_FIRST:
        others = [mark for mark in kept if mark.shape != shape]
        if len(kept) > most and others:
            kept = others
    return kept


def _turned(mark: Mark, axes: Axes) -> Mark:
    """Return a mark with its words on the side where there is room for them."""
    has_room_below = axes.up(mark.y, axes.bottom) > 2 * ROW
    is_right = axes.along(mark.x) > RIGHT
    return replace(
        mark,
        anchor="right" if is_right else "left",
        below=has_room_below and mark.label != ONSET,
    )


def _is_near_guide(mark: Mark, axes: Axes, guides: Sequence[Guide]) -> bool:
    """Say whether the words of a guide stand where those of the mark would."""
    ends_near_words = axes.along(mark.x) > GUIDES - CLOSE_ALONG
    if mark.anchor != "right" and not ends_near_words:
        return False
    named = [guide for guide in guides if not guide.quiet and guide.anchor == "right"]
    return any(axes.up(mark.y, guide.y) < 2 * ROW for guide in named)


def _is_near_mark(mark: Mark, axes: Axes, placed: Sequence[Mark]) -> bool:
    named = [other for other in placed if not other.quiet]
    return any(axes.are_close(mark, other) for other in named)


def _marks_of_group(name: str, curves: Sequence[Curve]) -> list[Mark]:
    marks: list[Mark | None] = []
    rising = first_onset(curves)
    if rising is not None:
        marks.append(_onset_mark(name, rising))
    best = median_best(curves)
    if best is not None:
        marks.append(_best_mark(name, best.verdict))
    stopped = median_stop(curves)
    if stopped is not None:
        marks.append(_stop_mark(name, stopped))
    first = min(float(curve.series.steps[0]) for curve in curves)
    # A curve that is shown from a step on is judged as a whole: its best may lie before that step.
    return [mark for mark in marks if mark is not None and mark.x >= first]


def _onset_mark(name: str, curve: Curve) -> Mark | None:
    onset = curve.verdict.onset
    if onset is None:
        return None
    steps = curve.series.steps
    values = curve.series.values
    until_onset = (steps <= onset) & np.isfinite(values)
    places = np.flatnonzero(until_onset)
    if not len(places):
        return None
    last = places[-1]  # where the curve turned into NaN, this is the last number before
    return Mark(
        x=float(steps[last]),
        y=float(values[last]),
        label=ONSET,
        of=name,
        shape="diamond",
    )


def _best_mark(name: str, verdict: Verdict) -> Mark | None:
    if verdict.best_step is None or verdict.best is None:
        return None
    label = f"best {NOISE}" if verdict.best_is_luck else "best"
    return Mark(
        x=verdict.best_step,
        y=verdict.best,
        label=label,
        of=name,
    )


def _stop_mark(name: str, curve: Curve) -> Mark | None:
    """Return the mark of the last finite evaluation of a seed that was stopped early."""
    places = np.flatnonzero(np.isfinite(np.asarray(curve.series.values)))
    if not len(places):
        return None
    last = places[-1]
    return Mark(
        x=float(curve.series.steps[last]),
        y=float(curve.series.values[last]),
        label=EARLY_STOP,
        of=name,
        shape="square",
    )
