"""The study under a folder, as it is now: what has not changed is not read again.

Every look compares the states of all files and folders with those of the last look (``watched_tree``), and
reads what differs (``study_reader``). The first look of a session is such a look too: it compares with what
the last session saw (``kept_study``). What is damaged is listed in ``Study.skipped`` or as a finding and
stops nothing. Runs are named by an opaque id, so that an address never holds a path.
"""

from __future__ import annotations

import hashlib
import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from app.dashboard.address import View
from app.dashboard.comparisons import Comparisons, answer_to
from app.dashboard.curves_in_time import apart_of
from app.dashboard.diagnosis import Diagnosis
from app.dashboard.history_cache import HistoryCache
from app.dashboard.judged import JudgedSnapshots
from app.dashboard.kept_study import UNSETTLED, KeptEntry, KeptStudy, StudyFile, without_values
from app.dashboard.records import Recorder
from app.dashboard.snapshot import Entry, Snapshot
from app.dashboard.study_reader import Stopped, StudyReader, no_garbage_collection
from app.dashboard.tables import Tables
from ired_diag.errors import UnreadableFile
from ired_diag.runs.code_state import state_of_code
from ired_diag.runs.completion import Completion, completion_of
from ired_diag.runs.later_series import is_later
from ired_diag.runs.regroup import Grouping
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

