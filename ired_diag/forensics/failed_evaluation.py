"""Jobs that came to their last line with an error inside.

A script that catches an error, prints it and goes on ends like one that worked: it says "complete", writes a
results file, and the scheduler counts it as done. Three cases, each from the ending that the reader found:

- an evaluation whose ending names an error, or that ended by one (error): it measured nothing, or a part;
- an evaluation whose log just stops before its results (warning), though the job may still be running; after
  final results, that is a note, since nothing says that more were to come;
- a training that is complete, and whose files hold an error too (warning): the training stands, but what
  comes after it, such as a final evaluation or the copying of its files, may not have happened.

The last error line of a log that just stops is no cause: libraries write warnings there that name errors.
Evaluations of one experiment that ended with the same words are one finding.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from ired_diag.finding import Finding
from ired_diag.forensics.rule import OF_OUR_MODEL, Evidence, Rule, labels_of, listed, seeds_in_words
from ired_diag.runs.ending import State
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

AN_ERROR = re.compile(r"\bERROR\b|\w(?:Error|Exception)\b")
AFTERWARDS = "then: "  # what a complete run's detail begins with, where its log tells an error later
BY_AN_ERROR: tuple[State, ...] = (
    "traceback",
    "argument_error",
    "file_not_found",
    "out_of_memory",
    "failed",
    "time_limit",
    "cancelled",
    "killed",
)
STOPPED: tuple[State, ...] = ("time_limit", "cancelled", "killed")  # from outside


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for evaluations that failed alike, and for each group with an error after training."""
    yield from _of_evaluations(study)
    yield from _after_trainings(study)


def _of_evaluations(study: Study) -> Iterator[Finding]:
    """Yield a finding for evaluations of an experiment that ended with the same words."""
    evaluations: dict[tuple[str, State, str], list[Run]] = defaultdict(list)
    for attempt in study.evaluations:
        ending = attempt.ending
        evaluations[attempt.experiment, ending.state, ending.detail].append(attempt)
    for (experiment, state, detail), attempts in evaluations.items():
        if state == "cut_off":
            yield _cut_off(experiment, attempts)
        elif state in BY_AN_ERROR or AN_ERROR.search(detail):
            yield _failed(experiment, attempts)


def _after_trainings(study: Study) -> Iterator[Finding]:
    """Yield a finding for the complete runs of a group whose files hold the same error."""
    runs_of: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in study.runs:
        detail = run.ending.detail
        if run.ending.complete and detail.startswith(AFTERWARDS):
            runs_of[run.group, detail.removeprefix(AFTERWARDS)].append(run)
    for (group, detail), runs in runs_of.items():
        yield _after_training(group, detail, runs)


def _failed(experiment: str, attempts: list[Run]) -> Finding:
    ending = attempts[0].ending
    ran_through = ending.state not in BY_AN_ERROR
    if ran_through:
        how = "ran to the last line of its script with an error inside"
    elif ending.state in STOPPED:
        how = f"was stopped ({ending.label})"
    else:
        how = f"did not finish ({ending.label})"
    measured = _measured(attempts)
    result = "measured nothing"
    if measured:
        result = f"gave only a part of its results: {measured}"
    statement = f"{experiment}: an evaluation {how} and {result} ({_jobs(attempts)}): {ending.detail}"
    return Finding(
        rule="failed_evaluation",
        severity="error",
        statement=f"{statement.rstrip('.')}.",
        evidence=_evidence_of(attempts) | {"reached_last_line": ran_through},
        advice=_advice_to_repeat(attempts[0]),
    )


def _advice_to_repeat(attempt: Run) -> str:
    words = "Throw away its results file, mend the error and evaluate again"
    configuration = attempt.configuration or {}
    if any(key in configuration for key in OF_OUR_MODEL):
        command = "ired-diag probe accuracy CHECKPOINT"
        return f"{words}; whether the checkpoint can be read is shown by: {command}"
    return f"{words}."


def _cut_off(experiment: str, attempts: list[Run]) -> Finding:
    statement = (
        f"{experiment}: the log of an evaluation just stops ({_jobs(attempts)}): it may still be running, "
        f"and {_so_far(attempts)}."
    )
    results = _results_of(attempts)
    is_whole = bool(results) and not any(result.partial for result in results)
    return Finding(
        rule="failed_evaluation",
        severity="note" if is_whole else "warning",
        statement=statement,
        evidence=_evidence_of(attempts),
        advice="See whether the job still runs, and evaluate again if it does not.",
    )


def _so_far(attempts: list[Run]) -> str:
    measured = _measured(attempts)
    if measured:
        return f"printed so far: {measured}"
    return "no result is printed"


def _measured(attempts: list[Run]) -> str:
    """Return what evaluations measured, as far as they came."""
    return listed(result.words for result in _results_of(attempts))


def _results_of(attempts: list[Run]) -> list[EvaluationResult]:
    """Return the results of evaluations that are numbers, without those that are errors."""
    results: list[EvaluationResult] = []
    for attempt in attempts:
        results.extend(result for result in attempt.results if not result.error)
    return results


def _after_training(group: str, detail: str, runs: list[Run]) -> Finding:
    statement = (
        f"{group}: training is complete, but the job's files hold an error too "
        f"({seeds_in_words(runs)}): {detail.rstrip('.')}. What the job does after "
        "training, such as a final evaluation or copying its files, may not have happened."
    )
    return Finding(
        rule="failed_evaluation",
        severity="warning",
        statement=statement,
        evidence={"group": group, "runs": len(runs), "detail": detail},
        advice="See that the checkpoints are there and can be read: ired-diag ls --attempts",
        runs=labels_of(runs),
    )


def _jobs(attempts: list[Run]) -> str:
    return listed(dict.fromkeys(map(_job_in_words, attempts)))


def _job_in_words(attempt: Run) -> str:
    if attempt.job and attempt.seed is not None:
        return f"job {attempt.job}, {attempt.seed_label}"
    return attempt.seed_label


def _evidence_of(attempts: list[Run]) -> Evidence:
    first = attempts[0]
    return {
        "experiment": first.experiment,
        "jobs": len(attempts),
        "state": first.ending.state,
        "results": len(_results_of(attempts)),
        "detail": first.ending.detail,
        "file": first.path.name,
    }


RULE = Rule(
    name="failed_evaluation",
    question="Did an evaluation come to its end with an error inside?",
    find=find,
    consequence="compute",
    refuted_by="The results file of that job, written after the error, with a number for every model.",
    near_miss=(
        "An evaluation that printed its results and then a library's warning that names an exception; one "
        "whose log stops while its job still runs."
    ),
    example=(
        "A job prints 'ERROR - Unrecognized checkpoint format', saves an empty results file and ends with "
        "'Experiment completed'."
    ),
)
