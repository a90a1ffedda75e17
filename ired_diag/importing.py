"""Import foreign logs: every file becomes a run, an attempt, an evaluation, or a line that says why not."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ired_diag.errors import CannotWrite, NotFound, UnreadableFile
from ired_diag.json_object import read_json_object
from ired_diag.open import arrange_training, unstarted_among
from ired_diag.readers.logs import read_log, read_logs
from ired_diag.readers.text_pattern import with_pattern
from ired_diag.runs.evaluation_store import write_evaluations
from ired_diag.runs.files import ELSEWHERE, check_listable, exists
from ired_diag.runs.find import RESULTS_CONFIG, Unreadable
from ired_diag.runs.gone_sources import GoneSource, gone_sources
from ired_diag.runs.job_kind import only_evaluates
from ired_diag.runs.run import Run
from ired_diag.runs.store import (
    attempt_folders,
    check_writable,
    find_checkpoints,
    find_runs,
    imported_sources,
    places_of_attempts,
    remove_if_empty,
    remove_run_files,
    run_folder,
    write_run,
)
from ired_diag.runs.study import Skipped
from ired_diag.writing_runs import write_runs

MOST_CONFLICTS = 3

Identity = tuple[str | None, int | None]  # full name, seed


@dataclass(frozen=True)
class ImportedRun:
    """A run, the folder it was written to, and its results folder, if one was joined."""

    run: Run
    folder: Path
    results: Path | None = None

    @property
    def logs(self) -> set[str]:
        """Every file that it and its earlier attempts were read from."""
        paths = set()
        for attempt in (self.run, *self.run.attempts):
            for path in attempt.sources:
                paths.add(str(path.resolve()))
        return paths


@dataclass(frozen=True)
class Imported:
    """What an import made.

    Attributes:
        runs: Every run.
        skipped: Every file that is not a run, an attempt or an evaluation, and why not.
        notes: Results folders that could not be joined, and why not.
        evaluations: Jobs that evaluated a model and trained nothing.
        unreadable: Files and folders that may not be read, and why not.
        gone: Runs of earlier imports whose logs are gone: removed or renamed since.
        removed_gone: Whether these runs were removed, as the caller asked.
    """

    runs: tuple[ImportedRun, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...] = ()
    evaluations: tuple[Run, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    gone: tuple[GoneSource, ...] = ()
    removed_gone: bool = False

    @property
    def attempts(self) -> int:
        """How many earlier attempts stand next to the runs."""
        return sum(len(imported.run.attempts) for imported in self.runs)


def import_logs(
    sources: Sequence[Path],
    runs: Path,
    *,
    checkpoints: Path | None = None,
    replace: bool = False,
    remove_gone: bool = False,
    pattern: str = "",
    step: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Imported:
    """Read logs and write them as run folders.

    Nothing is written or moved before every file was read and every conflict looked for. Importing the
    same logs again brings the run folders up to date.

    Args:
        sources: Logs, and folders of logs.
        runs: The runs folder, made if need be.
        checkpoints: A folder that holds the runs' Trainer1D results folders; each is joined to the run of
            the same experiment and seed, and stays where it is.
        replace: Overwrite imported runs that came from other files. A trained run is never overwritten.
        remove_gone: Remove runs of earlier imports whose logs were in these sources and are gone. Default:
            they stay, and are named.
        pattern: The regular expression by which text logs are read; empty: by their own grammar.
        step: The column or key that counts the steps, in logs that have it. Default: detected by name.
        progress: Called with the number of runs written and to be written.

    Raises:
        NotFound: A source does not exist, or no log among them could be read.
        UnreadableFile: A log named by itself is damaged.
        CannotWrite: The runs folder cannot be written, or holds other runs of these names.
    """
    arranged, evaluations, unstarted, skipped, unreadable = _read(sources, pattern=pattern, step=step)
    results: Mapping[Identity, Path] = {}
    notes: list[str] = []
    if checkpoints is not None:
        results, notes = _join(arranged, checkpoints)
    planned = _planned(arranged, runs, results)
    check_writable(runs)
    not_runs = [*evaluations, *unstarted]
    evaluated: list[Path] = []
    for attempt in not_runs:
        evaluated += attempt.sources
    _make_way(planned, runs, evaluated=evaluated, replace=replace)
    logs: set[str] = set()
    for imported in planned:
        logs |= imported.logs
    written = _Written(len(planned), progress)
    with _saying_what_is_whole(written):
        write_runs(
            planned,
            partial(_write, logs=logs, replace=replace),
            partial(_drop_stale_attempts, logs=logs, replace=replace),
            written.count,
        )
        write_evaluations(not_runs, runs, read=[*evaluated, *map(Path, logs)])
    gone = gone_sources(runs, sources, {imported.folder for imported in planned})
    if remove_gone:
        for each in gone:
            remove_run_files(each.folder)
    return Imported(
        runs=tuple(planned),
        skipped=tuple(skipped),
        notes=tuple(notes),
        evaluations=tuple(evaluations),
        unreadable=tuple(unreadable),
        gone=tuple(gone),
        removed_gone=remove_gone,
    )


def _write(imported: ImportedRun, *, logs: set[str], replace: bool) -> None:
    """Write a run, and remove attempts of an earlier import that are none of its any more."""
    write_run(imported.run, imported.folder, results=imported.results)
    _drop_stale_attempts(imported, logs=logs, replace=replace)


class _Written:
    """How many runs of an import are whole."""

    def __init__(self, total: int, progress: Callable[[int, int], None]) -> None:
        """Begin with none."""
        self.total = total
        self._progress = progress
        self.count(0)

    def count(self, whole: int) -> None:
        """Note how many are whole, and tell the caller."""
        self.whole = whole
        self._progress(whole, self.total)


@contextmanager
def _saying_what_is_whole(written: _Written) -> Iterator[None]:
    """Add to a file that cannot be written how many runs are imported and whole, and how to go on."""
    try:
        yield
    except (CannotWrite, OSError) as error:
        reason = str(error).removesuffix(ELSEWHERE)
        if isinstance(error, OSError):
            reason = f"{error.filename}: {error.strerror or error}."
        whole, total = written.whole, written.total
        runs = f"{whole} of {total} runs are"
        if total == 1:
            runs = f"{whole} of 1 run is"
        # Evaluations are written after the last run.
        evaluations = ", and not all evaluations" if whole == total else ""
        raise CannotWrite(
            f"{reason} {runs} imported and whole{evaluations}. Make room, or choose another place with "
            "--runs DIR, then repeat the import: it brings every run up to date."
        ) from error


def _read(
    sources: Sequence[Path], *, pattern: str, step: str | None
) -> tuple[list[Run], list[Run], list[Run], list[Skipped], list[Unreadable]]:
    """Return the runs, the evaluations, the jobs that never started, and the files that are none of these.

    Last are the files and folders that may not be read.
    """
    for source in sources:
        check_listable(source)
        if not exists(source):
            raise NotFound(f"{source}: expected a log or a folder of logs, found nothing.")
    read: Callable[[Path], Sequence[Run]] = read_log  # by its name: several processes may share the logs
    if step is not None:
        read = partial(read_log, step=step)
    if pattern:
        read = with_pattern(pattern, read)
    logs = read_logs(sources, read=read)
    skipped = []
    for source in filter(Path.is_dir, sources):
        for folder in find_runs(source):
            skipped.append(Skipped(folder, "is a run folder of ired-diag; it is left where it is"))
    skipped += logs.skipped
    attempts = logs.settled()
    arranged, listed = arrange_training(attempts)
    evaluations = [attempt for attempt in attempts if only_evaluates(attempt)]
    unstarted = unstarted_among(attempts, listed)
    if not arranged and not evaluations:
        raise _nothing_in(sources, skipped, logs.unreadable)
    paths_of_unstarted = {attempt.path for attempt in unstarted}
    skipped += [file for file in listed if file.path in paths_of_unstarted]
    return arranged, evaluations, unstarted, skipped, logs.unreadable


def _nothing_in(
    sources: Sequence[Path], skipped: Sequence[Skipped], unreadable: Sequence[Unreadable]
) -> NotFound:
    """Return the error that no log of a training run is among the sources, with the first reason."""
    reason = "the folder is empty"
    if unreadable:
        reason = unreadable[0].statement
    elif skipped:
        reason = f"{skipped[0].path.name}: {skipped[0].reason}"
    places = ", ".join(map(str, sources))
    files = "1 file" if len(skipped) == 1 else f"{len(skipped)} files"
    return NotFound(f"{places}: holds no log of a training run ({files}; {reason}).")


def _planned(arranged: Sequence[Run], runs: Path, results: Mapping[Identity, Path]) -> list[ImportedRun]:
    """Return each run with a folder of its own: where names are equal, a number tells them apart."""
    planned: dict[Path, ImportedRun] = {}
    for run in arranged:
        folder = own = run_folder(runs, run)
        number = 1
        while own in planned:
            number += 1
            own = folder.with_name(f"{folder.name}-{number}")
        planned[own] = ImportedRun(run, own, results.get(_identity(run)))
    return list(planned.values())


def _make_way(
    planned: Sequence[ImportedRun], runs: Path, *, evaluated: Sequence[Path], replace: bool
) -> None:
    """Move or remove earlier imports of the same logs that now belong elsewhere; refuse what is not ours.

    A run that an earlier import made of a log that is an evaluation's is removed.
    """
    sources_by_folder = _sources_by_folder(runs)
    targets = {imported.folder: imported for imported in planned}
    conflicts = _conflicts(sources_by_folder, targets, replace=replace)
    if conflicts:
        listed = ", ".join(conflicts[:MOST_CONFLICTS])
        if len(conflicts) > MOST_CONFLICTS:
            listed += f" and {len(conflicts) - MOST_CONFLICTS} more"
        raise CannotWrite(
            f"{runs}: holds other runs of these names: {listed}. "
            "Import into another folder with --runs DIR, or overwrite imported runs with --replace."
        )
    # A run stands for its last log; what else it was read from are earlier attempts.
    last_logs = {folder: sources[0] for folder, sources in sources_by_folder.items() if sources}
    elsewhere = {folder: log for folder, log in last_logs.items() if folder not in targets}
    evaluation_logs = {str(path.resolve()) for path in evaluated}
    for folder, log in elsewhere.items():
        if log in evaluation_logs:
            remove_run_files(folder)
    target_of_log: dict[str, Path] = {}
    for imported in planned:
        target_of_log.update(dict.fromkeys(imported.logs, imported.folder))
    for folder, log in elsewhere.items():
        if log in target_of_log:
            _move_run(folder, target_of_log[log])


def _conflicts(
    sources_by_folder: Mapping[Path, Sequence[str] | None],
    targets: Mapping[Path, ImportedRun],
    *,
    replace: bool,
) -> list[str]:
    """Return the run folders that an import would overwrite and may not, with what they are."""
    conflicts = []
    for folder, sources in sources_by_folder.items():
        if folder not in targets:
            continue
        if sources is None:
            conflicts.append(f"{folder} (trained here, damaged or not readable)")
        elif not replace and not targets[folder].logs & set(sources):
            conflicts.append(f"{folder} (from {sources[0]})")
    return conflicts


def _move_run(folder: Path, target: Path) -> None:
    """Move a run folder to a place; where a run is there, only remove it."""
    if target.exists():
        remove_run_files(folder)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)
    remove_if_empty(folder.parent)


def _sources_by_folder(runs: Path) -> dict[Path, list[str] | None]:
    """Return the files that every run folder was imported from; None where it must not be touched."""
    sources: dict[Path, list[str] | None] = {}
    for folder in find_runs(runs):
        try:
            sources[folder] = imported_sources(folder)
        except UnreadableFile:
            # What cannot be read may be a run that was trained here.
            sources[folder] = None
    return sources


def _drop_stale_attempts(imported: ImportedRun, *, logs: set[str], replace: bool) -> None:
    """Remove attempts of an earlier import that this one arranged otherwise, or replaced."""
    written = places_of_attempts(imported.run, imported.folder)
    for attempt in attempt_folders(imported.folder):
        sources = imported_sources(attempt) or []
        if attempt not in written and (replace or logs & set(sources)):
            shutil.rmtree(attempt)


def _identity(run: Run) -> Identity:
    return run.name, run.seed


def _join(arranged: Sequence[Run], checkpoints: Path) -> tuple[Mapping[Identity, Path], list[str]]:
    """Return the results folder of each experiment and seed that names one run and one folder."""
    joined: dict[Identity, Path] = {}
    notes: list[str] = []
    runs: dict[Identity, int] = defaultdict(int)
    for run in arranged:
        runs[_identity(run)] += 1
    for identity, folders in _results_by_seed(checkpoints).items():
        name, seed = identity
        if len(folders) == 1 and runs[identity] == 1:
            joined[identity] = folders[0]
        elif runs[identity] == 0:
            notes.append(f"{folders[0]}: no log of {name} seed {seed} was imported; not joined.")
        else:
            notes.append(
                f"{name} seed {seed}: {runs[identity]} runs and {len(folders)} results folders "
                f"({', '.join(map(str, folders))}) cannot be distinguished; none was joined."
            )
    return joined, notes


def _results_by_seed(root: Path) -> dict[Identity, list[Path]]:
    """Return the Trainer1D results folders under ``root`` by experiment and seed.

    Raises:
        NotFound: There are none.
    """
    folders: dict[Identity, list[Path]] = defaultdict(list)
    for config in sorted(root.rglob(RESULTS_CONFIG)):
        folder = config.parent
        if find_checkpoints(folder):
            folders[_identity_of_results(folder, read_json_object(config))].append(folder)
    if not folders:
        raise NotFound(
            f"{root}: expected Trainer1D results folders ({RESULTS_CONFIG} next to model-<n>.pt), found none."
        )
    return folders


def _identity_of_results(folder: Path, configuration: Mapping[str, object]) -> Identity:
    name, seed = configuration.get("experiment_name"), configuration.get("seed")
    in_name = re.search(r"seed(\d+)", folder.name)
    if in_name:  # the folder is named by the job, the stored seed may be the template's
        seed = int(in_name[1])
    return (
        name if isinstance(name, str) else None,
        seed if isinstance(seed, int) else None,
    )
