"""The noise split: NIST, a published ICC, statsmodels, known components, and the study's groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal, stats

from ired_diag.curves.common_plateau import common_plateau
from ired_diag.open import open_study
from ired_diag.stats.noise_split import (
    NoiseSplit,
    detrended,
    predicted_standard_error,
    run_noise,
    split_noise,
)

# NIST StRD, data set SiRstv: resistivity of silicon wafers by five instruments.
SIRSTV = [
    [196.3052, 196.1240, 196.1890, 196.2569, 196.3403],
    [196.3042, 196.3825, 196.1669, 196.3257, 196.0422],
    [196.1303, 196.2005, 196.2889, 196.0343, 196.1811],
    [196.2795, 196.1748, 196.1494, 196.1485, 195.9885],
    [196.2119, 196.1051, 196.1850, 196.0052, 196.2090],
]
# Shrout & Fleiss (1979), table 2: six targets, four judges.
SHROUT = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def autoregressive(rng: np.random.Generator, phi: float, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return series of sd 1 along the last axis, stationary from their first value on."""
    noise = rng.normal(size=shape) * math.sqrt(1 - phi**2)
    noise[..., 0] /= math.sqrt(1 - phi**2)
    return np.asarray(signal.lfilter([1], [1, -phi], noise, axis=-1))


def simulated(
    rng: np.random.Generator, seed_sd: float, evaluation_sd: float, n: int, k: int
) -> NDArray[np.float64]:
    return seed_sd * rng.normal(size=(n, 1)) + evaluation_sd * rng.normal(size=(n, k))


def test_nist_certifies_the_residual_sd_and_f() -> None:
    split = split_noise(SIRSTV, correlation=0.0)
    f = 1.18046237440255
    assert split.evaluation_sd == pytest.approx(0.104076068334656, rel=1e-11)
    assert split.icc == pytest.approx((f - 1) / (f + 4), rel=1e-11)
    assert split.p == pytest.approx(stats.f.sf(f, 4, 20), rel=1e-11)


def test_icc_of_shrout_and_fleiss() -> None:
    split = split_noise(SHROUT, correlation=0.0)
    assert split.icc == pytest.approx(0.17, abs=5e-3)
    assert (split.low, split.high) == pytest.approx((-0.133, 0.723), abs=5e-4)
    assert split.p == pytest.approx(0.165, abs=5e-4)
    assert (split.seeds, split.evaluations) == (6, 4.0)


def test_unequal_runs_have_the_analysis_of_variance_of_statsmodels(rng: np.random.Generator) -> None:
    oneway = pytest.importorskip("statsmodels.stats.oneway")
    runs = [rng.normal(i % 2, 1, 5 + 3 * i) for i in range(6)]
    told = oneway.anova_oneway(runs, use_var="equal")
    sizes = np.array([len(run) for run in runs])
    k = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / 5
    split = split_noise(runs, correlation=0.0)
    assert split.p == pytest.approx(told.pvalue, rel=1e-10)
    assert split.icc == pytest.approx((told.statistic - 1) / (told.statistic + k - 1), rel=1e-10)
    within = sum(len(r) * r.var() for r in runs) / (sizes.sum() - 6)
    assert split.evaluation_sd == pytest.approx(math.sqrt(within), rel=1e-12)


def test_known_components_are_found_without_bias() -> None:
    rng = np.random.default_rng(5)
    splits = [split_noise(simulated(rng, 0.5, 1.0, 10, 80)) for _ in range(600)]
    assert np.mean([s.seed_sd**2 for s in splits]) == pytest.approx(0.25, abs=4 * 0.12 / math.sqrt(600))
    assert np.mean([s.evaluation_sd**2 for s in splits]) == pytest.approx(1, abs=4 * 0.05 / math.sqrt(600))


@pytest.mark.parametrize(("n", "k"), [(5, 20), (10, 20), (5, 50), (10, 100)])
@pytest.mark.parametrize("phi", [0.0, 0.3, 0.5, 0.7])
def test_equal_seeds_with_slow_noise_rarely_differ_beyond_it(phi: float, k: int, n: int) -> None:
    rng, groups = np.random.default_rng([n, k]), 300
    splits = [split_noise(list(group)) for group in autoregressive(rng, phi, (groups, n, k))]
    differing = np.mean([split.low > 0 for split in splits])
    assert differing <= 0.05
    assert np.mean([split.p <= 0.05 for split in splits]) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / groups)


