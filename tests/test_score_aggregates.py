"""Aggregates, profiles, probability of improvement: values of rliable, published numbers, loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.aggregate_coverage import coverage_of_aggregate
from ired_diag.stats.improvement_over_tasks import improvement_over_tasks, probabilities
from ired_diag.stats.interquartile_mean import interquartile_mean
from ired_diag.stats.performance_profile import profile, share_of_runs, share_of_tasks
from ired_diag.stats.score_aggregates import Resampling, aggregates, interquartile_score
from ired_diag.stats.score_scale import reference_scale

# Values of the package rliable 1.2.0 (Agarwal et al. 2021) for these arrays; its intervals with 50,000 draws.
A = np.round(1 + np.sin(3 * np.arange(24)), 3).reshape(6, 4)
B = np.round(1 + np.cos(2 * np.arange(20)), 3).reshape(5, 4)
RLIABLE = {
    "iqm": 0.9986666666666667,
    "mean": 0.9975,
    "median": 0.9927499999999999,
    "optimality_gap": 0.29766666666666663,
}
RLIABLE_LOW = {"iqm": 0.79992, "mean": 0.85621, "median": 0.82358, "optimality_gap": 0.19750}
RLIABLE_HIGH = {"iqm": 1.18700, "mean": 1.13588, "median": 1.16358, "optimality_gap": 0.39267}

# Atari 100k: score of a random player, of a human, and of EfficientZero (Ye et al. 2021, table 1).
ATARI = {
    "Alien": (227.8, 7127.7, 808.5),
    "Amidar": (5.8, 1719.5, 148.6),
    "Assault": (222.4, 742.0, 1263.1),
    "Asterix": (210.0, 8503.3, 25557.8),
    "BankHeist": (14.2, 753.1, 351.0),
    "BattleZone": (2360.0, 37187.5, 13871.2),
    "Boxing": (0.1, 12.1, 52.7),
    "Breakout": (1.7, 30.5, 414.1),
    "ChopperCommand": (811.0, 7387.8, 1117.3),
    "CrazyClimber": (10780.5, 35829.4, 83940.2),
    "DemonAttack": (152.1, 1971.0, 13003.9),
    "Freeway": (0.0, 29.6, 21.8),
    "Frostbite": (65.2, 4334.7, 296.3),
    "Gopher": (257.6, 2412.5, 3260.3),
    "Hero": (1027.0, 30826.4, 9315.9),
    "Jamesbond": (29.0, 302.8, 517.0),
    "Kangaroo": (52.0, 3035.0, 724.1),
    "Krull": (1598.0, 2665.5, 5663.3),
    "KungFuMaster": (258.5, 22736.3, 30944.8),
    "MsPacman": (307.3, 6951.6, 1281.2),
    "Pong": (-20.7, 14.6, 20.1),
    "PrivateEye": (24.9, 69571.3, 96.7),
    "Qbert": (163.9, 13455.0, 13781.9),
    "RoadRunner": (11.5, 7845.0, 17751.3),
    "Seaquest": (68.4, 42054.7, 1100.2),
    "UpNDown": (533.4, 11693.2, 17264.2),
}


def test_values_are_those_of_rliable() -> None:
    summary = aggregates(A, target=1.0, resampling=Resampling(draws=100))
    assert {name: one.value for name, one in summary.items()} == pytest.approx(RLIABLE, rel=1e-12)


def test_published_intervals_are_those_of_rliable() -> None:
    """Within what 10,000 draws leave open."""
    summary = aggregates(A, target=1.0, resampling=Resampling(stretched=False))
    assert {name: one.low for name, one in summary.items()} == pytest.approx(RLIABLE_LOW, abs=0.012)
    assert {name: one.high for name, one in summary.items()} == pytest.approx(RLIABLE_HIGH, abs=0.012)


def test_the_published_mean_and_median_of_atari_are_reproduced() -> None:
    """Ye et al. (2021), abstract: 194.3% mean and 109.0% median human performance."""
    low, high, score = np.array(list(ATARI.values())).T
    scores = reference_scale(low, high).scores(score[None, :])
    summary = aggregates(scores, target=1.0, resampling=Resampling(draws=100))
    assert f"{summary['mean'].value:.1%}" == "194.3%"
    assert f"{summary['median'].value:.1%}" == "109.0%"
    assert "1 seed" in summary["mean"].reason


def test_the_iqm_is_the_trimmed_mean_of_all_scores(rng: np.random.Generator) -> None:
    for shape in ((3, 4), (5, 3), (7, 11)):
        scores = rng.normal(size=shape)
        assert interquartile_score(scores) == pytest.approx(stats.trim_mean(scores.ravel(), 0.25), rel=1e-12)
        assert interquartile_score(scores) == pytest.approx(interquartile_mean(scores, seed=0, draws=2).value)


def test_missing_scores_are_not_counted() -> None:
    scores = np.array([[1.0, 2.0], [3.0, math.nan], [5.0, 4.0]])
    assert float(interquartile_score(scores)) == pytest.approx(stats.trim_mean([1, 2, 3, 5, 4], 0.25))
    summary = aggregates(scores, target=4.0, resampling=Resampling(draws=50))
    assert summary["mean"].value == pytest.approx((3 + 3) / 2)
    assert summary["optimality_gap"].value == pytest.approx((3 + 2 + 1 + 0 + 0) / 5)


def naive_interval(scores: np.ndarray, *, separate: bool, draws: int) -> tuple[float, float]:
    """The percentile interval of the mean by loops."""
    rng = np.random.default_rng(11)
    seeds, tasks = scores.shape
    means = []
    for _ in range(draws):
        rows = rng.integers(seeds, size=seeds)
        columns = []
        for t in range(tasks):
            own = rng.integers(seeds, size=seeds) if separate else rows
            columns.append(scores[own, t].mean())
        means.append(np.mean(columns))
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


@pytest.mark.parametrize("separate", [True, False])
def test_draws_are_those_of_a_loop(separate: bool, rng: np.random.Generator) -> None:
    scores = rng.normal(size=(6, 3)) + rng.normal(size=(6, 1))
    resampling = Resampling(separate=separate, stretched=False, draws=4000)
    mean = aggregates(scores, target=0.0, resampling=resampling)["mean"]
    expected = naive_interval(scores, separate=separate, draws=4000)
    width = expected[1] - expected[0]
    assert (mean.low, mean.high) == pytest.approx(expected, abs=0.06 * width)


def test_the_stretched_interval_of_a_mean_of_shared_seeds_is_about_the_t_interval(
    rng: np.random.Generator,
) -> None:
    """For the mean it must be, up to the shape of the bootstrap: √(n/(n-1)) t/z times its width."""
    scores = rng.normal(size=(8, 5))
    mean = aggregates(scores, target=0.0, resampling=Resampling(separate=False))["mean"]
    per_seed = scores.mean(axis=1)
    half = stats.t.isf(0.025, 7) * per_seed.std(ddof=1) / math.sqrt(8)
    assert mean.high - mean.low == pytest.approx(2 * half, rel=0.06)


def test_draws_never_meet_a_gap_where_tasks_are_drawn_by_themselves() -> None:
    scores = np.array([[1.0, 10.0], [2.0, math.nan], [3.0, 20.0]])
    summary = aggregates(scores, target=0.0, resampling=Resampling(draws=500))
    assert math.isfinite(summary["mean"].low)


def test_what_has_no_interval_says_why() -> None:
    constant = aggregates(np.ones((3, 2)), target=math.nan, resampling=Resampling())
    assert constant["iqm"].reason == "no spread to draw from"
    varied = aggregates(A, target=math.nan, resampling=Resampling(draws=50))
    assert varied["optimality_gap"].reason == "no target is known"


def test_profiles_are_those_of_rliable() -> None:
    tau = np.array([0.25, 0.5, 1.0, 1.5])
    runs = [0.75, 0.6666666666666666, 0.4583333333333333, 0.2916666666666667]
    assert share_of_runs(A, tau) == pytest.approx(runs, rel=1e-12)
    assert share_of_tasks(A, tau) == pytest.approx([1.0, 0.5, 0.5, 0.5], rel=1e-12)


def test_a_profile_weighs_tasks_alike_where_runs_are_missing() -> None:
    scores = np.array([[1.0, 0.0], [1.0, math.nan], [1.0, math.nan]])
    assert share_of_runs(scores, np.array([0.5])).tolist() == pytest.approx([0.5])


def test_the_band_of_a_profile_holds_at_all_scores_together(rng: np.random.Generator) -> None:
    tau = np.linspace(-1.5, 1.5, 31)
    truth = stats.norm.sf(tau)
    studies, held = 150, 0
    for study in range(studies):
        scores = rng.normal(size=(8, 6))
        found = profile(scores, tau, resampling=Resampling(seed=study, draws=300))
        outside = (truth < found.low) | (truth > found.high)
        held += not outside.any()
    assert held / studies >= 0.88


def test_a_profile_without_spread_has_no_band() -> None:
    found = profile(np.ones((3, 2)), [0.5], resampling=Resampling())
    assert found.reason
    assert np.isnan(found.low).all()


def test_the_probability_of_improvement_is_that_of_rliable() -> None:
    result = improvement_over_tasks(A, B, resampling=Resampling(draws=200))
    assert result.mean.value == pytest.approx(0.4833333333333334, rel=1e-12)


def test_ties_count_half() -> None:
    result = improvement_over_tasks(np.round(A), np.round(B), resampling=Resampling(draws=200))
    assert result.mean.value == pytest.approx(0.45833333333333326, rel=1e-12)


def test_probabilities_are_those_of_a_loop(rng: np.random.Generator) -> None:
    a = rng.integers(4, size=(5, 3)).astype(float)
    b = rng.integers(4, size=(4, 3)).astype(float)
    a[1, 2] = math.nan
    for t, share in enumerate(probabilities(a, b)):
        couples = [(x, y) for x in a[:, t] for y in b[:, t] if math.isfinite(x)]
        wins = sum((x > y) + (x == y) / 2 for x, y in couples)
        assert share == pytest.approx(wins / len(couples))


def test_complete_separation_leaves_room_for_doubt() -> None:
    """No resample differs, so the intervals of tasks decide: (1 - l)/√T of T tasks that are alike."""
    result = improvement_over_tasks(A + 10, A, resampling=Resampling(draws=200))
    assert (result.mean.value, result.mean.high) == (1.0, 1.0)
    gaps = [1 - task.low for task in result.tasks]
    assert result.mean.low == pytest.approx(1 - gaps[0] / 2)


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_the_interval_of_the_mean_probability_covers_it(shift: float, rng: np.random.Generator) -> None:
    truth = stats.norm.cdf(shift / math.sqrt(2))
    studies, held = 120, 0
    for study in range(studies):
        a = rng.normal(size=(4, 3)) + shift
        b = rng.normal(size=(4, 3))
        mean = improvement_over_tasks(a, b, resampling=Resampling(draws=200, seed=study)).mean
        held += mean.low <= truth <= mean.high
    assert held / studies >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / studies)


def test_coverage_is_simulated_from_three_seeds_on() -> None:
    assert math.isnan(coverage_of_aggregate("iqm", seeds=2, tasks=5, separate=True))
    few = coverage_of_aggregate("iqm", seeds=3, tasks=2, separate=True)
    many = coverage_of_aggregate("iqm", seeds=20, tasks=26, separate=True)
    assert few < 0.8 < many
