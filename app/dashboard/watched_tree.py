"""A folder that is looked at again and again: what changed since the last look, at the cost of its changes.

The first look walks through the folder. A later one asks for the state of each known file and folder
(``stat``), and lists only folders whose own time of change differs: POSIX moves it with every entry that is
made, renamed or removed. Nothing is written and no notification is needed, so a read-only network disk works;
its client may answer from its own cache for as long as its ``actimeo`` says.

A time of change has a grain: two changes within one grain bear the same time. So a folder that has just
changed is listed again until it was listed ``SETTLED`` seconds after its time was first seen. Some file
systems do not move the time of a folder at all: each look also lists one of ``TURNS`` parts of all folders,
so that after ``TURNS`` looks every folder was listed, whatever its time says.

References: POSIX.1-2017, XBD 4.9, "File Times Update"; nfs(5), "Data and metadata coherence".
"""

from __future__ import annotations

import math
import os
import stat
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ired_diag.runs.fingerprints import Fingerprint, fingerprint, readability, tree

SETTLED = 2.0  # s: the grain of a time of change; that of NFS version 2 and of FAT
OLD = 60.0  # s: older than any grain, also where the clocks of two machines differ
TURNS = 20  # looks after which every folder was listed
NS = 1e9
AFTER_SEPARATOR = chr(ord(os.sep) + 1)  # the first character that sorts after the separator

State = tuple[int, int, int]  # of a folder: time of change in ns, inode, mode


@dataclass
class _Folder:
    """What is known of a folder.

    Attributes:
        state: Its own state; None where it is gone.
        since: When this state was first seen, by the clock that nobody sets.
        listed: When it was last listed; its entries were then as they are known.
    """

    state: State | None
    since: float
    listed: float


class TreeState(NamedTuple):
    """What a later session must know to look only at what changed since.

    Attributes:
        prints: The states of all files and folders.
        folders: The time of change, inode and mode of each folder; None of one that must be listed again.
        passed: Entries that a walk has passed over, by their folder.
        has_links: Whether any folder is a link.
    """

    prints: Mapping[str, Sequence[int]]
    folders: Mapping[str, Sequence[int] | None]
    passed: Mapping[str, Sequence[str]]
    has_links: bool


