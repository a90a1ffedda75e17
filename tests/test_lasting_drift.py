"""Drift of groups: closed forms, the noise of its estimates, what is over, whose plateau it costs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from app.cli import main
from ired_diag.curves.common_plateau import common_plateau
from ired_diag.curves.group_drift import Drift, group_drift
from ired_diag.curves.lasting_drift import evident_drift, is_free_of_drift, suspects
from ired_diag.curves.plateau import plateau_start

Array = NDArray[np.float64]


def drift_of(bias: float, *, runs: int = 5, spread: float = 0.0) -> Drift:
    return Drift(bias=bias, error=1e-6, spread=spread, level=1.0, length=50.0, runs=runs)


def decays(rng: np.random.Generator, n: int, *, runs: int, noise: float = 0.01) -> list[tuple[Array, Array]]:
    """Return descents by exp(-20 i / n), with noise in proportion."""
    level = 0.3 + np.exp(-20 * np.arange(n) / n)
    return [(np.arange(1.0, n + 1), level * (1 + noise * rng.normal(size=n))) for _ in range(runs)]


def test_the_bias_of_a_line_is_half_of_its_fall() -> None:
    windows = [np.linspace(5.0, 3.0, 41), np.linspace(9.0, 5.0, 41)]
    drift = group_drift(windows)
    assert drift.bias == pytest.approx((1.0 + 2.0) / 2, rel=1e-12)
    assert (drift.level, drift.length, drift.runs) == (5.5, 41.0, 2)
    assert drift.spread == pytest.approx(np.std([4.0, 7.0], ddof=1) / np.sqrt(2), rel=1e-12)


def test_two_groups_drift_apart_by_the_difference_of_their_biases() -> None:
    apart = drift_of(3e-3, spread=3.0).apart_from(drift_of(1e-3, spread=4.0, runs=2))
    assert apart.bias == pytest.approx(2e-3)
    assert apart.error == pytest.approx(np.sqrt(2) * 1e-6)
    assert (apart.spread, apart.runs) == (5.0, 2)


@pytest.mark.parametrize("level", [0.1, 1 / 3, 0.7, 1e-30, -1e30])
def test_equal_numbers_do_not_drift(level: float) -> None:
    drift = group_drift([np.full(n, level) for n in (50, 60, 77)])
    assert drift.bias == 0
    assert not evident_drift(suspects({0: drift, 1: drift}))
    steps = np.arange(60)
    assert common_plateau([(steps, np.full(60, level))] * 3).step == 0


def test_the_errors_of_the_bias_and_of_its_two_windows_are_those_of_white_noise() -> None:
    rng = np.random.default_rng(1)
    pairs = []
    for _ in range(1500):
        noise = rng.normal(size=(4, 200))
        pairs.append((group_drift(list(noise)), group_drift(list(noise[:, 80:]))))
    longer, later = (np.array([drift.bias for drift in drifts]) for drifts in zip(*pairs, strict=True))
    e0, e = (np.mean([drift.error for drift in drifts]) for drifts in zip(*pairs, strict=True))
    assert e0 == pytest.approx(longer.std(), rel=0.07)
    assert e == pytest.approx(later.std(), rel=0.07)
    ratio = 120 / 200
    assert (ratio * longer - later).var() == pytest.approx(e**2 - (ratio * e0) ** 2, rel=0.15)


@pytest.mark.parametrize(("rest", "least", "most"), [("line", 0, 5), ("descent", 40, 100)])
def test_the_rest_of_a_descent_is_over_later_and_a_line_is_not(rest: str, least: int, most: int) -> None:
    rng = np.random.default_rng(2)
    t = np.linspace(0, 1, 200)
    level = -0.8 * t if rest == "line" else 4 * np.exp(-25 * t)
    evident = over = 0
    while evident < 100:
        groups = rng.normal(size=(2, 5, 200))
        groups[0] += level
        longer, later = (
            suspects({g: group_drift(list(runs[:, first:])) for g, runs in enumerate(groups)})
            for first in (0, 60)
        )
        if evident_drift(longer):
            evident += 1
            over += is_free_of_drift(later, longer)
    assert least <= over <= most


def test_a_drift_counts_by_what_it_biases() -> None:
    def reason(*drifts: Drift) -> str:
        return evident_drift(suspects(dict(enumerate(drifts))))

    assert not reason(drift_of(9e-4))  # alone: below a tenth of the margin of 1%
    assert reason(drift_of(1.1e-3)) == "group 0: its mean over seeds still improves slowly"
    still = drift_of(0.0, spread=1e-3)
    assert not reason(drift_of(2.9e-4, spread=1e-3), still)
    assert "improves slowly, enough to bias a comparison" in reason(drift_of(9e-4, spread=1e-3), still)
    assert "gets worse slowly" in reason(still, drift_of(-9e-4, spread=1e-3))
    assert not reason(drift_of(0.5, runs=1), drift_of(0.0, runs=1))
    halves = drift_of(2.9e-4, spread=1e-3), drift_of(-2.9e-4, spread=1e-3)
    assert reason(*halves) == "group 0: it still drifts apart from group 1"


@pytest.mark.parametrize(("n", "studies"), [(600, 10), (2000, 10), (20_000, 3)])
def test_a_long_training_that_has_come_to_rest_has_a_plateau_and_it_starts_late(n: int, studies: int) -> None:
    rng = np.random.default_rng(n)
    starts = [common_plateau(decays(rng, n, runs=6), groups=[0, 0, 0, 1, 1, 1]).step for _ in range(studies)]
    reached = [start for start in starts if start is not None]
    assert len(reached) >= 0.9 * studies
    # Of 1 / 0.3 of the level less than 0.1% is left, and half of the training is kept at least in most.
    assert all(np.exp(-20 * start / n) / 0.3 < 1e-3 for start in reached)
    assert np.median(reached) <= 0.65 * n


@pytest.mark.parametrize("last", [3, 10])
def test_a_jump_at_the_end_of_a_long_mean_curve_is_seen(last: int) -> None:
    curves = decays(np.random.default_rng(3), 5000, runs=3)
    for _, values in curves:
        values[-last:] *= 1.05
    assert common_plateau(curves).step is None


def test_a_single_run_has_a_plateau_where_its_shape_has_one() -> None:
    rng = np.random.default_rng(4)
    for n in (60, 300, 1500, 30_000):
        ((steps, values),) = decays(rng, n, runs=1)
        alone = plateau_start(steps, values)
        assert alone.step is not None
        assert common_plateau([(steps, values)]).step == alone.step


@pytest.mark.parametrize("higher", [False, True])
def test_converged_curves_with_a_slow_descent_have_a_plateau_in_either_direction(higher: bool) -> None:
    rng = np.random.default_rng(5)
    t, sign = np.arange(100), 1 if higher else -1
    kept = 0
    for _ in range(20):
        ends = 0.7 + 0.005 * rng.normal(size=(6, 1))
        curves = ends - 0.2 * sign * np.exp(-t / 8) + 0.002 * rng.normal(size=(6, 100))
        plateau = common_plateau(
            [(t, curve) for curve in curves], groups=[0, 0, 0, 1, 1, 1], lower_is_better=not higher
        )
        kept += plateau.step is not None
    assert kept >= 18


@pytest.mark.parametrize("case", ["c44_negative_loss", "u_accuracy", "u_grouping_keys"])
def test_files_whose_curves_all_converged_have_a_plateau(shared: Path, case: str) -> None:
    result = CliRunner().invoke(main, ["stats", str(shared / "cases" / case), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["plateau_step"] is not None
