"""The findings of the study: computed in the background.

They are computed once for each version of the study and each way to judge it.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from app.dashboard.address import View
from app.dashboard.snapshot import Snapshot
from ired_diag import forensics
from ired_diag.finding import Finding
from ired_diag.progress_of_parts import PartsDone
from ired_diag.runs.name_list import counted

MOST = 4  # ways to judge a study, whose findings are kept


@dataclass(frozen=True)
class Diagnosed:
    """Findings of a version of the study.

    Attributes:
        version: Version of the study.
        findings: The findings, worst first.
        failure: Why looking for them failed; empty where it did not.
    """

    version: int
    findings: tuple[Finding, ...]
    failure: str = ""


class Diagnosis:
    """The newest findings, and a thread that looks for newer ones."""

    def __init__(self, look: Callable[[View], Snapshot]) -> None:
        """Start nothing yet.

        Args:
            look: Returns the study as it was last seen, judged by the metric and the direction of a view.
        """
        self.progress = PartsDone()
        self._snapshot_of = look
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Diagnosed] = OrderedDict()
        self._thread: threading.Thread | None = None

    def newest(self, view: View | None = None) -> Diagnosed | None:
        """Return the newest findings, None before the first; look for newer ones if need be.

        Args:
            view: View whose metric and direction judge the runs. None: each run by its own.
        """
        view = view or View()
        snapshot, choice = self._snapshot_of(view), (view.metric, view.higher)
        with self._lock:
            diagnosed = self._kept.get(choice)
            is_resting = self._thread is None or not self._thread.is_alive()
            if is_resting and (diagnosed is None or diagnosed.version != snapshot.version):
                self._thread = threading.Thread(target=self._look, args=(snapshot, choice), daemon=True)
                self._thread.start()
            return diagnosed

    def progress_in_words(self, runs: int) -> str:
        """Return what the thread does and how far it came.

        Args:
            runs: Number of runs of the study.
        """
        rule = f", rule {self.progress.words}" if self.progress.words else ""
        return f"Looking for mistakes in {counted(runs, 'run')}{rule} …"

    def wait(self) -> None:
        """Wait until the thread rests."""
        if self._thread is not None:
            self._thread.join()

    def _look(self, snapshot: Snapshot, choice: tuple[str, str]) -> None:
        try:
            found = forensics.diagnose(snapshot.study, tell=self.progress.tell)
            diagnosed = Diagnosed(snapshot.version, tuple(found))
        except (
            Exception
        ) as error:  # a defect of ours: it stops neither the thread nor the page, which shows it
            logging.getLogger(__name__).exception("looking for mistakes failed")
            diagnosed = Diagnosed(snapshot.version, (), repr(error))
        with self._lock:
            self._kept.pop(choice, None)
            self._kept[choice] = diagnosed
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
