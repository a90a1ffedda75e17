"""Descents on test functions: published trajectories, closed forms, and what the trainer adds."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ired_diag import tasks
from ired_diag.errors import WrongConfiguration
from ired_diag.functions.config import FunctionsConfig
from ired_diag.functions.surface import SURFACES
from ired_diag.streams import make_streams
from ired_diag.training.amsgrad import CorrectedAmsgrad
from ired_diag.training.nearest_critical_point import nearest_critical_point
from ired_diag.training.state import new_state
from ired_diag.training.trainer import train
from ired_diag.training.weight_curvature import LossAt, ends_at, limit_of

FUNCTIONS = tasks.load("functions")


def descended(folder: Path, **knobs: Any) -> list[dict[str, float]]:
    """The logged rows of a descent: each holds the point before its step."""
    quiet = {"validate_every": 10_000, "checkpoint_every": 10_000}
    config = tasks.settings_of(FUNCTIONS, {"experiment_name": "x", **quiet, **knobs})
    train(FUNCTIONS, config, folder / "run")
    return [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]


PUBLISHED: dict[str, dict[str, Any]] = {
    "sample_SGD_Rosenbrock_lr0.001_seed42.csv": {
        "start": [-1.5, 2.5],
        "optimizer": "sgd",
        "learning_rate": 0.001,
    },
    "sample_Adam_Rosenbrock_lr0.01_seed42.csv": {"start": [-1.5, 2.5]},
    "sample_RMSProp_IllConditionedQuadratic_lr0.01_seed42.csv": {
        "function": "quadratic",
        "optimizer": "rmsprop",
    },
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_trajectories_are_walked_again(name: str, shared: Path, tmp_path: Path) -> None:
    with (shared / "gdsearch" / name).open() as file:
        published = list(csv.DictReader(file))
    rows = descended(tmp_path, **PUBLISHED[name], train_steps=len(published))
    for row, expected in zip(rows, published, strict=True):
        point = (row["train/x"], row["train/y"], row["train/value"])
        assert point == pytest.approx([float(expected[k]) for k in ("x", "y", "loss")], rel=1e-12, abs=1e-12)
        assert row["train/gradient_norm"] == pytest.approx(float(expected["grad_norm"]), rel=1e-9, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("knobs", "steps"),
    [
        ({"optimizer": "sgd", "learning_rate": 0.001}, 7156),
        ({"optimizer": "adam"}, 2391),
        ({"optimizer": "adamw", "weight_decay": 0.01}, 2762),
    ],
)
def test_the_first_loss_below_a_thousandth_comes_when_published(
    knobs: dict[str, Any], steps: int, tmp_path: Path
) -> None:
    rows = descended(tmp_path, **knobs, train_steps=steps + 1)
    below = [row["step"] - 1 for row in rows if row["train/value"] < 1e-3]
    assert below == [steps]  # steps taken before it: the loss of a row is that before its step


@pytest.mark.parametrize(("maximum", "last"), [("corrected", 1.5557340738463183), ("raw", 1.8967e-8)])
def test_the_two_forms_of_amsgrad_end_where_a_plain_loop_ends(maximum: str, last: float) -> None:
    point = torch.tensor([-1.5, 2.0], dtype=torch.float64, requires_grad=True)
    optimizer: torch.optim.Optimizer = torch.optim.Adam([point], lr=0.01, amsgrad=True)
    if maximum == "corrected":
        optimizer = CorrectedAmsgrad([{"params": [point]}], lr=0.01, betas=(0.9, 0.999), eps=1e-8)
        zeros = {kind: torch.zeros_like(point) for kind in ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")}
        optimizer.state[point].update(zeros, step=torch.tensor(0.0))
    walk = np.array([-1.5, 2.0])
    mean = square = largest = np.zeros(2)
    for step in range(1, 301):
        optimizer.zero_grad()
        SURFACES["rosenbrock"].value(point).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        x, y = walk
        gradient = np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        if maximum == "corrected":
            largest = np.maximum(largest, square / (1 - 0.999**step))
            divisor = np.sqrt(largest) + 1e-8
        else:
            largest = np.maximum(largest, square)
            divisor = np.sqrt(largest / (1 - 0.999**step)) + 1e-8
        walk = walk - 0.01 * mean / (1 - 0.9**step) / divisor
        assert point.detach().numpy() == pytest.approx(walk, rel=1e-12)


@pytest.mark.slow
def test_amsgrad_over_corrected_moments_ends_where_published(tmp_path: Path) -> None:
    rows = descended(tmp_path, optimizer="amsgrad", amsgrad_maximum="corrected", train_steps=10_000)
    assert rows[-1]["function/value"] == pytest.approx(1.5557, abs=5e-5)


def test_rmsprop_ends_on_the_quadratic_in_a_cycle_of_two(tmp_path: Path) -> None:
    rows = descended(tmp_path, function="quadratic", optimizer="rmsprop", train_steps=2000)
    last = [row["train/value"] for row in rows[-2:]]
    assert last == pytest.approx([0.0012625, 0.0012625], rel=1e-4)
    assert [abs(row["train/x"]) for row in rows[-2:]] == pytest.approx([0.005, 0.005], rel=1e-3)
    assert rows[-1]["train/x"] * rows[-2]["train/x"] < 0


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.5, False), (0.9, False), (0.9, True)])
@pytest.mark.parametrize("share", [0.99, 1.01])
def test_a_rate_below_the_limit_decays_and_one_above_grows(
    momentum: float, nesterov: bool, share: float, tmp_path: Path
) -> None:
    """Heavy ball is stable below 2(1 + β)/λ, Nesterov below 2(1 + β)/(λ(1 + 2β)); λ = 100 here."""
    limit = 2 * (1 + momentum) / 100
    if nesterov:
        limit /= 1 + 2 * momentum
    rows = descended(
        tmp_path,
        function="quadratic",
        start=[1.0, 0.0],
        optimizer="sgd",
        learning_rate=share * limit,
        momentum=momentum,
        nesterov=nesterov,
        train_steps=3000,
    )
    first, last = (np.mean([row["train/value"] for row in part]) for part in (rows[:50], rows[-50:]))
    assert (last < 0.1 * first) if share < 1 else (last > 10 * first)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.99])
def test_a_rate_of_a_hundredth_overflows_at_every_momentum_as_the_limit_says(
    momentum: float, tmp_path: Path
) -> None:
    """The published overflow at momentum .99 is that of the rate: 2(1 + β)/λ is .0019 at most, λ = 2092."""
    knobs = {"optimizer": "sgd", "learning_rate": 0.01, "momentum": momentum}
    rows = descended(tmp_path, **knobs, train_steps=12)
    is_finite = [math.isfinite(row["train/value"]) for row in rows]
    assert is_finite.index(False) <= 8
    config = tasks.settings_of(FUNCTIONS, {"experiment_name": "x", **knobs})
    state = new_state(FUNCTIONS, config, "cpu")
    at_start = LossAt(state, FUNCTIONS.draw_batch(config, make_streams(0, "cpu"), 0))
    assert ends_at(at_start, at_start.start).largest > 5 * limit_of(config, 0)


@pytest.mark.parametrize(("rate", "steps"), [(0.001, 591), (0.002, 649)])
def test_momentum_raises_the_limit_so_that_a_smaller_rate_converges(
    rate: float, steps: int, tmp_path: Path
) -> None:
    """The steps are those of a plain loop, v ← .99 v + g."""
    rows = descended(tmp_path, optimizer="sgd", learning_rate=rate, momentum=0.99, train_steps=steps + 1)
    below = [row["step"] - 1 for row in rows if row["train/value"] < 1e-3]
    assert below[0] == steps


def test_eigenvalues_of_both_signs_are_no_saddle_on_the_whole_path_of_rosenbrock() -> None:
    """1256 of 3000 steps have eigenvalues of both signs, which a published detector takes for a saddle."""
    config = tasks.settings_of(FUNCTIONS, {"experiment_name": "x"})
    state = new_state(FUNCTIONS, config, "cpu")
    batch = FUNCTIONS.draw_batch(config, make_streams(0, "cpu"), 0)
    x, y = -1.5, 2.0
    of_both_signs = []
    for _ in range(3000):
        determinant = (2 - 400 * (y - 3 * x * x)) * 200 - (400 * x) ** 2
        if determinant < 0:
            of_both_signs.append((x, y))
        across = -2 * (1 - x) - 400 * x * (y - x * x)
        x, y = x - 0.001 * across, y - 0.001 * 200 * (y - x * x)
    assert len(of_both_signs) == 1256
    for point in of_both_signs[::25]:
        state.weights["point"] = torch.tensor(point, dtype=torch.float64)
        assert nearest_critical_point(LossAt(state, batch)).kind != "saddle"


def escape_steps(folder: Path, **knobs: Any) -> int:
    rows = descended(folder, function="saddle", optimizer="sgd", start=[0.0, 1e-6], **knobs)
    return next(int(row["step"]) - 1 for row in rows if abs(row["train/y"]) >= 1)


@pytest.mark.parametrize(("momentum", "steps"), [(0.0, 1389), (0.9, 226)])
def test_a_saddle_is_left_after_as_many_steps_as_its_formula_says(
    momentum: float, steps: int, tmp_path: Path
) -> None:
    assert escape_steps(tmp_path, momentum=momentum, train_steps=steps + 20) == pytest.approx(steps, abs=1)


@pytest.mark.parametrize("name", SURFACES)
def test_the_gradient_is_zero_at_the_known_critical_points(name: str) -> None:
    surface = SURFACES[name]
    for known in surface.critical_points:
        point = torch.tensor(known.weights["point"], dtype=torch.float64, requires_grad=True)
        value = surface.value(point)
        assert value.item() == pytest.approx(known.loss, abs=1e-7)
        (gradient,) = torch.autograd.grad(value, point)
        assert gradient.abs().max() < 1e-9


def test_noise_on_the_gradient_has_the_size_that_is_set(tmp_path: Path) -> None:
    rows = descended(
        tmp_path,
        function="sphere",
        start=[0.0, 0.0],
        gradient_noise=2.0,
        optimizer="sgd",
        learning_rate=1e-9,
        train_steps=2000,
    )
    norms = np.array([row["train/gradient_norm"] for row in rows])
    assert math.sqrt((norms**2).mean() / 2) == pytest.approx(2.0, rel=0.05)
    assert max(row["train/reported_loss"] for row in rows) < 1e-9  # noise is not reported


def test_seeds_start_apart_where_a_spread_is_set(tmp_path: Path) -> None:
    starts: list[Sequence[float]] = []
    for seed in (0, 1):
        row = descended(tmp_path / str(seed), seed=seed, start_spread=0.5, train_steps=1)[0]
        starts.append((row["train/x"], row["train/y"]))
    assert starts[0] != starts[1]


@pytest.mark.parametrize(
    ("knobs", "complaint"),
    [
        ({"batch_size": 8}, "batch_size changes nothing on a function"),
        ({"function": "rosenbrok"}, "rosenbrok"),
        ({"nesterov": True}, "nesterov changes nothing without momentum"),
        ({"rmsprop_decay": 0.5}, "rmsprop_decay changes nothing unless optimizer is rmsprop"),
    ],
)
def test_a_knob_that_cannot_be_used_is_refused(knobs: dict[str, Any], complaint: str) -> None:
    with pytest.raises(WrongConfiguration, match=complaint):
        tasks.settings_of(FUNCTIONS, {"experiment_name": "x", **knobs})


def test_a_start_is_a_pair_of_numbers() -> None:
    config = tasks.settings_of(FUNCTIONS, {"experiment_name": "x", "start": [1, 2.5]})
    assert isinstance(config, FunctionsConfig)
    assert config.start == (1.0, 2.5)
    with pytest.raises(WrongConfiguration, match="start"):
        tasks.settings_of(FUNCTIONS, {"experiment_name": "x", "start": [1]})


@pytest.mark.parametrize("start", ["abc", 3.0, "[nan, 2]"])
def test_a_start_that_is_no_list_is_answered_with_the_form_of_one(start: object) -> None:
    with pytest.raises(
        WrongConfiguration, match=r"start = .*: expected a list in brackets, such as \[1, 2\]"
    ):
        tasks.settings_of(FUNCTIONS, {"experiment_name": "x", "start": start})
