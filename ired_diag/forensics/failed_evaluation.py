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

from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import OF_OUR_MODEL, Evidence, Rule, listed
from ired_diag.runs.ending import State
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
    evaluations: dict[tuple[str, State, str], list[Run]] = defaultdict(list)
    for attempt in study.evaluations:
        ending = attempt.ending
        evaluations[attempt.experiment, ending.state, ending.detail].append(attempt)
    for (experiment, state, detail), attempts in evaluations.items():
        if state == "cut_off":
            yield _cut_off(experiment, attempts)
        elif state in BY_AN_ERROR or AN_ERROR.search(detail):
            yield _failed(experiment, attempts)
    afterwards: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in study.runs:
        if run.ending.complete and run.ending.detail.startswith(AFTERWARDS):
            afterwards[run.group, run.ending.detail.removeprefix(AFTERWARDS)].append(run)
    for (group, detail), runs in afterwards.items():
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
    gave = f"gave only a part of its results: {measured}" if measured else "measured nothing"
    statement = f"{experiment}: an evaluation {how} and {gave} ({_jobs(attempts)}): {ending.detail}"
    evidence = _evidence(experiment, attempts) | {"reached_last_line": ran_through}
    advice = "Throw away its results file, mend the error and evaluate again"
    is_of_our_model = any(key in (attempts[0].configuration or {}) for key in OF_OUR_MODEL)
    command = "; whether the checkpoint can be read is shown by: ired-diag probe accuracy CHECKPOINT"
    advice += command if is_of_our_model else "."
    return Finding("failed_evaluation", "error", f"{statement.rstrip('.')}.", evidence, advice)


def _cut_off(experiment: str, attempts: list[Run]) -> Finding:
    statement = (
        f"{experiment}: the log of an evaluation just stops ({_jobs(attempts)}): it may still be running, "
        f"and {_so_far(attempts)}."
    )
    advice = "See whether the job still runs, and evaluate again if it does not."
    results = [result for attempt in attempts for result in attempt.results if not result.error]
    is_whole = bool(results) and not any(result.partial for result in results)
    severity: Severity = "note" if is_whole else "warning"
    return Finding("failed_evaluation", severity, statement, _evidence(experiment, attempts), advice)


def _so_far(attempts: list[Run]) -> str:
    measured = _measured(attempts)
    return f"printed so far: {measured}" if measured else "no result is printed"


def _measured(attempts: list[Run]) -> str:
    """Return what evaluations measured, as far as they came."""
    return listed(result.words for attempt in attempts for result in attempt.results if not result.error)


def _after_training(group: str, detail: str, runs: list[Run]) -> Finding:
    statement = (
        f"{group}: training is complete, but the job's files hold an error too "
        f"({listed(run.seed_label for run in runs)}): {detail.rstrip('.')}. What the job does after "
        "training, such as a final evaluation or copying its files, may not have happened."
    )
    evidence: Evidence = {"group": group, "runs": len(runs), "detail": detail}
    advice = "See that the checkpoints are there and can be read: ired-diag ls --attempts"
    return Finding("failed_evaluation", "warning", statement, evidence, advice)


def _jobs(attempts: list[Run]) -> str:
    told = [
        f"job {a.job}, {a.seed_label}" if a.job and a.seed is not None else a.seed_label for a in attempts
    ]
    return listed(dict.fromkeys(told))


def _evidence(experiment: str, attempts: list[Run]) -> Evidence:
    ending = attempts[0].ending
    return {
        "experiment": experiment,
        "jobs": len(attempts),
        "state": ending.state,
        "results": sum(not result.error for attempt in attempts for result in attempt.results),
        "detail": ending.detail,
        "file": attempts[0].path.name,
    }


RULE = Rule(
    "failed_evaluation",
    "Did an evaluation come to its end with an error inside?",
    find,
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
