"""Whether a run is complete, cut off, failed, still running, or unknown.

A job ends in a dozen ways (``ending.State``); a reader of a table wants one of five words. A log that just
stops is taken as that of a running job while its file was written to in the last half hour and the job, where
the log states its start, began in the last thirty days; else as cut off.

A table of metrics seldom says whether training finished. Where several runs of one group end at the same
last step, and no run of the group goes further, that step is the end of their training
(``complete_by_siblings``): the one rule by which such runs count as complete.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from ired_diag.runs.ending import UNKNOWN_IN_WORDS, Ending
from ired_diag.runs.run import Run

Completion = Literal["complete", "cut off", "failed", "running", "unknown"]

YOUNG = 1800.0  # s
LONGEST = 30 * 86400.0  # s: a job that began before is over, its log was copied
FEWEST_SIBLINGS = 2


def completion_of(run: Run, *, now: float | None = None) -> Completion:
    """Return whether a run is complete.

    Args:
        run: The run.
        now: The time, in seconds since 1970. Default: the clock's.
    """
    ending = run.ending
    if ending.complete:
        return "complete"
    if ending.failed:
        return "failed"
    if ending.unknown or ending.state == "unreadable":
        return "unknown"
    if ending.state == "cut_off" and _is_young(run, time.time() if now is None else now):
        return "running"
    return "cut off"


def state_in_words(run: Run, completion: Completion) -> str:
    """Return how far a run came, with how it ended where that says more; each word once."""
    if completion in ("complete", "running"):
        return completion
    if completion == "unknown":
        return UNKNOWN_IN_WORDS if run.ending.state == "unknown" else f"unknown: {run.ending.label}"
    return run.ending.label if completion == "failed" else f"{completion}: {run.ending.label}"


def complete_by_siblings(runs: Iterable[Run]) -> list[Run]:
    """Return runs, those of unknown ending complete where a sibling ends at the same, furthest step."""
    runs = list(runs)
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.group].append(run)
    last_steps = {group: _common_last_step(members) for group, members in groups.items()}
    return [_completed(run, last_steps[run.group]) for run in runs]


def note_on_unknown(group: str, runs: Sequence[Run]) -> str:
    """Return what to say of the runs of a group whose ending is unknown; nothing where there are none."""
    unknown = [run for run in runs if run.ending.unknown]
    if not unknown:
        return ""
    steps = sorted({run.history.last_step for run in runs if run.history.last_step is not None})
    where = f"; their last steps differ ({steps[0]} to {steps[-1]})" if len(steps) > 1 else ""
    what = "the ending is" if len(runs) == 1 else f"the ending of {len(unknown)} of {len(runs)} runs is"
    used = "it is used as it is" if len(unknown) == 1 else "they are used as they are"
    return f"{group}: {what} {UNKNOWN_IN_WORDS}{where}; {used}."


def _common_last_step(runs: Sequence[Run]) -> tuple[int, int] | None:
    """Return the furthest last step of a group and how many runs end there, None where only one does."""
    ended = Counter(
        run.history.last_step
        for run in runs
        if run.ending.may_be_complete and run.history.last_step is not None
    )
    furthest = max((run.history.last_step or 0 for run in runs), default=0)
    count = ended.get(furthest, 0)
    return (furthest, count) if furthest > 0 and count >= FEWEST_SIBLINGS else None


def _completed(run: Run, last: tuple[int, int] | None) -> Run:
    if run.ending.state != "unknown" or last is None or run.history.last_step != last[0]:
        return run
    step, count = last
    detail = f"{count} runs of the group end at the same last step, {step}"
    return replace(run, ending=Ending("complete", detail, inferred=True))


def was_written_lately(run: Run, now: float) -> bool:
    """Say whether the log of a run was written to in the last half hour, by its job or by who copied it."""
    log = run.path if run.path.is_file() else run.path / "metrics.jsonl"
    return log.is_file() and now - log.stat().st_mtime < YOUNG


def _is_young(run: Run, now: float) -> bool:
    if not was_written_lately(run, now):
        return False
    try:
        started = datetime.fromisoformat(str(run.provenance.get("started"))).timestamp()
    except ValueError:
        started = now
    return now - started < LONGEST
