"""The rule about dead runs: constants in place of NaN are errors; losses that rest are left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ired_diag.forensics import diagnose
from ired_diag.open import open_study
from tests.made_runs import falling, findings_of, made_run

NAN = float("nan")


@pytest.mark.parametrize("constant", [0.0, 0.1, 123.456])
def test_a_constant_beside_a_gradient_that_became_nan_is_an_error_at_its_first_step(constant: float) -> None:
    loss = [*falling(20), *[constant] * 10]
    norm = [*falling(20, level=1.0, seed=1), *[NAN] * 10]
    (finding,) = findings_of("dead_run", [made_run("a", loss=loss, grad_norm=norm)])
    assert (finding.severity, finding.evidence["step"], finding.evidence["logged_as"]) == (
        "error",
        2100,
        constant,
    )
    assert "grad_norm" in finding.statement


def test_a_loss_and_its_parts_are_one_finding_and_an_idle_part_is_left_out() -> None:
    rest = [0.0] * 10
    told = {"loss": [*falling(20), *rest], "kl_loss": [*falling(20, seed=3), *rest], "aux_loss": [0.0] * 30}
    run = made_run("a", metrics=told, grad_norm=[*falling(20, level=1.0, seed=1), *[NAN] * 10])
    (finding,) = findings_of("dead_run", [run])
    assert finding.evidence["metric"] == "loss"
    assert "The same holds for kl_loss." in finding.statement


def test_a_loss_that_was_dead_from_the_start_is_an_error() -> None:
    run = made_run("a", loss=[0.0] * 12, grad_norm=[NAN] * 12)
    (finding,) = findings_of("dead_run", [run])
    assert (finding.severity, finding.evidence["step"]) == ("error", 100)


def test_unfilled_columns_beside_a_metric_that_learns_are_left_alone() -> None:
    run = made_run("a", val_loss=[0.0] * 12, test_loss=[NAN] * 12, train_acc=np.linspace(0.1, 0.9, 12))
    assert findings_of("dead_run", [run]) == []


@pytest.mark.parametrize("constant", [0.0, 0.1])
def test_a_jump_to_a_short_constant_without_a_witness_is_a_warning(constant: float) -> None:
    loss = [*(3 + falling(30)), *[constant] * 12]
    (finding,) = findings_of("dead_run", [made_run("a", train_loss=loss)])
    assert (finding.severity, finding.evidence["step"]) == ("warning", 3100)


def test_losses_that_come_to_rest_are_left_alone() -> None:
    hinge = np.maximum(0, 1 - np.arange(40) / 20 + 0.001 * np.sin(np.arange(40)))
    quantised = np.round(falling(40, level=1e-5, noise=0.5), 4)
    perfect = [*(1 - falling(20, level=0.01)), *[1.0] * 20]
    long_digits = [*falling(20), *[2.302585] * 20]
    runs = [
        made_run("hinge", loss=hinge),
        made_run("quantised", loss=quantised),
        made_run("perfect", val_accuracy=perfect),
        made_run("uniform", val_loss=long_digits),
        made_run("nan", loss=[*falling(20), *[NAN] * 10], grad_norm=[*falling(20), *[NAN] * 10]),
        made_run("spikes", loss=falling(30), grad_norm=np.where(np.arange(30) % 7 == 0, NAN, 1.0)),
    ]
    assert findings_of("dead_run", runs) == []


@pytest.mark.parametrize(
    ("case", "metric", "step", "runs"),
    [("c15_hf_loss_zero_no_eval", "loss", 550, 1), ("l_hf_nan", "loss", 2050, 3)],
)
def test_real_logs_of_transformers_die_where_they_died(
    shared: Path, case: str, metric: str, step: int, runs: int
) -> None:
    study = open_study(shared / "cases" / case)
    (finding,) = [finding for finding in diagnose(study) if finding.severity == "error"]
    assert (finding.severity, finding.evidence["metric"], finding.evidence["step"]) == ("error", metric, step)
    assert finding.evidence["runs"] == runs
    assert finding.evidence["group"] != "q101"


def test_the_case_with_an_evaluation_dies_at_step_550_too(shared: Path) -> None:
    findings = diagnose(open_study(shared / "cases" / "c14_hf_loss_zero_nan"))
    dead = [finding for finding in findings if finding.severity == "error"]
    assert {finding.rule for finding in dead} == {"dead_run", "curve_shape"}
    (train,) = [finding for finding in dead if finding.rule == "dead_run"]
    assert train.evidence["step"] == 550
