"""Open whatever a path is: run folders, foreign logs and folders of them, checkpoints, results folders."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from ired_diag.catalogue import open_catalogue
from ired_diag.errors import DiagError, NotFound, NotReadable, UnreadableFile
from ired_diag.json_object import read_json_object
from ired_diag.readers.foreign_configuration import seed_of
from ired_diag.readers.logs import NOT_OPENED, Logs, is_read_with_log, read_log
from ired_diag.readers.logs import read_log as read_log_in_place
from ired_diag.readers.text_pattern import with_pattern
from ired_diag.runs.arrange import arrange
from ired_diag.runs.ending import Ending
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.evaluation_store import SUFFIX, UNSTARTED, find_evaluations, read_evaluation
from ired_diag.runs.files import check_listable, exists, is_special, pattern_note
from ired_diag.runs.find import CONFIG, RESULTS_CONFIG, SEED_FOLDER, Contents, Unreadable, contents_of
from ired_diag.runs.job_kind import never_started, only_evaluates
from ired_diag.runs.labels import experiment_number
from ired_diag.runs.mapped_metrics import with_metric_names
from ired_diag.runs.range_of_numbers import within_range
from ired_diag.runs.regroup import Grouping, grouped_by
from ired_diag.runs.run import Run
from ired_diag.runs.stated_settings import experiment_name
from ired_diag.runs.store import find_checkpoints, read_run
from ired_diag.runs.study import Skipped, Study
from ired_diag.runs.tensor_files.recognition import is_checkpoint
from ired_diag.runs.unreadable_run import unreadable_run
from ired_diag.user_cache import are_caches_in_use

MOST_NAMED = 4  # runs, in an error

ReadFolder = Callable[[Path], Run]
ReadLog = Callable[[Path], Sequence[Run]]


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
        labels = ", ".join(run.label for run in study.runs[:MOST_NAMED])
        count = len(study.runs)
        raise DiagError(f"{path}: expected one run, found {count} ({labels}, …). Name one of them.")
    reason = ""
    if study.skipped:
        reason = f": {study.skipped[0].reason}"
    raise NotFound(f"{path}: expected a run, found none{reason}.")


def open_study(
    paths: Path | str | Iterable[Path | str],
    *,
    grouping: Grouping | None = None,
    read_folder: ReadFolder = read_run,
    read_log: ReadLog = read_log,
) -> Study:
    """Return all runs at one path or several.

    Logs are read in place and arranged together, so that retries and variants are distinguished across files.
    What is in a folder and cannot be read is listed in ``Study.skipped``; a file named by itself that
    cannot be read is an error.

    Args:
        paths: Run folders, foreign logs, results folders, checkpoints, or folders of them.
        grouping: What the user says of groups and seeds; by default both are recognised.
        read_folder: Reads a run folder; one that remembers unchanged folders may stand in for it.
        read_log: Reads a foreign log, likewise.

    Raises:
        NotFound: There is nothing at a path.
        UnreadableFile: A named file, or a run folder, is damaged.
        NotReadable: A named file or folder may not be read.
        DiagError: No run has a key that it is to be grouped by.
    """
    if isinstance(paths, Path | str):
        paths = [paths]
    given = list(map(Path, paths))
    grouping = grouping or Grouping()
    is_usual_log = read_log is read_log_in_place and grouping.step is None and not grouping.pattern
    if grouping.step is not None:
        read_log = partial(read_log_in_place, step=grouping.step)
    if grouping.pattern:
        read_log = with_pattern(grouping.pattern, read_log)
    logs = Logs(read=read_log, seed_key=grouping.seed_key)
    with ExitStack() as stack:
        if are_caches_in_use():
            catalogue = stack.enter_context(open_catalogue())
            if is_usual_log:
                logs.remembered = catalogue
            if read_folder is read_run:
                read_folder = partial(catalogue.folder, read=read_folder)
        opened = _opened(given, logs, read_folder)
    attempts = logs.settled()
    arranged, listed = arrange_training(attempts, ignored_keys=grouping.not_compared)
    evaluations = [attempt for attempt in attempts if only_evaluates(attempt)]
    unstarted = unstarted_among(attempts, listed)
    for attempt in _stored_evaluations(given, [*evaluations, *unstarted], opened.skipped):
        if attempt.format == UNSTARTED:
            listed.append(_unstarted(attempt))
            unstarted.append(attempt)
        else:
            listed.append(_as_skipped(attempt))
            evaluations.append(attempt)
    runs = []
    for run in (*opened.runs.values(), *map(run_in_place, arranged)):
        runs.append(with_grouping(run, grouping))
    if grouping.by:
        runs = grouped_by(runs, grouping.by)
    return Study.of(
        runs,
        [*opened.skipped, *logs.skipped, *listed],
        evaluations,
        unstarted,
        [*opened.unreadable, *logs.unreadable],
    )


def _opened(paths: Sequence[Path], logs: Logs, read_folder: ReadFolder) -> _Opened:
    """Return what is at paths; of several, one that may not be read is noted."""
    opened = _Opened(logs)
    for path in paths:
        try:
            _open_path(path, opened, read_folder)
        except NotReadable as error:
            if len(paths) == 1:
                raise
            opened.note_unreadable(Unreadable.of(path, error))
    opened.add_unreadable_runs()
    return opened


@dataclass
class _Opened:
    """What was opened so far: logs, run folders by their place, and what is not a run or may not be read."""

    logs: Logs
    runs: dict[Path, Run] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    unreadable_runs: list[Unreadable] = field(default_factory=list)

    def note_unreadable(self, place: Unreadable) -> None:
        """Note a path that may not be read: a run where its name is that of a seed's folder."""
        if SEED_FOLDER.fullmatch(place.path.name):
            self.unreadable_runs.append(place)
        else:
            self.unreadable.append(place)

    def add_unreadable_runs(self) -> None:
        """Add the runs that may not be read; the runs next to them say what they are."""
        readable = list(self.runs.values())
        for place in self.unreadable_runs:
            self.runs[place.path.resolve()] = unreadable_run(place, readable)


