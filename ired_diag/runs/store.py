"""Run folders on disk: ``runs/<experiment>/[<variant>/]seed<k>/``.

config.json holds the configuration, how the run ended and where it came from; metrics.jsonl the history;
attempts/<job>/ the same two files of each earlier attempt.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ired_diag.errors import CannotWrite, NotReadable, UnreadableFile
from ired_diag.finding import Finding
from ired_diag.json_object import read_json_object
from ired_diag.runs.ending import Ending
from ired_diag.runs.evaluation_result import as_json
from ired_diag.runs.files import (
    FORMAT,
    check_format,
    check_lookup,
    exists,
    is_file,
    is_special,
    write_atomically,
    written_atomically,
)
from ired_diag.runs.find import ATTEMPTS, CONFIG, METRICS, Unreadable, contents_of
from ired_diag.runs.history import History, read_history
from ired_diag.runs.history_text import pieces_of_text
from ired_diag.runs.range_of_numbers import within_range
from ired_diag.runs.run import RecordedMetric, Run
from ired_diag.runs.stored_values import (
    ending_of,
    findings_of,
    path_of,
    provenance_of,
    required_text,
    results_of,
    value_of_type,
)
from ired_diag.runs.unreadable_run import finding_of, unreadable_parts

LONGEST_FOLDER_NAME = 200  # bytes; file systems hold 255, and files are named by it


def folder_name(name: str) -> str:
    """Return a name as one folder of it: a configuration may say anything, a path stays where it is.

    >>> folder_name("q103"), folder_name("../../etc/x y"), folder_name("..")
    ('q103', '_.._etc_x_y', '_')
    >>> len(folder_name("x" * 5000))
    200
    """
    plain = re.sub(r"[^\w.+=,@-]", "_", name)
    plain = re.sub(r"^\.+", "", plain) or "_"
    if len(plain.encode()) <= LONGEST_FOLDER_NAME:
        return plain
    content = name.encode(errors="surrogatepass")
    digest = hashlib.sha256(content).hexdigest()[:8]
    kept_bytes = LONGEST_FOLDER_NAME - len(digest) - 1
    beginning = plain.encode()[:kept_bytes].decode(errors="ignore")
    return f"{beginning}-{digest}"


def run_folder(runs: Path, run: Run) -> Path:
    """Return where a run belongs under the runs folder."""
    folder = runs / folder_name(run.experiment)
    if run.variant:
        folder /= folder_name(f"job={run.variant}")
    return folder / folder_name(run.seed_label)


def write_run(run: Run, folder: Path, *, results: Path | None = None) -> None:
    """Write an imported run and its earlier attempts.

    ``config.json`` is written last: a folder without it is not a run yet.

    Args:
        run: What to write.
        folder: Where.
        results: The run's Trainer1D results folder, whose checkpoints stay where they are.

    Raises:
        CannotWrite: The folder cannot be written.
    """
    places = places_of_attempts(run, folder)
    for number, (attempt, place) in enumerate(zip(run.attempts, places, strict=True), start=1):
        content = record_content(attempt, run.experiment)
        _write_record(attempt, place, number, content)
    content = record_content(run, run.experiment)
    content["run_name"] = run.run_name
    if results is not None:
        content["checkpoints"] = str(results.resolve())
        content["checkpoints_from_here"] = os.path.relpath(results.resolve(), folder.resolve())
    _write_record(run, folder, len(run.attempts) + 1, content)


def places_of_attempts(run: Run, folder: Path) -> list[Path]:
    """Return where each earlier attempt at a run belongs, under the folder of the run."""
    return [folder / ATTEMPTS / folder_name(name) for name in _attempt_names(run.attempts)]


def attempt_folders(folder: Path) -> list[Path]:
    """Return the folders of a run's earlier attempts."""
    configurations = (folder / ATTEMPTS).glob(f"*/{CONFIG}")
    return sorted(path.parent for path in configurations)


def remove_run_files(folder: Path) -> None:
    """Remove an imported run's files; what else was put into its folder stays."""
    shutil.rmtree(folder / ATTEMPTS, ignore_errors=True)
    for name in (CONFIG, METRICS):
        (folder / name).unlink(missing_ok=True)
    remove_if_empty(folder)
    remove_if_empty(folder.parent)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that holds nothing."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def imported_sources(folder: Path) -> list[str] | None:
    """Return the files that a run folder was imported from, None where it was not imported."""
    path = folder / CONFIG
    return sources_in(provenance_of(read_json_object(path), path))


