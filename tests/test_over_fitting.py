"""Over-fitting is no divergence: the training loss falls on, while a divergence takes it along."""

from __future__ import annotations

import numpy as np
import pytest

from ired_diag.curves.failure import failure_of
from ired_diag.runs.over_fitting import over_fitting_of
from ired_diag.runs.run import Run
from ired_diag.verdict import verdict_of
from tests.made_runs import findings_of, made_run

EPOCHS = np.arange(40)
RISING = 0.5 + 0.6 * np.exp(-EPOCHS / 3) + 0.03 * np.maximum(0, EPOCHS - 10)  # 0.52 to 1.37
FALLING = 0.9 * np.exp(-EPOCHS / 8)
ACCURACY = 0.75 - 0.3 * np.exp(-EPOCHS / 3)


def over_fitted(**more: np.ndarray) -> Run:
    return made_run("bert", metrics={"train_loss": FALLING, "val_loss": RISING, **more})


def test_a_validation_loss_that_doubles_while_the_accuracy_stays_is_a_note() -> None:
    (finding,) = findings_of("curve_shape", [over_fitted(val_acc=ACCURACY)])
    assert (finding.severity, finding.evidence["kept"]) == ("note", "val_acc")
    assert "over-fitting or over-confidence" in finding.statement
    assert "diverged" not in finding.statement


def test_an_accuracy_that_falls_too_makes_it_a_warning() -> None:
    lost = ACCURACY - 0.01 * np.maximum(0, EPOCHS - 10)
    (finding,) = findings_of("curve_shape", [over_fitted(val_acc=lost)])
    assert (finding.severity, finding.evidence["shape"]) == ("warning", "over-fitted")


def test_the_times_are_those_of_the_end_over_the_best() -> None:
    over = over_fitting_of(over_fitted())
    assert over is not None
    assert over.times == pytest.approx(np.median(RISING[-4:]) / RISING.min(), rel=1e-12)


def test_a_loss_that_takes_the_training_loss_along_has_diverged() -> None:
    run = made_run("deep", train_loss=RISING - 0.1, val_loss=RISING, val_acc=ACCURACY)
    (finding,) = findings_of("curve_shape", [run])
    assert (finding.severity, finding.evidence["shape"]) == ("error", "diverged")


def test_a_jump_of_the_validation_loss_is_no_over_fitting() -> None:
    jump = np.where(EPOCHS < 20, 0.5, 2.3)
    assert over_fitting_of(made_run("a", train_loss=FALLING, val_loss=jump)) is None


def test_fresh_data_cannot_be_over_fitted() -> None:
    config = {"rank": 20, "ood": False, "mining_strategy": "none", "diffusion_steps": 10}
    run = made_run("q201", config=config, train_loss=FALLING, val_loss=RISING)
    assert over_fitting_of(run) is None


def test_statistics_and_the_verdict_keep_an_over_fitted_seed() -> None:
    run = over_fitted(val_acc=ACCURACY)
    assert verdict_of(run).shape == "regressed"
    assert failure_of(run, "val_loss", lower_is_better=True) is None