def _open_path(path: Path, opened: _Opened, read_folder: ReadFolder) -> None:
    """Open one path.

    Raises:
        NotFound: There is nothing.
        NotReadable: It may not be read itself.
        UnreadableFile: It is a pipe, a socket, a device or a link to itself.
    """
    if is_special(path):
        raise UnreadableFile(f"{path}: {NOT_OPENED}.")
    check_listable(path)
    if not exists(path):
        raise NotFound(
            f"{path}: expected a run, a log or a folder of them, found nothing.{pattern_note(str(path))}"
        )
    if path.is_file():
        if not is_read_with_log(path):
            _open_file(path, opened.runs, opened.logs)
        return
    if is_checkpoint(path):
        opened.runs[path.resolve()] = _open_checkpoint(path)
        return
    contents = contents_of(path)
    opened.unreadable += contents.unreadable
    opened.unreadable_runs += contents.unreadable_runs
    _open_run_folders(path, contents, opened, read_folder)
    for folder in contents.results:
        try:
            opened.runs[folder.resolve()] = open_results(folder)
        except NotReadable as error:
            opened.unreadable.append(Unreadable.of(folder, error))
    imported = _imported_logs(opened.runs.values())
    files = [file for file in contents.files if os.path.realpath(file) not in imported]
    opened.logs.add_files(files, list_all=not contents.runs)


def unstarted_among(attempts: Iterable[Run], listed: Iterable[Skipped]) -> list[Run]:
    """Return the jobs that died before training started and are listed as neither a run nor a try at one."""
    files = {skipped.path for skipped in listed}
    unstarted = []
    for attempt in attempts:
        if never_started(attempt) and not only_evaluates(attempt) and attempt.path in files:
            unstarted.append(attempt)
    return unstarted


def _imported_logs(runs: Iterable[Run]) -> set[str]:
    """Return the logs that run folders were imported from, which are not read again next to them."""
    paths = set()
    for run in runs:
        for source in run.provenance.get("sources") or ():
            # config.json may have been edited: what is not an object names no file.
            if isinstance(source, dict):
                paths.add(str(source.get("path")))
    return paths


def with_grouping(run: Run, grouping: Grouping) -> Run:
    """Return a run with the seed, the ignored keys and the names of metrics that the user says."""
    seed = None
    if grouping.seed_key:
        seed = seed_of(run.configuration, grouping.seed_key)
    if seed is not None:
        run = replace(run, seed=seed)
    if grouping.not_compared:
        run = replace(run, identity_keys=run.identity_keys | grouping.not_compared)
    if grouping.metric_names:
        run = with_metric_names(run, dict(grouping.metric_names))
    return run


def arrange_training(
    attempts: Iterable[Run], *, ignored_keys: Iterable[str] = ()
) -> tuple[list[Run], list[Skipped]]:
    """Return the runs among attempts, and a line for each attempt that is neither a run nor a try at one.

    Those are jobs that evaluate and do not train, and jobs that died before their program started where no
    other job of the same seed did better.

    Args:
        attempts: All attempts that are read together.
        ignored_keys: Keys of the configurations that make no variant.
    """
    training, listed = [], []
    for attempt in attempts:
        if only_evaluates(attempt):
            listed.append(_as_skipped(attempt))
        else:
            training.append(attempt)
    runs = []
    for run in arrange(training, ignored_keys=ignored_keys):
        if never_started(run):
            listed.extend(map(_unstarted, (*run.attempts, run)))
        else:
            runs.append(run)
    return runs, listed


def _unstarted(attempt: Run) -> Skipped:
    reason = f"a job that ended before training started; {attempt.ending.label}"
    if attempt.ending.detail:
        reason += f": {attempt.ending.detail}"
    return Skipped(attempt.path, reason)


def _as_skipped(attempt: Run) -> Skipped:
    """Return how an evaluation is listed among the files that are not runs."""
    reason = f"an evaluation's log, it trains nothing; {attempt.ending.label}"
    if attempt.ending.detail:
        reason += f" ({attempt.ending.detail})"
    return Skipped(attempt.path, reason)


