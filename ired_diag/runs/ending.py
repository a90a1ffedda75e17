"""How a job ended, as far as its files say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

State = Literal[
    "complete",
    "cut_off",
    "traceback",
    "argument_error",
    "file_not_found",
    "out_of_memory",
    "time_limit",
    "cancelled",
    "killed",
    "unexplained",
    "no_log",
    "untold",
]

LABELS: dict[State, str] = {
    "complete": "complete",
    "cut_off": "running or cut off",
    "traceback": "traceback",
    "argument_error": "argument error",
    "file_not_found": "file not found",
    "out_of_memory": "out of memory",
    "time_limit": "time limit",
    "cancelled": "cancelled",
    "killed": "killed by a signal",
    "unexplained": "ended without a reason in the files",
    "no_log": "no log",
    "untold": "end not told",
}


@dataclass(frozen=True)
class Ending:
    """How a job ended.

    Attributes:
        state: ``complete``; ``cut_off`` where the log just stops, so that the job may still be running;
            ``unexplained`` where it is known to have ended and no file says why; ``no_log`` where there are
            checkpoints alone; ``untold`` where a table of metrics says nothing of its job; else the cause.
        detail: The line of the file that says so, or what it is inferred from.
        inferred: Whether the cause is that of a sibling which died at the same place, and not told itself.
    """

    state: State
    detail: str = ""
    inferred: bool = False

    @property
    def label(self) -> str:
        """The state in words."""
        return f"{LABELS[self.state]} (inferred)" if self.inferred else LABELS[self.state]

    @property
    def complete(self) -> bool:
        """Whether training ran to its end."""
        return self.state == "complete"

    @property
    def may_be_complete(self) -> bool:
        """Whether nothing says that training did not run to its end."""
        return self.state in ("complete", "untold")

    def superseded_by(self, job: str, *, seeded: bool = True) -> Ending:
        """Return the ending of an attempt after which the same seed was started again.

        A log that just stops leaves open whether its job still runs; a later attempt closes that. Without a
        seed, a later job of the experiment is taken as the repeat, and said to be.
        """
        if self.state != "cut_off":
            return self
        told = f"the seed was started again by job {job}"
        if not seeded:
            told = f"a later job, {job}, is taken as its repeat"
        return replace(self, state="unexplained", detail=told)
