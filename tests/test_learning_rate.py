"""The learning rate of each step: closed forms, PyTorch's schedulers, what the trainer takes and tells."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    SequentialLR,
    StepLR,
)

from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.compiled import loss_function
from ired_diag.training.ensemble import Ensemble
from ired_diag.training.learning_rate import learning_rate_after
from ired_diag.training.state import new_state
from ired_diag.training.trainer import train

STEPS = 120
RATE = 3e-3
TINY = {
    "rank": 2,
    "width": 4,
    "time_embedding": 4,
    "time_width": 4,
    "batch_size": 4,
    "validation_batches": 1,
    "validation_batch_size": 4,
}


def config_of(**knobs: Any) -> InverseConfig:
    told = {"experiment_name": "q900_rate", "train_steps": STEPS, "learning_rate": RATE}
    return parse_inverse({**told, **TINY, **knobs})


def rates(config: InverseConfig) -> list[float]:
    return [learning_rate_after(step, config) for step in range(STEPS)]


def by_pytorch(schedule: Callable[[Optimizer], LRScheduler]) -> list[float]:
    """The rate of each step as one of PyTorch's schedulers has it."""
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=RATE)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # SequentialLR calls its parts in a way that PyTorch itself deprecates
        scheduler = schedule(optimizer)
        for _ in range(STEPS):
            found.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            scheduler.step()
    return found


def test_a_constant_rate_is_the_configured_one_at_every_step() -> None:
    assert rates(config_of()) == [RATE] * STEPS


@pytest.mark.parametrize("floor", [0.0, 0.1, 1.0])
def test_a_cosine_is_pytorchs(floor: float) -> None:
    config = config_of(lr_schedule="cosine", lr_floor=floor)
    expected = by_pytorch(lambda o: CosineAnnealingLR(o, STEPS, eta_min=floor * RATE))
    assert rates(config) == pytest.approx(expected, rel=1e-10, abs=1e-15)


def test_a_cosine_that_starts_late_is_pytorchs_after_a_constant() -> None:
    config = config_of(lr_schedule="cosine", lr_decay_start=40, lr_floor=0.05)
    expected = by_pytorch(
        lambda o: SequentialLR(
            o,
            [ConstantLR(o, 1.0, 0), CosineAnnealingLR(o, STEPS - 40, eta_min=0.05 * RATE)],
            milestones=[40],
        )
    )
    assert rates(config) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("every", "factor"), [(7, 0.5), (30, 0.1), (200, 0.1)])
def test_steps_are_pytorchs(every: int, factor: float) -> None:
    config = config_of(lr_schedule="step", lr_step_every=every, lr_step_factor=factor)
    assert rates(config) == pytest.approx(by_pytorch(lambda o: StepLR(o, every, factor)), rel=1e-12)


@pytest.mark.parametrize("warmup", [2, 17, STEPS])
def test_a_warm_up_is_pytorchs_linear_one(warmup: int) -> None:
    expected = by_pytorch(lambda o: LinearLR(o, 1 / warmup, 1.0, warmup - 1))
    assert rates(config_of(lr_warmup_steps=warmup)) == pytest.approx(expected, rel=1e-12)


def naive(step: int, config: InverseConfig) -> float:
    """The rate as the module's first lines tell it."""
    eta, k, n, s = config.learning_rate, step, config.train_steps, config.lr_decay_start
    f, gamma, period = config.lr_floor, config.lr_step_factor, config.lr_step_every
    rate = eta
    if config.lr_schedule == "cosine" and k >= s:
        rate = eta * (f + (1 - f) * 0.5 * (1 + math.cos(math.pi * (k - s) / (n - s))))
    if config.lr_schedule == "step" and k >= s:
        whole_periods = int((k - s) / period)
        rate = eta * max(f, gamma**whole_periods)
    return rate * min(1.0, (k + 1) / config.lr_warmup_steps) if config.lr_warmup_steps else rate


@pytest.mark.parametrize(
    "knobs",
    [
        {"lr_schedule": "cosine", "lr_decay_start": 50, "lr_floor": 0.2, "lr_warmup_steps": 60},
        {"lr_schedule": "step", "lr_decay_start": 13, "lr_step_every": 9, "lr_floor": 0.05},
        {"lr_schedule": "step", "lr_step_every": 9, "lr_step_factor": 0.7, "lr_warmup_steps": 20},
        {"lr_schedule": "step", "lr_step_every": 1, "lr_step_factor": 1.0},
    ],
    ids=lambda k: "-".join(str(v) for v in k.values()),
)
def test_decay_floor_and_warm_up_together_equal_the_formula(knobs: dict[str, Any]) -> None:
    config = config_of(**knobs)
    assert rates(config) == pytest.approx([naive(k, config) for k in range(STEPS)], rel=1e-13)


def test_the_floor_is_reached_at_the_last_step_and_never_crossed() -> None:
    config = config_of(lr_schedule="cosine", lr_floor=0.25)
    assert learning_rate_after(STEPS, config) == pytest.approx(0.25 * RATE, rel=1e-14)
    assert learning_rate_after(3 * STEPS, config) == pytest.approx(0.25 * RATE, rel=1e-14)
    assert min(rates(config)) > 0.25 * RATE
    stepped = config_of(lr_schedule="step", lr_step_every=2, lr_floor=0.25)
    assert min(rates(stepped)) == 0.25 * RATE


@pytest.mark.parametrize("schedule", ["cosine", "step"])
@pytest.mark.parametrize("start", [STEPS - 1, STEPS, 10 * STEPS])
def test_a_decay_that_starts_at_the_end_or_later_never_begins(schedule: str, start: int) -> None:
    config = config_of(lr_schedule=schedule, lr_decay_start=start)
    assert rates(config) == [RATE] * STEPS


def test_the_trainer_takes_and_tells_the_rate_of_each_step(tmp_path: Path) -> None:
    knobs = {"lr_schedule": "cosine", "lr_warmup_steps": 5, "lr_floor": 0.1, "log_every": 1}
    config = config_of(**knobs, train_steps=30)
    folder = train(INVERSE, config, tmp_path / "run")
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 31))
    told = [row["train/learning_rate"] for row in rows]
    assert told == [learning_rate_after(step - 1, config) for step in range(1, 31)]
    assert told[0] == pytest.approx(RATE / 5)


def test_a_rate_of_a_hundredth_moves_sgd_a_hundredth_as_far() -> None:
    moved = {}
    for warmup in (0, 100):
        state = new_state(INVERSE, config_of(optimizer="sgd", lr_warmup_steps=warmup), "cpu")
        before = {name: p.clone() for name, p in state.weights.items()}
        Ensemble([state], loss_function(INVERSE, state.config, state.constants, compiled=False)).advance()
        moved[warmup] = torch.cat([(state.weights[n].detach() - p).flatten() for n, p in before.items()])
    assert float(moved[0].norm()) > 0
    assert float((moved[0] - 100 * moved[100]).norm()) < 0.05 * float(moved[0].norm())  # float32's rounding
