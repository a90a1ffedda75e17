"""The mean curve of a group: what one curve cannot show, the mean over n seeds can, √n times finer.

From its descent two places are read off (``rest.faded_descent``):

    start         where what is left of the descent biases the mean of what follows by 0.01 standard errors of
                  its noise, since a real descent is slower at its end than an exponential. Where that comes
                  late, half is given up at most of what follows after a bias of 0.3 standard errors of the
                  mean over seeds: it does no harm to what is decided
    drifts_from   where it has faded into the noise of a single curve: few seeds need the longer window to
                  show a drift. Where the start is not so late as 0.01 standard errors ask for, where the mean
                  curve arrives at its noise: what seems a descent may be a line

Of many evaluations some are near the level long before the curve is, and the descent seems shorter than it
is. So a mean curve of 500 evaluations or more is judged by the medians of about 250 blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.curves.coarse import coarse
from ired_diag.curves.group_drift import group_drift
from ired_diag.curves.nats import Curve, curve_of
from ired_diag.curves.rest import FEWEST, faded_descent, rest_of
from ired_diag.curves.valley import find_valley
from ired_diag.stats.arrays import Array, finite_part

BIAS = 0.01  # standard errors of the mean of what follows, by its noise: a descent of which nothing is left
MOST_BIAS = 0.3  # standard errors of the mean over seeds: a bias by less does no harm
ANY_BIAS = 1e9  # standard errors: a descent has faded so far where it arrives
BIAS_OF_DRIFT = 0.09
FEWEST_OF_MEAN = 2 * FEWEST  # common evaluations, for the mean over seeds to be a curve
BLOCKS = 250

Steps = tuple[Array, Array]


@dataclass(frozen=True)
class RestOfMean:
    """Where the mean curve of a group has come to rest.

    Attributes:
        start: First step at which it rests.
        drifts_from: First step of the evaluations that show whether it drifts.
        reason: Why it does not rest; empty where it does.
    """

    start: float = -np.inf
    drifts_from: float = -np.inf
    reason: str = ""


def rest_of_mean(
    curves: Sequence[Steps],
    *,
    lower_is_better: bool,
    among: int = 1,
) -> RestOfMean | None:
    """Return where the mean over the seeds of a group rests; None of one seed or few common steps.

    Args:
        curves: Steps and values of each seed.
        lower_is_better: Whether lower values are better.
        among: How many groups are judged together.
    """
    mean = mean_curve(curves, lower_is_better=lower_is_better)
    if mean is None:
        return None
    rest = rest_of(mean, find_valley(mean.y, grain=mean.grain), among=among)
    if rest.tail:
        return RestOfMean(
            reason=f"in the last {rest.tail} evaluations the mean over seeds is not what it was before"
        )
    mean = _in_blocks(mean)
    valley = find_valley(mean.y, grain=mean.grain)
    harmless = MOST_BIAS * max(1.0, _spread_in_errors(curves))
    settled = faded_descent(mean, valley, bias=BIAS)
    soonest = faded_descent(mean, valley, bias=harmless)
    last = len(mean) - FEWEST
    start = min(settled, soonest + (len(mean) - soonest) // 2)
    if start > last:
        start = max(soonest, last)
    if start > last:
        return RestOfMean(reason="its mean over seeds settles too late")
    seeds = len(curves)
    coarser = float(np.sqrt(seeds))
    shows_drift = faded_descent(
        mean,
        valley,
        bias=BIAS_OF_DRIFT / seeds,
        coarser=coarser,
    )
    if start == settled:
        latest = len(mean) - 1
    else:
        latest = faded_descent(mean, valley, bias=ANY_BIAS)
    first_of_drift = min(shows_drift, latest)
    return RestOfMean(float(mean.steps[start]), float(mean.steps[first_of_drift]))


def _spread_in_errors(curves: Sequence[Steps]) -> float:
    """Return the standard error over seeds of the mean of the last evaluations, in those of its noise."""
    ends = []
    for _, values in curves:
        end = finite_part(values)[-FEWEST:]
        if len(end) == FEWEST:
            ends.append(end)
    if len(ends) < 2:
        return 1.0
    drift = group_drift(ends)
    if drift.error > 0:
        return float(np.sqrt(3) * drift.spread / drift.error)
    return 1.0


def mean_curve(curves: Sequence[Steps], *, lower_is_better: bool) -> Curve | None:
    """Return the mean over a group's seeds at the steps that they share; None of one seed or few steps."""
    shared = curves[0][0]
    for steps, _ in curves[1:]:
        shared = np.intersect1d(shared, steps)
    if len(curves) < 2 or len(shared) < FEWEST_OF_MEAN:
        return None
    counts = np.zeros(len(shared), dtype=np.int64)
    sums = np.zeros(len(shared))
    for steps, values in curves:  # one after the other: of long curves a table would be large
        row = values[np.searchsorted(steps, shared)]
        is_finite = np.isfinite(row)
        counts += is_finite
        sums += np.where(is_finite, row, 0.0)
    mean = np.full(len(shared), np.nan)
    np.divide(sums, counts, out=mean, where=counts > 0)
    return curve_of(shared, mean, lower_is_better=lower_is_better)


def _in_blocks(mean: Curve) -> Curve:
    """Return a long mean curve by the medians of its blocks, any other as it is."""
    length = len(mean) // BLOCKS
    if length < 2:
        return mean
    steps, values = coarse(mean.steps, mean.values, length)
    return curve_of(steps, values, lower_is_better=not mean.higher_is_better)
