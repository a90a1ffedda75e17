"""The study's criteria of success, of a as a remedy for b."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ired_diag.comparison.outcomes import divergences
from ired_diag.comparison.pairs import PairOfGroups
from ired_diag.comparison.per_sample import PerSample, interval_of
from ired_diag.comparison.seeds import Members
from ired_diag.stats.success import Criterion, success_criteria


def criteria_of(
    a: Members, b: Members, pair: PairOfGroups, samples: Sequence[PerSample], *, lower_is_better: bool
) -> tuple[Criterion, ...]:
    """Return whether a is a success beside b.

    Args:
        a: The remedy.
        b: The baseline.
        pair: Their comparison.
        samples: Their comparison on the same matrices, for the residual.
        lower_is_better: The direction.
    """
    scale = pair.ratio / pair.difference if pair.difference else math.nan
    sign = 1.0 if lower_is_better else -1.0
    low, high = sorted(sign * scale * end for end in (pair.test.low, pair.test.high))
    diverged, attempted = divergences(a)
    return success_criteria(
        change=(low, high),
        residual=interval_of(samples, "residual"),
        diverged=diverged,
        runs=attempted,
        cost=_cost(a, b),
    )


def _cost(a: Members, b: Members) -> float:
    """Return a's median training time over b's; NaN where it is not told, or the machines differ."""
    times = [np.array([seed.seconds for seed in members.seeds]) for members in (a, b)]
    machines = {seed.machine for members in (a, b) for seed in members.seeds}
    if len(machines) > 1 or not all(np.isfinite(some).any() for some in times):
        return math.nan
    return float(np.nanmedian(times[0]) / np.nanmedian(times[1]))