def _stored_evaluations(given: Sequence[Path], in_place: Sequence[Run], skipped: list[Skipped]) -> list[Run]:
    """Return the evaluations that runs folders hold and that are not read from their logs too."""
    from_logs = {attempt.path.resolve() for attempt in in_place}
    stored: dict[Path, Run] = {}
    for path in itertools.chain.from_iterable(map(find_evaluations, given)):
        try:
            evaluation = read_evaluation(path)
        except DiagError as error:
            if path in given:
                raise
            skipped.append(Skipped(path, str(error).removeprefix(f"{path}: ")))
            continue
        if evaluation.path.resolve() not in from_logs:
            stored[path.resolve()] = evaluation
    return list(stored.values())


def run_in_place(run: Run) -> Run:
    """Return the run that a log of another program is, its numbers within the range of computation."""
    history, odd = within_range(run.history)
    return replace(
        run,
        history=replace(history, attempts=history.attempts + len(run.attempts)),
        provenance={"job": run.job, **run.provenance},
        findings=(*run.findings, *odd),
    )


def open_results(folder: Path) -> Run:
    """Return the run that a Trainer1D results folder is: its configuration, checkpoints and metrics.

    Raises:
        UnreadableFile: Its configuration is damaged.
    """
    configuration = _results_configuration(folder)
    name = experiment_name(configuration)
    seed = (configuration or {}).get("seed")
    checkpoints = find_checkpoints(folder)
    # The trainer writes this file after its last step.
    is_trained = any(path.name == "final_model.pt" for path in checkpoints)
    run = Run(
        experiment=_experiment_of(name) or folder.resolve().name,  # that of Path(".") is empty
        name=name,
        variant=None,
        seed=seed if isinstance(seed, int) else None,
        path=folder,
        configuration=configuration,
        ending=Ending("complete" if is_trained else "no_log"),
        checkpoints=checkpoints,
    )
    return _with_metrics(run, folder)


def _experiment_of(name: str | None) -> str | None:
    """Return the experiment that a full name belongs to; None without a name."""
    if not name:
        return None
    return experiment_number(name) or name


def _with_metrics(run: Run, folder: Path) -> Run:
    """Return a run with what the tables of metrics in its folder state."""
    logs = Logs()
    logs.add_folder(folder)
    training: list[Run] = []
    results: list[EvaluationResult] = []
    for attempt in logs.settled():
        if only_evaluates(attempt):
            results += attempt.results
        else:
            training.append(attempt)
    run = replace(run, results=tuple(results))
    # Of several tables it is unknown which one is the run's.
    if len(training) != 1:
        return run
    (attempt,) = training
    history, findings = within_range(attempt.history)
    if run.seed is None:
        run = replace(run, seed=attempt.seed)
    if not run.ending.complete:
        run = replace(run, ending=attempt.ending)
    return replace(
        run,
        history=history,
        findings=(*run.findings, *attempt.findings, *findings),
        results=(*run.results, *attempt.results),
    )


def _open_file(path: Path, runs: dict[Path, Run], logs: Logs) -> None:
    if is_checkpoint(path):
        runs[path.resolve()] = _open_checkpoint(path)
    elif path.name.endswith(SUFFIX):
        return  # an evaluation of a runs folder, which open_study reads
    elif path.name == CONFIG:
        runs[path.parent.resolve()] = read_run(path.parent)
    else:
        logs.add(path)


def _open_checkpoint(path: Path) -> Run:
    configuration = _results_configuration(path.parent)
    name = experiment_name(configuration)
    return Run(
        experiment=_experiment_of(name) or path.stem,
        name=name,
        variant=None,
        seed=None,
        path=path,
        configuration=configuration,
        ending=Ending("no_log"),
        checkpoints=(path,),
    )


def _results_configuration(folder: Path) -> dict[str, Any] | None:
    config = folder / RESULTS_CONFIG
    if not config.is_file():
        return None
    return read_json_object(config)


def _resolved(folder: Path, parents: dict[Path, Path]) -> Path:
    """Return a folder's place without links; that of its parent, which many share, is looked up once."""
    if folder.name in ("", "..") or folder.is_symlink():
        return folder.resolve()
    if folder.parent not in parents:
        parents[folder.parent] = folder.parent.resolve()
    return parents[folder.parent] / folder.name


def _open_run_folders(root: Path, contents: Contents, opened: _Opened, read_folder: ReadFolder) -> None:
    """Read run folders; among other files a damaged one is listed, one named by itself is an error."""
    parents: dict[Path, Path] = {}
    for folder in contents.runs:
        try:
            opened.runs[_resolved(folder, parents)] = read_folder(folder)
        except NotReadable as error:
            if folder == root:
                raise
            opened.unreadable_runs.append(Unreadable.of(folder, error))
        except DiagError as error:
            if len(contents.runs) == 1 and not contents.files:
                raise
            opened.skipped.append(Skipped(folder, str(error).removeprefix(f"{folder}: ")))
