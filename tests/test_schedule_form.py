"""Schedules are known by their form, measured curves by their noise; failed seeds on one are seeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ired_diag import comparison
from ired_diag.curves.schedule_form import is_schedule
from ired_diag.runs.run import Run
from tests.made_runs import falling, findings_of, made_run

Array = NDArray[Any]
STEP = np.arange(15)

SCHEDULES: dict[str, Callable[[Array], Array]] = {
    "linear": lambda i: 1.0 - 0.061234567 * i,
    "linear, then constant": lambda i: np.maximum(0.05, 1.0 - 0.1234567 * i),
    "geometric": lambda i: 10 * 0.9**i,
    "exponential to a floor": lambda i: 0.05 + 0.95 * np.exp(-i / 7.3),
    "rising to one": lambda i: 1 - 0.97**i,
    "cosine": lambda i: 0.5 * (1 + np.cos(np.pi * i / 20)),
    "warm-up and cosine": lambda i: np.where(i < 3, i / 3, 0.5 * (1 + np.cos(np.pi * (i - 3) / 40))),
    "logistic": lambda i: 1 / (1 + np.exp(-(i - 8) / 2.5)),
    "inverse root": lambda i: 1 / np.sqrt(i + 3),
    "halved every five": lambda i: 0.3 * 0.5 ** (i // 5),
    "printed with four digits": lambda i: np.round(0.7 * 0.97**i, 4),
}


@pytest.mark.parametrize("form", SCHEDULES)
@pytest.mark.parametrize("points", [15, 60])
def test_forms_of_schedules(form: str, points: int) -> None:
    i = np.arange(points, dtype=np.float64)
    assert is_schedule(10 * i, SCHEDULES[form](i))


def test_a_schedule_between_uneven_steps() -> None:
    steps = np.cumsum(np.random.default_rng(0).integers(1, 30, 40))
    assert is_schedule(steps, 0.05 + 0.95 * np.exp(-steps / 200))


@pytest.mark.parametrize("noise", [0.2, 0.05, 0.02])
def test_a_measured_curve_is_no_schedule(noise: float) -> None:
    taken = [is_schedule(np.arange(40), falling(40, noise=noise, seed=seed)) for seed in range(200)]
    assert not any(taken)


def _failed(name: str, seed: int, constant: str, **schedules: Any) -> Run:
    return made_run(name, seed, config={"lr": 0.1}, metrics={constant: np.zeros(len(STEP)), **schedules})


KINDS: dict[str, tuple[str, dict[str, Array]]] = {
    "exploration": (
        "episode_reward",
        {"epsilon": 0.05 + 0.95 * np.exp(-STEP / 7), "beta_kl": 1 - 0.97**STEP},
    ),
    "teacher": (
        "success_rate",
        {"teacher_forcing_ratio": 0.97**STEP, "mask_rate": 0.6 * 0.95**STEP, "sigma": 10 * 0.9**STEP},
    ),
    "frames": ("eval/mean_reward", {"env_frames": 12345.7 * STEP, "clip_range": 0.2 * (1 - STEP / 37)}),
    "gumbel": (
        "val_accuracy",
        {"tau": np.maximum(0.5, np.exp(-0.0371 * STEP)), "kl_anneal": 1 / (1 + np.exp(3 - STEP / 2))},
    ),
    "data order": ("val_accuracy", {"mean_seq_length": np.random.default_rng(0).normal(80, 9, len(STEP))}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_failed_seeds_that_share_schedules_are_seeds(kind: str) -> None:
    constant, schedules = KINDS[kind]
    runs = [_failed("failed", seed, constant, **schedules) for seed in range(4)]
    rewards = np.linspace(0.1, 0.6, len(STEP))
    learnt = [
        made_run("learnt", seed, metrics={constant: rewards + 0.01 * seed, **schedules}) for seed in range(4)
    ]
    result = comparison.compare({"failed": runs, "learnt": learnt}, metric=constant, readout="last")
    assert (result.groups[0].summary.n, result.left_out) == (4, [])
    assert findings_of("identical_curves", runs) == []


def test_copies_that_log_a_schedule_next_to_a_measured_curve_are_copies() -> None:
    runs = [made_run("a", seed, val_loss=falling(15), epsilon=0.97**STEP) for seed in range(3)]
    (finding,) = findings_of("identical_curves", runs)
    assert finding.evidence["runs"] == 3


def test_a_noisy_column_of_an_unknown_name_is_evidence() -> None:
    zork = np.random.default_rng(5).normal(size=15)
    runs = [
        made_run("a", seed, val_accuracy=np.zeros(15), zork=zork, epsilon=0.97**STEP) for seed in range(3)
    ]
    (finding,) = findings_of("identical_curves", runs)
    assert finding.evidence["runs"] == 3
