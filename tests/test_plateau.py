"""Where a plateau starts: known warm-ups, a naive twin of the rule, spikes, units, and what has none."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from ired_diag.curves.common_plateau import common_plateau
from ired_diag.curves.plateau import Plateau, plateau_start
from ired_diag.open import open_study

Array = NDArray[np.float64]
STEPS = np.arange(1000.0, 101_000.0, 1000.0)


def learning_curve(rng: np.random.Generator, *, decay: float = 2.0, n: int = 100) -> Array:
    """A descent by exp(-i / decay) from 1000 sd of the noise, with spikes upwards."""
    noise = rng.normal(0, 1, n) + np.where(rng.random(n) < 0.15, rng.exponential(20, n), 0)
    return 500 + 1000 * np.exp(-np.arange(n) / decay) + noise


def test_a_descent_is_over_where_the_plateau_starts() -> None:
    rng = np.random.default_rng(1)
    starts = [i for _ in range(300) if (i := plateau_start(STEPS, learning_curve(rng)).index) is not None]
    assert len(starts) >= 290
    # What is left of 1000 exp(-i/2) adds less to the mean of the rest than half of its standard error.
    left = [1000 * np.exp(-np.arange(start, 100) / 2).mean() for start in starts]
    spread = (
        np.std([learning_curve(rng)[50:].std() for _ in range(100)]) + 8
    )  # of one evaluation, with spikes
    assert np.mean(left) < 0.5 * spread / math.sqrt(80)
    assert max(starts) <= 50


@pytest.mark.parametrize("at", [50, 60, 70])
@pytest.mark.parametrize("relaxing", [0.0, 1.5])
def test_a_plateau_may_begin_at_a_drop_late_in_training(at: int, relaxing: float) -> None:
    rng = np.random.default_rng([at, int(relaxing)])
    since = np.arange(100) - at
    level = np.where(since < 0, 1.0, 0.4)
    if relaxing:
        level = level + np.where(since < 0, 0.0, 0.6 * np.exp(-(since + 1) / relaxing))
    near = 0
    for _ in range(100):
        curve = (level + 3 * np.exp(-np.arange(100) / 4)) * np.exp(0.02 * rng.normal(size=100))
        start = plateau_start(STEPS, curve).index
        near += start is not None and at - 2 <= start <= at + 2 + 6 * relaxing
    assert near >= 90


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_correlated_noise_is_no_reason_to_refuse_a_plateau(correlation: float) -> None:
    rng = np.random.default_rng(int(10 * correlation))
    shocks = rng.normal(size=(100, 100)) * math.sqrt(1 - correlation**2)
    shocks[:, 0] /= math.sqrt(1 - correlation**2)
    noise = lfilter([1.0], [1.0, -correlation], shocks, axis=1)
    curves = (1 + 3 * np.exp(-np.arange(100) / 4)) * np.exp(0.01 * noise)
    assert sum(plateau_start(STEPS, curve).index is not None for curve in curves) >= 95


@pytest.mark.parametrize("last", [3, 5])
@pytest.mark.parametrize("factor", [0.011, 0.85, 1.2, 3.0])
def test_a_jump_at_the_end_leaves_no_plateau_in_one_curve_nor_in_ten(last: int, factor: float) -> None:
    rng = np.random.default_rng(8)
    curves = (1 + 3 * np.exp(-np.arange(100) / 4)) * np.exp(0.01 * rng.normal(size=(10, 100)))
    curves[0, -last:] *= factor
    assert plateau_start(STEPS, curves[0]).index is None
    assert common_plateau([(STEPS, curve) for curve in curves]).step is None


def test_one_spike_at_the_very_end_leaves_the_plateau(rng: np.random.Generator) -> None:
    curve = (1 + 3 * np.exp(-np.arange(100) / 4)) * np.exp(0.01 * rng.normal(size=100))
    curve[-1] *= 30
    assert plateau_start(STEPS, curve).index is not None


def test_a_flat_curve_is_a_plateau_from_its_start_in_97_of_100() -> None:
    rng = np.random.default_rng(2)
    found = [plateau_start(STEPS, rng.standard_t(2, 100)) for _ in range(400)]
    assert np.mean([plateau.index is not None for plateau in found]) >= 0.97
    assert np.median([plateau.index for plateau in found if plateau.index is not None]) == 0


def test_spikes_do_not_move_the_start(rng: np.random.Generator) -> None:
    curve = 500 + 1000 * np.exp(-np.arange(100) / 2) + rng.normal(0, 1, 100)
    spiked = curve.copy()
    spiked[[45, 60, 61, 80, 99]] += [1e3, 1e6, 50, 1e9, 1e4]
    calm, wild = plateau_start(STEPS, curve).index, plateau_start(STEPS, spiked).index
    assert calm is not None
    assert wild is not None
    assert abs(calm - wild) <= 2
    spiked[70] = math.nan
    assert plateau_start(STEPS, spiked).index is not None


@pytest.mark.parametrize("scale", [1000.0, 1e-5, 1e-12])
def test_units_of_values_and_steps_do_not_matter(scale: float) -> None:
    curve = learning_curve(np.random.default_rng(3))
    told = plateau_start(STEPS, curve)
    assert told.index is not None
    assert plateau_start(STEPS, curve * scale).index == told.index
    assert plateau_start(STEPS / 1000, curve).index == told.index
    assert plateau_start(STEPS, -curve, lower_is_better=False) == told


def test_what_does_not_rest_says_why(rng: np.random.Generator) -> None:
    i, noise = np.arange(100.0), rng.normal(0, 1, 100)
    curves = {
        "still improving": [100 - i + noise, 1000 * np.exp(-i / 30) + noise, 3.0 - 0.1 * i + noise],
        "worse": [i + noise, 5 * np.abs(i - 10) + noise, np.where(i < 20, 1000 - 50 * i, 400) + noise],
        "not finite": [np.where(i < 60, 5 + noise, math.nan), np.full(100, math.inf)],
    }
    for word, group in curves.items():
        for curve in group:
            told = plateau_start(STEPS, curve)
            assert (told.index, told.step) == (None, None)
            assert word in told.reason
    assert "fewer than 10" in plateau_start(range(16), [9.0] * 8 + [1.0, 1.1] * 4).reason
    assert plateau_start([], []).reason == "0 evaluations: at least 10 are needed"
    with pytest.raises(ValueError, match="as many steps as values"):
        plateau_start([1, 2, 3], [1.0, 2.0])


@pytest.mark.parametrize(("slope", "word"), [(-0.04, "still improving"), (0.04, "are worse than")])
def test_a_drift_of_four_sd_is_mostly_no_plateau(slope: float, word: str) -> None:
    rng = np.random.default_rng(4)
    told = [plateau_start(STEPS, slope * np.arange(100) + rng.normal(0, 1, 100)) for _ in range(50)]
    assert np.mean([plateau.index is None for plateau in told]) >= 0.85
    assert any(word in plateau.reason for plateau in told)


def test_a_constant_curve_rests_from_its_start() -> None:
    assert plateau_start(STEPS, np.full(100, 1e-5)) == Plateau(0, 1000.0)


def test_a_common_plateau_is_the_latest_start_on_every_grid() -> None:
    fast = (np.arange(100), np.r_[np.full(5, 9.0), np.tile([0.9, 1.1], 48)[:95]])
    slow = (np.arange(0, 100, 2), np.r_[np.full(10, 9.0), np.tile([0.9, 1.1], 20)])
    assert (plateau_start(*fast).index, plateau_start(*slow).index) == (5, 10)
    both = common_plateau([fast, slow], groups=[0, 1])
    assert (both.step, both.indices) == (20.0, (20, 10))
    assert "curve 1: still improving" in common_plateau([fast, (range(50), range(50, 0, -1))]).reason
    late = (range(60, 100), np.r_[np.full(10, 9.0), np.tile([0.9, 1.1], 15)])
    short = (range(78), fast[1][:78])
    assert "curve 0 has too few" in common_plateau([short, late], groups=[0, 1]).reason
    assert common_plateau([]).reason == "no curves"


def test_the_studys_common_plateaus_start_between_15k_and_30k(shared: Path) -> None:
    latest = []
    for name in ("q101", "q102", "q103"):
        runs = open_study(sorted((shared / "ired_logs").glob(f"ired_{name}_*"))).select(name)
        curves = [(c.steps, c.values) for c in (run.history.series["validation/mse"] for run in runs)]
        starts = [plateau_start(*curve).step for curve in curves]
        assert len(starts) == 10
        assert all(start is not None and 9_000 <= start <= 30_000 for start in starts)
        latest.append(common_plateau(curves).step)
    assert all(start is not None and 15_000 <= start <= 30_000 for start in latest), latest


def test_curves_read_by_eye_as_converged_have_a_plateau_and_diverged_ones_none(shared: Path) -> None:
    lines = (shared / "curve_labels.csv").read_text().splitlines()
    read = {row["file"]: row["reading1_label"] for row in csv.DictReader(lines)}
    study = open_study(shared / "ired_logs")
    judged = {"converged": 0, "diverged": 0, "improving": 0}
    for run in study.runs:
        curve = run.history.series.get("validation/mse")
        label = read.get(run.path.name)
        if curve is None or label not in judged:
            continue
        plateau = plateau_start(curve.steps, curve.values)
        # Runs killed at 27-29 evaluations arrive late, and may leave fewer than ten.
        if len(curve) > 30 or label != "converged":
            assert (plateau.index is not None) == (label == "converged"), (run.label, plateau)
        judged[label] += 1
    assert judged["converged"] >= 45
    assert judged["diverged"] >= 8


@pytest.mark.parametrize("linear", [False, True])
def test_a_slower_group_with_an_equal_end_has_no_plateau_in_common_with_a_faster_one(linear: bool) -> None:
    rng = np.random.default_rng(5)
    t = np.linspace(0, 1, 100)
    drift = 0.016 * (1 - t) if linear else 0.068 * (np.exp(-4 * t) - np.exp(-4))  # 0.8% over the second half
    kept = {"slow": 0, "equal": 0}
    for name, slower in (("slow", drift), ("equal", 0 * drift)):
        for _ in range(40):
            levels = np.array([1 + 3 * np.exp(-np.arange(100) / 4)] * 10)
            levels[5:] += slower
            curves = levels + 0.005 * rng.normal(size=(10, 1)) + 0.01 * rng.normal(size=(10, 100))
            found = common_plateau([(STEPS, curve) for curve in curves], groups=[0] * 5 + [1] * 5)
            kept[name] += found.step is not None
    assert kept["slow"] <= 12
    assert kept["equal"] >= 34


def test_many_evaluations_in_a_short_time_are_no_plateau(rng: np.random.Generator) -> None:
    level = np.r_[np.linspace(3, 0.5, 60), np.full(40, 0.5)] * np.exp(0.01 * rng.normal(size=100))
    even = np.r_[np.arange(1, 61) * 1000.0, 60_000 + np.arange(1, 41) * 1000.0]
    dense = np.r_[np.arange(1, 61) * 1000.0, 60_000 + np.arange(1, 41) * 50.0]
    assert plateau_start(even, level).index is not None
    assert "of its steps" in plateau_start(dense, level).reason
