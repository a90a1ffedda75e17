"""Import foreign logs: every file becomes a run, an attempt, an evaluation, or a line that says why not."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ired_diag.errors import CannotWrite, NotFound, UnreadableFile
from ired_diag.json_object import read_json_object
from ired_diag.open import arrange_training, unstarted_among
from ired_diag.readers.logs import read_logs
from ired_diag.runs.evaluation_store import write_evaluations
from ired_diag.runs.files import ELSEWHERE, check_listable, exists
from ired_diag.runs.find import RESULTS_CONFIG, Unreadable
from ired_diag.runs.job_kind import only_evaluates
from ired_diag.runs.run import Run
from ired_diag.runs.store import (
    attempt_folders,
    check_writable,
    find_checkpoints,
    find_runs,
    imported_sources,
    remove_if_empty,
    remove_run_files,
    run_folder,
    write_run,
)
from ired_diag.runs.study import Skipped

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
        return {str(path.resolve()) for record in (self.run, *self.run.attempts) for path in record.sources}


@dataclass(frozen=True)
class Imported:
    """What an import made.

    Attributes:
        runs: Every run.
        skipped: Every file that is no run, no attempt and no evaluation, and why not.
        notes: Results folders that could not be joined, and why not.
        evaluations: Jobs that evaluated a model and trained nothing.
        unreadable: Files and folders that may not be read, and why not.
    """

    runs: tuple[ImportedRun, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...] = ()
    evaluations: tuple[Run, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def attempts(self) -> int:
        """How many earlier attempts stand beside the runs."""
        return sum(len(one.run.attempts) for one in self.runs)


def import_logs(
    sources: Sequence[Path],
    runs: Path,
    *,
    checkpoints: Path | None = None,
    replace: bool = False,
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
        progress: Called with the number of runs written and to be written.

    Raises:
        NotFound: A source does not exist, or no log among them could be read.
        UnreadableFile: A log named by itself is damaged.
        CannotWrite: The runs folder cannot be written, or holds other runs of these names.
    """
    arranged, evaluations, unstarted, skipped, unreadable = _read(sources)
    results, notes = _join(arranged, checkpoints) if checkpoints else ({}, [])
    planned = _planned(arranged, runs, results)
    check_writable(runs)
    evaluated = [path for attempt in [*evaluations, *unstarted] for path in attempt.sources]
    _make_way(planned, runs, evaluated=evaluated, replace=replace)
    logs = set().union(*(one.logs for one in planned))
    for done, one in enumerate(planned):
        progress(done, len(planned))
        with _saying_what_is_whole(done, len(planned)):
            written = write_run(one.run, one.folder, results=one.results)
            _drop_stale_attempts(one.folder, written, logs, replace=replace)
    read = [*evaluated, *(path for one in planned for path in map(Path, one.logs))]
    with _saying_what_is_whole(len(planned), len(planned)):
        write_evaluations([*evaluations, *unstarted], runs, read=read)
    progress(len(planned), len(planned))
    return Imported(tuple(planned), tuple(skipped), tuple(notes), tuple(evaluations), tuple(unreadable))


@contextmanager
def _saying_what_is_whole(done: int, total: int) -> Iterator[None]:
    """Add to a file that cannot be written how many runs are imported and whole, and how to go on."""
    try:
        yield
    except (CannotWrite, OSError) as error:
        reason = str(error).removesuffix(ELSEWHERE)
        if isinstance(error, OSError):
            reason = f"{error.filename}: {error.strerror or error}."
        runs = f"{done} of {total} runs are" if total != 1 else f"{done} of 1 run is"
        evaluations = ", and not all evaluations" if done == total else ""
        raise CannotWrite(
            f"{reason} {runs} imported and whole{evaluations}. Make room, or choose another place with "
            "--runs DIR, then repeat the import: it brings every run up to date."
        ) from error


