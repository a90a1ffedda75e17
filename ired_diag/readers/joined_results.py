"""Results files joined to the jobs that wrote them.

A file is a job's where the job's log says that it saved its results there (by the file's name, and by as
much of its path as tells jobs apart), where its name begins with the log's, or where it stands next to the
only log in its folder and that is no batch system's. Otherwise it is an evaluation of its own.

What both tell is one result: the log's, with the line where it was printed, and the file's full precision.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ired_diag.readers.evaluation_ending import NOT_SAID, SAVED_TO
from ired_diag.readers.repeated_results import UNKNOWN, completed, is_same_number
from ired_diag.readers.results_json import FORMAT_NAME, failure_of
from ired_diag.runs.attempt import Attempt
from ired_diag.runs.ending import Ending
from ired_diag.runs.evaluation_result import EvaluationResult

OF_RESULTS = re.compile(r"(?i)(?:[_.-]*(?:evaluation|eval|test|results?|scores?|metrics|summary))*")
OF_THE_MODEL = ("model", "checkpoint", "experiment", "dataset", "rank", "ood")


def join_results(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Return attempts, those of results files joined to the jobs that wrote them."""
    attempts = list(attempts)
    logs = [attempt for attempt in attempts if attempt.format != FORMAT_NAME]
    unjoined: list[Attempt] = []
    for file in attempts:
        if file.format != FORMAT_NAME:
            continue
        owner = _owner(file.source[0], logs)
        if owner is None:
            unjoined.append(file)
        else:
            logs[owner] = _joined(logs[owner], file)
    return [*logs, *unjoined]


def merged_results(
    printed: Sequence[EvaluationResult], saved: Sequence[EvaluationResult]
) -> tuple[EvaluationResult, ...]:
    """Return the results of a log and of its results file, each once.

    Args:
        printed: The log's.
        saved: The file's; what it leaves open is taken from the log's results of the same model.
    """
    merged = list(printed)
    for result in saved:
        described = _described(result, printed)
        twin = next((place for place, other in enumerate(merged) if _is_same(other, described)), None)
        if twin is None:
            merged.append(described)
        elif merged[twin].partial:
            merged[twin] = described
        else:
            merged[twin] = completed(merged[twin], described)
    return tuple(merged)


def _owner(path: Path, logs: Sequence[Attempt]) -> int | None:
    """Return the place of the job that wrote a results file, None where none or several may have."""
    shared = {place: _common_parts(path, log) for place, log in enumerate(logs)}
    most = max(shared.values(), default=0)
    if most:
        owners = [place for place, parts in shared.items() if parts == most]
        return owners[0] if len(owners) == 1 else None
    folder = path.resolve().parent
    neighbours = [place for place, log in enumerate(logs) if log.source[0].resolve().parent == folder]
    named = [p for p in neighbours if _is_named_after(path.stem, logs[p].source[0].stem)]
    if named:
        return named[0] if len(named) == 1 else None
    is_only_log = len(neighbours) == 1 and logs[neighbours[0]].format != "slurm"
    return neighbours[0] if is_only_log else None


def _is_named_after(name: str, log: str) -> bool:
    """Say whether a results file is named as its log, but for a word such as ``_results``."""
    return name.startswith(log) and OF_RESULTS.fullmatch(name, len(log)) is not None


def _common_parts(path: Path, log: Attempt) -> int:
    """Return how many parts at the end of a path a log names too; 0 where the names differ."""
    own, most = path.resolve().parts[::-1], 0
    for saved_to in log.provenance.get(SAVED_TO) or ():
        other = PurePosixPath(str(saved_to)).parts[::-1]
        equal = 0
        while equal < min(len(own), len(other)) and own[equal] == other[equal]:
            equal += 1
        most = max(most, equal)
    return most


def _joined(log: Attempt, file: Attempt) -> Attempt:
    joined = replace(
        log, results=merged_results(log.results, file.results), source=(*log.source, *file.source)
    )
    return replace(joined, ending=_ending(joined, file))


def _ending(joined: Attempt, file: Attempt) -> Ending:
    """Return how a job ended whose results file is there: a cause of death that its log names stays."""
    ending, errors = joined.ending, [result for result in file.results if result.error]
    if not joined.only_evaluates or ending.state not in (*NOT_SAID, "complete"):
        return ending
    if errors:
        return (
            ending if failure_of(errors[0]) == ending.detail else Ending("unexplained", failure_of(errors[0]))
        )
    is_open = ending.state == "cut_off" and not any(result.error for result in joined.results)
    return Ending("complete", f"the results are in {file.source[0].name}") if is_open else ending


def _described(result: EvaluationResult, printed: Sequence[EvaluationResult]) -> EvaluationResult:
    """Return a result with what the log says of its model where the file does not."""
    of_model = [p for p in printed if p.model == result.model or not result.model]
    if len({(p.model, p.ood, p.experiment) for p in of_model}) != 1:
        return result
    log = of_model[0]
    changes = {name: getattr(log, name) for name in OF_THE_MODEL if getattr(result, name) in UNKNOWN}
    if result.metric and "/" not in result.metric and "/" in log.metric:
        changes["metric"] = f"{log.metric.partition('/')[0]}/{result.metric}"
    return replace(result, **changes)


def _is_same(printed: EvaluationResult, saved: EvaluationResult) -> bool:
    """Say whether a result of the file is one of the log's, or the final value of a running one."""
    if (printed.model, printed.ood, printed.measure) != (saved.model, saved.ood, saved.measure):
        return False
    return printed.partial or is_same_number(printed, saved)
