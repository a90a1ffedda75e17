"""The rule about a reported loss that rises while the trained one falls: real trainings, and near misses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ired_diag import tasks
from ired_diag.config import TrainingConfig
from ired_diag.runs.store import read_run
from ired_diag.task import Losses, LossTerm, Metric, Task
from ired_diag.training.trainer import train
from tests.made_runs import findings_of, made_run

RULE = "other_loss"
TIME = np.linspace(0, 1, 80)
FALLING = np.exp(-3 * TIME)
RISING = np.where(TIME < 0.4, 0.3 + np.exp(-20 * TIME), 0.3 * np.exp(2 * (TIME - 0.4)))


def noisy(values: Any, seed: int = 0) -> Any:
    return values * np.exp(0.02 * np.random.default_rng(seed).standard_normal(len(values)))


def run_of(trained: Any, reported: Any) -> Any:
    return made_run("q", train__loss=noisy(trained), train__reported_loss=noisy(reported, 1))


def two_losses(weight: float) -> Task:
    """Descends (w - 1)² from 4; reports that and a distance from 3, which w passes on its way."""

    def loss(config: Any, tensors: Any, batch: Any) -> Losses:
        w = tensors["w"][0]
        return Losses({"trained": (w - 1).square(), "shown": weight * (w - 3).square()})

    return Task(
        name="two",
        title="one weight",
        settings=TrainingConfig,
        metric=Metric("validation/w", "w"),
        terms=(LossTerm("trained", "descended"), LossTerm("shown", "reported", trained=False)),
        initial_weights=lambda config, generator: {"w": torch.tensor([4.0])},
        draw_batch=lambda config, streams, step: {},
        loss=loss,
        evaluate=lambda config, tensors, batch, generator: {"validation/w": float(tensors["w"][0])},
    )


@pytest.mark.parametrize(("weight", "count"), [(5.0, 1), (0.0, 0)])
def test_a_training_that_descends_another_loss_than_it_reports(
    weight: float, count: int, tmp_path: Path
) -> None:
    task = two_losses(weight)
    keys = {"experiment_name": "x", "optimizer": "sgd", "learning_rate": 0.01, "gradient_clip": None}
    knobs = {"train_steps": 200, "checkpoint_every": 200, "validate_every": 10, "log_every": 2}
    train(task, tasks.settings_of(task, {**keys, **knobs}), tmp_path / "x" / "seed0")
    findings = findings_of(RULE, [read_run(tmp_path / "x" / "seed0")])
    assert len(findings) == count
    for finding in findings:
        assert finding.severity == "warning"
        # 5 (w - 3)² + (w - 1)² is least at w = 8/3, which (w - 1) = 3 · 0.98^t reaches at t = 29.
        assert float(finding.evidence["step"] or 0) == pytest.approx(29, abs=8)
        assert "they are different losses" in finding.statement


def test_a_rise_of_the_reported_loss_alone_is_found_and_one_of_both_is_not() -> None:
    assert len(findings_of(RULE, [run_of(FALLING, RISING)])) == 1
    assert findings_of(RULE, [run_of(RISING, RISING)]) == []
    assert findings_of(RULE, [run_of(np.full(80, 0.3), RISING)]) == []


def test_a_reported_loss_that_falls_or_rests_is_left_alone() -> None:
    assert findings_of(RULE, [run_of(FALLING, np.sqrt(FALLING))]) == []
    assert findings_of(RULE, [run_of(FALLING, 0.3 + np.exp(-20 * TIME))]) == []


def test_a_log_of_another_program_that_has_one_loss_is_left_alone() -> None:
    assert findings_of(RULE, [made_run("q", train__loss=noisy(FALLING), val__loss=noisy(RISING))]) == []
    assert findings_of(RULE, [run_of(FALLING[::5], RISING[::5])]) == []  # 16 rows are too few
