"""The study under a folder, as it is now: what has not changed is not read again.

Every look compares the states of all files and folders with those of the last look (``watched_tree``). Where
only files inside run folders differ, these runs alone are read again and put in their places
(``replaced_runs``): of a history that grew, only its new lines. Otherwise the study is put together again,
from runs that are remembered while their files are as they were. What is damaged is listed in
``Study.skipped`` or as a finding and stops nothing.
Runs are named by an opaque id, so that an address never holds a path.
"""

from __future__ import annotations

import gc
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from app.dashboard.address import View
from app.dashboard.comparisons import Comparisons
from app.dashboard.diagnosis import Diagnosis
from app.dashboard.following import Follower
from app.dashboard.history_cache import HistoryCache
from app.dashboard.judged import JudgedSnapshots, judged_run
from app.dashboard.kept_headers import KeptHeaders, catalogue_file
from app.dashboard.records import Recorder
from app.dashboard.replaced_runs import Change, with_changes
from app.dashboard.snapshot import Entry, Snapshot
from app.dashboard.tables import Tables
from app.dashboard.watched_tree import WatchedTree
from ired_diag.errors import DiagError
from ired_diag.grouping import open_arguments
from ired_diag.open import open_study, with_grouping
from ired_diag.readers.foreign_configuration import configuration_files
from ired_diag.readers.logs import read_log
from ired_diag.runs.completion import completion_of
from ired_diag.runs.find import METRICS
from ired_diag.runs.fingerprints import Fingerprint, fingerprint, fingerprints, tree
from ired_diag.runs.history import Series
from ired_diag.runs.later_series import is_later
from ired_diag.runs.range_of_numbers import within_range
from ired_diag.runs.regroup import Grouping
from ired_diag.runs.run import Run
from ired_diag.runs.store import read_run
from ired_diag.runs.study import Skipped, Study

Read = TypeVar("Read")
PAUSE = 0.001  # s between two verdicts in the background: pages that are asked for come first
ID_LENGTH = 12  # hexadecimal digits: 48 bits, so that ids of a million runs hardly ever collide


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Let the runs of a study be made without looking for garbage among them.

    They live as long as the study, and hold no cycles: looking through them was a third of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


@dataclass
class _Memory:
    """What a reader returned (or what it raised) for each path, while the files behind it are unchanged."""

    kept: dict[Path, tuple[object, Any]] = field(default_factory=dict)
    reads: int = 0

    def get(self, path: Path, state: object, read: Callable[[Path], Read]) -> Read:
        if path not in self.kept or self.kept[path][0] != state:
            self.reads += 1
            try:
                self.kept[path] = state, read(path)
            except DiagError as error:
                self.kept[path] = state, error
        result: Read | DiagError = self.kept[path][1]
        if isinstance(result, DiagError):
            raise result
        return result

    def forget(self, keep: Callable[[Path], bool]) -> None:
        for path in list(self.kept):
            if not keep(path):
                del self.kept[path]


