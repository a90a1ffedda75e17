"""What forensics finds in the study: computed in the background.

It is computed once for each version of the study and each way to judge it.
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

MOST = 4  # ways to judge a study, whose findings are kept


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

    def __init__(self, look: Callable[[View], Snapshot]) -> None:
        """Start nothing yet.

        Args:
            look: Returns the study as it was last seen, judged by the metric and the direction of a view.
        """
        self._snapshot_of = look
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], Diagnosed] = OrderedDict()
        self._thread: threading.Thread | None = None

    def newest(self, view: View | None = None) -> Diagnosed | None:
        """Return the newest findings, None before the first; look for newer ones if need be.

        Args:
            view: Says by which metric and direction runs are judged; each run by its own without it.
        """
        view = view or View()
        snapshot, choice = self._snapshot_of(view), (view.metric, view.higher)
        with self._lock:
            known = self._known.get(choice)
            resting = self._thread is None or not self._thread.is_alive()
            if resting and (known is None or known.version != snapshot.version):
                self._thread = threading.Thread(target=self._look, args=(snapshot, choice), daemon=True)
                self._thread.start()
            return known

    def wait(self) -> None:
        """Wait until the thread rests."""
        if self._thread is not None:
            self._thread.join()

    def _look(self, snapshot: Snapshot, choice: tuple[str, str]) -> None:
        try:
            known = Diagnosed(snapshot.version, tuple(forensics.diagnose(snapshot.study)))
        except Exception as error:  # a defect of ours: it ends neither thread nor page, which tells it
            logging.getLogger(__name__).exception("looking for mistakes failed")
            known = Diagnosed(snapshot.version, (), repr(error))
        with self._lock:
            self._known.pop(choice, None)
            self._known[choice] = known
            while len(self._known) > MOST:
                self._known.popitem(last=False)
