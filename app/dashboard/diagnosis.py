"""What forensics finds in the study: computed in the background, once for each version of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from app.dashboard.snapshot import Snapshot
from ired_diag import forensics
from ired_diag.finding import Finding


@dataclass(frozen=True)
class Diagnosed:
    """Findings of a version of the study.

    Attributes:
        version: Of the study.
        findings: Worst first.
        failure: Why there are none, where looking for them failed.
    """

    version: int
    findings: tuple[Finding, ...]
    failure: str = ""


class Diagnosis:
    """The newest findings, and a thread that looks for newer ones."""

    def __init__(self, look: Callable[[], Snapshot]) -> None:
        """Start nothing yet.

        Args:
            look: Returns the study as it was last seen.
        """
        self._snapshot_of = look
        self._lock = threading.Lock()
        self._known: Diagnosed | None = None
        self._thread: threading.Thread | None = None

    def newest(self) -> Diagnosed | None:
        """Return the newest findings, None before the first; look for newer ones if need be."""
        snapshot = self._snapshot_of()
        with self._lock:
            resting = self._thread is None or not self._thread.is_alive()
            if resting and (self._known is None or self._known.version != snapshot.version):
                self._thread = threading.Thread(target=self._look, args=(snapshot,), daemon=True)
                self._thread.start()
            return self._known

    def wait(self) -> None:
        """Wait until the thread rests."""
        if self._thread is not None:
            self._thread.join()

    def _look(self, snapshot: Snapshot) -> None:
        try:
            known = Diagnosed(snapshot.version, tuple(forensics.diagnose(snapshot.study)))
        except Exception as error:  # a defect of ours: it ends neither thread nor page, which tells it
            logging.getLogger(__name__).exception("looking for mistakes failed")
            known = Diagnosed(snapshot.version, (), repr(error))
        with self._lock:
            self._known = known
