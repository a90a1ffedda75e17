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
}


@dataclass(frozen=True)
class Ending:
    """How a job ended.

    Attributes:
        state: ``complete``; ``cut_off`` where the log just stops, so that the job may still be running;
            ``unexplained`` where it is known to have ended and no file says why; else the cause.
        detail: The line of the file that says so.
    """

    state: State
    detail: str = ""

    @property
    def label(self) -> str:
        """The state in words."""
        return LABELS[self.state]

    @property
    def complete(self) -> bool:
        """Whether training ran to its end."""
        return self.state == "complete"

    def superseded_by(self, job: str) -> Ending:
        """Return the ending of an attempt after which the same seed was started again.

        A log that just stops leaves open whether its job still runs; a later attempt closes that.
        """
        if self.state != "cut_off":
            return self
        return replace(self, state="unexplained", detail=f"the seed was started again by job {job}")
