"""Promise and delivery of steps: closed forms, and the four ways in which the two part."""

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
from ired_diag.table import Table, select
from ired_diag.task import Losses, LossTerm, Metric, Task
from ired_diag.training.trainer import train
from probes.steps import PROBE, correlation, unexplained

FUNCTIONS = tasks.load("functions")
QUIET = {"experiment_name": "x", "validate_every": 100, "log_every": 100, "checkpoint_every": 10}


def probed(task: Task, folder: Path, *, steps: int = 20, **knobs: Any) -> tuple[Table, Finding]:
    """The table and the answer, from the checkpoint of step 10."""
    config = tasks.settings_of(task, {**QUIET, "train_steps": 10, **knobs})
    train(task, config, folder / "run")
    (target,) = of_run(read_run(folder / "run"), "10", task=task)
    opened = target.read()
    table = PROBE(opened.subject("raw", PROBE, steps, 0))
    return table, PROBE.conclude(table, PROBE.comparison(table))


def whole(table: Table) -> Table:
    return select(table, group="all", term="trained")


def test_on_a_quadratic_promise_curvature_and_delivery_are_those_of_its_formula(tmp_path: Path) -> None:
    """With L = ½ (100 x² + y²) and a step of η down the gradient: p = -η ‖g‖², d = p + ½ η² gᵀHg."""
    rate = 0.004
    table, finding = probed(
        FUNCTIONS,
        tmp_path,
        function="quadratic",
        optimizer="sgd",
        learning_rate=rate,
    )
    x, y = (1 - 100 * rate) ** 10, (1 - rate) ** 10  # from (1, 1), after ten steps
    rows = whole(table)
    for row in range(20):
        promised = -rate * ((100 * x) ** 2 + y**2)
        delivered = promised + rate**2 / 2 * (100 * (100 * x) ** 2 + y**2)
        assert rows["promised"][row] == pytest.approx(promised, rel=1e-9)
        assert rows["promised_curved"][row] == pytest.approx(delivered, rel=1e-9)
        assert rows["delivered"][row] == pytest.approx(delivered, rel=1e-6)
        x, y = x * (1 - 100 * rate), y * (1 - rate)
    assert "The promise is kept." in finding.statement
    assert finding.severity == "note"


def test_kept_steps_whose_sum_falls_short_are_not_called_kept_altogether(tmp_path: Path) -> None:
    """Half the curvature times the rate is a fifth of the promise here, and U a sixteenth."""
    knobs: dict[str, Any] = {"function": "quadratic", "optimizer": "sgd"}
    _, finding = probed(FUNCTIONS, tmp_path, **knobs, learning_rate=0.004, start=[1.0, 0.0])
    delivered, promised = finding.evidence["delivered"], finding.evidence["promised"]
    assert isinstance(delivered, float) and isinstance(promised, float)
    assert delivered == pytest.approx(0.8 * promised, rel=0.01)
    assert "The promise is kept" not in finding.statement
    assert "is kept (U = 0.063), that of all steps together is not" in finding.statement


def test_groups_of_weights_promise_what_they_move_alone(tmp_path: Path) -> None:
    image = tasks.load("image")
    table, _ = probed(image, tmp_path, steps=3, gaussians=6, render_cutoff="none")
    parts = [select(table, group=name, term="trained")["promised"] for name in ("position", "scale", "color")]
    assert np.sum(parts, axis=0) == pytest.approx(whole(table)["promised"], rel=1e-9)
    reported = select(table, group="all", term="reported")["promised"]
    terms = [select(table, group="all", term=name)["promised"] for name in ("l1", "l2", "ssim")]
    assert np.sum(terms, axis=0) == pytest.approx(reported, rel=1e-9)


def test_steps_beyond_the_curvature_are_called_too_long(tmp_path: Path) -> None:
    table, finding = probed(
        FUNCTIONS,
        tmp_path,
        function="quadratic",
        start=[1.0, 0.0],
        optimizer="sgd",
        learning_rate=0.0202,  # the limit is 0.02
    )
    assert (whole(table)["delivered"] > 0).all()
    assert "too long for the curvature" in finding.statement
    assert finding.severity == "warning"


def test_noise_is_told_from_descent(tmp_path: Path) -> None:
    _, finding = probed(
        FUNCTIONS,
        tmp_path,
        steps=200,
        function="sphere",
        start=[0.001, 0.0],
        gradient_noise=5.0,
        optimizer="sgd",
        learning_rate=0.001,
    )
    assert "is noise (cosine" in finding.statement
    assert finding.severity == "note"