def _read(
    sources: Sequence[Path],
) -> tuple[list[Run], list[Run], list[Run], list[Skipped], list[Unreadable]]:
    """Return the runs, the evaluations, the jobs that never started, and the files that are none of these.

    Last are the files and folders that may not be read.
    """
    for source in sources:
        check_listable(source)
        if not exists(source):
            raise NotFound(f"{source}: expected a log or a folder of logs, found nothing.")
    logs = read_logs(sources)
    skipped = [
        Skipped(folder, "is a run folder of ired-diag; it is left where it is")
        for source in sources
        if source.is_dir()
        for folder in find_runs(source)
    ]
    skipped += logs.skipped
    attempts = logs.settled()
    arranged, listed = arrange_training(attempts)
    evaluations = [attempt for attempt in attempts if only_evaluates(attempt)]
    unstarted = unstarted_among(attempts, listed)
    if not arranged and not evaluations:
        first = f"{skipped[0].path.name}: {skipped[0].reason}" if skipped else "the folder is empty"
        if logs.unreadable:
            first = logs.unreadable[0].statement
        files = f"{len(skipped)} file{'s' if len(skipped) != 1 else ''}"
        raise NotFound(f"{', '.join(map(str, sources))}: holds no log of a training run ({files}; {first}).")
    skipped.extend(skip for skip in listed if skip.path in {a.path for a in unstarted})
    return arranged, evaluations, unstarted, skipped, logs.unreadable


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
    known = _known(runs)
    targets = {one.folder: one for one in planned}
    conflicts = [
        f"{folder} ({'trained here, damaged or not readable' if sources is None else f'from {sources[0]}'})"
        for folder, sources in known.items()
        if folder in targets and (sources is None or not (replace or targets[folder].logs & set(sources)))
    ]
    if conflicts:
        rest = len(conflicts) - MOST_CONFLICTS
        more = f" and {rest} more" if rest > 0 else ""
        raise CannotWrite(
            f"{runs}: holds other runs of these names: {', '.join(conflicts[:MOST_CONFLICTS])}{more}. "
            "Import into another folder with --runs DIR, or overwrite imported runs with --replace."
        )
    no_runs = {str(path.resolve()) for path in evaluated}
    for folder, sources in known.items():
        if folder not in targets and sources and sources[0] in no_runs:
            remove_run_files(folder)
    owners = {log: one for one in planned for log in one.logs}
    for folder, sources in known.items():
        if folder in targets or not sources or sources[0] not in owners:
            continue
        target = owners[sources[0]].folder
        if target.exists():
            remove_run_files(folder)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(target)
            remove_if_empty(folder.parent)


def _known(runs: Path) -> dict[Path, list[str] | None]:
    """Return every run folder with the files it was imported from; a damaged one is nobody's to touch."""
    known: dict[Path, list[str] | None] = {}
    for folder in find_runs(runs):
        try:
            known[folder] = imported_sources(folder)
        except UnreadableFile:
            known[folder] = None
    return known


def _drop_stale_attempts(folder: Path, written: Sequence[Path], logs: set[str], *, replace: bool) -> None:
    """Remove attempts of an earlier import that this one arranged otherwise, or replaced."""
    for attempt in attempt_folders(folder):
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
                f"({', '.join(map(str, folders))}) cannot be told apart; none was joined."
            )
    return joined, notes


def _results_by_seed(root: Path) -> dict[Identity, list[Path]]:
    """Return the Trainer1D results folders under ``root`` by experiment and seed.

    Raises:
        NotFound: There are none.
    """
    found: dict[Identity, list[Path]] = defaultdict(list)
    for config in sorted(root.rglob(RESULTS_CONFIG)) if root.is_dir() else []:
        if not find_checkpoints(config.parent):
            continue
        told = read_json_object(config)
        seed, in_name = told.get("seed"), re.search(r"seed(\d+)", config.parent.name)
        if in_name:  # the folder is named by the job, the stored seed may be the template's
            seed = int(in_name[1])
        name = told.get("experiment_name")
        identity = (name if isinstance(name, str) else None, seed if isinstance(seed, int) else None)
        found[identity].append(config.parent)
    if not found:
        raise NotFound(
            f"{root}: expected Trainer1D results folders ({RESULTS_CONFIG} beside model-<n>.pt), found none."
        )
    return found