def sources_in(provenance: Mapping[str, Any]) -> list[str] | None:
    """Return the files that something was imported from, None where it was not imported."""
    sources = provenance.get("sources")
    if not isinstance(sources, list):
        return None
    paths: list[str] = []
    for source in sources:
        if isinstance(source, dict) and "path" in source:
            paths.append(str(source["path"]))
    return paths


def find_runs(root: Path) -> list[Path]:
    """Return every run folder of this project under ``root``, itself included, sorted.

    Those that may not be read are among them.
    """
    contents = contents_of(root)
    unreadable = [folder.path for folder in contents.unreadable_runs]
    return sorted([*contents.runs, *unreadable])


def _checkpoints_of(content: Mapping[str, Any], path: Path) -> Path | None:
    """Return the folder of a run's checkpoints elsewhere; None where it has none.

    Where nothing is at the path any more, runs and results may have moved together.
    """
    stated = path_of(content, "checkpoints", path)
    from_here = path_of(content, "checkpoints_from_here", path)
    if stated is None or from_here is None or exists(stated):
        return stated
    moved = path.parent / from_here
    return moved if exists(moved) else stated


def read_run(folder: Path, *, read_metrics: Callable[[Path], History] = read_history) -> Run:
    """Return the run in a folder.

    Args:
        folder: Where it is.
        read_metrics: Reads its history; one that remembers what it read may stand in for it.

    Raises:
        UnreadableFile: It holds no run, or a damaged one, or one of a newer format.
        NotReadable: Its configuration may not be read. Where only another part may not, a finding says so.
    """
    path = folder / CONFIG
    check_lookup(path)
    if not path.is_file():
        raise UnreadableFile(f"{folder}: expected a run folder, found no {CONFIG} in it.")
    content = read_json_object(path)
    check_format(content.get("format"), str(path))
    metrics = folder / METRICS
    history, unreadable = _history(metrics, read_metrics)
    history, findings_on_numbers = within_range(history)
    is_history_unreadable = bool(unreadable)
    checkpoints = _checkpoints_of(content, path) or folder
    unreadable += unreadable_parts(folder, checkpoints)
    ending = ending_of(content, path)
    if is_history_unreadable:
        ending = Ending("unreadable")
    return Run(
        experiment=required_text(content, "experiment", path),
        name=value_of_type(content, "name", str, path),
        variant=value_of_type(content, "variant", str, path),
        seed=value_of_type(content, "seed", int, path),
        path=folder,
        configuration=value_of_type(content, "config", dict, path),
        history=history,
        ending=ending,
        provenance=provenance_of(content, path),
        attempts=tuple(_read_attempts(folder)),
        checkpoints=find_checkpoints(checkpoints),
        findings=(
            *findings_of(content, path),
            *_findings_of_history(history, metrics),
            *findings_on_numbers,
            *map(finding_of, unreadable),
        ),
        run_name=value_of_type(content, "run_name", str, path) or "",
        results=results_of(content, path),
        task=value_of_type(content, "task", str, path) or "",
        paired_by=_paired_by(content, path),
        recorded_metric=_recorded_metric(content, path),
    )


