"""Estimate of a difference of two groups of seeds: its value, variance and degrees of freedom.

Which estimator it is follows from the design (``pairing_design``): the paired t test, Welch's, or one for
partly shared seeds. With 3 or 4 seeds in the smaller of two groups of unequal size Welch's degrees of freedom
are those of ``task_effects.welch_df``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ired_diag.stats.arrays import Array
from ired_diag.stats.defects import ROUNDING, SMALLEST_SPREAD
from ired_diag.stats.pairing_design import Estimator, estimator_for
from ired_diag.stats.partial_unequal import partially_paired_unequal
from ired_diag.stats.partially_paired import PartialPairs, partially_paired, t_test_of_estimate
from ired_diag.stats.summary import CONFIDENCE
from ired_diag.stats.t_tests import TTest, undefined_test
from ired_diag.stats.task_effects import LEAST_SEEDS, welch_df

NO_SPREAD = "the numbers do not vary from seed to seed"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """An estimate.

    Attributes:
        value: The difference, or a mean of differences.
        variance: The square of its standard error; 0 where nothing varies, NaN where it is unknown.
        df: Degrees of freedom of the variance.
    """

    value: float
    variance: float
    df: float

    def test(
        self,
        *,
        n: int,
        inflation: float,
    ) -> TTest:
        """Return the t test that it makes; ``inflation`` is a factor of the variance."""
        if not self.variance > 0:
            return undefined_test(n, NO_SPREAD)
        error = math.sqrt(self.variance * inflation)
        return t_test_of_estimate(self.value, error, self.df, n=n, confidence=CONFIDENCE)


def estimate_of_task(
    x: Array,
    y: Array,
    *,
    paired: bool,
) -> Estimate:
    """Return the effect on one task from numbers of shape (seeds,), NaN where a seed has none."""
    if min(_numbers(x), _numbers(y)) < LEAST_SEEDS:
        value = math.nan
        if np.isfinite(x).any() and np.isfinite(y).any():
            value = float(np.nanmean(x) - np.nanmean(y))
        return Estimate(value=value, variance=math.nan, df=math.nan)
    if paired:
        return estimate_by_design(x, y)[1]
    return _welch(x, y)


def estimate_by_design(x: Array, y: Array) -> tuple[Estimator, Estimate]:
    """Return estimator and estimate of two groups whose rows are pairs where both have a number."""
    has_x = np.isfinite(x)
    has_y = np.isfinite(y)
    both = has_x & has_y
    only_a = x[has_x & ~has_y]
    only_b = y[has_y & ~has_x]
    pairs = np.array([x[both], y[both]])
    shared = pairs.shape[1]
    estimator = estimator_for(shared, len(only_a), len(only_b))
    if estimator == "welch":
        return estimator, _welch(x, y)
    if estimator == "paired":
        of_a, of_b = pairs
        differences = of_a - of_b
        return estimator, Estimate(
            value=float(differences.mean()),
            variance=_variance_of_mean(differences),
            df=shared - 1.0,
        )
    compare = partially_paired if estimator == "partial" else partially_paired_unequal
    return estimator, _of_partial(compare(pairs, only_a, only_b))


def _of_partial(result: PartialPairs) -> Estimate:
    return Estimate(
        value=result.difference,
        variance=result.standard_error**2,
        df=result.test.df,
    )


def _welch(x: Array, y: Array) -> Estimate:
    a = x[np.isfinite(x)]
    b = y[np.isfinite(y)]
    parts = [np.asarray(_variance_of_mean(a)), np.asarray(_variance_of_mean(b))]
    degrees = [np.asarray(len(a) - 1.0), np.asarray(len(b) - 1.0)]
    return Estimate(
        value=float(a.mean() - b.mean()),
        variance=float(parts[0] + parts[1]),
        df=float(welch_df(parts, degrees)),
    )


def _variance_of_mean(numbers: Array) -> float:
    """Return s²/n; 0 where numbers vary by their rounding only."""
    scale = float(np.abs(numbers).max())
    if np.ptp(numbers) <= max(ROUNDING * scale, SMALLEST_SPREAD):
        return 0.0
    return float(numbers.var(ddof=1)) / len(numbers)


def _numbers(sample: Array) -> int:
    return int(np.isfinite(sample).sum())
