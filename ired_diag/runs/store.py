"""Run folders on disk: ``runs/<experiment>/[<variant>/]seed<k>/``.

config.json holds the configuration, how the run ended and where it came from; metrics.jsonl the history;
attempts/<job>/ the same two files of each earlier attempt.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ired_diag.config import parse_config, read_json_object
from ired_diag.errors import CannotWrite, UnreadableFile, WrongConfiguration
from ired_diag.finding import Finding
from ired_diag.runs.arrange import ArrangedRun
from ired_diag.runs.attempt import Attempt
from ired_diag.runs.ending import LABELS, Ending
from ired_diag.runs.files import FORMAT, check_format, write_atomically
from ired_diag.runs.history import History, Row, read_history, to_jsonl
from ired_diag.runs.run import EarlierAttempt, Run

CONFIG, METRICS = "config.json", "metrics.jsonl"
SEED_FOLDER = re.compile(r"seed(\d+)|unseeded-.+")


def run_folder(runs: Path, run: ArrangedRun) -> Path:
    """Return where a run belongs under the runs folder."""
    folder = runs / run.experiment
    if run.variant:
        folder /= f"job={run.variant}"
    return folder / run.attempt.seed_label


def write_run(run: ArrangedRun, folder: Path, *, results: Path | None = None) -> None:
    """Write an imported run and its earlier attempts.

    ``config.json`` is written last: a folder without it is no run yet.

    Args:
        run: What to write.
        folder: Where.
        results: The run's Trainer1D results folder, whose checkpoints stay where they are.

    Raises:
        CannotWrite: The folder cannot be written.
    """
    names = _attempt_names(run.earlier)
    for number, (name, attempt) in enumerate(zip(names, run.earlier, strict=True), start=1):
        told = _told(attempt, run.experiment, None)
        _write_attempt(attempt, folder / "attempts" / name, number, told)
    told = _told(run.attempt, run.experiment, run.variant)
    if results is not None:
        told["checkpoints"] = str(results.resolve())
    _write_attempt(run.attempt, folder, len(run.earlier) + 1, told)


def imported_sources(folder: Path) -> list[str] | None:
    """Return the files that a run folder was imported from, None where it was not imported."""
    told = read_json_object(folder / CONFIG).get("provenance", {}).get("sources")
    return [str(source["path"]) for source in told] if told else None


def find_runs(root: Path) -> list[Path]:
    """Return every run folder under ``root``, itself included, sorted."""
    found = {root} if (root / CONFIG).is_file() else set()
    found |= {config.parent for config in root.rglob(CONFIG)}
    return sorted(f for f in found if "attempts" not in f.relative_to(root).parts[:-1])


def read_run(folder: Path) -> Run:
    """Return the run in a folder.

    Raises:
        UnreadableFile: It holds no run, or a damaged one, or one of a newer format.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise UnreadableFile(f"{folder}: expected a run folder, found no {CONFIG} in it.")
    told = read_json_object(path)
    check_format(told.get("format"), str(path))
    metrics = folder / METRICS
    history = read_history(metrics) if metrics.is_file() else History()
    try:
        return Run(
            experiment=str(told["experiment"]),
            name=told.get("name"),
            variant=told.get("variant"),
            seed=told.get("seed"),
            path=folder,
            configuration=told.get("config"),
            history=history,
            ending=_ending(told),
            provenance=told.get("provenance", {}),
            attempts=tuple(_read_attempts(folder / "attempts")),
            checkpoints=find_checkpoints(Path(told.get("checkpoints") or folder)),
            findings=(*_findings(told), *_findings_of_history(history, metrics)),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise UnreadableFile(f"{path}: is not a run's configuration ({error!r}).") from error


def find_checkpoints(folder: Path) -> tuple[Path, ...]:
    """Return the checkpoints of a run folder or of a Trainer1D results folder, the earliest first."""
    ours = sorted((folder / "checkpoints").glob("step-*.safetensors"))
    theirs = sorted(folder.glob("model-*.pt"), key=lambda p: int(re.sub(r"\D", "", p.stem) or 0))
    final = [p for p in (folder / "final_model.pt",) if p.is_file()]
    return (*ours, *theirs, *final)


def _write_attempt(attempt: Attempt, folder: Path, number: int, told: Mapping[str, Any]) -> None:
    rows = (Row(r.step, r.values, number + r.attempt - 1) for r in attempt.rows)
    write_atomically(folder / METRICS, to_jsonl(rows))
    write_atomically(folder / CONFIG, (json.dumps(told, indent=2) + "\n").encode())


def _told(attempt: Attempt, experiment: str, variant: str | None) -> dict[str, Any]:
    """Return what ``config.json`` says of an attempt."""
    return {
        "format": FORMAT,
        "experiment": experiment,
        "name": attempt.name,
        "variant": variant,
        "seed": attempt.seed,
        "config": attempt.configuration,
        "validated": _is_valid(attempt.configuration),
        "evaluations": attempt.evaluations,
        "ending": asdict(attempt.ending),
        "findings": [asdict(finding) for finding in attempt.findings],
        "provenance": {
            "job": attempt.job,
            **attempt.provenance,
            "sources": [_source(path) for path in attempt.source],
        },
    }


def _source(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {
        "path": str(path.resolve()),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _is_valid(configuration: Mapping[str, Any] | None) -> bool:
    try:
        parse_config(configuration or {})
    except WrongConfiguration:
        return False
    return True


def _attempt_names(attempts: tuple[Attempt, ...]) -> list[str]:
    """Return a folder name for each attempt: its job, with the task where a job tried twice."""
    names: list[str] = []
    for attempt in attempts:
        name = attempt.job or attempt.source[0].stem
        if name in names:
            name = f"{name}_{attempt.provenance.get('task', len(names))}"
        names.append(name if name not in names else f"{name}_{len(names)}")
    return names


def _read_attempts(folder: Path) -> list[EarlierAttempt]:
    found = []
    for config in sorted(folder.glob(f"*/{CONFIG}")):
        told = read_json_object(config)
        provenance = told.get("provenance", {})
        found.append(
            EarlierAttempt(
                config.parent,
                provenance.get("job"),
                _ending(told),
                int(told.get("evaluations") or 0),
                provenance.get("started"),
            )
        )
    return sorted(found, key=lambda a: (a.started or "", a.job or ""))


def _ending(told: Mapping[str, Any]) -> Ending:
    ending = told.get("ending") or {}
    state = ending.get("state", "cut_off")
    if state not in LABELS:
        raise KeyError(f"state {state}")
    return Ending(state, ending.get("detail", ""))


def _findings(told: Mapping[str, Any]) -> list[Finding]:
    return [Finding(**finding) for finding in told.get("findings") or []]


def _findings_of_history(history: History, path: Path) -> list[Finding]:
    findings = []
    if history.bad_lines:
        statement = f"{len(history.bad_lines)} lines of {path.name} cannot be read and were left out."
        evidence = {"lines": len(history.bad_lines), "first": history.bad_lines[0]}
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
