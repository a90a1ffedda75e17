"""What two samples give: differences, t, p and effect sizes, each as a range where the inputs are rounded.

    Student  t = (x̄_a - x̄_b) / (s_p √(1/n_a + 1/n_b)),      df = n_a + n_b - 2
    Welch    t = (x̄_a - x̄_b) / √(s_a²/n_a + s_b²/n_b),      df after Satterthwaite
    paired   from the values alone, where seeds are pairs

With values, ``ired_diag.stats`` computes them; a printed mean, sd and n are enough for the first two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ired_diag.claims.ranges import Range, through
from ired_diag.claims.samples import Sample
from ired_diag.stats.hedges import bias_correction, paired_samples_effect
from ired_diag.stats.t_tests import TTest, paired

NAMES = {"student": "Student's t test", "welch": "Welch's t test", "paired": "the paired t test"}
UPPER = 0.975  # quantile: the upper end of a two-sided interval of 95%
ErrorAndDf = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Tested:
    """One t test of a - b.

    Attributes:
        t: The statistic.
        df: Degrees of freedom.
        p: Two-sided.
        half: Half of the 95% interval of the difference.
    """

    t: Range
    df: Range
    p: Range
    half: Range


def tests_of(a: Sample, b: Sample, *, pairs: bool) -> Mapping[str, Tested]:
    """Return the t tests that the samples allow, by name.

    Args:
        a: Of which b is subtracted.
        b: The other.
        pairs: Whether equal seeds are pairs.
    """
    if not _have_spread(a, b):
        return {}
    tests = {
        "student": _two_samples(a, b, _student(a.n, b.n)),
        "welch": _two_samples(a, b, _welch(a.n, b.n)),
    }
    x, y = _matched(a, b)
    if pairs and len(x) > 1:
        test = paired(x, y)
        if not test.reason:
            tests["paired"] = _of_pairs(test, a.half + b.half)
    computed = {}
    for name, tested in tests.items():
        if tested.t.is_finite and tested.p.is_finite:
            computed[name] = tested
    return computed


def _matched(a: Sample, b: Sample) -> tuple[list[float], list[float]]:
    """Return the values of the seeds that both samples have, in the same order."""
    x = []
    y = []
    for seed in a.shared_seeds(b):
        x.append(a.values[seed])
        y.append(b.values[seed])
    return x, y


def _have_spread(a: Sample, b: Sample) -> bool:
    """Say whether the sds of two samples are known, and not both 0."""
    if min(a.n, b.n) < 2 or not a.sd.is_finite or not b.sd.is_finite:
        return False
    return a.sd.high + b.sd.high != 0


def effects_of(a: Sample, b: Sample, *, pairs: bool) -> Mapping[str, Range]:
    """Return the standardised differences that the samples allow, by name."""
    if not _have_spread(a, b):
        return {}
    correction = bias_correction(a.n + b.n - 2)

    def cohen(mean_a: float, mean_b: float, sd_a: float, sd_b: float) -> float:
        variance = _pooled_variance(sd_a, sd_b, a.n, b.n)
        if not variance:
            return math.nan
        return (mean_a - mean_b) / math.sqrt(variance)

    d = through(cohen, a.mean, b.mean, a.sd, b.sd)
    effects = {
        "Cohen's d": d,
        "Hedges' g": through(lambda x: correction * x, d),
    }
    x, y = _matched(a, b)
    # Two differences have one degree of freedom, too few for an estimate of d.
    if pairs and len(x) > 2:
        effect = paired_samples_effect(x, y)
        if not effect.reason:
            off = _share_of_rounding(x, y, a.half + b.half)
            effects["the d of pairs"] = Range.around(effect.d, off * abs(effect.d))
    return {name: effect for name, effect in effects.items() if effect.is_finite}


def _pooled_variance(sd_a: float, sd_b: float, n_a: int, n_b: int) -> float:
    squares_a = (n_a - 1) * sd_a**2
    squares_b = (n_b - 1) * sd_b**2
    return (squares_a + squares_b) / (n_a + n_b - 2)


def _student(n_a: int, n_b: int) -> ErrorAndDf:
    """Return Student's standard error and degrees of freedom as a function of the two sds."""
    df = n_a + n_b - 2

    def error_and_df(sd_a: float, sd_b: float) -> tuple[float, float]:
        variance = _pooled_variance(sd_a, sd_b, n_a, n_b)
        error = math.sqrt(variance * (1 / n_a + 1 / n_b))
        return error, df

    return error_and_df


