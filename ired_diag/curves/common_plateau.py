"""The plateau of several curves together: one window in which all of them rest.

Every curve must rest by itself (``rest``), and the window starts where the last of them has come to rest. But
what one curve cannot show, the mean over the seeds of a group can, √n times finer. So the mean curve of each
group must have come down too: the window starts only after its descent has faded into *its* noise. And over
all evaluations since the descent has faded into the noise of a single curve, neither may a group drift nor
two groups drift apart (``group_drift``): a group that is slower than another, but comes to the same level,
would else seem worse.

With many curves one of them seems to drift by chance. So each is judged with wider bounds, the more of them
there are: by √(1 + ln curves) times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ired_diag.curves.coarse import coarse
from ired_diag.curves.group_drift import drift_in_words, group_drift
from ired_diag.curves.nats import Curve, curve_of
from ired_diag.curves.rest import FEWEST, faded_descent, rest_of
from ired_diag.curves.shape import Shape, shape_of
from ired_diag.curves.valley import Array, find_valley

SLOW = 4.0  # standard errors of the pace: one curve of many may seem to improve by so much
LITTLE = 0.15  # nats: a seed that would win more with as many steps again does not rest
BIAS = 0.01  # standard errors: a real descent is slower at its end than an exponential
BIAS_OF_DRIFT = 0.09  # standard errors, over the seeds: few seeds need the longer window to show a drift
BLOCKS = 250
FEWEST_OF_MEAN = 2 * FEWEST  # common evaluations, for the mean over seeds to be a curve

Steps = tuple[Array, Array]


@dataclass(frozen=True)
class CommonPlateau:
    """Where several curves have all come to rest.

    Attributes:
        step: The first step of the window; None where there is none.
        indices: For each curve its first evaluation at that step or later.
        reason: Why there is none: ``curve i: …``, by its place from 0, or ``group g: …``, by its number.
    """

    step: float | None
    indices: tuple[int, ...] = ()
    reason: str = ""


def common_plateau(
    curves: Iterable[tuple[ArrayLike, ArrayLike]],
    *,
    groups: Sequence[int] | None = None,
    lower_is_better: bool = True,
) -> CommonPlateau:
    """Return the window in which all curves rest, so that all of them are read in one window.

    Args:
        curves: Of each the steps and values, as ``plateau_start`` takes them.
        groups: Of each curve the number of its group, whose seeds it is one of. Default: one group.
        lower_is_better: The direction in which the curves improve.

    >>> common_plateau([(range(30), [1.0, 2.0] * 15), (range(5), [1.0] * 5)]).reason
    'curve 1: 5 evaluations: at least 10 are needed'
    """
    given = [(np.asarray(s, dtype=np.float64), np.asarray(v, dtype=np.float64)) for s, v in curves]
    if not given:
        return CommonPlateau(None, (), "no curves")
    many = len(given)
    shapes = [shape_of(s, v, lower_is_better=lower_is_better, among=many) for s, v in given]
    starts = [_start_of(shape, many) for shape in shapes]
    lacking = [f"curve {i}: {shapes[i].rest.reason}" for i, start in enumerate(starts) if start is None]
    if lacking:
        return CommonPlateau(None, (), "; ".join(lacking))
    latest = max(float(s[start]) for (s, _), start in zip(given, starts, strict=True) if start is not None)
    numbers = np.zeros(many, dtype=np.intp) if groups is None else np.asarray(groups, dtype=np.intp)
    return _shared_window(given, numbers, latest, lower_is_better=lower_is_better)


def _shared_window(
    curves: Sequence[Steps], numbers: NDArray[np.intp], latest: float, *, lower_is_better: bool
) -> CommonPlateau:
    """Return the window from ``latest`` on, or from later on, if no group drifts in it."""
    means: dict[int, tuple[Curve, int]] = {}
    for number in np.unique(numbers).tolist():
        members = [curves[i] for i in np.flatnonzero(numbers == number).tolist()]
        mean = _mean_curve(members, lower_is_better=lower_is_better)
        if mean is not None:
            means[number] = mean, len(members)
    return _window_from(curves, numbers, means, latest, lower_is_better=lower_is_better)


def _window_from(
    curves: Sequence[Steps],
    numbers: NDArray[np.intp],
    means: Mapping[int, tuple[Curve, int]],
    latest: float,
    *,
    lower_is_better: bool,
) -> CommonPlateau:
    """Return the window in which nothing is left of the descent of each group's mean over seeds."""
    start, drifts_from = latest, -np.inf
    for number, (mean, seeds) in means.items():
        tail = rest_of(mean, find_valley(mean.y, grain=mean.grain), among=len(means)).tail
        mean = _coarse(mean)
        valley = find_valley(mean.y, grain=mean.grain)
        faded = faded_descent(mean, valley, bias=BIAS)
        if len(mean) - faded < FEWEST:
            return CommonPlateau(None, (), f"group {number}: its mean over seeds comes down too late to rest")
        if tail:
            side = "the mean over seeds is not what it was before"
            return CommonPlateau(None, (), f"group {number}: in the last {tail} evaluations {side}")
        for_one = faded_descent(mean, valley, bias=BIAS_OF_DRIFT / seeds, coarser=float(np.sqrt(seeds)))
        start = max(start, float(mean.steps[faded]))
        drifts_from = max(drifts_from, float(mean.steps[min(for_one, len(mean) - 1)]))
    indices = tuple(int(np.searchsorted(steps, start)) for steps, _ in curves)
    left = [len(steps) - index for (steps, _), index in zip(curves, indices, strict=True)]
    if min(left) < FEWEST:
        short = int(np.argmin(left))
        return CommonPlateau(None, (), f"curve {short} has too few evaluations after step {start:g}")
    drift = _drift(curves, numbers, min(start, drifts_from), lower_is_better=lower_is_better)
    return CommonPlateau(None, (), drift) if drift else CommonPlateau(start, indices)


