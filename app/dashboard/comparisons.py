"""Comparisons of groups: computed in the background, once for each version of the study and each question.

One thread computes at a time. A page that waits repeats its question. The newest question is answered next,
so that no time is spent on a question that a reader has already left.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from app.dashboard.snapshot import Snapshot
from ired_diag.errors import DiagError
from ired_diag.progress_of_parts import PartsDone, Tell, untold
from ired_diag.runs.name_list import counted

if TYPE_CHECKING:
    from ired_diag.comparison import Comparison, Margin

MOST = 32  # answers that are kept

Result = TypeVar("Result")


@dataclass(frozen=True)
class Question:
    """A question about groups.

    Attributes:
        groups: Names of the groups, the baseline last.
        metric: Name of a logged metric.
        readout: How a curve becomes one number.
        margin: Smallest difference that matters, as a share of the mean or in the metric's unit.
        higher: Whether a higher value of the metric is better. None: by configuration and name.
    """

    groups: tuple[str, ...]
    metric: str
    readout: str
    margin: float | Margin
    higher: bool | None = None


@dataclass(frozen=True)
class Answer(Generic[Result]):
    """The answer to a question.

    Attributes:
        version: Version of the study.
        comparison: The comparison; None where it failed.
        failure: Why it failed; empty where it did not.
    """

    version: int
    comparison: Result | None
    failure: str = ""


class Ask(Protocol[Result]):
    """A function that answers a question about a study, and says how far it came."""

    def __call__(self, question: Question, snapshot: Snapshot, *, tell: Tell) -> Answer[Result]:
        """Return the answer."""
        ...


@dataclass
class Comparisons(Generic[Result]):
    """The newest answers, and a thread that looks for newer ones; safe to ask from several threads.

    Attributes:
        ask: Answers a question.
        computed: Number of answers that were computed so far.
        progress: How far the newest one came.
    """

    ask: Ask[Result]
    computed: int = 0
    progress: PartsDone = field(default_factory=PartsDone)
    _answers: dict[Question, Answer[Result]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _next: tuple[Question, Snapshot] | None = None
    _thread: threading.Thread | None = None

    def newest(self, question: Question, snapshot: Snapshot) -> Answer[Result] | None:
        """Return the newest answer, None before the first; look for a newer one if need be."""
        with self._lock:
            answer = self._answers.get(question)
            if not self._has(question, snapshot):
                self._next = question, snapshot
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, daemon=True)
                    self._thread.start()
            return answer

    def progress_in_words(self, question: Question, snapshot: Snapshot) -> str:
        """Return what is compared, and how far that came."""
        groups = snapshot.runs_of(question.groups)
        runs = sum(map(len, groups.values()))
        pair = f", pair {self.progress.words}" if self.progress.words else ": reading their curves"
        return f"Comparing {counted(len(groups), 'group')}, {counted(runs, 'run')}{pair} …"

    def wait(self) -> None:
        """Wait until the thread rests."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                wanted, self._next = self._next, None
                if wanted is None or self._has(*wanted):
                    self._thread = None
                    return
            self.progress.words = ""
            answer = self.ask(*wanted, tell=self.progress.tell)
            with self._lock:
                self.computed += 1
                self._answers.pop(wanted[0], None)
                self._answers[wanted[0]] = answer
                while len(self._answers) > MOST:
                    del self._answers[next(iter(self._answers))]

    def _has(self, question: Question, snapshot: Snapshot) -> bool:
        answer = self._answers.get(question)
        return answer is not None and answer.version == snapshot.version


def answer_to(question: Question, snapshot: Snapshot, *, tell: Tell = untold) -> Answer[Comparison]:
    """Return the comparison that answers a question, or why it failed."""
    from ired_diag.comparison import compare

    def compared() -> Comparison:
        return compare(
            snapshot.runs_of(question.groups),
            metric=question.metric,
            readout=question.readout,
            margin=question.margin,
            lower_is_better=None if question.higher is None else not question.higher,
            tell=tell,
        )

    return answered(snapshot, compared)


def answered(snapshot: Snapshot, compute: Callable[[], Result]) -> Answer[Result]:
    """Return what is computed of a study, or why that failed."""
    try:
        return Answer(snapshot.version, compute())
    except DiagError as reason:
        return Answer(snapshot.version, None, str(reason))
    except Exception as error:  # a defect of ours: it stops neither the thread nor the page, which shows it
        logging.getLogger(__name__).exception("comparing failed")
        return Answer(snapshot.version, None, f"Comparing failed: {error!r}. Please report it.")