def _welch(n_a: int, n_b: int) -> ErrorAndDf:
    """Return Welch's standard error and Satterthwaite's degrees of freedom as a function of the two sds."""

    def error_and_df(sd_a: float, sd_b: float) -> tuple[float, float]:
        va = sd_a**2 / n_a
        vb = sd_b**2 / n_b
        error = math.sqrt(va + vb)
        below = va**2 / (n_a - 1) + vb**2 / (n_b - 1)
        if not below:
            return error, math.nan
        return error, (va + vb) ** 2 / below

    return error_and_df


def _two_samples(a: Sample, b: Sample, error_and_df: ErrorAndDf) -> Tested:
    def t(mean_a: float, mean_b: float, sd_a: float, sd_b: float) -> float:
        error, _ = error_and_df(sd_a, sd_b)
        if not error:
            return math.nan
        return (mean_a - mean_b) / error

    def p(mean_a: float, mean_b: float, sd_a: float, sd_b: float) -> float:
        _, df = error_and_df(sd_a, sd_b)
        return two_sided_p(t(mean_a, mean_b, sd_a, sd_b), df)

    def half(sd_a: float, sd_b: float) -> float:
        error, df = error_and_df(sd_a, sd_b)
        return float(stats.t.ppf(UPPER, df)) * error

    def df_of(sd_a: float, sd_b: float) -> float:
        _, df = error_and_df(sd_a, sd_b)
        return df

    t_range = through(t, a.mean, b.mean, a.sd, b.sd)
    p_range = through(p, a.mean, b.mean, a.sd, b.sd)
    if t_range.low < 0 < t_range.high:  # equal means are possible: then p is 1
        p_range = Range(p_range.low, p_range.middle, 1.0)
    return Tested(
        t=t_range,
        df=through(df_of, a.sd, b.sd),
        p=p_range,
        half=through(half, a.sd, b.sd),
    )


def _of_pairs(test: TTest, rounding: float) -> Tested:
    """Return the test with its range: differences are known to ± the rounding of both."""
    n = test.n
    half = (test.high - test.low) / 2
    difference = (test.high + test.low) / 2
    critical = float(stats.t.ppf(UPPER, test.df))
    error = half / critical
    # The sd of differences that are each off by at most the rounding: see ``samples``.
    off_of_sd = rounding * math.sqrt(n / (n - 1))
    off = off_of_sd / math.sqrt(n)
    lowest = max(error - off, error / 1e3)  # above 0, which nothing is divided by
    errors = Range(lowest, error, error + off)
    differences = Range.around(difference, rounding)
    t = through(lambda d, e: d / e, differences, errors)
    return Tested(
        t=t,
        df=Range.exactly(test.df),
        p=through(lambda x: two_sided_p(x, test.df), t),
        half=through(lambda e: critical * e, errors),
    )


def _share_of_rounding(x: Sequence[float], y: Sequence[float], off: float) -> float:
    """Return how far, as a share, rounding can move the d of pairs.

    Args:
        x: Values of a.
        y: Values of b, of the same seeds.
        off: How far rounding can move a difference.
    """
    differences = np.subtract(x, y)
    size = float(differences.std(ddof=1))
    mean = abs(float(differences.mean()))
    if not size:
        return 1.0
    of_sd = 2 * off / size
    of_mean = off / mean if mean else 1.0
    return min(1.0, of_sd + of_mean)


def two_sided_p(t: float, df: float) -> float:
    """Return P(|T| ≥ |t|).

    >>> round(two_sided_p(-1.8025, 18), 4)
    0.0882
    """
    return float(2 * stats.t.sf(abs(t), df))
