"""Times that are only bounds: Kaplan & Meier, the log-rank test, and ratios of times."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from ired_diag.stats.log_rank import log_rank_of_groups, log_rank_of_pairs
from ired_diag.stats.survival import restricted_mean, survival_curve
from ired_diag.stats.time_ratio import ratio_of_groups, ratio_of_pairs

Array = NDArray[np.float64]
Booleans = NDArray[np.bool_]


def runs(generator: np.random.Generator, n: int, scale: float = 1.0) -> tuple[Array, Booleans]:
    """Return times with ties, some of them cut short, and whether they are complete."""
    exact = (scale * generator.exponential(size=n)).round(1) + 0.1
    ends = generator.exponential(size=n).round(1) + 0.4
    return np.minimum(exact, ends), exact <= ends


def exact_times(times: Array) -> Array:
    return np.stack([times, times], axis=1)


@pytest.mark.parametrize("n", [5, 9, 30])
def test_the_curve_is_that_of_scipy(n: int) -> None:
    times, observed = runs(np.random.default_rng(n), n)
    curve = survival_curve(times, observed)
    reference: Any = stats.ecdf(stats.CensoredData.right_censored(times, ~observed)).sf
    np.testing.assert_allclose(curve.share, reference.evaluate(curve.times), rtol=1e-12, atol=1e-15)
    with pytest.warns(RuntimeWarning, match="undefined at some"):  # before the first run, or after the last
        interval = reference.confidence_interval(0.95, method="log-log")
    inside = curve.share > 0
    np.testing.assert_allclose(curve.low[inside], interval.low.evaluate(curve.times)[inside], rtol=1e-9)
    np.testing.assert_allclose(curve.high[inside], interval.high.evaluate(curve.times)[inside], rtol=1e-9)


@pytest.mark.parametrize("n", [7, 9, 31])
def test_median_and_restricted_mean_are_those_of_lifelines(n: int) -> None:
    lifelines = pytest.importorskip("lifelines")
    of_curves = pytest.importorskip("lifelines.utils")
    times, observed = runs(np.random.default_rng(100 + n), n)
    fitter = lifelines.KaplanMeierFitter().fit(times, observed)
    curve = survival_curve(times, observed)
    low, high = of_curves.median_survival_times(fitter.confidence_interval_).to_numpy().ravel()
    assert curve.median == fitter.median_survival_time_
    assert (curve.median_low, curve.median_high) == (low, high)
    mean = of_curves.restricted_mean_survival_time(fitter, t=1.0)
    assert restricted_mean(curve, 1.0).mean == pytest.approx(mean, rel=1e-9)


def test_the_restricted_mean_of_complete_times_is_their_mean() -> None:
    times = np.array([1.0, 2.0, 4.0, 9.0])
    mean = restricted_mean(survival_curve(times, times > 0), 5.0)
    assert mean.mean == pytest.approx(np.minimum(times, 5).mean())
    # Greenwood's variance of complete times is the population variance over n.
    assert mean.standard_error == pytest.approx(np.minimum(times, 5).std() / 2)


def test_a_run_that_never_reaches_it_stays_at_risk() -> None:
    """Censored where it broke down, it would count as one that might still have reached the target."""
    curve = survival_curve([1.0, 2.0, math.inf, 3.0], [True, True, False, True])
    np.testing.assert_allclose(curve.share, [0.75, 0.5, 0.25])
    early = survival_curve([1.0, 2.0, 0.5, 3.0], [True, True, False, True])
    assert early.share[-1] == 0


def test_fewer_than_five_runs_have_no_interval_of_the_median() -> None:
    curve = survival_curve([1.0, 2.0, 3.0, 4.0], [True] * 4)
    assert (curve.median, curve.median_low, curve.median_high) == (2.0, 0.0, math.inf)
    assert survival_curve([1.0, 2.0, 3.0, 4.0, 5.0], [True] * 5).median_low == 1.0


def test_the_log_rank_statistic_is_that_of_scipy() -> None:
    generator = np.random.default_rng(5)
    (a, a_observed), (b, b_observed) = runs(generator, 9), runs(generator, 8, 2.0)
    reference = stats.logrank(
        stats.CensoredData.right_censored(a, ~a_observed), stats.CensoredData.right_censored(b, ~b_observed)
    )
    assert log_rank_of_groups(a, a_observed, b, b_observed).z == pytest.approx(reference.statistic)


def test_p_counts_the_ways_to_exchange_runs() -> None:
    """Five and five runs that do not overlap: only this way and its mirror image are as far apart."""
    a, b = np.arange(1.0, 6.0), np.arange(11.0, 16.0)
    all_observed = np.ones(5, dtype=bool)
    test = log_rank_of_groups(a, all_observed, b, all_observed)
    assert test.is_exact
    assert test.z > 0
    assert test.p == pytest.approx(2 / math.comb(10, 5)) == pytest.approx(test.smallest_p)
    assert log_rank_of_pairs(a, all_observed, b, all_observed).p == pytest.approx(2 / 2**5)


def test_p_of_pairs_is_that_of_the_slow_loop() -> None:
    generator = np.random.default_rng(8)
    (a, a_observed), (b, b_observed) = runs(generator, 5), runs(generator, 5, 3.0)
    as_they_are = log_rank_of_pairs(a, a_observed, b, b_observed)
    as_large = 0
    for swaps in itertools.product((False, True), repeat=5):
        swap = np.array(swaps)
        first, second = np.where(swap, b, a), np.where(swap, a, b)
        first_observed, second_observed = (
            np.where(swap, b_observed, a_observed),
            np.where(swap, a_observed, b_observed),
        )
        z = log_rank_of_groups(first, first_observed, second, second_observed).z
        as_large += abs(z) >= abs(as_they_are.z) - 1e-9
    assert as_they_are.p == pytest.approx(as_large / 32)


def test_the_ratio_of_complete_pairs_is_the_t_interval_of_log_ratios() -> None:
    generator = np.random.default_rng(1)
    a, b = np.exp(generator.standard_normal((2, 7)))
    ratio = ratio_of_pairs(exact_times(a), exact_times(b))
    test = stats.ttest_1samp(np.log(a / b), 0)
    interval = test.confidence_interval(0.95)
    assert ratio.method == "paired t"
    assert ratio.ratio == pytest.approx(math.exp(np.log(a / b).mean()))
    assert (math.log(ratio.low), math.log(ratio.high)) == pytest.approx((interval.low, interval.high))


def test_the_ratio_of_complete_groups_is_welch_on_logs() -> None:
    generator = np.random.default_rng(2)
    a, b = np.exp(generator.standard_normal(5)), np.exp(3 * generator.standard_normal(8))
    ratio = ratio_of_groups(exact_times(a), exact_times(b))
    interval = stats.ttest_ind(np.log(a), np.log(b), equal_var=False).confidence_interval(0.95)
    assert (math.log(ratio.low), math.log(ratio.high)) == pytest.approx((interval.low, interval.high))


def test_equal_ratios_tell_nothing_of_the_noise() -> None:
    times = np.array([1.0, 2.0, 4.0])
    ratio = ratio_of_pairs(exact_times(times), exact_times(2 * times))
    assert (ratio.ratio, ratio.low, ratio.high) == (0.5, 0.0, math.inf)


@pytest.mark.parametrize("cut", [0.9, 1.2])
def test_the_interval_with_bounds_holds_that_of_the_complete_times(cut: float) -> None:
    """Whatever the unknown times are: here they are known, and the interval of ranks is that of scipy."""
    generator = np.random.default_rng(3)
    a, b = np.exp(0.3 * generator.standard_normal((2, 9)))
    bounded = np.where(b[:, None] > cut, [[cut, math.inf]], exact_times(b))
    ratio = ratio_of_groups(exact_times(a), bounded)
    differences = np.sort(np.subtract.outer(np.log(a), np.log(b)).ravel())
    k = 18  # of nine and nine values at 5%: Hollander, Wolfe & Chicken, table of the rank sum
    assert ratio.low <= math.exp(differences[k - 1]) * (1 + 1e-12)
    assert ratio.high >= math.exp(differences[-k]) * (1 - 1e-12)
    assert ratio.method == "ranks"
    assert ratio.high < math.inf
    assert math.isnan(ratio.ratio) or ratio.low <= ratio.ratio <= ratio.high


def test_six_pairs_bound_a_ratio_on_the_side_that_is_known() -> None:
    b = exact_times(np.full(6, 10.0))
    b[5] = 10.0, math.inf
    a = exact_times(np.array([5.0, 5.5, 6.0, 6.5, 7.0, 7.5]))
    ratio = ratio_of_pairs(a, b)
    assert ratio.method == "signs"
    assert ratio.low == 0
    assert ratio.high == pytest.approx(0.75)
    assert ratio_of_pairs(a[1:], b[1:]).high == math.inf  # five do not reach 95%


def test_runs_that_both_never_reach_it_bound_nothing() -> None:
    never = np.full((6, 2), math.inf)
    ratio = ratio_of_pairs(never, never)
    assert (ratio.low, ratio.high, ratio.least, ratio.most) == (0.0, math.inf, 0.0, math.inf)


@pytest.mark.slow
def test_intervals_of_ratios_hold_with_runs_that_are_cut_short() -> None:
    generator = np.random.default_rng(4)
    studies = 1500
    missed = 0
    for _ in range(studies):
        groups = []
        for n in (6, 8):
            exact = np.exp(0.2 * generator.standard_normal(n))
            is_late = exact > 1.1
            groups.append(np.stack([np.minimum(exact, 1.1), np.where(is_late, math.inf, exact)], axis=1))
        ratio = ratio_of_groups(*groups)
        missed += not ratio.low <= 1 <= ratio.high
    assert missed <= 0.05 * studies + 3 * math.sqrt(0.05 * 0.95 * studies)
