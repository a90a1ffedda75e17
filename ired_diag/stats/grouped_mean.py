"""The mean of observations of which only the means of groups are kept.

With m_b the mean of the c_b observations of group b, out of G groups and n = Σ c_b independent observations,

    x̄ = Σ c_b m_b / n,    s² = Σ c_b (m_b - x̄)² / (G - 1),    x̄ ± t_{G-1} s / √n.

s² estimates the variance of one observation without bias; with groups of one it is the ordinary variance.

Reference: Law & Kelton (2000), Simulation Modeling and Analysis, section 9.5.3 (batch means).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ired_diag.stats.summary import CONFIDENCE, Summary


def grouped_mean(means: ArrayLike, counts: ArrayLike, *, confidence: float = CONFIDENCE) -> Summary:
    """Return the mean over all observations; minimum and maximum are those of the groups' means.

    Args:
        means: Mean of each group, of shape (groups,).
        counts: Number of observations in each; groups of none are left out.
        confidence: Of the interval.

    >>> grouped_mean([1.0, 4.0], [2, 1]).mean
    2.0
    """
    m = np.asarray(means, dtype=np.float64)
    c = np.asarray(counts, dtype=np.float64)
    m = m[c > 0]
    c = c[c > 0]
    nan = math.nan
    n = int(c.sum())
    if n == 0:
        return Summary(
            n=0,
            mean=nan,
            sd=nan,
            low=nan,
            high=nan,
            minimum=nan,
            maximum=nan,
            confidence=confidence,
            reason="no values",
        )
    mean = float(c @ m / n)
    if len(m) == 1:
        reason = "one group has no spread"
        return Summary(
            n=n,
            mean=mean,
            sd=nan,
            low=nan,
            high=nan,
            minimum=float(m[0]),
            maximum=float(m[0]),
            confidence=confidence,
            reason=reason,
        )
    sd = math.sqrt(float(c @ (m - mean) ** 2) / (len(m) - 1))
    half = float(stats.t.ppf((1 + confidence) / 2, len(m) - 1)) * sd / math.sqrt(n)
    return Summary(
        n=n,
        mean=mean,
        sd=sd,
        low=mean - half,
        high=mean + half,
        minimum=float(m.min()),
        maximum=float(m.max()),
        confidence=confidence,
    )


class GroupMeans:
    """The means of groups of consecutive observations, of several quantities, chunk after chunk.

    Values that are not finite are left out of their group's mean and count. How the observations are cut
    into chunks changes nothing but the order of sums.
    """

    def __init__(self, observations: int, quantities: int, *, groups: int) -> None:
        """Make room for all.

        Args:
            observations: How many will come.
            quantities: Of each.
            groups: At most so many.
        """
        self._size = -(-observations // groups)
        self.first = np.arange(0, observations, self._size)
        self._count, self._total = np.zeros((2, quantities, len(self.first)))

    def add(self, first: int, values: NDArray[np.float64]) -> None:
        """Take in values of shape (quantities, count), the first of them of observation ``first``."""
        group = (first + np.arange(values.shape[1])) // self._size
        member = (group[:, None] == np.arange(len(self.first))).astype(np.float64)
        told = np.isfinite(values)
        self._count += told @ member
        self._total += np.where(told, values, 0.0) @ member

    def means(self) -> NDArray[np.float64]:
        """Return the mean of each quantity in each group, of shape (quantities, groups); NaN of none."""
        mean = np.full_like(self._total, math.nan)
        np.divide(self._total, self._count, out=mean, where=self._count > 0)
        return mean

    def counts(self) -> NDArray[np.int64]:
        """Return how many values each mean is of."""
        return self._count.astype(np.int64)