PAUSE = 0.001  # s between two verdicts in the background: pages that are asked for come first
LIST_ALL_AFTER = 20.0  # s: some file systems do not move the time of change of a folder
KEEP_EVERY = 300.0  # s between two times that a changing study is kept
CHANGING = ("running", "cut off")  # how far a run came by the age of its log
ID_LENGTH = 12  # hexadecimal digits: 48 bits, so that ids of a million runs hardly ever collide
EMPTY = Snapshot(version=0, updated=0.0, study=Study(()), entries={})


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
        self.root = root
        self.grouping = grouping or Grouping()
        self.patterns = tuple(patterns)
        choice = (metric, higher_is_better)
        self.reader = StudyReader(
            root,
            cache=cache,
            grouping=self.grouping,
            patterns=self.patterns,
            choice=choice,
        )
        self.file: StudyFile | None = None
        if cache is not None:
            settings = (self.grouping, self.patterns, choice)
            self.file = StudyFile.of(cache.folder.with_name("studies"), root, settings)
        self.judgements = JudgedSnapshots()
        self.diagnosis = Diagnosis(self.judged)
        self.comparisons = Comparisons(answer_to)
        self.coming_apart = Comparisons(apart_of)
        self.tables = Tables()
        self.records = Recorder(root)
        self.ahead: list[Callable[[Snapshot], object]] = []
        self._inside = f"{str(root).rstrip(os.sep)}{os.sep}"
        self._lock = threading.Lock()
        self._has_ended = threading.Event()
        self._is_there: bool | None = None
        self._looked = -math.inf  # when the last look ended, by the clock that nobody sets
        self._unanswered: set[str] = set()  # paths that changed and are not yet in the study
        self._is_restored = False
        self._kept: tuple[object, int] = (None, 0)  # the entries that were kept last, and how many verdicts
        self._snapshot = EMPTY

    def refresh(self) -> Snapshot:
        """Look whether anything has changed, and return the study as it is."""
        asked = time.monotonic()
        with self._lock:
            if self._looked > asked:  # a look that went on meanwhile: pages open while the first one does
                return self._snapshot
            if not self._is_restored:
                self._is_restored = True
                self._restore()
            # A change stays unanswered until it is in the study, whatever error comes in between.
            self._unanswered |= self.reader.tree.look()
            is_there = self.root.exists()
            study = self._snapshot.study
            if self._unanswered or is_there != self._is_there or self.reader.has_failed:
                try:
                    study = self.reader.read(study, self._unanswered)
                except Stopped:
                    return self._snapshot
            entries = self._entries(study)
            is_first = not self._snapshot.version
            is_new = study is not self._snapshot.study or entries is not self._snapshot.entries
            self._snapshot = Snapshot(
                version=self._snapshot.version + (is_new or is_first),
                updated=time.time(),
                study=study,
                entries=entries,
                root=self.root,
                options=tuple(self.grouping.options),
                patterns={pattern.partition("=")[0]: pattern for pattern in self.patterns},
            )
            self._is_there = is_there
            self._unanswered.clear()
            self._looked = time.monotonic()
            return self._snapshot

    def snapshot(self) -> Snapshot:
        """Return the study as it was last seen; the first call looks."""
        if not self._snapshot.version:
            return self.refresh()
        return self._snapshot

    def view(self, search: str) -> View:
        """Return the view of an address, without a metric that no run logs.

        Args:
            search: The query of the address.
        """
        view = View.from_query(search)
        return replace(view, metric="") if self.lacks(view.metric) else view

    def lacks(self, metric: str) -> bool:
        """Say whether a metric is named, and there are runs, and none of them logs it."""
        entries = self.snapshot().entries.values() if metric else ()
        return bool(entries) and not any(metric in entry.run.history.series for entry in entries)

    def judged(self, view: View) -> Snapshot:
        """Return the study as it was last seen, its runs judged by the metric and the direction of a view."""
        return self.judgements.of(self.snapshot(), view.metric, view.higher_is_better)

    def state(self) -> str | None:
        """Return a digest of all that the study was made from; None where a file had only just changed.

        Two writes within the grain of a time of change bear the same time.
        """
        self.snapshot()
        with self._lock:
            prints, entries = self.reader.tree.prints, self._snapshot.entries
            settled = (self._snapshot.updated - UNSETTLED) * 1e9
            is_settled = all(state.changed <= settled for state in prints.values())
            if self.file is None or self._unanswered or self.reader.has_failed or not is_settled:
                return None
            completions = [(entry.id, entry.completion) for entry in entries.values()]
            content = repr((state_of_code(), self.file.path.name, sorted(prints.items()), completions))
        return hashlib.sha256(content.encode(errors="surrogateescape")).hexdigest()

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
        """Read and judge all runs before a page asks for them, and keep that for the next session.

        What pages put into ``ahead`` comes first: the first page is drawn while the browser reads scripts.
        """
        snapshot = self.refresh()
        for draw in self.ahead:
            draw(snapshot)
        for entry in snapshot.entries.values():
            if self.reader.is_stopped:
                return
            if entry.known_verdict is not None:
                continue
            try:
                _ = entry.verdict
            except UnreadableFile:  # its history changed meanwhile: the next look reads it again
                continue
            time.sleep(PAUSE)
        self.keep()

    def keep_up(self) -> None:
        """Prepare the study, and keep it from time to time until ``stop`` is called."""
        self.prepare()
        if not self._has_ended.wait(LIST_ALL_AFTER):
            self.reader.tree.list_all()
        while not self._has_ended.wait(KEEP_EVERY):
            self.keep()

    def stop(self) -> None:
        """Read no more, and let ``keep_up`` end."""
        self.reader.is_stopped = True
        self._has_ended.set()

    def keep(self) -> None:
        """Keep what was read and judged, for the next session."""
        if self.file is None:
            return
        with self._lock:
            study, entries = self._snapshot.study, self._snapshot.entries
            verdicts = [entry.known_verdict for entry in entries.values()]
            judged = len(verdicts) - verdicts.count(None)
            is_kept = entries is self._kept[0] and judged == self._kept[1]
            if not entries or is_kept or self._unanswered:
                return
            self._kept = entries, judged
            tree, as_read = self.reader.state()
        kept_entries: list[KeptEntry] = []
        for entry, verdict in zip(entries.values(), verdicts, strict=True):
            kept_entries.append(KeptEntry(entry.id, entry.completion, verdict))
        is_whole = all(str(run.path) in as_read for run in study.runs)
        bare, folders = without_values(study if is_whole else None, as_read, tree.prints)
        self.file.write(KeptStudy(tree=tree, as_read=folders, study=bare, entries=kept_entries))

    def _restore(self) -> None:
        """Take over what an earlier session saw."""
        if self.file is None:
            return
        with no_garbage_collection():
            kept = self.file.read()
        if kept is None:
            return
        self.reader.take_over(kept)
        if kept.study is None:
            return
        entries: dict[str, Entry] = {}
        for run, entry in zip(kept.study.runs, kept.entries, strict=True):
            completion = cast(Completion, entry.completion)
            entries[entry.id] = Entry(entry.id, run, completion, entry.verdict)
        self._snapshot = replace(self._snapshot, study=kept.study, entries=entries)
        self._is_there = True
        self._kept = entries, sum(entry.kept is not None for entry in entries.values())

    def _id(self, run: Run) -> str:
        """Return an id by the place of a run under the root; several runs in a file differ by seed."""
        # Of ten thousand runs, comparing paths part by part would take half of a second.
        place = str(run.path)
        if place == str(self.root):
            place = "."
        place = place.removeprefix(self._inside)
        content = f"{place}\n{run.experiment}\n{run.seed_label}".encode(errors="surrogateescape")
        return hashlib.sha256(content).hexdigest()[:ID_LENGTH]


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
