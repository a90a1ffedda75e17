"""Where a plateau starts: known warm-ups, a naive twin of the rule, spikes, units, and what has none."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from ired_diag.curves.plateau import Plateau, common_plateau, plateau_start, truncation
from ired_diag.open import open_study

Array = NDArray[np.float64]
STEPS = np.arange(1000.0, 101_000.0, 1000.0)


def learning_curve(rng: np.random.Generator, *, decay: float = 2.0, n: int = 100) -> Array:
    """A descent by exp(-i / decay) from 1000 sd of the noise, with spikes upwards."""
    noise = rng.normal(0, 1, n) + np.where(rng.random(n) < 0.15, rng.exponential(20, n), 0)
    return 500 + 1000 * np.exp(-np.arange(n) / decay) + noise


def naive_truncation(values: Array) -> int:
    """The marginal standard error rule, as White wrote it, on ranks."""
    ranks, n = stats.rankdata(values), len(values)
    error = [ranks[d:].var() / (n - d) for d in range(n - 9)]
    return min(range(n - 9), key=lambda d: float(error[d]))


def test_truncation_is_the_slow_loop(rng: np.random.Generator) -> None:
    for decay in (0.5, 2.0, 5.0, 60.0):
        curve = learning_curve(rng, decay=decay)
        assert truncation(curve) == naive_truncation(curve)


def test_a_descent_is_over_where_the_plateau_starts() -> None:
    rng = np.random.default_rng(1)
    found = [plateau_start(STEPS, learning_curve(rng)).index for _ in range(300)]
    starts = [i for i in found if i is not None]
    assert len(starts) >= 290
    # exp(-i/2) from 1000 sd: 2.7 sd remain at i = 12, a hundredth of one at i = 23.
    assert min(starts) >= 18
    assert max(starts) <= 36
    assert 1000 * math.exp(-np.median(starts) / 2) < 0.02


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
        "diverg": [i + noise, 5 * np.abs(i - 10) + noise, np.where(i < 20, 1000 - 50 * i, 400) + noise],
        "not finite": [np.where(i < 60, 5 + noise, math.nan), np.full(100, math.inf)],
    }
    for word, group in curves.items():
        for curve in group:
            told = plateau_start(STEPS, curve)
            assert (told.index, told.step) == (None, None)
            assert word in told.reason
    assert "fewer than 10 evaluations remain" in plateau_start(range(22), [9.0] * 8 + [1.0, 1.1] * 7).reason
    assert plateau_start([], []).reason == "0 evaluations: at least 20 are needed"
    with pytest.raises(ValueError, match="3 and 2"):
        plateau_start([1, 2, 3], [1.0, 2.0])


@pytest.mark.parametrize(("slope", "word"), [(-0.04, "still improving"), (0.04, "diverging")])
def test_a_drift_of_four_sd_is_mostly_no_plateau(slope: float, word: str) -> None:
    rng = np.random.default_rng(4)
    told = [plateau_start(STEPS, slope * np.arange(100) + rng.normal(0, 1, 100)) for _ in range(50)]
    assert np.mean([plateau.index is None for plateau in told]) >= 0.85
    assert any(plateau.reason == f"{word}: it drifts by more than its noise" for plateau in told)


def test_a_constant_curve_rests_from_its_start() -> None:
    assert plateau_start(STEPS, np.full(100, 1e-5)) == Plateau(0, 1000.0)


def test_a_common_plateau_is_the_latest_start_on_every_grid() -> None:
    fast = (np.arange(100), np.r_[np.full(5, 9.0), np.tile([0.9, 1.1], 48)[:95]])
    slow = (np.arange(0, 100, 2), np.r_[np.full(10, 9.0), np.tile([0.9, 1.1], 20)])
    assert (plateau_start(*fast).index, plateau_start(*slow).index) == (10, 20)
    both = common_plateau([fast, slow])
    assert (both.step, both.indices) == (40.0, (40, 20))
    assert "curve 1: still improving" in common_plateau([fast, (range(50), range(50, 0, -1))]).reason
    assert "curve 0 has too few" in common_plateau([(range(30), fast[1][40:70]), slow]).reason
    assert common_plateau([]).reason == "no curves"


def test_the_studys_plateaus_start_between_15k_and_30k(shared: Path) -> None:
    latest = []
    for name in ("q101", "q102", "q103"):
        runs = open_study(sorted((shared / "ired_logs").glob(f"ired_{name}_*"))).select(name)
        curves = [(c.steps, c.values) for c in (run.history.series["validation/mse"] for run in runs)]
        starts = [plateau_start(*curve).step for curve in curves]
        assert len(starts) == 10
        assert all(start is not None and 15_000 <= start <= 30_000 for start in starts)
        common = common_plateau(curves)
        assert common.step == max(start for start in starts if start is not None)
        latest.append(common.step)
    assert latest == [21_000, 27_000, 27_000]


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
        # Runs killed at 27-29 evaluations arrive too late to leave ten after as long again.
        assert (plateau.index is not None) == (label == "converged" and len(curve) > 30), (run.label, plateau)
        judged[label] += 1
    assert judged["converged"] >= 45
    assert judged["diverged"] >= 8