def _start_of(shape: Shape, many: int) -> int | None:
    """Return where a curve rests, one of many; None where it does not."""
    rest, pace = shape.rest, shape.pace
    if rest.index is not None or rest.start is None or rest.tail or pace is None:
        return rest.index
    chance = pace.gain <= SLOW * np.sqrt(1 + np.log(many)) * pace.error
    return rest.start if shape.word == "improving" and chance and pace.gain <= LITTLE else None


def _mean_curve(curves: Sequence[Steps], *, lower_is_better: bool) -> Curve | None:
    """Return the mean over a group's seeds at the steps that they share; None of one seed or few steps."""
    shared = curves[0][0]
    for steps, _ in curves[1:]:
        shared = np.intersect1d(shared, steps)
    if len(curves) < 2 or len(shared) < FEWEST_OF_MEAN:
        return None
    values = np.array([values[np.searchsorted(steps, shared)] for steps, values in curves])
    kept = np.isfinite(values)
    counts = kept.sum(axis=0)
    sums = np.where(kept, values, 0.0).sum(axis=0)
    mean = np.full(len(shared), np.nan)
    np.divide(sums, counts, out=mean, where=counts > 0)
    return curve_of(shared, mean, lower_is_better=lower_is_better)


def _coarse(mean: Curve) -> Curve:
    """Return a long mean curve by its blocks."""
    length = len(mean) // BLOCKS
    if length < 2:
        return mean
    steps, values = coarse(mean.steps, mean.values, length)
    return curve_of(steps, values, lower_is_better=not mean.higher_is_better)


def _drift(curves: Sequence[Steps], numbers: NDArray[np.intp], first: float, *, lower_is_better: bool) -> str:
    """Say whether a group drifts from a step on, or two groups drift apart; nothing where they do not."""
    windows = [values[np.searchsorted(steps, first) :] for steps, values in curves]
    windows = [window[np.isfinite(window)] for window in windows]
    if min(map(len, windows)) < FEWEST:
        return ""
    groups = {n: [windows[i] for i in np.flatnonzero(numbers == n)] for n in np.unique(numbers).tolist()}
    drifts = {number: group_drift(group) for number, group in groups.items()}
    return drift_in_words(drifts, lower_is_better=lower_is_better)
