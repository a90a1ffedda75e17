"""Results files joined to the jobs that wrote them.

A file belongs to a job where the job's log says that it saved its results there (by the file's name, and by
as much of its path as distinguishes jobs), where its name begins with the log's, or where it stands next to
the only log in its folder and that log is not a batch system's. Otherwise it is an evaluation of its own.

A result in log and file is one result: the log's, with the line where it was printed, and the file's full
precision.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ired_diag.readers.evaluation_ending import NOT_SAID, SAVED_TO
from ired_diag.readers.repeated_results import UNKNOWN, completed, is_same_number
from ired_diag.readers.results_json import FORMAT_NAME, failure_of
from ired_diag.runs.ending import Ending
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.job_kind import only_evaluates
from ired_diag.runs.run import Run

OF_RESULTS = re.compile(r"(?i)(?:[_.-]*(?:evaluation|eval|test|results?|scores?|metrics|summary))*")
OF_THE_MODEL = ("model", "checkpoint", "experiment", "dataset", "rank", "ood")


def join_results(attempts: Iterable[Run]) -> list[Run]:
    """Return attempts; results files are joined to the jobs that wrote them."""
    attempts = list(attempts)
    logs = [attempt for attempt in attempts if attempt.format != FORMAT_NAME]
    files = [attempt for attempt in attempts if attempt.format == FORMAT_NAME]
    unjoined: list[Run] = []
    for file in files:
        owner = _owner(file.path, logs)
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
        printed: Results of the log.
        saved: Results of the file; what they leave open is taken from the log's results of the same model.
    """
    merged = list(printed)
    for result in saved:
        described = _described(result, printed)
        twin = _place_of_twin(described, merged)
        if twin is None:
            merged.append(described)
        elif merged[twin].partial:
            merged[twin] = described
        else:
            merged[twin] = completed(merged[twin], described)
    return tuple(merged)


def _place_of_twin(saved: EvaluationResult, merged: Sequence[EvaluationResult]) -> int | None:
    for place, other in enumerate(merged):
        if _is_same(other, saved):
            return place
    return None


def _owner(path: Path, logs: Sequence[Run]) -> int | None:
    """Return the place of the job that wrote a results file, None where none or several may have."""
    shared_parts = [_common_parts(path, log) for log in logs]
    most = max(shared_parts, default=0)
    if most:
        return _only([place for place, parts in enumerate(shared_parts) if parts == most])
    folder = path.resolve().parent
    neighbours: list[int] = []
    named: list[int] = []
    for place, log in enumerate(logs):
        if log.path.resolve().parent == folder:
            neighbours.append(place)
            if _is_named_after(path.stem, log.path.stem):
                named.append(place)
    if named:
        return _only(named)
    neighbour = _only(neighbours)
    if neighbour is None or logs[neighbour].format == "slurm":
        return None
    return neighbour


def _only(places: Sequence[int]) -> int | None:
    return places[0] if len(places) == 1 else None


def _is_named_after(name: str, log: str) -> bool:
    """Say whether a results file is named as its log, but for a word such as ``_results``."""
    return name.startswith(log) and OF_RESULTS.fullmatch(name, len(log)) is not None


def _common_parts(path: Path, log: Run) -> int:
    """Return how many parts at the end of a path a log names too; 0 where the names differ."""
    own = path.resolve().parts[::-1]
    most = 0
    for saved_to in log.provenance.get(SAVED_TO) or ():
        other = PurePosixPath(str(saved_to)).parts[::-1]
        equal = 0
        for part, other_part in zip(own, other, strict=False):
            if part != other_part:
                break
            equal += 1
        most = max(most, equal)
    return most


def _joined(log: Run, file: Run) -> Run:
    joined = replace(
        log,
        results=merged_results(log.results, file.results),
        sources=(*log.sources, *file.sources),
    )
    return replace(joined, ending=_ending(joined, file))


def _ending(joined: Run, file: Run) -> Ending:
    """Return how a job ended whose results file is there: a cause of death that its log names stays."""
    ending = joined.ending
    if not only_evaluates(joined) or ending.state not in (*NOT_SAID, "complete"):
        return ending
    for result in file.results:
        if result.error:
            failure = failure_of(result)
            if failure == ending.detail:
                return ending
            return Ending("unexplained", failure)
    has_error = any(result.error for result in joined.results)
    if ending.state == "cut_off" and not has_error:
        return Ending("complete", f"the results are in {file.path.name}")
    return ending


def _described(result: EvaluationResult, printed: Sequence[EvaluationResult]) -> EvaluationResult:
    """Return a result with what the log says of its model where the file does not."""
    of_model = [other for other in printed if other.model == result.model or not result.model]
    evaluations = {(other.model, other.ood, other.experiment) for other in of_model}
    if len(evaluations) != 1:
        return result
    log = of_model[0]
    changes = {}
    for name in OF_THE_MODEL:
        if getattr(result, name) in UNKNOWN:
            changes[name] = getattr(log, name)
    data, slash, _ = log.metric.partition("/")
    if result.metric and slash and "/" not in result.metric:
        changes["metric"] = f"{data}/{result.metric}"
    return replace(result, **changes)


def _is_same(printed: EvaluationResult, saved: EvaluationResult) -> bool:
    """Say whether a result of the file is one of the log's, or the final value of a running one."""
    own = (printed.model, printed.ood, printed.measure)
    if own != (saved.model, saved.ood, saved.measure):
        return False
    return printed.partial or is_same_number(printed, saved)
