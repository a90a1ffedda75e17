"""Near misses of the rules about files and jobs: logs that stop, data that are NaN, states of other sizes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from benchmarks.near_miss import NearMiss
from benchmarks.planted_fault import Bed
from benchmarks.planted_in_files import any_run, reread, without_tensors
from benchmarks.planted_study import any_group, changed
from ired_diag.runs.ending import Ending
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.find import METRICS
from ired_diag.runs.planned_steps import STEPS
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

A_WARNING = "last error line: FutureWarning: a later version will raise a ValueError"


def _just_stops(bed: Bed) -> Study:
    """Logs of another program that just stop; nothing states how far training was to go."""
    group = any_group(bed.study, bed.rng)

    def stopped(run: Run) -> Run:
        config = {key: value for key, value in (run.configuration or {}).items() if key not in STEPS}
        ending = Ending("cut_off") if run.group == group else run.ending
        return replace(run, ending=ending, configuration=config, path=Path("log.txt"))

    return changed(bed.study, stopped)


def _data_that_are_nan(bed: Bed) -> Study:
    """A history with empty lines, and a metric that is NaN where it was not measured."""

    def written(place: Path, run: Run) -> None:
        lines = [json.loads(line) for line in (place / METRICS).read_text().splitlines()]
        rows = [json.dumps({**row, "test/f1": float("nan")}) for row in lines]
        (place / METRICS).write_text("\n\n".join(rows) + "\n")

    return reread(bed, written, [any_run(bed)])


def _half_a_state(bed: Bed) -> Study:
    """A state with half of the tensors of the others: weights without their average."""
    return reread(bed, lambda place, run: without_tensors(place, 0.5), [any_run(bed)])


def _evaluation_with_a_warning(bed: Bed) -> Study:
    """The log of an evaluation stops after its result and a library's warning that names an exception."""
    config = {"experiment_name": "an_evaluation", "evaluation_mode": True}
    result = EvaluationResult(metric="id/mse", value=0.001, source=Path("an_evaluation.out"), line=7)
    attempt = Run(
        path=Path("an_evaluation.out"),
        experiment="an_evaluation",
        name="an_evaluation",
        configuration=config,
        ending=Ending("cut_off", A_WARNING),
        provenance={"job": "17"},
        results=(result,),
    )
    return replace(bed.study, evaluations=(attempt,))


NEAR_MISSES = (
    NearMiss("incomplete", "logs that just stop, of no stated length", _just_stops),
    NearMiss("files_read", "empty lines, and a metric that is NaN", _data_that_are_nan),
    NearMiss("empty_state", "a state with half of the others' tensors", _half_a_state),
    NearMiss("failed_evaluation", "a library's warning that names an exception", _evaluation_with_a_warning),
)
