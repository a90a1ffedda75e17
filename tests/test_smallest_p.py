"""Smallest p: scipy's exact tests of the most extreme data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.smallest_p import smallest_paired_p, smallest_two_sample_p


@pytest.mark.parametrize("n", [2, 5, 10])
def test_pairs_that_all_differ_one_way_reach_it(n: int) -> None:
    d = np.arange(1.0, n + 1)
    flipped = stats.permutation_test(
        (d,), np.mean, permutation_type="samples", n_resamples=10_000, alternative="two-sided"
    )
    assert smallest_paired_p(n) == pytest.approx(flipped.pvalue, rel=1e-12)
    assert smallest_paired_p(n) == pytest.approx(stats.wilcoxon(d, method="exact").pvalue, rel=1e-12)


@pytest.mark.parametrize(("n_a", "n_b"), [(2, 2), (2, 3), (5, 5), (4, 7)])
def test_samples_that_do_not_overlap_reach_it(n_a: int, n_b: int) -> None:
    a, b = np.arange(float(n_a)), 100.0 + np.arange(n_b)
    ranks = stats.mannwhitneyu(a, b, method="exact")
    permuted = stats.permutation_test(
        (a, b), lambda x, y: np.mean(x) - np.mean(y), n_resamples=10_000, alternative="two-sided"
    )
    assert smallest_two_sample_p(n_a, n_b) == pytest.approx(ranks.pvalue, rel=1e-12)
    assert smallest_two_sample_p(n_a, n_b) == pytest.approx(permuted.pvalue, rel=1e-12)


def test_nothing_to_test_is_nan_and_thousands_do_not_overflow() -> None:
    assert math.isnan(smallest_paired_p(0))
    assert math.isnan(smallest_two_sample_p(0, 5))
    assert smallest_paired_p(5000) == 0.0
    assert smallest_two_sample_p(2000, 2000) == 0.0
