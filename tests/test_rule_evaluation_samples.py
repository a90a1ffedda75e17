"""The rule about evaluation samples: only what strictly follows from counts and batches is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ired_diag.forensics import load
from ired_diag.open import open_study
from ired_diag.runs.evaluation_result import EvaluationResult
from tests.made_runs import findings_of, made_run

RULE = "evaluation_samples"


def _found(config: dict[str, Any], **told: Any) -> list[tuple[str, Any]]:
    result = EvaluationResult(metric="test/mse", value=0.1, source=Path("e.out"), line=3, **told)
    run = replace(made_run("a", config=config, loss=[1.0, 0.5]), results=(result,))
    return [(finding.severity, finding.evidence["used"]) for finding in findings_of(RULE, [run])]


@pytest.mark.parametrize(
    ("config", "told", "used"),
    [
        ({"num_test_samples": 1024}, {"n": 512}, 512),
        ({"num_test_samples": 1024}, {"n": 5632}, 5632),
        ({"max_eval_samples": 100}, {"n": 5632}, 5632),
        ({"num_test_samples": 1024, "batch_size": 256}, {"last_batch": 36725, "batches": 36725}, 36724),
        ({"num_test_samples": 1024}, {"last_batch": 4880}, 4879),
        ({"num_eval_samples": 10_000, "eval_batch_size": 100}, {"last_batch": 20}, 2000),
    ],
)
def test_other_numbers_of_samples_are_warnings(config: dict[str, Any], told: Any, used: int) -> None:
    assert _found(config, **told) == [("warning", used)]


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"num_test_samples": 1024}, {"n": 1024}),
        ({"num_test_samples": 1024}, {}),
        ({"max_eval_samples": 10_000}, {"n": 5632}),
        ({"num_eval_samples": 10_000, "eval_batch_size": 100}, {"last_batch": 20, "batches": 20}),
        ({"num_eval_samples": 10_000, "eval_batch_size": 100}, {"last_batch": 95}),
        ({"num_test_samples": 1024, "batch_size": 1}, {"last_batch": 1024}),
        ({"num_test_samples": True, "batch_size": 256}, {"n": 5}),
        ({"batch_size": 256}, {"n": 5}),
        ({}, {"n": 5}),
    ],
)
def test_what_may_be_as_configured_is_left_alone(config: dict[str, Any], told: Any) -> None:
    assert _found(config, **told) == []


def test_the_archives_evaluations_used_thousands_of_times_what_they_were_told(shared: Path) -> None:
    found = list(load(RULE).find(open_study(shared / "ired_logs_2")))
    (finding,) = found
    assert (finding.evidence["groups"], finding.evidence["configured"]) == ("q224, q225, q242", 1024)
    assert (finding.evidence["last_batch"], finding.severity) == (36725, "warning")
