"""Curvature against the optimiser's limit: closed forms, simulated limits, Lanczos' method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ired_diag import tasks
from ired_diag.config import TrainingConfig
from ired_diag.finding import Finding
from ired_diag.probing.targets import of_run
from ired_diag.runs.store import read_run
from ired_diag.streams import make_streams
from ired_diag.table import Table
from ired_diag.task import Task
from ired_diag.training import weight_curvature
from ired_diag.training.state import new_state
from ired_diag.training.trainer import train
from ired_diag.training.weight_curvature import LossAt, divisor_of, ends_at, limit_of
from probes.stability import PROBE

FUNCTIONS, IMAGE = tasks.load("functions"), tasks.load("image")
QUIET = {"experiment_name": "x", "validate_every": 100, "log_every": 100, "checkpoint_every": 10}


def probed(task: Task, folder: Path, **knobs: Any) -> tuple[Table, Finding]:
    config = tasks.settings_of(task, {**QUIET, "train_steps": 10, **knobs})
    train(task, config, folder / "run")
    (target,) = of_run(read_run(folder / "run"), "10")
    table = PROBE(target.read().subject("raw", PROBE, None, 0))
    return table, PROBE.conclude(table, PROBE.comparison(table))


@pytest.mark.parametrize(
    ("rate", "word"),
    [(0.01, "stable"), (0.02, "at the edge of stability"), (0.03, "beyond the limit")],
)
def test_a_rate_is_held_against_two_over_the_largest_eigenvalue(
    rate: float, word: str, tmp_path: Path
) -> None:
    table, finding = probed(
        FUNCTIONS,
        tmp_path,
        function="quadratic",
        optimizer="sgd",
        learning_rate=rate,
    )
    assert table["largest"][0] == pytest.approx(100)
    assert table["smallest"][0] == pytest.approx(1)
    assert table["ratio"][0] == pytest.approx(rate / 0.02)
    assert f", {word}" in finding.statement
    assert finding.severity == ("warning" if rate > 0.025 else "note")


def test_the_curvature_of_rosenbrock_at_its_start_is_the_published_one() -> None:
    """FACTS: 2092 at (-1.5, 2), so that a rate of .01 overflows with every momentum up to .99."""
    config = tasks.settings_of(FUNCTIONS, {"experiment_name": "x"})
    state = new_state(FUNCTIONS, config, "cpu")
    loss = LossAt(state, FUNCTIONS.draw_batch(config, make_streams(0, "cpu"), 0))
    ends = ends_at(loss, loss.start)
    assert ends.largest == pytest.approx(2092, abs=1)
    for momentum, limit in ((0.0, 0.00096), (0.99, 0.00190)):
        knobs = {"optimizer": "sgd", "learning_rate": 0.01, "momentum": momentum}
        settings = tasks.settings_of(FUNCTIONS, {"experiment_name": "x", **knobs})
        assert 0.01 * limit_of(settings, 0) / ends.largest == pytest.approx(limit, abs=1e-5)


def steps_of(config: TrainingConfig, curvature: float, count: int) -> np.ndarray:
    """|x| of each step on ½ λ x², with a divisor that stays 1, as a plain loop."""
    x, memory, path = 1.0, 0.0, []
    beta1 = config.adam_betas[0]
    for _ in range(count):
        gradient = curvature * x
        if config.optimizer == "sgd":
            memory = config.momentum * memory + gradient
            move = gradient + config.momentum * memory if config.nesterov else memory
        elif config.optimizer == "rmsprop":
            move = gradient
        else:
            memory = beta1 * memory + (1 - beta1) * gradient
            move = memory
        x -= config.learning_rate * move
        path.append(abs(x))
    return np.array(path)


@pytest.mark.parametrize(
    "knobs",
    [
        {"optimizer": "sgd"},
        {"optimizer": "sgd", "momentum": 0.5},
        {"optimizer": "sgd", "momentum": 0.9},
        {"optimizer": "sgd", "momentum": 0.9, "nesterov": True},
        {"optimizer": "rmsprop"},
        {"optimizer": "adam"},
        {"optimizer": "adam", "adam_betas": (0.5, 0.999)},
    ],
)
def test_below_its_limit_a_step_decays_and_above_it_grows(knobs: dict[str, Any]) -> None:
    config = TrainingConfig(experiment_name="x", learning_rate=0.01, **knobs)
    limit = limit_of(config, 0)
    below, above = (steps_of(config, share * limit, 4000) for share in (0.99, 1.01))
    assert below[-100:].max() < 1e-3 * below[:100].max()
    assert above[-100:].max() > 1e3 * above[:100].max()


def test_lanczos_finds_the_ends_of_a_hessian_that_is_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    config = tasks.settings_of(IMAGE, {"experiment_name": "x", "gaussians": 10})
    state = new_state(IMAGE, config, "cpu")
    loss = LossAt(state, IMAGE.draw_batch(config, make_streams(0, "cpu"), 0))
    divisor = torch.linspace(0.5, 2, loss.size, dtype=torch.float64)
    dense = ends_at(loss, loss.start, divisor=divisor)
    monkeypatch.setattr(weight_curvature, "MOST_DENSE", 1)
    iterated = ends_at(loss, loss.start, divisor=divisor)
    assert iterated.largest == pytest.approx(dense.largest, rel=1e-3)
    assert iterated.smallest == pytest.approx(dense.smallest, rel=1e-3)
    assert abs(iterated.direction @ dense.direction) == pytest.approx(1, abs=1e-2)


def test_an_adaptive_optimiser_is_held_against_its_preconditioned_curvature(tmp_path: Path) -> None:
    table, _ = probed(FUNCTIONS, tmp_path, function="quadratic", optimizer="rmsprop", rmsprop_decay=0.0)
    # With a decay of 0 the divisor is |g| of the last step, so that P⁻¹H has 1/|x| and 1/|y| of that step.
    assert table["limit"][0] == pytest.approx(200)
    assert table["preconditioned"][0] != pytest.approx(table["largest"][0], rel=0.5)


@pytest.mark.parametrize(("optimizer", "is_divided"), [("adam", True), ("sgd", False)])
def test_it_is_said_whose_eigenvalue_is_compared(optimizer: str, is_divided: bool, tmp_path: Path) -> None:
    _, finding = probed(FUNCTIONS, tmp_path, optimizer=optimizer, learning_rate=0.0005)
    assert ("over what the optimiser divides its steps by is" in finding.statement) == is_divided


def test_the_divisor_is_that_of_pytorchs_adam(tmp_path: Path) -> None:
    config = tasks.settings_of(FUNCTIONS, {**QUIET, "train_steps": 10})
    train(FUNCTIONS, config, tmp_path / "run")
    (target,) = of_run(read_run(tmp_path / "run"), "10")
    state = target.read().subjects("raw").training.state()  # type: ignore[attr-defined]
    divisor = divisor_of(state)
    assert divisor is not None
    squares = state.moments["point"]["exp_avg_sq"] / (1 - 0.999**10)
    assert divisor.numpy() == pytest.approx((squares.sqrt() + 1e-8).numpy(), rel=1e-12)
