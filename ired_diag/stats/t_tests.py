"""Three t tests of a difference of means, side by side because they can disagree.

    Student:  t = (x̄_a - x̄_b) / (s_p √(1/n_a + 1/n_b)),  s_p the pooled sd,       df = n_a + n_b - 2
    Welch:    t = (x̄_a - x̄_b) / √(s_a²/n_a + s_b²/n_b),                           df after Satterthwaite
    paired:   t = d̄ / (s_d / √n),  d = a - b seed by seed,                        df = n - 1

Student's assumes equal variances; Welch's does not; the paired one takes out what two runs of the same
seed share. All are two-sided.

References: Student (1908); Welch (1947), The generalization of Student's problem; Satterthwaite (1946).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from ired_diag.stats.arrays import as_floats
from ired_diag.stats.defects import CONSTANT, SAME_AMOUNT, is_constant
from ired_diag.stats.summary import CONFIDENCE


@dataclass(frozen=True, kw_only=True)
class TTest:
    """One t test of a - b.

    Attributes:
        t: The statistic; positive where a is larger.
        df: Degrees of freedom.
        p: Two-sided p value.
        low: Lower end of the confidence interval of the difference.
        high: Upper end of the interval.
        n: Number of pairs, or of both samples together.
        reason: Why the numbers are NaN, where they are.
    """

    t: float
    df: float
    p: float
    low: float
    high: float
    n: int
    reason: str = ""


def student(a: ArrayLike, b: ArrayLike, *, confidence: float = CONFIDENCE) -> TTest:
    """Return Student's test of two samples of shapes (n_a,) and (n_b,)."""
    return _two_samples(a, b, equal_variances=True, confidence=confidence)


def welch(a: ArrayLike, b: ArrayLike, *, confidence: float = CONFIDENCE) -> TTest:
    """Return Welch's test of two samples of shapes (n_a,) and (n_b,)."""
    return _two_samples(a, b, equal_variances=False, confidence=confidence)


def paired(a: ArrayLike, b: ArrayLike, *, confidence: float = CONFIDENCE) -> TTest:
    """Return the paired test of two samples of shape (n,), the i-th of each belonging together."""
    x = as_floats(a)
    y = as_floats(b)
    if x.shape != y.shape:
        raise ValueError(f"pairs need two samples of one size, found {len(x)} and {len(y)}")
    n = len(x)
    if n < 2:
        plural = "" if n == 1 else "s"
        return undefined_test(n, f"{n} pair{plural}: at least 2 are needed")
    difference = x - y
    if is_constant(difference, scale=np.abs([*x, *y]).max()):
        return undefined_test(n, SAME_AMOUNT)
    error = float(difference.std(ddof=1)) / math.sqrt(n)
    return _test(float(difference.mean()), error, df=n - 1, n=n, confidence=confidence)


def _two_samples(a: ArrayLike, b: ArrayLike, *, equal_variances: bool, confidence: float) -> TTest:
    x = as_floats(a)
    y = as_floats(b)
    n = len(x) + len(y)
    if min(len(x), len(y)) < 2:
        return undefined_test(n, f"{len(x)} and {len(y)} values: at least 2 of each are needed")
    if is_constant(x, scale=np.abs(x).max()) and is_constant(y, scale=np.abs(y).max()):
        return undefined_test(n, CONSTANT)
    sizes = np.array([len(x), len(y)])
    variances = np.array([x.var(ddof=1), y.var(ddof=1)])
    if equal_variances:
        df = float(n - 2)
        pooled = float((sizes - 1) @ variances) / df
        square = pooled * float((1 / sizes).sum())
    else:
        parts = variances / sizes
        square = float(parts.sum())
        shares = parts / square  # squares of the parts themselves could underflow
        df = 1 / float((shares**2 / (sizes - 1)).sum())
    difference = float(x.mean() - y.mean())
    return _test(difference, math.sqrt(square), df=df, n=n, confidence=confidence)


def _test(difference: float, error: float, *, df: float, n: int, confidence: float) -> TTest:
    """Return the test of a difference by its standard error.

    ``scipy.stats.ttest_ind`` and its interval give the same numbers and take ten times as long.
    """
    t = difference / error
    half = float(special.stdtrit(df, (1 + confidence) / 2)) * error
    return TTest(
        t=t,
        df=float(df),
        p=2 * float(special.stdtr(df, -abs(t))),
        low=difference - half,
        high=difference + half,
        n=n,
    )


def undefined_test(n: int, reason: str) -> TTest:
    """Return a test without numbers, and the reason why it has none."""
    return TTest(
        t=math.nan,
        df=math.nan,
        p=math.nan,
        low=math.nan,
        high=math.nan,
        n=n,
        reason=reason,
    )
