"""The success rate: the definition of its ends, coverage by enumeration, and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.success_rate import success_rate


@pytest.mark.parametrize(("x", "n"), [(1, 5), (3, 5), (8, 10), (19, 20)])
def test_at_its_ends_the_number_of_successes_has_a_tail_of_alpha_half(x: int, n: int) -> None:
    rate = success_rate(x, n, confidence=0.9)
    assert rate.rate == x / n
    assert stats.binom.sf(x - 1, n, rate.low) == pytest.approx(0.05, rel=1e-6)
    assert stats.binom.cdf(x, n, rate.high) == pytest.approx(0.05, rel=1e-6)


@pytest.mark.parametrize("n", [3, 10])
def test_the_interval_covers_every_rate(n: int) -> None:
    rates = [success_rate(x, n) for x in range(n + 1)]
    for truth in np.linspace(0.01, 0.99, 50):
        covering = [stats.binom.pmf(r.successes, n, truth) for r in rates if r.low <= truth <= r.high]
        assert sum(covering) >= 0.95


def test_statsmodels_has_the_same_interval() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for x, n in ((0, 4), (2, 7), (9, 9)):
        rate = success_rate(x, n)
        expected = proportion.proportion_confint(x, n, method="beta")
        assert (rate.low, rate.high) == pytest.approx(expected, rel=1e-6)


def test_of_no_runs_there_is_no_rate() -> None:
    rate = success_rate(0, 0)
    assert math.isnan(rate.rate)
    assert math.isnan(rate.low)
    assert rate.reason == "no runs"


@pytest.mark.parametrize(("x", "n"), [(-1, 3), (4, 3)])
def test_impossible_counts_are_refused(x: int, n: int) -> None:
    with pytest.raises(ValueError, match="between 0 and n"):
        success_rate(x, n)
