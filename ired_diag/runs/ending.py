"""How a job ended, as far as its files say.

The *state* says what kind of ending it was; the *cause* says what it died of, where that is known. A job
that ran out of memory has the state ``out_of_memory`` and the cause ``cuda_oom``, ``ram_oom`` or
``oom_killer``, for example. States are few and stable, because run folders store them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

State = Literal[
    "complete",
    "cut_off",
    "traceback",
    "argument_error",
    "file_not_found",
    "out_of_memory",
    "failed",
    "time_limit",
    "cancelled",
    "killed",
    "unexplained",
    "no_log",
    "unknown",
    "unreadable",
]

Cause = Literal[
    "",
    "assertion",
    "cuda_oom",
    "cuda_runtime",
    "device_mismatch",
    "div_zero",
    "file_not_found",
    "missing_module",
    "nan_loss",
    "nccl",
    "oom_killer",
    "permission",
    "ram_oom",
    "runtime_error",
    "segfault",
    "traceback",
    "argument_error",
    "git",
    "shell",
    "scheduler",
    "error",
]

LABELS: dict[State, str] = {
    "complete": "complete",
    "cut_off": "running or cut off",
    "traceback": "failed: traceback",
    "argument_error": "failed: argument_error",
    "file_not_found": "failed: file_not_found",
    "out_of_memory": "failed: out of memory",
    "failed": "failed",
    "time_limit": "time limit",
    "cancelled": "cancelled",
    "killed": "killed by a signal",
    "unexplained": "ended without a reason in the files",
    "no_log": "no log",
    "unknown": "unknown",
    "unreadable": "not readable",
}

FAILED: tuple[State, ...] = ("traceback", "argument_error", "file_not_found", "out_of_memory", "failed")
UNKNOWN: tuple[State, ...] = ("unknown", "no_log")
UNKNOWN_IN_WORDS = "unknown (the log does not say whether training finished)"
OLD_NAMES: dict[str, State] = {"untold": "unknown"}  # of states in run folders of earlier versions

ERROR = re.compile(r"(\w+(?:Error|Exception)): ")  # how the detail of a training here begins


@dataclass(frozen=True)
class Ending:
    """How a job ended.

    Attributes:
        state: ``complete``; ``cut_off`` where the log just stops, so that the job may still be running;
            ``unexplained`` where the job is over and no file says why; ``no_log`` where there are only
            checkpoints; ``unknown`` where the log does not say whether training finished; ``unreadable``
            where there is a run whose files may not be read; else the kind of failure.
        detail: The line of the file that says so, or what the ending is inferred from.
        inferred: Whether the ending is inferred (from siblings, or from a signal that nothing else explains)
            and not stated by the job's own files.
        cause: What the job died of, where that is known. ``error`` is an error of no known kind, which the
            detail quotes. A complete training whose loss is NaN at its end has the cause ``nan_loss``.
    """

    state: State
    detail: str = ""
    inferred: bool = False
    cause: Cause = ""

    @property
    def label(self) -> str:
        """The ending in a few words; a cause of death stands there by its name."""
        words = LABELS[self.state]
        if self.failed:
            words = f"failed: {self.cause}" if self.cause else words
            if self.state == "failed" and not self.cause and (error := ERROR.match(self.detail)):
                words = f"failed: {error[1]}"
        elif self.cause:
            words = f"{words} ({self.cause})"
        return f"{words} (inferred)" if self.inferred else words

    @property
    def complete(self) -> bool:
        """Whether training ran to its end."""
        return self.state == "complete"

    @property
    def failed(self) -> bool:
        """Whether the job died of an error, and not because somebody or the scheduler stopped it."""
        return self.state in FAILED or (self.state == "killed" and bool(self.cause))

    @property
    def unknown(self) -> bool:
        """Whether nothing says how training ended."""
        return self.state in UNKNOWN

    @property
    def may_be_complete(self) -> bool:
        """Whether nothing says that training did not run to its end."""
        return self.complete or self.unknown

    def superseded_by(self, job: str, *, seeded: bool = True) -> Ending:
        """Return the ending of an attempt after which the same seed was started again.

        A log that just stops leaves open whether its job still runs; a later attempt closes that. Without a
        seed, a later job of the experiment is assumed to be the repeat, and the detail says so.
        """
        if self.state != "cut_off":
            return self
        reason = f"the seed was started again by job {job}"
        if not seeded:
            reason = f"a later job, {job}, is taken as its repeat"
        return replace(self, state="unexplained", detail=reason)
