"""Where curves of single seeds are best, and where they turn for the worse: at most one mark of each a group.

    onset    the earliest lasting turn for the worse among the seeds (``verdict``), on that seed's own curve
    best     the best evaluation of the seed whose best is the median of the group's; it is called a lucky
             best where it is only the luckiest of many around one level (``curves.best``)

Marks that stand right beside each other are all drawn and the first is named; so are guides, of which the
lowest is. Words end at marks on the right, and are left out where those of a guide are. Those of a best
stand below it, where no curve is, unless the axis is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ired_diag.figures.data import Guide, Mark, Scale
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.verdict import Verdict, verdict_of

BESIDE = (0.22, 0.12)  # of the extent of x and of y: nearer, two labels would lie on each other
ROW = 0.06  # of the extent of y: the words of a guide
ONSET = "onset"
RIGHT = 0.7  # of the extent of x: from here on words end at their mark
GUIDES = 0.45  # of the extent of x: from here on are the words of guides


@dataclass(frozen=True)
class Curve:
    """One seed's curve, and what is said of it."""

    run: Run
    series: Series
    verdict: Verdict


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
        steps = np.concatenate([[0], *(curve.steps for curve in curves)])
        values = np.concatenate([[guide.y for guide in guides], *(curve.values for curve in curves)])
        placed = _place(values[np.isfinite(values)], scale)
        height = float(np.ptp(placed)) if len(placed) else 0.0
        bottom = float(values[np.isfinite(values)].min(initial=np.inf))
        return cls(float(steps.min()), float(np.ptp(steps)) or 1.0, bottom, height or 1.0, scale)

    def along(self, x: float) -> float:
        """Return where a step lies, as a share of the width."""
        return (x - self.left) / self.width

    def up(self, a: float, b: float) -> float:
        """Return how far apart two values lie, as a share of the height."""
        low, high = _place(np.array([a, b]), self.scale)
        return abs(float(high - low)) / self.height

    def beside(self, a: Mark, b: Mark) -> bool:
        """Say whether the words of two marks would lie on each other."""
        near = abs(a.x - b.x) / self.width < BESIDE[0] and self.up(a.y, b.y) < BESIDE[1]
        return near and a.below == b.below


def _place(values: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    return np.log(values) if scale == "log" else values


def curve_of(run: Run, metric: str, judge: Callable[[Run], Verdict] = verdict_of) -> Curve:
    """Return a run's curve of a metric that it logged, and what ``judge`` says of it."""
    return Curve(run, run.history.series[metric], judge(replace(run, metric=metric)))


def first_onset(curves: Sequence[Curve]) -> Curve | None:
    """Return the seed that is the first to get worse for good; None where none does."""
    rising = [curve for curve in curves if curve.verdict.onset is not None]
    return min(rising, key=lambda curve: curve.verdict.onset or 0.0, default=None)


def median_best(curves: Sequence[Curve]) -> Curve | None:
    """Return the seed whose best evaluation is the (lower) median of all; None where nothing is finite."""
    known = [curve for curve in curves if curve.verdict.best is not None]
    known.sort(key=lambda curve: curve.verdict.best or 0.0)
    return known[(len(known) - 1) // 2] if known else None


def with_room(guides: Sequence[Guide], axes: Axes) -> tuple[Guide, ...]:
    """Return guides, from the lowest on, quiet where the words of another are in the way."""
    shown: list[Guide] = []
    for guide in sorted(guides, key=lambda guide: guide.y):
        near = [axes.up(other.y, guide.y) < ROW for other in shown if not other.quiet]
        shown.append(replace(guide, quiet=any(near)))
    return tuple(shown)


def marks_of(
    groups: Mapping[str, Sequence[Curve]], axes: Axes, guides: Sequence[Guide] = ()
) -> tuple[Mark, ...]:
    """Return the marks of all groups, those named of which there is room for the name.

    Args:
        groups: Curves by group.
        axes: What they are drawn on.
        guides: What is drawn and named beside them.
    """
    found: list[Mark] = []
    for mark in (mark for name, curves in groups.items() for mark in _marks(name, curves)):
        low = mark.label != ONSET and axes.up(mark.y, axes.bottom) > 2 * ROW
        right = axes.along(mark.x) > RIGHT
        placed = replace(mark, anchor="right" if right else "left", below=low)
        taken = right or axes.along(mark.x) > GUIDES - BESIDE[0]
        near_guide = [axes.up(mark.y, g.y) < 2 * ROW for g in guides if taken and not g.quiet]
        quiet = any(near_guide) or any(axes.beside(placed, other) for other in found if not other.quiet)
        found.append(replace(placed, quiet=quiet))
    return tuple(found)


def _marks(name: str, curves: Sequence[Curve]) -> list[Mark]:
    marks = []
    if (rising := first_onset(curves)) and rising.verdict.onset is not None:
        at = np.flatnonzero((rising.series.steps <= rising.verdict.onset) & np.isfinite(rising.series.values))
        if len(at):  # where it turned into NaN, at the last number before
            step, value = rising.series.steps[at[-1]], rising.series.values[at[-1]]
            marks.append(Mark(float(step), float(value), ONSET, name))
    best = median_best(curves)
    if best and best.verdict.best_step is not None and best.verdict.best is not None:
        label = "lucky best" if best.verdict.best_is_luck else "best"
        marks.append(Mark(best.verdict.best_step, best.verdict.best, label, name))
    return marks
