"""The mean of observations of which only the means of groups are kept.

With m_b the mean of the c_b observations of group b, out of G groups and n = Σ c_b independent observations,

    x̄ = Σ c_b m_b / n,    s² = Σ c_b (m_b - x̄)² / (G - 1),    x̄ ± t_{G-1} s / √n.

s² estimates the variance of one observation without bias; with groups of one it is the ordinary variance.

Reference: Law & Kelton (2000), Simulation Modeling and Analysis, section 9.5.3 (batch means).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.quantiles import t_quantile
from ired_diag.stats.summary import CONFIDENCE, Summary, no_summary


def grouped_mean(means: ArrayLike, counts: ArrayLike, *, confidence: float = CONFIDENCE) -> Summary:
    """Return the mean over all observations; minimum and maximum are those of the groups' means.

    Args:
        means: Mean of each group, of shape (groups,).
        counts: Number of observations in each; groups of none are left out.
        confidence: Confidence level of the interval.

    >>> grouped_mean([1.0, 4.0], [2, 1]).mean
    2.0
    """
    m = as_floats(means)
    c = as_floats(counts)
    m = m[c > 0]
    c = c[c > 0]
    n = int(c.sum())
    if n == 0:
        return no_summary("no values", confidence=confidence)
    mean = float(c @ m / n)
    summary = replace(
        no_summary("one group has no spread", confidence=confidence),
        n=n,
        mean=mean,
        minimum=float(m.min()),
        maximum=float(m.max()),
    )
    groups = len(m)
    if groups == 1:
        return summary
    squares = float(c @ (m - mean) ** 2)
    sd = math.sqrt(squares / (groups - 1))
    half = t_quantile(confidence, groups - 1) * sd / math.sqrt(n)
    return replace(summary, sd=sd, low=mean - half, high=mean + half, reason="")


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

    def add(self, first: int, values: Array) -> None:
        """Take in values of shape (quantities, count), the first of them of observation ``first``."""
        group = (first + np.arange(values.shape[1])) // self._size
        groups = np.arange(len(self.first))
        member = (group[:, None] == groups).astype(np.float64)
        finite = np.isfinite(values)
        self._count += finite @ member
        self._total += np.where(finite, values, 0.0) @ member

    def means(self) -> Array:
        """Return the mean of each quantity in each group, of shape (quantities, groups); NaN of none."""
        mean = np.full_like(self._total, math.nan)
        np.divide(self._total, self._count, out=mean, where=self._count > 0)
        return mean

    def counts(self) -> NDArray[np.int64]:
        """Return how many values each mean is of."""
        return self._count.astype(np.int64)
