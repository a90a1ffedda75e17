"""A flat metric: when it is a stuck training, and when the training, the data or the noise explains it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ired_diag.curves.flat_validation import hidden_gain
from ired_diag.curves.shape import shape_of
from ired_diag.finding import Finding
from ired_diag.forensics import curve_shape
from ired_diag.open import open_study


def findings_of(tmp_path: Path, **columns: np.ndarray) -> list[Finding]:
    names = list(columns)
    rows = [",".join(["epoch", *names])]
    for epoch, values in enumerate(zip(*columns.values(), strict=True), start=1):
        rows.append(",".join([str(epoch), *(f"{value:.8g}" for value in values)]))
    folder = tmp_path / "fine_tuning"
    folder.mkdir()
    (folder / "log.csv").write_text("\n".join(rows) + "\n")
    return list(curve_shape.find(open_study([folder])))


def flat(rng: np.random.Generator, *, level: float, noise: float, n: int) -> np.ndarray:
    return level * np.exp(noise * rng.standard_normal(n))


def test_without_a_falling_training_loss_the_run_is_stuck(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    loss = flat(rng, level=2.2, noise=0.01, n=40)
    val_loss = flat(rng, level=2.2, noise=0.01, n=40)
    (finding,) = findings_of(tmp_path, loss=loss, val_loss=val_loss)
    assert finding.severity == "warning"
    assert "has not come down" in finding.statement


@pytest.mark.parametrize("training", ["loss", "train/box_loss", "train_loss"])
def test_a_training_loss_that_falls_explains_a_flat_validation(tmp_path: Path, training: str) -> None:
    rng = np.random.default_rng(4)
    fall = np.geomspace(1.2, 0.3, 40)
    val_loss = flat(rng, level=0.8, noise=0.03, n=40)
    (finding,) = findings_of(tmp_path, **{training: fall, "val_loss": val_loss})
    assert finding.severity == "note"
    assert f"while {training} falls" in finding.statement


def test_few_noisy_evaluations_do_not_tell(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    (finding,) = findings_of(tmp_path, loss=flat(rng, level=7e5, noise=0.3, n=8))
    assert finding.severity == "note"
    assert "cannot be told from 8 evaluations" in finding.statement


def test_what_noise_hides_is_two_standard_errors_of_a_difference_of_halves() -> None:
    rng = np.random.default_rng(6)
    n, noise = 400, 0.1
    halves = noise * rng.standard_normal((4000, 2, n // 2))
    differences = np.diff(halves.mean(axis=2), axis=1)
    shape = shape_of(range(n), np.exp(noise * rng.standard_normal(n)))
    expected = 2 * float(differences.std()) * shape.noise / noise
    assert hidden_gain(shape, n) == pytest.approx(expected, rel=0.05)


def test_a_short_monitor_does_not_say_that_an_agent_was_trained(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    lines = ['#{"t_start": 1.7e9, "env_id": "Hopper"}', "r,l,t"]
    for episode, reward in enumerate(1400 + 100 * rng.standard_normal(40)):
        lines.append(f"{reward:.3f},400,{episode}.5")
    folder = tmp_path / "evaluated"
    folder.mkdir()
    (folder / "monitor.csv").write_text("\n".join(lines) + "\n")
    findings = list(curve_shape.find(open_study([folder])))
    assert [finding.severity for finding in findings] == ["note"]
    assert "trained in them or evaluated" in findings[0].statement


@pytest.mark.parametrize(
    ("end", "severities"),
    [(-0.030, []), (-0.052, ["warning"]), (-0.19, ["error"])],
)
def test_a_score_below_zero_is_judged_by_what_it_won(
    tmp_path: Path, end: float, severities: list[str]
) -> None:
    rise = np.linspace(-0.2, -0.03, 12)
    loss = np.linspace(-0.028, end, 8)
    rest = np.full(12, end) + 1e-4 * np.random.default_rng(8).standard_normal(12)
    findings = findings_of(tmp_path, mean_reward=np.concatenate([rise, loss, rest]))
    assert [finding.severity for finding in findings if finding.severity != "note"] == severities


def test_noise_that_grows_with_a_return_is_no_collapse(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    start = -300 + 30 * rng.standard_normal(900)
    level = np.concatenate([np.geomspace(100, 9000, 600), np.full(400, 5000.0)])
    played = level * rng.exponential(size=1000)
    findings = findings_of(tmp_path, Total_Reward=np.concatenate([start, played]))
    assert "error" not in [finding.severity for finding in findings]


def test_a_return_that_falls_to_its_start_has_collapsed(tmp_path: Path) -> None:
    rng = np.random.default_rng(10)
    rise = np.linspace(-3, 0.5, 20) + 0.05 * rng.standard_normal(20)
    fallen = np.linspace(0.4, -5, 10)
    rest = -5.5 + 0.8 * rng.standard_normal(30)
    findings = findings_of(tmp_path, mean_reward=np.concatenate([rise, fallen, rest]))
    assert [finding.severity for finding in findings] == ["error"]


def test_a_metric_that_is_never_finite_is_no_divergence_from_a_checkpoint(tmp_path: Path) -> None:
    (finding,) = findings_of(tmp_path, fid=np.full(4, -np.inf))
    assert finding.severity == "error"
    assert finding.statement.endswith("fid is not finite at any of its 4 evaluations.")
