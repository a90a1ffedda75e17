"""Results of evaluations, each with what it belongs to: a group, and the configuration of its job.

A result comes from a job that evaluated a model and trained nothing, or from the end of a training.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.study import Study


@dataclass(frozen=True)
class OwnedResult:
    """A result and what it belongs to.

    Attributes:
        group: The group of its run, or the experiment of its evaluation.
        configuration: The configuration of its job; empty where it is unknown.
        result: What was measured.
    """

    group: str
    configuration: Mapping[str, Any]
    result: EvaluationResult


def owned_results(study: Study) -> Iterator[OwnedResult]:
    """Yield what the evaluations of a study measured, then what was measured at the end of its runs."""
    for attempt in study.evaluations:
        for result in attempt.results:
            yield OwnedResult(attempt.experiment, attempt.configuration or {}, result)
    for run in study.runs:
        for result in run.results:
            yield OwnedResult(run.group, run.configuration or {}, result)
