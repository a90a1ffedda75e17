"""A run that its patience ended lies behind its best by definition."""

from __future__ import annotations

from typing import Any

import numpy as np

from ired_diag.runs.early_stopped import was_stopped_early
from ired_diag.runs.run import Run
from tests.made_runs import findings_of, made_run

CURVE = np.concatenate([1.4 - 0.02 * np.arange(40), 0.62 + 0.01 * np.arange(1, 9)])  # best at 39 of 48


def stopped(curve: np.ndarray = CURVE, **config: Any) -> Run:
    return made_run("a", config={"lr": 0.001, **config}, val_loss=curve)


def test_a_patience_that_runs_out_at_the_last_evaluation_makes_a_note() -> None:
    (finding,) = findings_of("curve_shape", [stopped(patience=8)])
    assert finding.severity == "note"
    assert "early stopping" in finding.statement


def test_without_a_patience_the_same_curve_is_a_warning() -> None:
    (finding,) = findings_of("curve_shape", [stopped()])
    assert finding.severity == "warning"


def test_a_patience_that_ran_out_long_before_did_not_end_the_run() -> None:
    assert not was_stopped_early(stopped(patience=3))


def test_the_patience_of_a_schedule_ends_no_run() -> None:
    assert not was_stopped_early(stopped(lr_scheduler={"patience": 8}))
    assert not was_stopped_early(stopped(reduce_lr_patience=8))


def test_a_least_gain_resets_the_count_only_where_it_is_exceeded() -> None:
    slow = np.concatenate([np.linspace(2, 1, 20), 1 - 0.001 * np.arange(1, 6)])
    assert was_stopped_early(stopped(slow, early_stopping={"patience": 5, "min_delta": 0.01}))
    assert not was_stopped_early(stopped(slow, early_stopping={"patience": 5}))


def test_a_run_far_from_its_planned_epochs_may_count_other_evaluations() -> None:
    longer = np.concatenate([CURVE, [0.71, 0.72]])
    assert was_stopped_early(stopped(longer, patience=8, max_epochs=200))
    assert not was_stopped_early(stopped(longer, patience=2, max_epochs=200))
