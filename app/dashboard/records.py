"""What the plan and the journal next to the runs say, checked in the background.

They are ``plan.yaml`` and ``journal.md`` in the folder that is shown, or in the one above it. They are
checked when their page is opened, once for each version of the study and of these files. The evidence of a
journal runs in the journal's folder, which is a property of a whole process: so it is run in one of its
own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ired_diag.errors import DiagError
from ired_diag.runs.files import is_file

if TYPE_CHECKING:
    from app.report_sections import Section

PLAN, JOURNAL = "plan.yaml", "journal.md"

Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Records:
    """What was checked.

    Attributes:
        version: Version of the study and fingerprint of the files.
        sections: What they say; empty where there is neither a plan nor a journal.
        failures: Why a file could not be checked, one sentence each.
    """

    version: tuple[int, Fingerprint]
    sections: Sequence[Section]
    failures: Sequence[str]


class Recorder:
    """The newest records of a folder, and a thread that checks newer ones."""

    def __init__(self, root: Path) -> None:
        """Look at nothing yet.

        Args:
            root: Folder of the runs.
        """
        self._root = root
        self._lock = threading.Lock()
        self._newest: Records | None = None
        self._thread: threading.Thread | None = None

    def newest(self, version: int) -> tuple[Records | None, bool]:
        """Return the newest records, None before the first, and whether they are of this version.

        Args:
            version: Version of the study.
        """
        files = self._files()
        wanted = (version, _fingerprint(files))
        with self._lock:
            is_current = self._newest is not None and self._newest.version == wanted
            is_resting = self._thread is None or not self._thread.is_alive()
            if is_resting and not is_current:
                self._thread = threading.Thread(target=self._look, args=(wanted, files), daemon=True)
                self._thread.start()
            return self._newest, is_current

    def wait(self) -> None:
        """Wait until the thread rests."""
        if self._thread is not None:
            self._thread.join()

    @property
    def has_files(self) -> bool:
        """Whether there is a plan or a journal."""
        return bool(self._files())

    def _files(self) -> dict[str, Path]:
        """Return the plan and the journal by their names, where they are."""
        folder = self._root if self._root.is_dir() else self._root.parent
        files = {}
        for name in (PLAN, JOURNAL):
            for place in (folder, folder.absolute().parent):
                if name not in files and is_file(place / name):
                    files[name] = place / name
        return files

    def _look(self, version: tuple[int, Fingerprint], files: dict[str, Path]) -> None:
        sections = []
        failures = []
        for name, path in files.items():
            try:
                sections.append(_section(name, path))
            except DiagError as error:
                failures.append(str(error))
            except Exception as error:  # a defect of ours: it stops neither the thread nor the page
                logging.getLogger(__name__).exception("checking %s failed", path)
                failures.append(f"Checking {path} failed: {error!r}. Please report it.")
        with self._lock:
            self._newest = Records(version, sections, failures)


def _section(name: str, path: Path) -> Section:
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    from app.report_sections import plan_section
    from ired_diag.plans.checking import check_plan

    if name == PLAN:
        return plan_section(check_plan(path))
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(_journal_section, path.absolute()).result()
        except BrokenProcessPool as error:
            raise DiagError(f"{path}: the process that ran its evidence again was killed.") from error


def _journal_section(path: Path) -> Section:
    from app.journal_check import check_journal
    from app.report_sections import journal_section

    return journal_section(check_journal(path))


def _fingerprint(files: dict[str, Path]) -> Fingerprint:
    every = list(files.values())
    if PLAN in files:
        from ired_diag.plans.locks import lock_file_of

        every.append(lock_file_of(files[PLAN]))
    prints = []
    for path in every:
        try:
            state = path.stat()
        except OSError:  # no lock yet
            continue
        prints.append((str(path), state.st_mtime_ns, state.st_size))
    return tuple(prints)
