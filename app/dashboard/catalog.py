"""The study under a folder, as it is now: what has not changed is not read again.

Every look compares the states of all files and folders with those of the last look (``watched_tree``). Where
only files inside run folders differ, these runs alone are read again and put in their places
(``replaced_runs``): of a history that grew, only its new lines. Otherwise the study is put together again,
from runs that are remembered while their files are as they were. The first look of a session is such a look
too: it compares with what the last session saw (``kept_study``). What is damaged is listed in
``Study.skipped`` or as a finding and stops nothing.
Runs are named by an opaque id, so that an address never holds a path.
"""

from __future__ import annotations

import gc
import hashlib
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from app.dashboard.address import View
from app.dashboard.comparisons import Comparisons
from app.dashboard.diagnosis import Diagnosis
from app.dashboard.following import Follower
from app.dashboard.history_cache import HistoryCache
from app.dashboard.judged import JudgedSnapshots, judged_run
from app.dashboard.kept_study import KeptEntry, KeptStudy, StudyFile, with_unsettled, without_values
from app.dashboard.records import Recorder
from app.dashboard.replaced_runs import Change, with_changes
from app.dashboard.snapshot import Entry, Snapshot
from app.dashboard.tables import Tables
from app.dashboard.watched_tree import WatchedTree
from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.runs.completion import Completion, completion_of
from ired_diag.runs.find import METRICS
from ired_diag.runs.fingerprints import Fingerprint, fingerprints, tree
from ired_diag.runs.history import Series
from ired_diag.runs.later_series import LaterMetrics, is_later
from ired_diag.runs.range_of_numbers import within_range
from ired_diag.runs.regroup import Grouping
from ired_diag.runs.run import Run
from ired_diag.runs.store import read_run
from ired_diag.runs.study import Skipped, Study

if TYPE_CHECKING:
    from ired_diag.catalogue import Catalogue

