"""Sharpness: exact on quadratics, and at other weights of the same function changed by the known factors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ired_diag import tasks
from ired_diag.config import TrainingConfig
from ired_diag.digits.network import initial_weights
from ired_diag.errors import NotApplicable
from ired_diag.finding import Finding
from ired_diag.model.hutchinson import random_signs
from ired_diag.probing.targets import of_run
from ired_diag.runs.store import read_run
from ired_diag.subject import Subject
from ired_diag.table import Table, row_of, select
from ired_diag.task import Losses, LossTerm, Metric, Task
from ired_diag.training.point import TrainingPoint
from ired_diag.training.trainer import train
from ired_diag.training.weight_curvature import LossAt
from probes.sharpness import FACTOR, PROBE, REACH

QUIET = {"experiment_name": "x", "validate_every": 100, "log_every": 100}


def subject_of(task: Task, folder: Path, *, samples: int | None = None, **knobs: Any) -> Subject:
    config = tasks.settings_of(task, {**QUIET, "train_steps": 1, "checkpoint_every": 1, **knobs})
    train(task, config, folder / "run")
    (target,) = of_run(read_run(folder / "run"), "1", task=task)
    return target.read().subject("raw", PROBE, samples, 0)


def answer(table: Table) -> Finding:
    return PROBE.conclude(table, PROBE.comparison(table))


def test_a_single_random_vector_gives_the_trace_of_a_diagonal_exactly(tmp_path: Path) -> None:
    """½ (100 x² + y²) at p: trace 101, largest 100, scaled trace 100 x² + y², scaled largest 100 x²."""
    knobs: dict[str, Any] = {
        "function": "quadratic",
        "start": [2.0, 3.0],
        "optimizer": "sgd",
        "learning_rate": 1e-9,
    }
    table = PROBE(subject_of(tasks.load("functions"), tmp_path, **knobs))
    assert select(table, quantity="trace")["value"] == pytest.approx(np.full(32, 101.0))
    comparison = PROBE.comparison(table)
    values = {name: row_of(comparison, quantity=name)["value"] for name in comparison["quantity"].tolist()}
    assert values["largest"] == pytest.approx(100)
    assert values["scaled_trace"] == pytest.approx(400 + 9, rel=1e-6)
    assert values["scaled_largest"] == pytest.approx(400, rel=1e-6)
    # a² (100 d_x² + d_y²)/2 with |d| = |p|: between that of the flat and that of the steep direction.
    rises = [13 * REACH**2 / 2 * curvature for curvature in (1, 100)]
    assert rises[0] < values["rise"] < rises[1]
    assert "it is unknown which of these numbers are those of the scale" in answer(table).statement


def bowl(matrix: Tensor) -> Task:
    """A task that descends ½ w·A w from w = 1."""

    def loss(config: Any, tensors: Any, batch: Any) -> Losses:
        w = tensors["w"]
        return Losses({"height": w @ matrix.to(w) @ w / 2})

    return Task(
        name="bowl",
        title="a bowl",
        settings=TrainingConfig,
        metric=Metric("validation/height", "height"),
        terms=(LossTerm("height", "what is descended"),),
        initial_weights=lambda config, generator: {"w": torch.ones(len(matrix))},
        draw_batch=lambda config, streams, step: {},
        loss=loss,
        evaluate=lambda config, tensors, batch, generator: {"validation/height": 0.0},
    )


def test_the_scatter_of_the_trace_is_that_of_theory(tmp_path: Path) -> None:
    """The variance of z·Az is 2 (‖A‖² - Σ a_ii²)."""
    root = torch.randn(6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    matrix = root @ root.T
    table = PROBE(subject_of(bowl(matrix), tmp_path, samples=2000, learning_rate=1e-9))
    traces = select(table, quantity="trace")["value"]
    variance = 2 * (matrix.square().sum() - matrix.diagonal().square().sum()).item()
    assert traces.var(ddof=1) == pytest.approx(variance, rel=0.1)
    assert traces.mean() == pytest.approx(matrix.trace().item(), abs=3 * math.sqrt(variance / 2000))
    largest = select(table, quantity="largest")["value"]
    assert largest == pytest.approx([torch.linalg.eigvalsh(matrix)[-1].item()])
    row = row_of(PROBE.comparison(table), quantity="trace")
    assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * math.sqrt(variance / 2000), rel=0.06)


def images(count: int, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "pixels": torch.rand(count, 64, generator=generator),
        "label": torch.randint(10, (count,), generator=generator),
    }


def network(**fields: Any) -> Task:
    """The network of the task digits, on made images."""
    made = {
        "initial_weights": initial_weights,
        "draw_batch": lambda config, streams, step: images(30, 1),
        "splits": lambda config, device: {"train": images(30, 1), "test": images(10, 2)},
        "evaluate": lambda config, tensors, batch, generator: {"test/accuracy": 0.5},
    }
    return replace(tasks.load("digits"), name="made", **{**made, **fields})


def scales(weights: Mapping[str, Tensor]) -> Tensor:
    """What each weight of the twin is multiplied by."""
    factors = {"layer1.weight": FACTOR, "layer1.bias": FACTOR, "layer2.weight": 1 / FACTOR}
    parts = [torch.full((w.numel(),), factors.get(name, 1.0)).double() for name, w in weights.items()]
    return torch.cat(parts)


def test_the_twin_is_the_same_function_with_curvature_changed_by_the_known_factors(tmp_path: Path) -> None:
    subject = subject_of(network(), tmp_path, hidden=[4], samples=8)
    table = PROBE(subject)
    losses = [select(table, place=w, quantity="loss")["value"][0] for w in ("trained", "rescaled")]
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)
    state = subject.training_of(TrainingPoint).state()
    loss = LossAt(state, images(30, 1))
    scale = scales(state.weights)
    hessian = loss.hessian(loss.start)
    twin = hessian / scale[:, None] / scale
    generator = subject.generator("signs")
    for number in range(8):
        signs = random_signs(loss.start, generator)
        for place, matrix in (("trained", hessian), ("rescaled", twin)):
            row = row_of(table, place=place, quantity="trace", number=number)
            assert row["value"] == pytest.approx((signs @ matrix @ signs).item(), rel=1e-8)
    for place, matrix in (("trained", hessian), ("rescaled", twin)):
        value = row_of(table, place=place, quantity="largest")["value"]
        assert value == pytest.approx(torch.linalg.eigvalsh(matrix)[-1].item(), rel=1e-6)
    ratio = {name: row_of(PROBE.comparison(table), quantity=name)["ratio"] for name in ("trace", "largest")}
    assert abs(ratio["trace"] - 1) > 0.5
    assert abs(ratio["largest"] - 1) > 0.5
    for name in ("loss", "scaled_trace", "scaled_largest", "rise"):
        assert row_of(PROBE.comparison(table), quantity=name)["ratio"] == pytest.approx(1, rel=1e-5), name
    statement = answer(table).statement
    assert "these differ: trace times" in statement
    assert "These stay: scaled trace times 1, scaled largest times 1, rise times 1." in statement


def test_without_a_rectifier_no_twin_is_looked_at(tmp_path: Path) -> None:
    table = PROBE(subject_of(network(), tmp_path, hidden=[4], samples=2, activation="tanh"))
    assert set(table["place"].tolist()) == {"trained"}
    assert np.isnan(PROBE.comparison(table)["ratio"]).all()


def test_weights_of_another_function_are_refused(tmp_path: Path) -> None:
    def doubled(config: Any, weights: Mapping[str, Tensor], factor: float) -> dict[str, Tensor]:
        return {name: factor * weight for name, weight in weights.items()}

    subject = subject_of(network(rescaled=doubled), tmp_path, hidden=[4], samples=2)
    with pytest.raises(
        NotApplicable, match=r"needs weights of the same function, and those of made's rescaled"
    ):
        PROBE(subject)


def test_slices_pass_through_the_weights_and_biases_stay_where_they_are(tmp_path: Path) -> None:
    """Along a direction that leaves a loss of biases alone nothing changes."""

    def of_biases(config: Any, tensors: Any, batch: Any) -> Losses:
        return Losses({"cross_entropy": (tensors["layer1.bias"] - 1).square().sum(-1)})

    table = PROBE(subject_of(network(loss=of_biases, rescaled=None), tmp_path, hidden=[4], samples=2))
    base = row_of(table, quantity="loss")["value"]
    assert select(table, quantity="slice")["value"] == pytest.approx(base, rel=1e-12)