@pytest.mark.parametrize("phi", [0.3, 0.7])
def test_the_interval_holds_the_share_of_one_evaluation_under_slow_noise(phi: float) -> None:
    rng, icc = np.random.default_rng(9), 0.3
    noise = math.sqrt(1 - icc) * autoregressive(rng, phi, (600, 6, 50))
    groups = noise + math.sqrt(icc) * rng.normal(size=(600, 6, 1))
    splits = [split_noise(list(group)) for group in groups]
    held = np.mean([split.low <= icc <= split.high for split in splits])
    assert held == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 600))
    assert np.mean([split.high < 0.2 for split in splits]) <= 0.03  # never "is evaluation noise"


def test_a_known_correlation_is_the_f_test_of_the_effective_number(rng: np.random.Generator) -> None:
    runs = autoregressive(rng, 0.5, (6, 40))
    split = split_noise(list(runs), correlation=0.5)
    lags = np.arange(1, 40)
    worth = 40 / (1 + 2 * float(((1 - lags / 40) * 0.5**lags).sum()))
    assert split.effective_evaluations == pytest.approx(worth, rel=1e-12)
    centred = runs - runs.mean(axis=1, keepdims=True)
    variance = float((centred**2).sum()) / (6 * (40 - 40 / worth))
    f = worth * runs.mean(axis=1).var(ddof=1) / variance
    assert split.p == pytest.approx(stats.f.sf(f, 5, 6 * 39), rel=1e-9)


def test_the_predicted_error_of_slow_noise_is_that_of_groups_so_drawn() -> None:
    rng = np.random.default_rng(11)
    truth = NoiseSplit(
        seeds=5,
        evaluations=40,
        seed_sd=0.0,
        evaluation_sd=1.0,
        correlation=0.7,
    )
    for k in (1, 40, 80):
        means = autoregressive(rng, 0.7, (2000, 5, k)).mean(axis=(1, 2))
        predicted = predicted_standard_error(truth, seeds=5, evaluations=k)
        assert np.std(means) == pytest.approx(predicted, rel=4 / math.sqrt(2 * 2000))


def test_slow_drift_is_withheld_and_says_what_evaluations_are_worth() -> None:
    walks = np.cumsum(np.random.default_rng(12).normal(size=(5, 100)), axis=1)
    split = split_noise(list(walks))
    assert math.isnan(split.icc)
    assert math.isnan(split.p)
    assert "too few to tell seeds from slow noise" in split.reason
    assert split.correlation > 0.9


@pytest.mark.parametrize("icc", [0.0, 0.3])
def test_the_interval_holds_the_truth_in_95_of_100(icc: float) -> None:
    rng = np.random.default_rng(6)
    splits = [split_noise(simulated(rng, math.sqrt(icc), math.sqrt(1 - icc), 6, 20)) for _ in range(1000)]
    held = np.mean([split.low <= icc <= split.high for split in splits])
    assert held == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 1000))


def test_the_predicted_standard_error_is_that_of_groups_so_drawn() -> None:
    rng, truth = (
        np.random.default_rng(7),
        NoiseSplit(seeds=10, evaluations=80, seed_sd=0.5, evaluation_sd=1.0),
    )
    for n, k in ((10, 1), (10, 20), (40, 1)):
        means = [simulated(rng, 0.5, 1.0, n, k).mean() for _ in range(1500)]
        predicted = predicted_standard_error(truth, seeds=n, evaluations=k)
        assert np.std(means) == pytest.approx(predicted, rel=4 / math.sqrt(2 * 1500))
        assert predicted == pytest.approx(math.sqrt((0.25 + 1 / k) / n), rel=1e-12)


def test_at_the_group_as_it_is_the_prediction_is_the_spread_of_its_means(rng: np.random.Generator) -> None:
    runs = simulated(rng, 2.0, 1.0, 10, 30)
    told = predicted_standard_error(split_noise(runs), seeds=10, evaluations=30)
    assert told == pytest.approx(stats.sem(runs.mean(axis=1)), rel=1e-12)