Read = TypeVar("Read")
PAUSE = 0.001  # s between two verdicts in the background: pages that are asked for come first
KEEP_EVERY = 300.0  # s between two times that a changing study is kept
CHANGING = ("running", "cut off")  # how far a run came by the age of its log
CATALOGUE = "catalogue.sqlite"  # which all commands share (``ired_diag.catalogue``)
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
        self.file: StudyFile | None = None
        self.catalogue_file: Path | None = None
        if cache is not None:
            self.catalogue_file = cache.folder.with_name("catalogue") / CATALOGUE
            choice = (self.grouping, self.patterns, self.choice)
            self.file = StudyFile.of(cache.folder.with_name("studies"), root, choice)
        self.folders, self.logs = _Memory(), _Memory()
        self.diagnosis = Diagnosis(self.judged)
        self.comparisons = Comparisons()
        self.tables = Tables()
        self.records = Recorder(root)
        self._lock = threading.Lock()
        self.tree = WatchedTree(root)
        self.opened = 0  # how often the study was put together from all its parts
        self.restored = 0  # run folders that an earlier session has read
        self._is_there: bool | None = None
        self._unanswered: set[str] = set()  # paths that changed and are not yet in the study
        self._as_read: dict[str, Run] = {}  # run folders of the study, as they were read
        self._restored: dict[str, Run] = {}  # those of an earlier session whose files are as they were
        self._read_at: dict[str, float] = {}  # when a run folder was read, in seconds since 1970
        self._is_restored = False
        self._kept: tuple[object, int] = (None, 0)  # the entries that were kept last, and how many verdicts
        self._catalogue: Catalogue | None = None  # while the study is put together
        self._snapshot = Snapshot(version=0, updated=0.0, study=Study(()), entries={})

    def refresh(self, *, recent: float = 0.0) -> Snapshot:
        """Look whether anything has changed, and return the study as it is.

        Args:
            recent: Seconds since the last look, within which none is needed.
        """
        with self._lock:
            age = time.time() - self._snapshot.updated
            if 0 <= age < recent:
                return self._snapshot
            if not self._is_restored:
                self._is_restored = True
                self._restore()
            # A change stays unanswered until it is in the study, whatever error comes in between.
            self._unanswered |= self.tree.look()
            is_there = self.root.exists()
            study = self._snapshot.study
            if self._unanswered or is_there != self._is_there:
                self._forget(self._unanswered)
                study = self._replaced(self._unanswered) or self._open()
                self.follower.shrink_cache()
            entries = self._entries(study)
            is_first = not self._snapshot.version
            changed = study is not self._snapshot.study or entries != self._snapshot.entries
            self._snapshot = Snapshot(
                version=self._snapshot.version + (changed or is_first),
                updated=time.time(),
                study=study,
                entries=entries,
                root=self.root,
                options=tuple(self.grouping.options),
                patterns={pattern.partition("=")[0]: pattern for pattern in self.patterns},
            )
            self._is_there = is_there
            self._unanswered.clear()
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
        # The readers of all formats, which a session that takes over its study does not need at once.
        from ired_diag.grouping import open_arguments
        from ired_diag.open import open_study

        self.opened += 1
        self._as_read.clear()
        open_paths = partial(open_study, read_folder=self._run, read_log=self._attempts)
        try:
            with _no_garbage_collection(), self._catalogue_in_use():
                if self.patterns or self.grouping != Grouping():
                    places = self.patterns or [str(self.root)]
                    study = open_arguments(places, grouping=self.grouping, open_paths=open_paths)
                else:
                    study = open_paths(self.root)
            return self._as_chosen(study)
        except (DiagError, OSError) as error:  # OSError: a file that went away while it was looked at
            return Study((), (Skipped(self.root, str(error).removeprefix(f"{self.root}: ")),))

    def _replaced(self, changed: Collection[str]) -> Study | None:
        """Return the study with the runs that changed; None where it must be put together again."""
        is_grouped_by_user = self.patterns or self.grouping.by  # then groups may depend on any run
        if not changed or is_grouped_by_user:
            return None
        folders: set[str] = set()
        for path in changed:
            folder = _folder_among(self._as_read, path)
            if folder is None or folder not in self.tree.prints:
                return None
            folders.add(folder)
        before = dict(self._as_read)
        changes: list[Change] = []
        try:
            for folder in folders:
                run = self._as_grouped(self._run(Path(folder)))
                changes.append(Change(self._as_grouped(before[folder]), run))
        except (DiagError, OSError):  # it is a run no more
            return None
        return with_changes(self._snapshot.study, changes, before)

    def _as_grouped(self, run: Run) -> Run:
        """Return a run with the seed and the ignored keys that the user says."""
        if self.grouping == Grouping():
            return run
        from ired_diag.open import with_grouping

        return with_grouping(run, self.grouping)

    def _as_chosen(self, study: Study) -> Study:
        """Return a study that is judged as the command line says."""
        if self.choice == (None, None):
            return study
        runs = [judged_run(run, self.choice) for run in study.runs]
        return replace(study, runs=tuple(runs))

    def _run(self, folder: Path) -> Run:
        run = self._restored.get(str(folder))
        if run is None:
            run = self.folders.get(folder, self.tree.under(folder), self._read_folder)
        self._as_read[str(folder)] = run
        return run

    def _read_folder(self, folder: Path) -> Run:
        self._read_at[str(folder)] = time.time()
        return read_run(folder, read_metrics=self.follower.read)

    def _metrics(self, folder: Path, state: Fingerprint) -> Mapping[str, Series]:
        """Return the metrics of a run whose history file was in a state, as ``read_run`` does."""
        history, _ = within_range(self.follower.read_state(folder / METRICS, state))
        return history.series

    def _attempts(self, path: Path) -> Sequence[Run]:
        return self.logs.get(path, _state_of_log(path), self._read_log)

    def _read_log(self, path: Path) -> Sequence[Run]:
        from ired_diag.readers.logs import read_log

        if self._catalogue is None:
            return read_log(path)
        return self._catalogue.log(path, read_log)

    @contextmanager
    def _catalogue_in_use(self) -> Iterator[None]:
        """Let logs of other programs be taken from the catalogue, and be kept there."""
        if self.catalogue_file is None:
            yield
            return
        from ired_diag.catalogue import open_catalogue

        with open_catalogue(self.catalogue_file) as self._catalogue:
            yield
        self._catalogue = None

    def _entries(self, study: Study) -> Mapping[str, Entry]:
        """Return the runs by id; a run that is as it was keeps its entry, and the verdict in it."""
        if study is self._snapshot.study:
            return self._entries_by_now()
        before = {id(entry.run): entry for entry in self._snapshot.entries.values()}
        entries: dict[str, Entry] = {}
        for run in study.runs:
            entry = before.get(id(run))
            name = self._id(run) if entry is None else entry.id
            entries[name] = _entry(name, run, entry or self._snapshot.entries.get(name))
        return entries

    def _entries_by_now(self) -> Mapping[str, Entry]:
        """Return the runs of a study that is as it was; how far a run came may change with time."""
        entries = self._snapshot.entries
        later: dict[str, Entry] = {}
        for name, entry in entries.items():
            if entry.completion not in CHANGING:
                continue
            now = _entry(name, entry.run, entry)
            if now is not entry:
                later[name] = now
        return {**entries, **later} if later else entries

    def prepare(self) -> None:
        """Read and judge all runs before a page asks for them, and keep that for the next session."""
        for entry in self.refresh().entries.values():
            if entry.known_verdict is not None:
                continue
            try:
                _ = entry.verdict
            except UnreadableFile:  # its history changed meanwhile: the next look reads it again
                continue
            time.sleep(PAUSE)
        if self.restored:  # some file systems do not move the time of change of a folder
            self.tree.list_all()
        self.keep()

    def keep_up(self, ended: threading.Event) -> None:
        """Prepare the study, and keep it from time to time until an event ends this."""
        self.prepare()
        while not ended.wait(KEEP_EVERY):
            self.keep()

    def keep(self) -> None:
        """Keep what was read and judged, for the next session."""
        if self.file is None:
            return
        with self._lock:
            entries, study, as_read = self._snapshot.entries, self._snapshot.study, dict(self._as_read)
            verdicts = [entry.known_verdict for entry in entries.values()]
            newest = entries, len(verdicts) - verdicts.count(None)
            is_kept = entries is self._kept[0] and newest[1] == self._kept[1]
            if not entries or is_kept or self._unanswered:
                return
            self._kept = newest
            tree = self.tree.state()
            prints = with_unsettled(self.tree.prints, self._read_at, self.tree.paths_in)
        is_whole = all(str(run.path) in as_read for run in study.runs)
        bare, folders = without_values(study if is_whole else None, as_read, prints)
        kept_entries = []
        for entry, verdict in zip(entries.values(), verdicts, strict=True):
            kept_entries.append(KeptEntry(entry.id, entry.completion, verdict))
        self.file.write(
            KeptStudy(
                tree=tree._replace(prints=prints),
                as_read=folders,
                study=bare,
                entries=kept_entries,
            )
        )

    def _restore(self) -> None:
        """Take over what an earlier session saw."""
        kept = None
        if self.file is not None:
            with _no_garbage_collection():
                kept = self.file.read()
        if kept is None:
            return
        self.tree.restore(kept.tree)
        self.restored = len(kept.as_read)
        self._restored.update(kept.as_read)
        runs = list(kept.as_read.values())
        if kept.study is not None:
            runs += kept.study.runs
        for run in runs:
            if isinstance(run.history.series, LaterMetrics):
                run.history.series.read = self._metrics
        if kept.study is None:
            return
        self._as_read.update(kept.as_read)
        entries: dict[str, Entry] = {}
        for run, entry in zip(kept.study.runs, kept.entries, strict=True):
            completion = cast(Completion, entry.completion)
            entries[entry.id] = Entry(entry.id, run, completion, entry.verdict)
        self._snapshot = replace(self._snapshot, study=kept.study, entries=entries)
        self._is_there = True
        self._kept = entries, sum(entry.kept is not None for entry in entries.values())

    def _id(self, run: Run) -> str:
        """Return an id by the place of a run under the root; several runs in a file differ by seed."""
        place = run.path
        if place.is_relative_to(self.root):
            place = place.relative_to(self.root)
        content = f"{place}\n{run.experiment}\n{run.seed_label}".encode(errors="surrogateescape")
        return hashlib.sha256(content).hexdigest()[:ID_LENGTH]

    def _forget(self, changed: Iterable[str]) -> None:
        """Forget what was known of paths that changed or are gone."""
        for path in changed if self._restored else ():
            folder = _folder_among(self._restored, path)
            if folder is not None:
                del self._restored[folder]
        gone = {path for path in changed if path not in self.tree.prints}
        if not gone:
            return
        self.follower.forget(gone)
        self.folders.forget(Path.is_dir)
        self.logs.forget(Path.exists)
        for folder in gone & self._read_at.keys():
            del self._read_at[folder]


def _entry(id: str, run: Run, before: Entry | None) -> Entry:
    """Return a run with its id; the entry before where it is the same, its verdict where only time passed."""
    completion = completion_of(run)
    if before is None or not _is_same(before.run, run):
        return Entry(id, run, completion)
    if before.completion == completion:
        return before
    return Entry(id, run, completion, before.known_verdict)


def _is_same(before: Run, run: Run) -> bool:
    if before is run:
        return True
    if before.history is not run.history and is_later(before.history):
        return False  # comparing would read values that are out of date
    return before == run


def _folder_among(runs: Mapping[str, Run], path: str) -> str | None:
    """Return the run folder that a path belongs to; None where it belongs to none."""
    place = path
    while place and place not in runs:
        place, _, _ = place.rpartition(os.sep)
    return place or None


def _state_of_log(path: Path) -> object:
    """Return the fingerprints of all files that a log is read from.

    They are the log itself, its .err, the journal of a database, and configurations.
    """
    from ired_diag.readers.foreign_configuration import configuration_files

    if path.is_dir():
        return tree(path)
    journal = path.with_name(f"{path.name}-wal")
    return fingerprints([path, path.with_suffix(".err"), journal, *configuration_files(path.parent)])
