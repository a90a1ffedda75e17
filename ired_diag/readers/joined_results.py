"""Results files joined to the jobs that wrote them.

A file is a job's where the job's log says that it saved its results there (by the file's name, and by as much
of its path as tells jobs apart), where its name begins with the log's, or where it stands next to the only log
in its folder and that is no batch system's. Otherwise it is an evaluation of its own.

What both tell is one result: the log's, with the line where it was printed, and the file's full precision.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ired_diag.readers.evaluation_ending import SAVED_TO
from ired_diag.readers.results_json import FORMAT_NAME
from ired_diag.runs.attempt import Attempt
from ired_diag.runs.ending import Ending
from ired_diag.runs.evaluation_result import EvaluationResult


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


def _owner(path: Path, logs: Sequence[Attempt]) -> int | None:
    """Return the place of the job that wrote a results file, None where none or several may have."""
    shared = {place: _common_parts(path, log) for place, log in enumerate(logs)}
    most = max(shared.values(), default=0)
    if most:
        owners = [place for place, parts in shared.items() if parts == most]
        return owners[0] if len(owners) == 1 else None
    folder = path.resolve().parent
    beside = [p for p, log in enumerate(logs) if log.source[0].resolve().parent == folder]
    named = [p for p in beside if path.stem.startswith(logs[p].source[0].stem)]
    if named:
        return max(named, key=lambda p: len(logs[p].source[0].stem))
    return beside[0] if len(beside) == 1 and logs[beside[0]].format != "slurm" else None


def _common_parts(path: Path, log: Attempt) -> int:
    """Return how many parts at the end of a path a log's own words share with it; 0 where the names differ."""
    most = 0
    for told in log.provenance.get(SAVED_TO) or ():
        own, other = path.resolve().parts[::-1], PurePosixPath(str(told)).parts[::-1]
        equal = next(
            (n for n, (a, b) in enumerate(zip(own, other, strict=False)) if a != b), min(len(own), len(other))
        )
        most = max(most, equal)
    return most


def _joined(log: Attempt, file: Attempt) -> Attempt:
    results = merged_results(log.results, file.results)
    ending = log.ending
    if log.only_evaluates and ending.state == "cut_off" and not any(result.error for result in results):
        ending = Ending("complete", f"the results are in {file.source[0].name}")
    return replace(log, results=results, ending=ending, source=(*log.source, *file.source))


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
        twins = [place for place, other in enumerate(merged) if _is_same(other, described)]
        if not twins:
            merged.append(described)
        elif merged[twins[0]].partial:
            merged[twins[0]] = described
        else:
            merged[twins[0]] = _sharpened(merged[twins[0]], described)
    return tuple(merged)


def _described(result: EvaluationResult, printed: Sequence[EvaluationResult]) -> EvaluationResult:
    """Return a result with what the log says of its model where the file does not."""
    of_model = [p for p in printed if p.model == result.model or not result.model]
    if len({(p.model, p.ood, p.experiment) for p in of_model}) != 1:
        return result
    log = of_model[0]
    names = ("model", "checkpoint", "experiment", "dataset", "rank", "ood")
    unknown = (None, "")
    changes = {name: getattr(log, name) for name in names if getattr(result, name) in unknown}
    if result.metric and "/" not in result.metric and "/" in log.metric:
        changes["metric"] = f"{log.metric.partition('/')[0]}/{result.metric}"
    return replace(result, **changes)


def _is_same(printed: EvaluationResult, saved: EvaluationResult) -> bool:
    if (printed.model, printed.ood, printed.measure) != (saved.model, saved.ood, saved.measure):
        return False
    if printed.error or saved.error or printed.partial:
        return printed.error == saved.error
    if printed.value is None or saved.value is None:
        return printed.value is saved.value
    if printed.value != printed.value or saved.value != saved.value:
        return printed.value != printed.value and saved.value != saved.value
    scales = (1.0, 100.0) if printed.unit == "%" and not saved.unit else (1.0,)
    return any(abs(scale * saved.value - printed.value) <= _rounding(printed.value) for scale in scales)


def _rounding(value: float) -> float:
    """Return half a unit of the last digit that a number was printed with."""
    text = repr(value)
    if "e" in text:
        return 1e-3 * abs(value)
    return 0.5000001 * 10.0 ** -len(text.partition(".")[2])


def _sharpened(printed: EvaluationResult, saved: EvaluationResult) -> EvaluationResult:
    """Return a printed result at the file's precision, with what only the file says."""
    value = printed.value if printed.unit and not saved.unit else saved.value
    spread, kind = printed.spread, printed.spread_kind or saved.spread_kind
    if saved.spread is not None and not printed.unit:
        spread = saved.spread
    return replace(printed, value=value, spread=spread, spread_kind=kind, n=printed.n or saved.n)