def own_task(**fields: Any) -> Task:
    """A task of one weight, which starts at 4, with losses that a test gives."""
    keys: dict[str, Any] = {
        "name": "own",
        "title": "one weight",
        "settings": TrainingConfig,
        "metric": Metric("validation/height", "height"),
        "terms": (LossTerm("height", "what is descended"),),
        "initial_weights": lambda config, generator: {"w": torch.tensor([4.0])},
        "draw_batch": lambda config, streams, step: {},
        "evaluate": lambda config, tensors, batch, generator: {"validation/height": float(tensors["w"][0])},
    }
    return Task(**{**keys, **fields})


SGD: dict[str, Any] = {"optimizer": "sgd", "learning_rate": 0.05, "gradient_clip": None}


def test_a_loss_that_jumps_between_two_steps_is_a_blind_gradient(tmp_path: Path) -> None:
    """w² and a staircase of height 10 that rises as w falls: its derivative is 0 wherever there is one."""

    def loss(config: Any, tensors: Any, batch: Any) -> Losses:
        w = tensors["w"][0]
        return Losses({"height": w.square() - 10 * torch.floor(8 * w)})

    table, finding = probed(own_task(loss=loss), tmp_path, **SGD)
    assert whole(table)["promised"].sum() < 0 < whole(table)["delivered"].sum()
    assert "where the gradient is blind" in finding.statement
    assert finding.severity == "warning"
    assert finding.evidence["quotient_small"] == pytest.approx(1, abs=1e-6)
    assert finding.evidence["blind"] == "w"


def test_a_reported_loss_that_rises_while_the_trained_one_falls_is_said(tmp_path: Path) -> None:
    def loss(config: Any, tensors: Any, batch: Any) -> Losses:
        w = tensors["w"][0]
        return Losses({"height": w.square(), "shown": -3 * w.square()})

    terms = (
        LossTerm("height", "descended"),
        LossTerm("shown", "reported", trained=False),
    )
    _, finding = probed(own_task(loss=loss, terms=terms), tmp_path, **SGD)
    assert "The promise is kept." in finding.statement
    assert "they are different losses (cosine of the gradients -1.00)" in finding.statement


def test_a_gradient_that_is_not_the_derivative_is_said(tmp_path: Path) -> None:
    def loss(config: Any, tensors: Any, batch: Any) -> Losses:
        w = tensors["w"][0]
        return Losses({"height": w.square() - 4 * w.detach() * w.detach()})

    _, finding = probed(own_task(loss=loss), tmp_path, **SGD)
    assert "it is not the derivative of this loss" in finding.statement


def test_few_steps_have_no_verdict(tmp_path: Path) -> None:
    _, finding = probed(FUNCTIONS, tmp_path, steps=4)
    assert "Too few steps for a verdict (10 are needed)." in finding.statement


def test_correlation_and_unexplained_share_are_those_of_numpy() -> None:
    rng = np.random.default_rng(3)
    promised, delivered = rng.normal(size=(2, 50))
    assert correlation(promised, delivered) == pytest.approx(np.corrcoef(promised, delivered)[0, 1])
    assert unexplained(delivered, delivered) == 0
    assert np.isnan(correlation(np.ones(5), delivered[:5]))
    assert np.isnan(unexplained(np.ones(5), np.zeros(5)))


@pytest.mark.slow
def test_the_image_fit_is_blind_where_its_loss_rises_and_keeps_its_promise_without_a_cutoff(
    tmp_path: Path,
) -> None:
    """FACTS: correlation above .99 at the start, below 0 from 1500, above .7 from 1500 without the cutoff."""
    image = tasks.load("image")
    knobs = {"train_steps": 1500, "checkpoint_every": 1500}
    config = tasks.settings_of(image, {**QUIET, **knobs})
    folder = train(image, config, tmp_path / "runs" / "image" / "seed42")
    (target,) = of_run(read_run(folder), "1500")
    table = PROBE(target.read().subject("raw", PROBE, 100, 0))
    finding = PROBE.conclude(table, PROBE.comparison(table))
    evidence: dict[str, Any] = dict(finding.evidence)
    assert evidence["correlation"] < 0.3
    assert evidence["delivered"] > 0 > evidence["promised"]
    assert "where the gradient is blind" in finding.statement
    scale = select(table, group="scale", term="quotient")
    assert scale["quotient_cosine"][0] == pytest.approx(1, abs=1e-6)
    assert scale["quotient_cosine"][1] < 0.3