def _paired_by(content: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    keys = value_of_type(content, "paired_by", list, path) or []
    return tuple(key for key in keys if isinstance(key, str))


def _recorded_metric(content: Mapping[str, Any], path: Path) -> RecordedMetric | None:
    """Return what the trainer recorded that a run is judged by; None where it lacks name or direction."""
    metric = value_of_type(content, "metric", dict, path) or {}
    name = metric.get("name")
    higher_is_better = metric.get("higher_is_better")
    if not isinstance(name, str) or not isinstance(higher_is_better, bool):
        return None
    return RecordedMetric(name, higher_is_better)


def _history(
    metrics: Path,
    read_metrics: Callable[[Path], History],
) -> tuple[History, list[Unreadable]]:
    """Return a run's history, or that it may not be read."""
    if not metrics.is_file():
        return History(), []
    try:
        return read_metrics(metrics), []
    except NotReadable as error:
        return History(), [Unreadable.of(metrics, error)]


def find_checkpoints(folder: Path) -> tuple[Path, ...]:
    """Return the checkpoints of a run folder or of a Trainer1D results folder, the earliest first."""
    if not exists(folder):
        return ()
    paths = sorted((folder / "checkpoints").glob("step-*.safetensors"))
    paths += sorted(folder.glob("model-*.pt"), key=_milestone)
    final_model = folder / "final_model.pt"
    if is_file(final_model):
        paths.append(final_model)
    return tuple(path for path in paths if not is_special(path))


def _milestone(path: Path) -> int:
    digits = re.sub(r"\D", "", path.stem)
    return int(digits or 0)


def _write_record(run: Run, folder: Path, number: int, content: Mapping[str, Any]) -> None:
    """Write the two files of a run or of an earlier attempt at it.

    Args:
        run: What to write.
        folder: Where.
        number: Of the attempt, from 1; a log in which training started again uses further numbers.
        content: What ``config.json`` says.
    """
    with written_atomically(folder / METRICS) as file:
        file.writelines(pieces_of_text(run.history, first_attempt=number))
    # The age of the log shows whether the job may still be running.
    changed = run.path.stat().st_mtime_ns
    os.utime(folder / METRICS, ns=(changed, changed))
    text = json.dumps(content, indent=2) + "\n"
    write_atomically(folder / CONFIG, text.encode())


def record_content(run: Run, experiment: str) -> dict[str, Any]:
    """Return what ``config.json`` says of a run or an attempt, or the file of an evaluation."""
    return {
        "format": FORMAT,
        "experiment": experiment,
        "name": run.name,
        "variant": run.variant,
        "seed": run.seed,
        "config": run.configuration,
        "evaluations": run.evaluations,
        "ending": asdict(run.ending),
        "findings": [asdict(finding) for finding in run.findings],
        "results": [as_json(result) for result in run.results],
        "provenance": {
            "job": run.job,
            **run.provenance,
            "sources": [_source(path) for path in run.sources],
        },
    }


def _source(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        size = file.tell()
    return {"path": str(path.resolve()), "bytes": size, "sha256": digest.hexdigest()}


def _attempt_names(attempts: Sequence[Run]) -> list[str]:
    """Return a folder name for each attempt: its job, with the task where a job tried twice."""
    names: list[str] = []
    for attempt in attempts:
        name = attempt.job or attempt.path.stem
        if name in names:
            task = attempt.provenance.get("task", len(names))
            name = f"{name}_{task}"
        if name in names:
            name = f"{name}_{len(names)}"
        names.append(name)
    return names


def _read_attempts(folder: Path) -> list[Run]:
    """Return the earlier attempts in a run folder, the earliest first; their histories are not read."""
    attempts: list[Run] = []
    for place in attempt_folders(folder):
        try:
            attempts.append(_read_attempt(place))
        except NotReadable:
            continue  # a finding names it: unreadable_parts
    return sorted(attempts, key=_start_and_job)


def _start_and_job(attempt: Run) -> tuple[str, str]:
    return attempt.started or "", attempt.job or ""


def _read_attempt(folder: Path) -> Run:
    path = folder / CONFIG
    content = read_json_object(path)
    return Run(
        experiment=value_of_type(content, "experiment", str, path) or "",
        path=folder,
        name=value_of_type(content, "name", str, path),
        seed=value_of_type(content, "seed", int, path),
        configuration=value_of_type(content, "config", dict, path),
        ending=ending_of(content, path),
        provenance=provenance_of(content, path),
        evaluations=value_of_type(content, "evaluations", int, path) or 0,
        findings=tuple(findings_of(content, path)),
    )


def _findings_of_history(history: History, path: Path) -> list[Finding]:
    findings: list[Finding] = []
    if history.bad_lines:
        lines = len(history.bad_lines)
        statement = f"{lines} lines of {path.name} cannot be read and were left out."
        evidence = {"lines": lines, "first": history.bad_lines[0]}
        findings.append(Finding("bad_lines", "warning", statement, evidence))
    if history.torn_tail:
        statement = f"The last line of {path.name} is only half written; nothing was read from it."
        findings.append(Finding("torn_tail", "note", statement))
    return findings


def check_writable(runs: Path) -> None:
    """Refuse a runs folder that cannot be written, before any work is done for it.

    Raises:
        CannotWrite: It cannot be made, or is a file.
    """
    try:
        runs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(
            f"{runs}: cannot be made: {error.strerror or error}. Choose another place with --runs DIR."
        ) from error
