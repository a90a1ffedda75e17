"""Gradients of the groups of weights: closed forms, agreement of batches, and a loop of its own."""

from __future__ import annotations

import math
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
from ired_diag.subject import Subject
from ired_diag.table import Table, row_of, select
from ired_diag.task import Losses, LossTerm, Metric, Task
from ired_diag.training.point import TrainingPoint
from ired_diag.training.trainer import train
from probes.layers import PROBE

QUIET = {"experiment_name": "x", "validate_every": 100, "log_every": 100, "learning_rate": 1e-9}


def subject_of(task: Task, folder: Path, *, samples: int = 50, **knobs: Any) -> Subject:
    config = tasks.settings_of(task, {**QUIET, "train_steps": 1, "checkpoint_every": 1, **knobs})
    train(task, config, folder / "run")
    (target,) = of_run(read_run(folder / "run"), "1", task=task)
    return target.read().subject("raw", PROBE, samples, 0)


def answer(table: Table) -> Finding:
    return PROBE.conclude(table, PROBE.comparison(table))


DIM, SIGNAL = 400, 0.05


def linear(*, noise: float, shape: tuple[int, ...] = (20, 20)) -> Task:
    """A loss that is linear in two weights: their gradients are u and 3u, with u drawn by each batch."""

    def draw(config: Any, streams: Any, step: int) -> dict[str, torch.Tensor]:
        drawn = torch.randn(DIM, generator=streams.data, dtype=torch.float64)
        return {"u": SIGNAL + noise * drawn}

    def loss(config: Any, tensors: Any, batch: Any) -> Losses:
        u = batch["u"].to(tensors["first"])
        first = u @ tensors["first"].flatten()
        last = 3 * u @ tensors["last"].flatten()
        return Losses({"height": first + last})

    return Task(
        name="linear",
        title="two weights",
        settings=TrainingConfig,
        metric=Metric("validation/height", "height"),
        terms=(LossTerm("height", "what is descended"),),
        initial_weights=lambda config, generator: {
            "first": torch.ones(shape),
            "bias": torch.zeros(3),
            "last": 2 * torch.ones(shape),
        },
        draw_batch=draw,
        loss=loss,
        evaluate=lambda config, tensors, batch, generator: {"validation/height": 0.0},
    )


def test_norms_and_ratios_are_those_of_their_formulas(tmp_path: Path) -> None:
    table = PROBE(subject_of(linear(noise=0.0), tmp_path, samples=5))
    norm = SIGNAL * math.sqrt(DIM)
    first, last = select(table, group="first"), select(table, group="last")
    assert first["gradient_norm"] == pytest.approx(np.full(5, norm))
    assert first["weight_norm"] == pytest.approx(np.full(5, 20.0), rel=1e-6)
    assert last["ratio"] == pytest.approx(np.full(5, 3 * norm / 40), rel=1e-6)
    assert np.isnan(select(table, group="bias")["ratio"]).all()  # weights of 0 have no ratio
    finding = answer(table)
    assert "Every batch gives the same gradient." in finding.statement
    assert "interval" not in finding.statement


def test_the_last_matrix_over_the_first_is_compared_batch_by_batch(tmp_path: Path) -> None:
    """Their norms vary together from batch to batch, and their ratio does not vary at all."""
    table = PROBE(subject_of(linear(noise=1.0), tmp_path))
    row = row_of(PROBE.comparison(table), quantity="last_over_first")
    assert row["group"] == "last"
    assert [row["value"], row["low"], row["high"]] == pytest.approx([3, 3, 3], rel=1e-9)
    assert "Batch by batch last has 3 times the gradient of first." in answer(table).statement
    norms = row_of(PROBE.comparison(table), group="last", quantity="gradient_norm")
    assert norms["high"] - norms["low"] > 0.1


@pytest.mark.parametrize("noise", [0.02, 0.05, 0.5])
def test_the_cosine_of_two_batches_is_the_share_of_the_gradient_that_they_share(
    noise: float, tmp_path: Path
) -> None:
    table = PROBE(subject_of(linear(noise=noise), tmp_path, samples=300))
    row = row_of(PROBE.comparison(table), group="first", quantity="cosine")
    assert row["value"] == pytest.approx(SIGNAL**2 / (SIGNAL**2 + noise**2), abs=0.01)
    assert row["low"] < row["value"] < row["high"]
    is_noise = "most of the gradient of one batch is noise" in answer(table).statement
    assert is_noise is (noise == 0.5)


def test_vectors_alone_have_no_first_and_last_matrix(tmp_path: Path) -> None:
    table = PROBE(subject_of(linear(noise=1.0, shape=(DIM,)), tmp_path))
    assert "last_over_first" not in PROBE.comparison(table)["quantity"].tolist()
    assert " in first and " in answer(table).statement


def test_the_gradients_are_those_of_a_plain_loop_over_the_same_batches(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    subject = subject_of(tasks.load("digits"), tmp_path, samples=3, hidden=[9])
    table = PROBE(subject)
    state = subject.training_of(TrainingPoint).state()
    first, last = torch.nn.Linear(64, 9).double(), torch.nn.Linear(9, 10).double()
    for k, layer in ((1, first), (2, last)):
        layer.weight.data = state.weights[f"layer{k}.weight"].double()
        layer.bias.data = state.weights[f"layer{k}.bias"].double()
    for number in range(3):
        batch = state.task.draw_batch(state.config, state.streams, 1)
        state.task.draw_batch(state.config, state.streams, 1)  # the batch that the cosine is with
        scores = last(torch.relu(first(batch["pixels"].double())))
        loss = torch.nn.functional.cross_entropy(scores, batch["label"])
        gradients = torch.autograd.grad(loss, [first.weight, last.weight])
        for k, gradient in enumerate(gradients, start=1):
            row = row_of(table, batch=number, group=f"layer{k}.weight")
            assert row["gradient_norm"] == pytest.approx(float(gradient.norm()), rel=1e-9)