class Catalog:
    """The study under a folder; safe to ask from several threads."""

    def __init__(
        self,
        root: Path,
        *,
        cache: HistoryCache | None = None,
        grouping: Grouping | None = None,
        patterns: Sequence[str] = (),
        metric: str | None = None,
        higher_is_better: bool | None = None,
    ) -> None:
        """Look at nothing yet.

        Args:
            root: Run folders or foreign logs, or a single one of them.
            cache: Where histories are kept between sessions. None: nowhere.
            grouping: The user's definition of groups and seeds.
            patterns: Arguments ``NAME=GLOB`` whose groups are shown. Empty: all runs under the root.
            metric: Metric that judges the runs where the address names none. Default: detected by name.
            higher_is_better: Direction of the metric. Default: by configuration and name.
        """
        self.choice = (metric, higher_is_better)
        self.judgements = JudgedSnapshots()
        self.root = root
        self.grouping = grouping or Grouping()
        self.patterns = tuple(patterns)
        self.follower = Follower(cache)
        self.headers = None if cache is None else KeptHeaders(root, catalogue_file(cache.folder))
        self.folders, self.logs = _Memory(), _Memory()
        self.diagnosis = Diagnosis(self.judged)
        self.comparisons = Comparisons()
        self.tables = Tables()
        self.records = Recorder(root)
        self._lock = threading.Lock()
        self.tree = WatchedTree(root)
        self.opened = 0  # how often the study was put together from all its parts
        self._is_there: bool | None = None
        self._as_read: dict[str, Run] = {}  # run folders of the study, as they were read
        self._snapshot = Snapshot(version=0, updated=0.0, study=Study(()), entries={})

    def refresh(self) -> Snapshot:
        """Look whether anything has changed, and return the study as it is."""
        with self._lock:
            paths, is_there = self.tree.look(), self.root.exists()
            study = self._snapshot.study
            if paths or is_there != self._is_there:
                self._forget({path for path in paths if path not in self.tree.prints})
                study = self._replaced(paths) or self._open()
                self.follower.shrink_cache()
                self._keep()
                self._is_there = is_there
            entries = self._entries(study)
            changed = study is not self._snapshot.study or entries != self._snapshot.entries
            self._snapshot = Snapshot(
                version=self._snapshot.version + changed,
                updated=time.time(),
                study=study,
                entries=entries,
                root=self.root,
                options=tuple(self.grouping.options),
                patterns={pattern.partition("=")[0]: pattern for pattern in self.patterns},
            )
            return self._snapshot

    def snapshot(self) -> Snapshot:
        """Return the study as it was last seen; the first call looks."""
        if not self._snapshot.version:
            return self.refresh()
        return self._snapshot

    def judged(self, view: View) -> Snapshot:
        """Return the study as it was last seen, its runs judged by the metric and the direction of a view."""
        return self.judgements.of(self.snapshot(), view.metric, view.higher_is_better)

    @property
    def parses(self) -> int:
        """How many logs and histories were parsed, in full or in part."""
        return self.logs.reads + self.follower.parsed + self.follower.appended

    def _open(self) -> Study:
        self.opened += 1
        self._as_read.clear()
        open_paths = partial(open_study, read_folder=self._run, read_log=self._attempts)
        try:
            with _no_garbage_collection():
                if self.patterns or self.grouping != Grouping():
                    places = self.patterns or [str(self.root)]
                    study = open_arguments(places, grouping=self.grouping, open_paths=open_paths)
                else:
                    study = open_paths(self.root)
            return self._as_chosen(study)
        except (DiagError, OSError) as error:  # OSError: a file that went away while it was looked at
            return Study((), (Skipped(self.root, str(error).removeprefix(f"{self.root}: ")),))

    def _replaced(self, changed: Iterable[str]) -> Study | None:
        """Return the study with the runs that changed; None where it must be put together again."""
        if self.patterns or self.grouping.by:  # groups that the user defines may depend on any run
            return None
        folders = {self._run_folder(path) for path in changed}
        before = dict(self._as_read)
        changes: list[Change] = []
        try:
            for folder in folders:
                if folder is None:
                    return None
                run = with_grouping(self._run(Path(folder)), self.grouping)
                changes.append(Change(with_grouping(before[folder], self.grouping), run))
        except (DiagError, OSError):  # it is a run no more
            return None
        return with_changes(self._snapshot.study, changes, before)

    def _run_folder(self, path: str) -> str | None:
        """Return the folder of the study's run that a path belongs to; None where it belongs to none."""
        place = path
        while place and place not in self._as_read:
            place, _, _ = place.rpartition(os.sep)
        return place or None

    def _as_chosen(self, study: Study) -> Study:
        """Return a study that is judged as the command line says."""
        if self.choice == (None, None):
            return study
        runs = [judged_run(run, self.choice) for run in study.runs]
        return replace(study, runs=tuple(runs))

    def _run(self, folder: Path) -> Run:
        states = self.tree.under(folder)
        run = self.folders.get(folder, states, partial(self._read_folder, states=states))
        self._as_read[str(folder)] = run
        return run

    def _read_folder(self, folder: Path, *, states: object) -> Run:
        """Return the run in a folder, without the values of its metrics where its header is kept."""
        if self.headers is None:
            return read_run(folder, read_metrics=self.follower.read)
        kept = self.headers.run(folder, states, self._metrics)
        if kept is not None:
            return kept
        source = fingerprint(folder / METRICS)
        run = read_run(folder, read_metrics=self.follower.read)
        self.headers.note(folder, states, run, source)
        return run

    def _metrics(self, folder: Path, state: Fingerprint) -> Mapping[str, Series]:
        """Return the metrics of a run whose history file was in a state, as ``read_run`` does."""
        history, _ = within_range(self.follower.read_state(folder / METRICS, state))
        return history.series

    def _attempts(self, path: Path) -> Sequence[Run]:
        return self.logs.get(path, _state_of_log(path), read_log)

    def _entries(self, study: Study) -> dict[str, Entry]:
        """Return the runs by id; a run that is as it was keeps its entry, and the verdict in it."""
        before = {id(entry.run): entry for entry in self._snapshot.entries.values()}
        entries: dict[str, Entry] = {}
        for run in study.runs:
            entry = before.get(id(run))
            name = self._id(run) if entry is None else entry.id
            entries[name] = self._entry(name, run, entry or self._snapshot.entries.get(name))
        return entries

    def _entry(self, id: str, run: Run, before: Entry | None) -> Entry:
        completion = completion_of(run)
        if before is not None and before.completion == completion and _is_same(before.run, run):
            return before
        verdict = None
        if self.headers is not None and _has_own_metric(run):
            verdict = self.headers.verdict(run)
        return Entry(id, run, completion, verdict)

    def prepare(self) -> None:
        """Read and judge all runs before a page asks for them, and keep that for the next session."""
        for entry in self.refresh().entries.values():
            if entry.kept is None and not entry.is_judged:
                _ = entry.verdict
                time.sleep(PAUSE)
        self.keep()

    def keep(self) -> None:
        """Keep what was read and judged, for the next session."""
        with self._lock:
            self._keep()

    def _keep(self) -> None:
        if self.headers is None:
            return
        for entry in self._snapshot.entries.values():
            if entry.is_judged and _has_own_metric(entry.run):
                self.headers.note_verdict(entry.run, entry.verdict)
        self.headers.write()

    def _id(self, run: Run) -> str:
        """Return an id by the place of a run under the root; several runs in a file differ by seed."""
        place = run.path
        if place.is_relative_to(self.root):
            place = place.relative_to(self.root)
        content = f"{place}\n{run.experiment}\n{run.seed_label}".encode(errors="surrogateescape")
        return hashlib.sha256(content).hexdigest()[:ID_LENGTH]

    def _forget(self, gone: set[str]) -> None:
        if not gone:
            return
        self.follower.forget(gone)
        self.folders.forget(Path.is_dir)
        self.logs.forget(Path.exists)


def _is_same(before: Run, run: Run) -> bool:
    if before is run:
        return True
    if before.history is not run.history and is_later(before.history):
        return False  # comparing would read values that are out of date
    return before == run


def _has_own_metric(run: Run) -> bool:
    """Say whether a run is judged by its own metric and direction, which its header's verdict is about."""
    return run.metric is None and run.higher_is_better is None


def _state_of_log(path: Path) -> object:
    """Return the fingerprints of all files that a log is read from.

    They are the log itself, its .err, the journal of a database, and configurations.
    """
    if path.is_dir():
        return tree(path)
    journal = path.with_name(f"{path.name}-wal")
    return fingerprints([path, path.with_suffix(".err"), journal, *configuration_files(path.parent)])
