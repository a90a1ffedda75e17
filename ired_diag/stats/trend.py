"""Trend: do values rise or fall with a knob, seed by seed?

Page's test. Within each of n seeds the m settings are ranked; with R_j the sum of the ranks of setting j and
the settings in the order of the knob,

    L = Σ_j j R_j,      mean ρ = 12 L / (n m (m² - 1)) - 3 (m + 1) / (m - 1).

The second is the mean over seeds of Spearman's ρ between knob and value, the size of the trend. Only the
order within a seed counts: what seeds differ by drops out, and the knob's spacing does not matter. The p is
two-sided, twice the smaller of the two directions; exact for few seeds and settings, normal for many (scipy
chooses). It is blind to a curve that falls and rises again. Ties share their ranks; the exact p does not know
of them and is then approximate. Jonckheere's test would serve settings that share no seeds.

Reference: Page (1963), Ordered Hypotheses for Multiple Treatments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.typing import ArrayLike, NDArray

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.defects import joined, left_out


@dataclass(frozen=True, kw_only=True)
class Trend:
    """Page's test of a trend.

    Attributes:
        rho: Mean over seeds of Spearman's ρ with the knob; positive where values rise.
        statistic: Page's L.
        p: Two-sided.
        method: How p was computed, ``exact`` or ``asymptotic``.
        n: Number of seeds.
        reason: Why something is NaN.
    """

    rho: float
    statistic: float
    p: float
    method: str
    n: int
    reason: str = ""


def page_trend(knob: ArrayLike, values: ArrayLike) -> Trend:
    """Return Page's test.

    Args:
        knob: Values of the knob, of shape (settings,), all different, in any order.
        values: Results, of shape (settings, seeds); seeds without all settings are left out and counted.

    >>> page_trend([1.0, 2.0, 4.0], [[1.0, 2.0], [2.0, 3.0], [3.0, 9.0]]).rho
    1.0
    """
    x = as_floats(knob)
    y = as_floats(values)
    order = np.argsort(x, kind="stable")
    complete = complete_seeds(y)
    table = y[order][:, complete].T
    n, m = table.shape
    lost = left_out(len(complete) - n, len(complete), "seeds lack a setting")
    if defect := _defect(n, m, x[order]):
        nan = math.nan
        return Trend(rho=nan, statistic=nan, p=nan, method="", n=n, reason=joined(defect, lost))
    rising = scipy.stats.page_trend_test(table)
    falling = scipy.stats.page_trend_test(table[:, ::-1])
    statistic = float(rising.statistic)
    rho = 12 * statistic / (n * m * (m**2 - 1)) - 3 * (m + 1) / (m - 1)
    smaller = min(float(rising.pvalue), float(falling.pvalue))
    return Trend(
        rho=rho,
        statistic=statistic,
        p=min(1.0, 2 * smaller),
        method=str(rising.method),
        n=n,
        reason=lost,
    )


def complete_seeds(values: Array) -> NDArray[np.bool_]:
    """Return which seeds have every setting, of shape (seeds,).

    Args:
        values: Results, of shape (settings, seeds); NaN where a run is missing.
    """
    return np.asarray(np.isfinite(values).all(axis=0))


def _defect(n: int, m: int, knob: Array) -> str:
    """Say why there is no test of n seeds and m settings, in rising order of the knob."""
    if m < 3:
        return f"{m} settings: at least 3 are needed"
    if n < 2:
        plural = "" if n == 1 else "s"
        return f"{n} complete seed{plural}: at least 2 are needed"
    if not np.isfinite(knob).all():
        return "the knob is not finite"
    if not (np.diff(knob) > 0).all():
        return "two settings have one value of the knob"
    return ""
