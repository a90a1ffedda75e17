"""Tests of results with what they belong to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ired_diag.runs.ending import Ending
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.owned_results import owned_results
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from tests.made_runs import made_run


def result(value: float) -> EvaluationResult:
    """Return a result of a test set."""
    return EvaluationResult(metric="test/mse", value=value, source=Path("eval.out"))


def test_results_of_evaluations_come_first_each_with_its_own_configuration() -> None:
    run = replace(made_run("q101", config={"rank": 20}), results=(result(0.3),))
    evaluation = Run(
        path=Path("eval.out"),
        experiment="q102",
        ending=Ending("complete"),
        results=(result(0.1), result(0.2)),
    )
    owned = list(owned_results(Study.of([run], evaluations=[evaluation])))
    assert [(each.group, each.result.value) for each in owned] == [
        ("q102", 0.1),
        ("q102", 0.2),
        ("q101", 0.3),
    ]
    assert [each.configuration for each in owned] == [{}, {}, {"rank": 20}]


def test_a_study_without_results_has_no_owned_results() -> None:
    assert list(owned_results(Study.of([made_run("q101")]))) == []