class WatchedTree:
    """Files and folders under a root, and what has changed among them."""

    def __init__(self, root: Path) -> None:
        """Look at nothing yet."""
        self.root = root
        self.prints: dict[str, Fingerprint] = {}
        self.has_links = False
        self.walks = 0
        self.listed = 0
        self._folders: dict[str, _Folder] = {}
        self._files: list[str] = []
        self._passed: dict[str, set[str]] = {}  # entries that a walk has passed over
        self._in_order: list[str] | None = None
        self._turn = 0
        self._is_all_to_be_listed = False

    def look(self) -> frozenset[str]:
        """Return the files and folders that changed, appeared or are gone since the last look."""
        if not self._folders:
            return self._walk()
        changed = self._changed_files()
        needs_walk = self._list_folders(changed)
        if needs_walk:
            return self._walk() | changed
        if changed:
            self._in_order = None
        return frozenset(changed)

    def state(self) -> TreeState:
        """Return what was seen, for a later session."""
        folders: dict[str, State | None] = {}
        for path, folder in self._folders.items():
            is_settled = folder.listed >= folder.since + SETTLED
            folders[path] = folder.state if is_settled else None
        passed = {path: sorted(entries) for path, entries in self._passed.items()}
        return TreeState(dict(self.prints), folders, passed, self.has_links)

    def restore(self, state: TreeState) -> None:
        """Take over what an earlier session saw; the next look tells what changed since."""
        now = time.monotonic()
        self.prints = {path: Fingerprint(*known) for path, known in state.prints.items()}
        self._folders = {}
        for path, known in state.folders.items():
            own = None if known is None else (known[0], known[1], known[2])
            self._folders[path] = _Folder(own, since=-math.inf, listed=now)
        self._files = [path for path in self.prints if path not in self._folders]
        self._passed = {path: set(entries) for path, entries in state.passed.items()}
        self.has_links = state.has_links
        self._in_order = None

    def list_all(self) -> None:
        """Let the next look list every folder, whatever its time of change says."""
        self._is_all_to_be_listed = True

    def under(self, folder: Path) -> object:
        """Return a value that stays the same while nothing at or under a folder changes."""
        place = str(folder)
        if self.has_links or place not in self.prints:
            return tree(folder)
        return [(path, self.prints[path]) for path in (place, *self.paths_in(folder))]

    def paths_in(self, folder: Path) -> list[str]:
        """Return the known files and folders in a folder, at any depth."""
        if self._in_order is None:
            self._in_order = sorted(self.prints)
        first = bisect_left(self._in_order, f"{folder}{os.sep}")
        end = bisect_left(self._in_order, f"{folder}{AFTER_SEPARATOR}")
        return self._in_order[first:end]

    def _walk(self) -> frozenset[str]:
        """Look at everything; return what differs from before."""
        before = self.prints
        self.walks += 1
        self.prints = tree(self.root)
        self._in_order = None
        self._folders, self._files, self.has_links = {}, [], False
        now = time.monotonic()
        for path in self.prints:
            state = _state_of_folder(path)
            if state is None:
                self._files.append(path)
                continue
            self.has_links = self.has_links or Path(path).is_symlink()
            self._folders[path] = _Folder(state, since=_first_seen(state, now), listed=now)
        for path in self._passed.keys() - self._folders.keys():
            del self._passed[path]
        return frozenset(_differing(before, self.prints))

    def _changed_files(self) -> set[str]:
        """Look at each known file; return those that changed or are gone."""
        changed: set[str] = set()
        prints = self.prints
        for path in self._files:
            try:
                status = os.stat(path)  # noqa: PTH116  a Path for each of 20,000 files costs 0.1 s a look
            except OSError:
                changed.add(path)
                continue
            now = (status.st_size, status.st_ctime_ns, status.st_ino)
            if now != prints[path]:
                changed.add(path)
                prints[path] = Fingerprint(*now)
                if stat.S_ISDIR(status.st_mode):
                    changed.add(str(Path(path).parent))
        for path in [path for path in changed if not _is_there(path)]:
            prints.pop(path, None)
        if changed:
            self._files = [path for path in self._files if path in prints]
        return changed

    def _list_folders(self, changed: set[str]) -> bool:
        """List the folders that may have other entries, and note new files.

        Args:
            changed: New files are added to it.

        Returns:
            Whether a folder appeared, is gone or may be read by others than before: then all is walked again.
        """
        now = time.monotonic()
        self._turn = (self._turn + 1) % TURNS
        is_all, self._is_all_to_be_listed = self._is_all_to_be_listed, False
        for number, (path, folder) in enumerate(self._folders.items()):
            state = _state_of_folder(path)
            if state is None:
                return True
            if state != folder.state:
                folder.state, folder.since = state, now
            is_settled = folder.listed >= folder.since + SETTLED
            is_its_turn = is_all or number % TURNS == self._turn
            if is_settled and not is_its_turn:
                continue
            folder.listed = now
            if self._has_other_entries(path, changed):
                return True
        return False

    def _has_other_entries(self, path: str, changed: set[str]) -> bool:
        """List a folder and note its new files; say whether a walk must look at more than these."""
        self.listed += 1
        if self.prints[path] != readability(Path(path)):
            return True
        unknown, has_folder = self._unknown_entries(path)
        # What a link leads to is walked through by rules of its own (``links``), which only the walk knows.
        if has_folder or self.has_links:
            is_new = not unknown <= self._passed.get(path, set())
            self._passed[path] = unknown
            return is_new
        for place in unknown:
            state = fingerprint(Path(place))
            if state is not None:
                self.prints[place] = state
                self._files.append(place)
                changed.add(place)
        return False

    def _unknown_entries(self, path: str) -> tuple[set[str], bool]:
        """Return what is in a folder and was not there at the last look, and whether a folder is among it."""
        unknown: set[str] = set()
        has_folder = False
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    place = f"{path.rstrip(os.sep)}{os.sep}{entry.name}"
                    if place in self.prints:
                        continue
                    is_folder = entry.is_dir()
                    if is_folder or not entry.name.startswith("."):
                        unknown.add(place)
                        has_folder = has_folder or is_folder
        except OSError:  # it may not be listed, as before: its readability says so
            return set(), False
        return unknown, has_folder


def _state_of_folder(path: str) -> State | None:
    """Return the state of a folder; None where there is no folder."""
    try:
        status = os.stat(path)  # noqa: PTH116  a Path for each of 10,000 folders costs 0.05 s a look
    except OSError:
        return None
    if not stat.S_ISDIR(status.st_mode):
        return None
    return status.st_ctime_ns, status.st_ino, status.st_mode


def _first_seen(state: State, now: float) -> float:
    """Return since when a folder's state can be trusted, by its age where that is beyond doubt."""
    age = time.time() - state[0] / NS
    if age > OLD:
        return -math.inf
    return now


def _is_there(path: str) -> bool:
    return os.path.exists(path)  # noqa: PTH110  as above


def _differing(before: dict[str, Fingerprint], after: dict[str, Fingerprint]) -> set[str]:
    """Return the paths whose states differ, or that are in one of two looks only."""
    differing = before.keys() ^ after.keys()
    for path, state in after.items():
        if before.get(path, state) != state:
            differing.add(path)
    return differing