def test_run_noise_is_the_sd_about_a_line_whatever_the_line(rng: np.random.Generator) -> None:
    v, i = rng.normal(size=80), np.arange(80)
    line = np.polynomial.Polynomial.fit(i, v, 1)
    noise = run_noise(v)
    residuals = v - line(i)
    assert noise.sd == pytest.approx(math.sqrt(float(np.sum(residuals**2)) / 78), rel=1e-10)
    assert run_noise(v + 7 - 0.3 * i).sd == pytest.approx(noise.sd, rel=1e-10)
    assert detrended(np.array([v, -v])) == pytest.approx(signal.detrend(np.array([v, -v])), abs=1e-12)


def test_white_noise_has_the_stated_autocorrelation_and_red_noise_its_own() -> None:
    rng = np.random.default_rng(8)
    white = rng.normal(size=(2000, 80))
    red = signal.lfilter([1], [1, -0.5], rng.normal(size=(500, 400)), axis=1)
    assert np.mean([run_noise(v).autocorrelation for v in white]) == pytest.approx(-2 / 80, abs=0.01)
    assert np.mean([run_noise(v).autocorrelation for v in red]) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("scale", [1000.0, 1e-5])
def test_units_scale_the_sds_and_nothing_else(scale: float, rng: np.random.Generator) -> None:
    runs = 3 + simulated(rng, 0.5, 1.0, 8, 20)
    one, other = split_noise(runs), split_noise(runs * scale)
    assert other.seed_sd == pytest.approx(scale * one.seed_sd, rel=1e-9)
    assert other.evaluation_sd == pytest.approx(scale * one.evaluation_sd, rel=1e-9)
    assert (other.icc, other.low, other.high) == pytest.approx((one.icc, one.low, one.high), rel=1e-9)


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        ([], "0 seeds: at least 2 are needed"),
        ([[1.0, 2.0, 4.0]], "1 seed: at least 2 are needed"),
        ([[1.0, 2.0, 4.0], [1.0, 2.0]], "a run has 2 evaluations: at least 3 are needed"),
        ([[1.0, 2.0, 4.0], [1.0, math.nan, 3.0]], "1 of 2 runs have an evaluation that is not finite"),
        ([[0.1] * 5, [0.3] * 5], "no evaluation noise: every run is constant"),
        ([[0.1] * 5, [0.1] * 5], "no evaluation noise: every run is constant"),
    ],
)
def test_what_cannot_be_split_says_why(runs: Sequence[Sequence[float]], reason: str) -> None:
    split = split_noise(runs)
    assert math.isnan(split.icc)
    assert math.isnan(split.p)
    assert split.reason == reason


def test_runs_without_noise_or_numbers_say_so() -> None:
    assert run_noise([1.0, 2.0]).reason == "2 evaluations: at least 3 are needed"
    assert run_noise([1.0, 2.0, math.inf]).reason == "an evaluation is not finite"
    assert (run_noise([0.1, 0.2, 0.3]).sd, run_noise([0.1] * 5).sd) == (0.0, 0.0)
    assert math.isnan(split_noise([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]]).autocorrelation)
    assert math.isnan(predicted_standard_error(split_noise([]), seeds=3, evaluations=3))
    with pytest.raises(ValueError, match="got 0 and 3"):
        predicted_standard_error(split_noise(SHROUT, correlation=0.0), seeds=0, evaluations=3)


def test_in_q101_seeds_are_noise_and_in_q103_half_the_variance_is_real(shared: Path) -> None:
    curves = {}
    for name in ("q101", "q102", "q103"):
        runs = open_study(sorted((shared / "ired_logs").glob(f"ired_{name}_*"))).select(name)
        series = (run.history.series["validation/mse"] for run in runs)
        curves[name] = [(s.steps, s.values) for s in series]
    numbers = [number for number, group in enumerate(curves.values()) for _ in group]
    every = [curve for group in curves.values() for curve in group]
    found = common_plateau(every, groups=numbers).indices[0]
    for start in {14, found, 29}:  # the expected values hold in every window from 15k to 30k
        splits = {name: split_noise([v[start:] for _, v in group]) for name, group in curves.items()}
        assert splits["q101"].icc < 0.05
        assert 0.06 <= splits["q102"].icc <= 0.14
        assert 0.42 <= splits["q103"].icc <= 0.48
        assert splits["q101"].low < 0 < splits["q101"].high
        assert splits["q101"].evaluation_sd == pytest.approx(2.4e-5, abs=5e-7)
        assert splits["q102"].evaluation_sd == pytest.approx(5.7e-5, abs=2e-6)
        assert all(abs(split.autocorrelation) < 0.05 for split in splits.values())
