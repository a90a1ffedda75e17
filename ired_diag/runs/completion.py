"""Whether a run is complete, cut off, failed, or still running.

How a job ended is told in a dozen ways (``ending.State``); a reader of a table wants one of four words. A log
that just stops is taken as a running job's while its file was written to in the last half hour and the job,
where the log tells its start, began in the last thirty days; else as cut off.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Literal

from ired_diag.runs.ending import State
from ired_diag.runs.run import Run

Completion = Literal["complete", "cut off", "failed", "running", "not told"]

FAILED: tuple[State, ...] = ("traceback", "argument_error", "file_not_found", "out_of_memory")
YOUNG = 1800.0  # s
LONGEST = 30 * 86400.0  # s: a job that began before is over, its log was copied


def completion_of(run: Run, *, now: float | None = None) -> Completion:
    """Return whether a run is complete.

    Args:
        run: The run.
        now: The time, in seconds since 1970; the clock's without it.
    """
    state = run.ending.state
    if state == "complete":
        return "complete"
    if state in FAILED:
        return "failed"
    if state in ("untold", "no_log"):
        return "not told"
    if state == "cut_off" and _is_young(run, time.time() if now is None else now):
        return "running"
    return "cut off"


def _is_young(run: Run, now: float) -> bool:
    log = run.path if run.path.is_file() else run.path / "metrics.jsonl"
    if not log.is_file():
        return False
    try:
        started = datetime.fromisoformat(str(run.provenance.get("started"))).timestamp()
    except ValueError:
        started = now
    return now - log.stat().st_mtime < YOUNG and now - started < LONGEST
