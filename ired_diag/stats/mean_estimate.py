"""What is known of a mean or of a difference of means: its intervals, and p values against any number.

A t distribution around the estimate gives them in closed form; of draws of where the mean may lie they are
quantiles and shares, and p is twice the share of draws beyond the number. A share of n draws is known to 1/n.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import special

from ired_diag.stats.arrays import Array
from ired_diag.stats.standard_error import MeanDifference
from ired_diag.stats.t_tests import TTest

CONFIDENCE = 0.95


class MeanEstimate(Protocol):
    """A mean and how well it is known."""

    @property
    def value(self) -> float:
        """The estimate."""

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Return the ends of an interval with equal tails."""

    def p_at_most(self, bound: float) -> float:
        """Return the one-sided p value of "the mean is at most the bound"."""

    def p_at_least(self, bound: float) -> float:
        """Return the one-sided p value of "the mean is at least the bound"."""

    def test(self, n: int) -> TTest:
        """Return the two-sided test of 0 with the 95% interval, of n values."""


@dataclass(frozen=True)
class StudentEstimate:
    """A mean whose error over its standard error follows Student's t distribution.

    >>> of_mean = StudentEstimate(MeanDifference(difference=2.0, standard_error=1.0, df=4.0, n=5))
    >>> round(of_mean.p_at_most(0.0), 4), round(of_mean.interval()[0], 3)
    (0.0581, -0.776)
    """

    mean: MeanDifference

    @property
    def value(self) -> float:
        """The mean."""
        return self.mean.difference

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Return mean ± t · standard error."""
        half = float(special.stdtrit(self.mean.df, (1 + confidence) / 2)) * self.mean.standard_error
        return self.value - half, self.value + half

    def p_at_most(self, bound: float) -> float:
        """Return P(T ≥ (mean - bound) / se)."""
        return self._tail((bound - self.value) / self.mean.standard_error)

    def p_at_least(self, bound: float) -> float:
        """Return P(T ≤ (mean - bound) / se)."""
        return self._tail((self.value - bound) / self.mean.standard_error)

    def test(self, n: int) -> TTest:
        """Return the t test of 0."""
        low, high = self.interval()
        t = self.value / self.mean.standard_error
        return TTest(t=t, df=self.mean.df, p=2 * self._tail(-abs(t)), low=low, high=high, n=n)

    def _tail(self, t: float) -> float:
        return float(special.stdtr(self.mean.df, t))


@dataclass(frozen=True, eq=False)
class DrawnEstimate:
    """A mean of which draws are known, of shape (draws,)."""

    draws: Array

    @property
    def value(self) -> float:
        """The mean of the draws."""
        return float(self.draws.mean())

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Return quantiles of the draws."""
        low, high = np.quantile(self.draws, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
        return low, high

    def p_at_most(self, bound: float) -> float:
        """Return the share of draws that lie there."""
        return self._share(self.draws <= bound)

    def p_at_least(self, bound: float) -> float:
        """Return the share of draws that lie there."""
        return self._share(self.draws >= bound)

    def test(self, n: int) -> TTest:
        """Return twice the smaller share of draws beyond 0; there is no statistic."""
        low, high = self.interval()
        p = min(1.0, 2 * min(self.p_at_most(0.0), self.p_at_least(0.0)))
        return TTest(t=math.nan, df=math.nan, p=p, low=low, high=high, n=n)

    def _share(self, is_beyond: np.ndarray) -> float:
        return max(float(np.mean(is_beyond)), 1 / len(is_beyond))
