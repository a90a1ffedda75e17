"""What a run learned early and lost, against curves of one level and spikes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ired_diag.curves.lost_gain import lost_gain_of
from ired_diag.forensics import diagnose
from ired_diag.runs.history import History
from ired_diag.runs.study import Study
from tests.made_runs import findings_of, made_run

STEPS = np.arange(60)
FLAT = 2.303 + 0.002 * np.random.default_rng(0).standard_normal(60)


def _with(row: list[float], at: int = 2) -> np.ndarray:
    values = FLAT.copy()
    values[at : at + len(row)] = row
    return values


def test_a_row_of_better_evaluations_that_ends_is_lost() -> None:
    lost = lost_gain_of(STEPS, _with([2.1, 1.8, 1.7, 1.6]), lower_is_better=True)
    assert lost is not None
    assert (lost.step, lost.best) == (5.0, 1.6)
    assert lost.end == pytest.approx(2.303, abs=0.002)


def test_an_accuracy_that_falls_back_to_chance_is_lost() -> None:
    accuracy = np.where((STEPS > 2) & (STEPS < 8), 0.35, 0.1) + 1e-4 * np.sin(STEPS)
    assert lost_gain_of(STEPS, accuracy, lower_is_better=False) is not None


@pytest.mark.parametrize(
    "values",
    [
        FLAT,
        _with([1.2]),  # a spike downwards
        _with([1.6, 1.5]),  # too short a row
        _with([2.2, 2.1, 2.15, 2.2]),  # by less than 1.2 times
        _with([1.6, 1.5, 1.4], at=55),  # at its end
        2.3 * np.exp(0.3 * np.random.default_rng(1).standard_normal(60)),  # noise
        FLAT - 2.3,
    ],
)
def test_what_is_not_lost(values: np.ndarray) -> None:
    assert lost_gain_of(STEPS, values, lower_is_better=True) is None


def test_the_rule_warns_of_a_run_that_is_back_at_its_start() -> None:
    values = _with([2.31, 2.31, 2.1755, 1.899, 1.7008, 1.5589], at=0)[:40]
    (finding,) = findings_of("curve_shape", [made_run("a", val_loss=values)])
    assert finding.severity == "warning"
    assert "what was learned is lost" in finding.statement


def test_a_loss_that_rises_while_the_error_rate_stays_is_a_note() -> None:
    place = np.arange(40.0)
    loss = 0.3 + 2 * np.exp(-place / 3) + 0.003 * np.clip(place - 15, 0, None)
    rate = 0.18 + 0.8 * np.exp(-place / 4)
    (finding,) = findings_of("curve_shape", [made_run("a", eval_loss=loss, eval_wer=rate)])
    assert finding.severity == "note"
    assert "eval_wer stays as good as it was" in finding.statement
    (finding,) = findings_of("curve_shape", [made_run("a", eval_loss=loss, eval_wer=rate + 0.01 * place)])
    assert finding.severity == "warning"


def test_a_training_loss_that_falls_by_a_fifth_is_over_fitting_next_to_a_small_rise() -> None:
    place = np.arange(60.0)
    train = 0.05 + 0.65 * np.exp(-place / 12)
    valid = 0.3 + 0.4 * np.exp(-place / 6) + 0.002 * np.clip(place - 20, 0, None)
    (finding,) = findings_of("curve_shape", [made_run("a", train_logloss=train, valid_logloss=valid)])
    assert "over-fitting" in finding.statement


def test_a_score_that_is_evaluated_with_a_flat_loss_shows_that_it_learns() -> None:
    rng = np.random.default_rng(3)
    flat = 0.126 + 0.001 * rng.standard_normal(20)
    run = made_run("a", val_loss=flat, clip_score=np.linspace(0.2, 0.3, 20))
    often = made_run("b", every=50, loss=rng.uniform(0.1, 0.15, 40))
    run = replace(run, history=History({**run.history.series, **often.history.series}))
    (finding,) = findings_of("curve_shape", [run])
    assert (finding.severity, finding.evidence["metric"]) == ("note", "clip_score")


def test_a_run_at_chance_is_not_said_to_be_stuck_as_well() -> None:
    rng = np.random.default_rng(4)
    config = {"num_classes": 100}
    loss = 4.6055 + 0.001 * rng.standard_normal(40)
    run = made_run("a", config=config, val_loss=loss, val_acc=0.01 + 0.0005 * rng.standard_normal(40))
    rules = [finding.rule for finding in diagnose(Study.of([run])) if finding.severity != "note"]
    assert set(rules) == {"chance_level"}
