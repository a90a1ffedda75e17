"""The study under a folder, as it is now: what has not changed is not read again.

Every look compares the sizes, times and inodes of all files with those of the last look. Only when a file
differs is the study put together again, and then only files that differ are read: of a history that grew,
only its new lines. What is damaged is listed in ``Study.skipped`` or as a finding and stops nothing.
Runs are named by an opaque id, so that an address never holds a path.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
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
from app.dashboard.records import Recorder
from app.dashboard.snapshot import Entry, Snapshot
from app.dashboard.tables import Tables
from ired_diag.errors import DiagError
from ired_diag.grouping import open_arguments
from ired_diag.open import open_study
from ired_diag.readers.foreign_configuration import configuration_files
from ired_diag.readers.logs import read_log
from ired_diag.runs.completion import completion_of
from ired_diag.runs.fingerprints import Fingerprint, fingerprints, tree
from ired_diag.runs.regroup import Grouping
from ired_diag.runs.run import Run
from ired_diag.runs.store import read_run
from ired_diag.runs.study import Skipped, Study

Read = TypeVar("Read")
ID_LENGTH = 12  # hexadecimal digits: 48 bits, so that ids of a million runs hardly ever collide


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
        self.folders, self.logs = _Memory(), _Memory()
        self.diagnosis = Diagnosis(self.judged)
        self.comparisons = Comparisons()
        self.tables = Tables()
        self.records = Recorder(root)
        self._lock = threading.Lock()
        self._files: dict[str, Fingerprint] | None = None
        self._is_there = False
        self._snapshot = Snapshot(version=0, updated=0.0, study=Study(()), entries={})

    def refresh(self) -> Snapshot:
        """Look whether anything has changed, and return the study as it is."""
        with self._lock:
            files, is_there = tree(self.root), self.root.exists()
            study = self._snapshot.study
            if files != self._files or is_there != self._is_there:
                self._forget(set(self._files or ()) - set(files))
                study = self._open()
                self.follower.shrink_cache()
                self._files, self._is_there = files, is_there
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
        try:
            study = open_arguments(
                self.patterns or [str(self.root)],
                grouping=self.grouping,
                open_paths=partial(open_study, read_folder=self._run, read_log=self._attempts),
            )
            return self._as_chosen(study)
        except (DiagError, OSError) as error:  # OSError: a file that went away while it was looked at
            return Study((), (Skipped(self.root, str(error).removeprefix(f"{self.root}: ")),))

    def _as_chosen(self, study: Study) -> Study:
        """Return a study that is judged as the command line says."""
        if self.choice == (None, None):
            return study
        runs = [judged_run(run, self.choice) for run in study.runs]
        return replace(study, runs=tuple(runs))

    def _run(self, folder: Path) -> Run:
        return self.folders.get(
            folder, tree(folder), lambda path: read_run(path, read_metrics=self.follower.read)
        )

    def _attempts(self, path: Path) -> Sequence[Run]:
        return self.logs.get(path, _state_of_log(path), read_log)

    def _entries(self, study: Study) -> dict[str, Entry]:
        """Return the runs by id; a run that is as it was keeps its entry, and the verdict in it."""
        entries: dict[str, Entry] = {}
        for run in study.runs:
            id = self._id(run)
            entries[id] = self._entry(id, run, self._snapshot.entries.get(id))
        return entries

    def _entry(self, id: str, run: Run, before: Entry | None) -> Entry:
        completion = completion_of(run)
        if before is not None and before.run == run and before.completion == completion:
            return before
        return Entry(id, run, completion)

    def _id(self, run: Run) -> str:
        """Return an id by the place of a run under the root; several runs in a file differ by seed."""
        place = run.path
        if place.is_relative_to(self.root):
            place = place.relative_to(self.root)
        content = f"{place}\n{run.experiment}\n{run.seed_label}".encode(errors="surrogateescape")
        return hashlib.sha256(content).hexdigest()[:ID_LENGTH]

    def _forget(self, gone: set[str]) -> None:
        self.follower.forget(gone)
        self.folders.forget(Path.is_dir)
        self.logs.forget(Path.exists)


def _state_of_log(path: Path) -> object:
    """Return the fingerprints of all files that a log is read from.

    They are the log itself, its .err, the journal of a database, and configurations.
    """
    if path.is_dir():
        return tree(path)
    journal = path.with_name(f"{path.name}-wal")
    return fingerprints([path, path.with_suffix(".err"), journal, *configuration_files(path.parent)])
