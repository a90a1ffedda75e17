"""Reads the study under a folder; what has not changed is not read again.

Where only files inside run folders differ from the last look, these runs alone are read again and put in
their places (``replaced_runs``): of a history that grew, only its new lines. Otherwise the study is put
together again, from runs that are remembered while their files are as they were. Logs of other
programs are kept between sessions in the catalogue (``ired_diag.catalogue``), run folders with the study
(``kept_study``).
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from app.dashboard.following import Follower
from app.dashboard.history_cache import HistoryCache
from app.dashboard.judged import Choice, judged_run
from app.dashboard.kept_study import KeptStudy, with_unsettled
from app.dashboard.replaced_runs import Change, with_changes
from app.dashboard.watched_tree import TreeState, WatchedTree
from ired_diag.errors import DiagError
from ired_diag.runs.find import METRICS
from ired_diag.runs.fingerprints import Fingerprint, fingerprints, tree
from ired_diag.runs.history import Series
from ired_diag.runs.later_series import LaterMetrics
from ired_diag.runs.range_of_numbers import within_range
from ired_diag.runs.regroup import Grouping
from ired_diag.runs.run import Run
from ired_diag.runs.store import read_run
from ired_diag.runs.study import Skipped, Study

if TYPE_CHECKING:
    from ired_diag.catalogue import Catalogue

Read = TypeVar("Read")
CATALOGUE = "catalogue.sqlite"  # which all commands share (``ired_diag.catalogue``)


@contextmanager
def no_garbage_collection() -> Iterator[None]:
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


class Stopped(Exception):
    """Reading ended because the dashboard ends."""


class StudyReader:
    """Reads the study under a folder; one thread asks it at a time."""

    def __init__(
        self,
        root: Path,
        *,
        cache: HistoryCache | None,
        grouping: Grouping,
        patterns: Sequence[str],
        choice: Choice,
    ) -> None:
        """Look at nothing yet.

        Args:
            root: Run folders or foreign logs, or a single one of them.
            cache: Where histories are kept between sessions. None: nowhere.
            grouping: The user's definition of groups and seeds.
            patterns: Arguments ``NAME=GLOB`` whose groups are shown. Empty: all runs under the root.
            choice: Metric that judges the runs, and whether a higher value of it is better.
        """
        self.root = root
        self.grouping = grouping
        self.patterns = tuple(patterns)
        self.choice = choice
        self.follower = Follower(cache)
        self.catalogue_file: Path | None = None
        if cache is not None:
            self.catalogue_file = cache.folder.with_name("catalogue") / CATALOGUE
        self.folders, self.logs = _Memory(), _Memory()
        self.tree = WatchedTree(root)
        self.opened = 0  # how often the study was put together from all its parts
        self.restored = 0  # run folders that an earlier session has read
        self.is_stopped = False  # whether the dashboard ends: nothing more is read
        self.has_failed = False  # whether opening failed for a reason that may pass
        self._as_read: dict[str, Run] = {}  # run folders of the study, as they were read
        self._restored: dict[str, Run] = {}  # those of an earlier session whose files are as they were
        self._read_at: dict[str, float] = {}  # when a run folder was read, in seconds since 1970
        self._catalogue: Catalogue | None = None  # while the study is put together

    @property
    def parses(self) -> int:
        """How many logs and histories were parsed, in full or in part."""
        return self.logs.reads + self.follower.parsed + self.follower.appended

    def read(self, study: Study, changed: Collection[str]) -> Study:
        """Return the study as it is now.

        Args:
            study: The study as it was.
            changed: The files and folders that changed since, appeared or are gone.

        Raises:
            Stopped: The dashboard ends.
        """
        self._forget(changed)
        newest = self._replaced(study, changed) or self._open()
        self.follower.shrink_cache()
        return newest

    def take_over(self, kept: KeptStudy) -> None:
        """Take over what an earlier session saw."""
        self.tree.restore(kept.tree)
        self.restored = len(kept.as_read)
        self._restored.update(kept.as_read)
        runs = list(kept.as_read.values())
        if kept.study is not None:
            runs += kept.study.runs
            self._as_read.update(kept.as_read)
        for run in runs:
            if isinstance(run.history.series, LaterMetrics):
                run.history.series.read = self._metrics

    def state(self) -> tuple[TreeState, dict[str, Run]]:
        """Return what a later session takes over: the states of all files, and the run folders by path."""
        prints = with_unsettled(self.tree.prints, self._read_at, self.tree.paths_in)
        return self.tree.state()._replace(prints=prints), dict(self._as_read)

    def _open(self) -> Study:
        # The readers of all formats, which a session that takes over its study does not need at once.
        from ired_diag.grouping import open_arguments
        from ired_diag.open import open_study

        self.opened += 1
        self.has_failed = False
        self._as_read.clear()
        open_paths = partial(open_study, read_folder=self._run, read_log=self._attempts)
        try:
            with no_garbage_collection(), self._catalogue_in_use():
                if self.patterns or self.grouping != Grouping():
                    places = self.patterns or [str(self.root)]
                    study = open_arguments(places, grouping=self.grouping, open_paths=open_paths)
                else:
                    study = open_paths(self.root)
            return self._as_chosen(study)
        except (DiagError, OSError) as error:  # OSError: a file that went away while it was looked at
            self.has_failed = isinstance(error, OSError)
            return Study((), (Skipped(self.root, str(error).removeprefix(f"{self.root}: ")),))

    def _replaced(self, study: Study, changed: Collection[str]) -> Study | None:
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
        newest: dict[str, Run] = {}
        changes: list[Change] = []
        try:
            for folder in folders:
                newest[folder] = self._newest(Path(folder))
                before = self._as_grouped(self._as_read[folder])
                changes.append(Change(before, self._as_grouped(newest[folder])))
        except (DiagError, OSError):  # it is a run no more
            return None
        replaced = with_changes(study, changes, self._as_read)
        if replaced is not None:
            self._as_read.update(newest)
        return replaced

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
        run = self._newest(folder)
        self._as_read[str(folder)] = run
        return run

    def _newest(self, folder: Path) -> Run:
        """Return the run in a folder as it is, read again only where its files have changed."""
        self._check_goes_on()
        restored = self._restored.get(str(folder))
        if restored is not None:
            return restored
        return self.folders.get(folder, self.tree.under(folder), self._read_folder)

    def _read_folder(self, folder: Path) -> Run:
        self._read_at[str(folder)] = time.time()
        return read_run(folder, read_metrics=self.follower.read)

    def _metrics(self, folder: Path, state: Fingerprint) -> Mapping[str, Series]:
        """Return the metrics of a run whose history file was in a state, as ``read_run`` does."""
        history, _ = within_range(self.follower.read_state(folder / METRICS, state))
        return history.series

    def _attempts(self, path: Path) -> Sequence[Run]:
        self._check_goes_on()
        return self.logs.get(path, _state_of_log(path), self._read_log)

    def _check_goes_on(self) -> None:
        """Raise ``Stopped`` where the dashboard ends: nobody waits for ten thousand runs to be read."""
        if self.is_stopped:
            raise Stopped

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
