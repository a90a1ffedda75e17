"""Saddles: found where there is one, never on Rosenbrock's function, left as fast as the formulas say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag import tasks
from ired_diag.finding import Finding
from ired_diag.probing.targets import of_run
from ired_diag.runs.store import read_run
from ired_diag.training.near_saddle import is_near_saddle
from ired_diag.training.nearest_critical_point import median_escape, steps_to_leave
from ired_diag.training.trainer import train
from probes.saddles import PROBE

FUNCTIONS = tasks.load("functions")
QUIET = {"experiment_name": "x", "validate_every": 1000, "log_every": 1000, "checkpoint_every": 10}


def answers(folder: Path, **knobs: Any) -> list[Finding]:
    """The answer at each checkpoint."""
    config = tasks.settings_of(FUNCTIONS, {**QUIET, **knobs})
    train(FUNCTIONS, config, folder / "run")
    found = []
    for target in of_run(read_run(folder / "run"), "all"):
        table = PROBE(target.read().subject("raw", PROBE, None, 0))
        found.append(PROBE.conclude(table, PROBE.comparison(table)))
    return found


def test_the_saddle_is_found_with_its_distance_and_its_time(tmp_path: Path) -> None:
    knobs = {"function": "saddle", "optimizer": "sgd", "learning_rate": 0.01, "train_steps": 10}
    (finding,) = answers(tmp_path, start=[0.05, 1e-3], **knobs)
    x, y = 0.05 * 0.99**10, 1e-3 * 1.01**10
    assert finding.severity == "warning"
    assert finding.evidence["distance"] == pytest.approx(np.hypot(x, y), rel=1e-9)
    assert finding.evidence["off"] == pytest.approx(y, rel=1e-9)
    assert finding.evidence["tenfold"] == pytest.approx(np.log(10) / np.log(1.01), rel=1e-9)
    assert "plain descent makes that tenfold in 231 steps" in finding.statement


def test_a_saddle_that_descent_has_left_is_not_near(tmp_path: Path) -> None:
    knobs = {"function": "saddle", "optimizer": "sgd", "start": [0.01, 0.01], "learning_rate": 0.01}
    findings = answers(tmp_path, train_steps=400, **knobs)
    distances = [float(finding.evidence["distance"] or 0) for finding in findings]
    for finding, distance in zip(findings, distances, strict=True):
        assert (finding.severity == "warning") == (distance <= 0.1)
    assert min(distances) < 0.1 < max(distances)
    assert findings[-1].statement.startswith("No saddle is near. Newton's method finds one 0.535 away;")


def test_a_loss_in_other_units_has_the_same_saddles_near() -> None:
    columns = {"kind": ["saddle", "saddle", "saddle", "minimum"], "distance": [0.05, 0.5, 5.0, 0.05]}
    columns |= {"gradient_norm": [0.05, 0.5, 0.05, 0.05], "smallest": [-1.0] * 4, "largest": [0.5] * 4}
    for unit in (1e-6, 1.0, 1e6):
        scaled = {name: np.array(values) for name, values in columns.items()}
        for name in ("gradient_norm", "smallest", "largest"):
            scaled[name] = unit * scaled[name]
        assert is_near_saddle(scaled).tolist() == [True, False, False, False]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_rosenbrock_is_never_called_a_saddle_though_its_eigenvalues_have_both_signs(
    optimizer: str, tmp_path: Path
) -> None:
    rate = {"sgd": 0.001, "adam": 0.01}[optimizer]
    findings = answers(tmp_path, optimizer=optimizer, learning_rate=rate, train_steps=600)
    assert len(findings) == 60
    assert {finding.severity for finding in findings} == {"note"}
    if optimizer == "sgd":
        assert any(float(finding.evidence["smallest"] or 0) < 0 for finding in findings)


def test_a_minimum_is_named_as_one(tmp_path: Path) -> None:
    (finding,) = answers(tmp_path, function="sphere", start=[0.3, 0.4], train_steps=10)
    assert "The critical point nearby is a minimum" in finding.statement


@pytest.mark.parametrize(("start", "steps"), [(1e-3, 695), (1e-6, 1389), (1e-9, 2083), (1e-12, 2777)])
def test_descent_leaves_after_as_many_steps_as_measured(start: float, steps: int) -> None:
    assert np.ceil(steps_to_leave(start, 1.0, rate=0.01, curvature=1.0)) == steps


@pytest.mark.parametrize("noise", [1e-4, 1e-2, 1.0])
def test_half_of_all_noisy_descents_have_left_at_the_median_of_the_formula(noise: float) -> None:
    generator = np.random.default_rng(5)
    y, left = np.zeros(4000), np.zeros(4000)
    step = 0
    while (left == 0).any():
        step += 1
        y = y * 1.01 + 0.01 * noise * generator.normal(size=y.size)
        left[(left == 0) & (np.abs(y) >= 1)] = step
    formula = median_escape(1.0, rate=0.01, curvature=1.0, noise=noise)
    assert np.median(left) == pytest.approx(formula, rel=0.02)
