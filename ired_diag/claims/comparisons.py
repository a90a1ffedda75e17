"""What two samples give: differences, t, p and effect sizes, each as a range where the inputs are rounded.

    Student  t = (x̄_a - x̄_b) / (s_p √(1/n_a + 1/n_b)),      df = n_a + n_b - 2
    Welch    t = (x̄_a - x̄_b) / √(s_a²/n_a + s_b²/n_b),      df after Satterthwaite
    paired   from the values alone, where seeds are pairs

With values, ``ired_diag.stats`` computes them; a printed mean, sd and n are enough for the first two.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ired_diag.claims.ranges import Range, through
from ired_diag.claims.samples import Sample
from ired_diag.stats.hedges import bias_correction, paired_samples_effect
from ired_diag.stats.t_tests import TTest, paired

NAMES = {"student": "Student's t test", "welch": "Welch's t test", "paired": "the paired t test"}


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
    if min(a.n, b.n) < 2 or not (a.sd.known and b.sd.known) or a.sd.high + b.sd.high == 0:
        return {}
    tests = {name: _two_samples(a, b, name) for name in ("student", "welch")}
    shared = [seed for seed in a.values if seed in b.values]
    if pairs and len(shared) > 1:
        test = paired([a.values[s] for s in shared], [b.values[s] for s in shared])
        if not test.reason:
            tests["paired"] = _of_pairs(test, a.half + b.half)
    return {name: test for name, test in tests.items() if test.t.known and test.p.known}


def effects_of(a: Sample, b: Sample, *, pairs: bool) -> Mapping[str, Range]:
    """Return the standardised differences that the samples allow, by name."""
    if min(a.n, b.n) < 2 or not (a.sd.known and b.sd.known) or a.sd.high + b.sd.high == 0:
        return {}
    df = a.n + b.n - 2

    def cohen(mean_a: float, mean_b: float, sd_a: float, sd_b: float) -> float:
        pooled = math.sqrt(((a.n - 1) * sd_a**2 + (b.n - 1) * sd_b**2) / df)
        return (mean_a - mean_b) / pooled if pooled else math.nan

    d = through(cohen, a.mean, b.mean, a.sd, b.sd)
    effects = {"Cohen's d": d, "Hedges' g": through(lambda x: bias_correction(df) * x, d)}
    shared = [seed for seed in a.values if seed in b.values]
    if pairs and len(shared) > 2:
        effect = paired_samples_effect([a.values[s] for s in shared], [b.values[s] for s in shared])
        if not effect.reason:
            effects["the d of pairs"] = Range.around(effect.d, _relative(a, b) * abs(effect.d))
    return {name: effect for name, effect in effects.items() if effect.known}


def _two_samples(a: Sample, b: Sample, name: str) -> Tested:
    def error_and_df(sd_a: float, sd_b: float) -> tuple[float, float]:
        if name == "student":
            df = a.n + b.n - 2
            pooled = ((a.n - 1) * sd_a**2 + (b.n - 1) * sd_b**2) / df
            return math.sqrt(pooled * (1 / a.n + 1 / b.n)), df
        va, vb = sd_a**2 / a.n, sd_b**2 / b.n
        below = va**2 / (a.n - 1) + vb**2 / (b.n - 1)
        return math.sqrt(va + vb), (va + vb) ** 2 / below if below else math.nan

    def t(mean_a: float, mean_b: float, sd_a: float, sd_b: float) -> float:
        error = error_and_df(sd_a, sd_b)[0]
        return (mean_a - mean_b) / error if error else math.nan

    def p(mean_a: float, mean_b: float, sd_a: float, sd_b: float) -> float:
        return two_sided_p(t(mean_a, mean_b, sd_a, sd_b), error_and_df(sd_a, sd_b)[1])

    def half(sd_a: float, sd_b: float) -> float:
        error, df = error_and_df(sd_a, sd_b)
        return float(stats.t.ppf(0.975, df)) * error

    given = (a.mean, b.mean, a.sd, b.sd)
    t_range, p_range = through(t, *given), through(p, *given)
    if t_range.low < 0 < t_range.high:  # equal means are possible: then p is 1
        p_range = Range(p_range.low, p_range.middle, 1.0)
    df = through(lambda sa, sb: error_and_df(sa, sb)[1], a.sd, b.sd)
    return Tested(t_range, df, p_range, through(half, a.sd, b.sd))


def _of_pairs(test: TTest, rounding: float) -> Tested:
    """Return the test with its range: differences are known to ± the rounding of both."""
    n, half = test.n, (test.high - test.low) / 2
    critical = float(stats.t.ppf(0.975, test.df))
    error, difference = half / critical, (test.high + test.low) / 2
    off = rounding * math.sqrt(n / (n - 1)) / math.sqrt(n)
    errors = Range(max(error - off, error / 1e3), error, error + off)
    t = through(lambda d, e: d / e, Range.around(difference, rounding), errors)
    p = through(lambda x: two_sided_p(x, test.df), t)
    return Tested(t, Range.exactly(test.df), p, through(lambda e: critical * e, errors))


def two_sided_p(t: float, df: float) -> float:
    """Return P(|T| ≥ |t|).

    >>> round(two_sided_p(-1.8025, 18), 4)
    0.0882
    """
    return float(2 * stats.t.sf(abs(t), df))


def _relative(a: Sample, b: Sample) -> float:
    """Return how far, as a share, rounding can move the d of pairs."""
    shared = [seed for seed in a.values if seed in b.values]
    difference = np.array([a.values[s] - b.values[s] for s in shared])
    off, size = a.half + b.half, float(difference.std(ddof=1))
    mean = abs(float(difference.mean()))
    return min(1.0, 2 * off / size + (off / mean if mean else 1.0)) if size else 1.0
