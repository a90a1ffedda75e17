"""Open whatever a path is: run folders, foreign logs and folders of them, checkpoints, results folders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ired_diag.config import read_json_object
from ired_diag.errors import DiagError, NotFound, UnreadableFile
from ired_diag.readers import readers
from ired_diag.runs.arrange import ArrangedRun, arrange
from ired_diag.runs.attempt import Attempt, experiment_number
from ired_diag.runs.ending import Ending
from ired_diag.runs.files import exists
from ired_diag.runs.history import History, Row
from ired_diag.runs.run import EarlierAttempt, Run
from ired_diag.runs.store import CONFIG, find_checkpoints, find_runs, read_run
from ired_diag.runs.study import Skipped, Study

RESULTS_CONFIG = "experiment_config.json"
CHECKPOINT_SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors")


def open_run(path: Path | str) -> Run:
    """Return the run that a path is.

    Args:
        path: A run folder, a foreign log, a Trainer1D results folder, or a checkpoint.

    Raises:
        NotFound: There is nothing at the path, or nothing that is a run.
        UnreadableFile: What is there is damaged.
        DiagError: The path holds several runs.
    """
    path = Path(path)
    study = open_study(path)
    if len(study.runs) == 1:
        return study.runs[0]
    if study.runs:
        some = ", ".join(run.label for run in study.runs[:4])
        raise DiagError(f"{path}: expected one run, found {len(study.runs)} ({some}, …). Name one of them.")
    reason = f": {study.skipped[0].reason}" if study.skipped else ""
    raise NotFound(f"{path}: expected a run, found none{reason}.")


def open_study(paths: Path | str | Iterable[Path | str]) -> Study:
    """Return all runs at one path or several.

    Logs are read in place and arranged together, so that retries and variants are told apart across files.
    What is in a folder and cannot be read is listed in ``Study.skipped``; a file named by itself that
    cannot be read is an error.

    Raises:
        NotFound: There is nothing at a path.
        UnreadableFile: A named file, or a run folder, is damaged.
    """
    given = [Path(paths)] if isinstance(paths, Path | str) else [Path(p) for p in paths]
    runs: dict[Path, Run] = {}
    attempts: dict[Path, Attempt] = {}
    skipped: list[Skipped] = []
    for path in given:
        if not exists(path):
            raise NotFound(f"{path}: expected a run, a log or a folder of them, found nothing.")
        if path.is_file():
            if not read_with_log(path):
                _open_file(path, runs, attempts)
        elif folders := find_runs(path):
            _open_run_folders(folders, runs, skipped)
        elif results := _results_folders(path):
            runs |= {folder.resolve(): open_results(folder) for folder in results}
        else:
            read, unread = read_logs(path)
            attempts |= {attempt.source[0].resolve(): attempt for attempt in read}
            skipped.extend(unread)
    arranged, listed = arrange_training(attempts.values())
    evaluations = [attempt for attempt in attempts.values() if attempt.only_evaluates]
    return Study.of([*runs.values(), *map(run_in_place, arranged)], [*skipped, *listed], evaluations)


def read_logs(folder: Path) -> tuple[list[Attempt], list[Skipped]]:
    """Return what the logs under a folder tell, and every file that is no log, with the reason."""
    attempts, skipped = [], []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")):
        if path.suffix == ".err":
            if not read_with_log(path):
                skipped.append(Skipped(path, "has no .out file beside it"))
            continue
        try:
            attempts.append(read_log(path))
        except DiagError as error:
            skipped.append(Skipped(path, str(error).removeprefix(f"{path}: ")))
    return attempts, skipped


def read_with_log(path: Path) -> bool:
    """Say whether a file is the ``.err`` of a log beside it, and is read with that log."""
    return path.suffix == ".err" and path.with_suffix(".out").is_file()


def read_log(path: Path) -> Attempt:
    """Return what a foreign log tells, read by the first reader that accepts it.

    Raises:
        UnreadableFile: It is of no format that is known, or damaged.
    """
    known = readers()
    for reader in known.values():
        try:
            accepted = reader.accepts(path)
        except OSError as error:
            raise UnreadableFile(f"{path}: cannot be read: {error.strerror or error}.") from error
        if accepted:
            return reader.read(path)
    if path.stat().st_size == 0:
        raise UnreadableFile(f"{path}: is empty.")
    raise UnreadableFile(f"{path}: is not a log of a known format ({', '.join(known)}).")


def arrange_training(attempts: Iterable[Attempt]) -> tuple[list[ArrangedRun], list[Skipped]]:
    """Return the runs among attempts, and those attempts that evaluate and do not train."""
    training, listed = [], []
    for attempt in attempts:
        if attempt.only_evaluates:
            detail = f" ({attempt.ending.detail})" if attempt.ending.detail else ""
            reason = f"an evaluation's log, it trains nothing; {attempt.ending.label}{detail}"
            listed.append(Skipped(attempt.source[0], reason))
        else:
            training.append(attempt)
    return arrange(training), listed


def run_in_place(arranged: ArrangedRun) -> Run:
    """Return the run that a foreign log is, without writing anything."""
    attempt = arranged.attempt
    number = len(arranged.earlier)
    rows = [Row(r.step, r.values, r.attempt + number) for r in attempt.rows]
    return Run(
        experiment=arranged.experiment,
        name=attempt.name,
        variant=arranged.variant,
        seed=attempt.seed,
        path=attempt.source[0],
        configuration=attempt.configuration,
        history=History.of(rows),
        ending=attempt.ending,
        provenance={"job": attempt.job, **attempt.provenance},
        attempts=tuple(map(_earlier, arranged.earlier)),
        findings=attempt.findings,
    )


def open_results(folder: Path) -> Run:
    """Return the run that a Trainer1D results folder is: its configuration and checkpoints, no history.

    Raises:
        UnreadableFile: Its configuration is damaged.
    """
    configuration = _results_configuration(folder)
    name = _name_in(configuration)
    seed = (configuration or {}).get("seed")
    checkpoints = find_checkpoints(folder)
    trained = any(path.name == "final_model.pt" for path in checkpoints)
    return Run(
        experiment=(experiment_number(name) or name) if name else folder.name,
        name=name,
        variant=None,
        seed=seed if isinstance(seed, int) else None,
        path=folder,
        configuration=configuration,
        history=History(),
        ending=Ending("complete" if trained else "no_log"),
        checkpoints=checkpoints,
    )


def _open_file(path: Path, runs: dict[Path, Run], attempts: dict[Path, Attempt]) -> None:
    if path.suffix in CHECKPOINT_SUFFIXES:
        runs[path.resolve()] = _open_checkpoint(path)
    elif path.name == CONFIG:
        runs[path.parent.resolve()] = read_run(path.parent)
    else:
        attempts[path.resolve()] = read_log(path)


def _open_checkpoint(path: Path) -> Run:
    configuration = _results_configuration(path.parent)
    name = _name_in(configuration)
    experiment = (experiment_number(name) or name) if name else path.stem
    history, ending = History(), Ending("no_log")
    return Run(experiment, name, None, None, path, configuration, history, ending, checkpoints=(path,))


def _results_configuration(folder: Path) -> dict[str, Any] | None:
    config = folder / RESULTS_CONFIG
    return read_json_object(config) if config.is_file() else None


def _name_in(configuration: Mapping[str, Any] | None) -> str | None:
    name = (configuration or {}).get("experiment_name")
    return name if isinstance(name, str) and name else None


def _open_run_folders(folders: Sequence[Path], runs: dict[Path, Run], skipped: list[Skipped]) -> None:
    """Read run folders; among several a damaged one is listed, one named by itself is an error."""
    for folder in folders:
        try:
            runs[folder.resolve()] = read_run(folder)
        except DiagError as error:
            if len(folders) == 1:
                raise
            skipped.append(Skipped(folder, str(error).removeprefix(f"{folder}: ")))


def _results_folders(root: Path) -> list[Path]:
    """Return the Trainer1D results folders under ``root``, itself included."""
    configs = {path.parent for path in root.rglob(RESULTS_CONFIG)}
    milestones = {path.parent for path in root.rglob("model-*.pt")}
    return sorted(configs | milestones)


def _earlier(attempt: Attempt) -> EarlierAttempt:
    return EarlierAttempt(
        attempt.source[0],
        attempt.job,
        attempt.ending,
        attempt.evaluations,
        attempt.provenance.get("started"),
    )
