"""The corrected resampled t test against its formula and against null studies of a real cross-validation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from benchmarks.fold_levels import levels
from ired_diag.stats.mean_estimate import DrawnEstimate, StudentEstimate
from ired_diag.stats.resampled_t import difference_of_means, mean_over_folds
from ired_diag.stats.standard_error import mean_of_runs
from ired_diag.stats.t_tests import welch

VALUES = (0.3, -0.1, 0.4, 0.2, 0.35)


def test_the_statistic_is_the_usual_one_over_the_root_of_the_correction() -> None:
    usual = ttest_1samp(VALUES, 0).statistic
    corrected = StudentEstimate(mean_over_folds(VALUES, range(5), 5)).test(5)
    # (1/k + 1/(K - 1)) over 1/k, of k = K = 5.
    assert corrected.t == pytest.approx(usual / math.sqrt(0.45 / 0.2), rel=1e-12)
    assert corrected.df == 4


def test_a_cross_validation_of_ever_more_folds_corrects_only_for_overlap() -> None:
    few = mean_over_folds(VALUES, range(5), 10**9)
    assert few.standard_error == pytest.approx(np.std(VALUES, ddof=1) / math.sqrt(5), rel=1e-6)


def test_independent_means_are_welchs_test() -> None:
    other = (0.1, 0.5, 0.9)
    mean = difference_of_means(mean_of_runs(VALUES), mean_of_runs(other))
    expected = welch(VALUES, other)
    test = StudentEstimate(mean).test(8)
    assert (test.t, test.df, test.p) == pytest.approx((expected.t, expected.df, expected.p), rel=1e-12)


def test_copies_of_each_fold_leave_the_interval_as_it_is() -> None:
    once = mean_over_folds(VALUES, range(5), 5)
    thrice = mean_over_folds([*VALUES] * 3, [*range(5)] * 3, 5)
    assert (thrice.standard_error, thrice.df) == pytest.approx((once.standard_error, once.df), rel=1e-12)


def test_repetitions_take_the_larger_of_the_two_errors_that_their_splits_may_have() -> None:
    rng = np.random.default_rng(0)
    levels_of_folds = np.repeat(rng.normal(0, 1, 5), 3)
    folds = np.repeat(range(5), 3).tolist()
    noise = 0.01 * rng.normal(0, 1, 15)
    levels_of_seeds = np.tile([-1.0, 0.0, 1.0], 5)
    for x, is_of_folds in ((levels_of_folds + noise, True), (levels_of_seeds + noise, False)):
        means = x.reshape(5, 3).mean(axis=1)
        one_split = np.std(means, ddof=1) * math.sqrt(1 / 5 + 1 / 4)
        own_splits = np.std(x, ddof=1) * math.sqrt(1 / 15 + 1 / 4)
        found = mean_over_folds(x, folds, 5)
        assert found.standard_error == pytest.approx(max(one_split, own_splits), rel=1e-12)
        assert (one_split > own_splits) == is_of_folds
        assert found.df == 4


def test_runs_of_one_fold_have_no_interval_and_say_why() -> None:
    assert mean_over_folds([1.0, 2.0], [3, 3], 5).reason == "1 fold: at least 2 are needed"
    assert mean_over_folds([1.0, 1.0], [0, 1], 5).reason


def test_draws_of_a_t_distribution_say_what_the_closed_form_says() -> None:
    closed = StudentEstimate(mean_over_folds(VALUES, range(5), 5))
    mean = closed.mean
    draws = mean.difference + mean.standard_error * np.random.default_rng(0).standard_t(4, 200_000)
    drawn = DrawnEstimate(draws)
    assert drawn.interval(0.9) == pytest.approx(closed.interval(0.9), abs=0.005)
    assert drawn.test(5).p == pytest.approx(closed.test(5).p, abs=0.005)
    assert drawn.p_at_most(-0.1) == pytest.approx(closed.p_at_most(-0.1), abs=0.003)
    assert drawn.p_at_least(0.3) == pytest.approx(closed.p_at_least(0.3), abs=0.003)


def test_null_studies_of_five_folds_are_called_different_too_often_by_the_usual_test_alone() -> None:
    shares = levels(2000, folds=5, samples=30, rng=np.random.default_rng(0))
    error = math.sqrt(0.05 * 0.95 / 2000)
    assert shares.usual > 0.05 + 5 * error
    assert shares.corrected < 0.05
    assert shares.corrected_misses < shares.usual_misses / 1.5
