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
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal, NamedTuple

from ired_diag.runs.ending import LABELS, UNKNOWN_IN_WORDS, Ending
from ired_diag.runs.grouped import by_group
from ired_diag.runs.run import Run

Completion = Literal["complete", "cut off", "failed", "running", "unknown"]

YOUNG = 1800.0  # s
LONGEST = 30 * 86400.0  # s: a job that began before is over, its log was copied
FEWEST_SIBLINGS = 2


class CommonEnd(NamedTuple):
    """The furthest last step of a group, and how many of its runs end there."""

    step: int
    runs: int


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
    now = time.time() if now is None else now
    if ending.state == "cut_off" and _is_young(run, now):
        return "running"
    return "cut off"


def completion_in_words(run: Run) -> str:
    """Return whether a run is complete, with what is not certain about that: inferred, or still running."""
    completion = completion_of(run)
    if completion == "running":
        return LABELS["cut_off"]
    return f"{completion} (inferred)" if run.ending.inferred else completion


def state_in_words(run: Run, completion: Completion) -> str:
    """Return how far a run came, with how it ended where that says more; each word once."""
    match completion:
        case "complete" if run.ending.inferred:
            return f"{completion} (inferred)"
        case "complete" | "running":
            return completion
        case "failed":
            return run.ending.label
        case "unknown" if run.ending.state == "unknown":
            return UNKNOWN_IN_WORDS
    return f"{completion}: {run.ending.label}"


def complete_by_siblings(runs: Iterable[Run]) -> list[Run]:
    """Return runs, those of unknown ending complete where a sibling ends at the same, furthest step."""
    runs = list(runs)
    end_of: dict[str, CommonEnd | None] = {}
    for group, members in by_group(runs).items():
        is_asked = any(run.ending.state == "unknown" for run in members)
        end_of[group] = _common_end(members) if is_asked else None
    return [_completed(run, end_of[run.group]) for run in runs]


def note_on_unknown(group: str, runs: Sequence[Run]) -> str:
    """Return what to say of the runs of a group whose ending is unknown; nothing where there are none."""
    unknown = sum(run.ending.unknown for run in runs)
    if not unknown:
        return ""
    steps = {run.history.last_step for run in runs if run.history.last_step is not None}
    where = ""
    if len(steps) > 1:
        where = f"; their last steps differ ({min(steps)} to {max(steps)})"
    what = "the ending is"
    if len(runs) > 1:
        what = f"the ending of {unknown} of {len(runs)} runs is"
    used = "they are used as they are"
    if unknown == 1:
        used = "it is used as it is"
    return f"{group}: {what} {UNKNOWN_IN_WORDS}{where}; {used}."


def _common_end(runs: Sequence[Run]) -> CommonEnd | None:
    """Return the furthest last step of a group where several runs end; None where only one does."""
    furthest = max((run.history.last_step or 0 for run in runs), default=0)
    ending_there = 0
    for run in runs:
        ending_there += run.ending.may_be_complete and run.history.last_step == furthest
    if furthest <= 0 or ending_there < FEWEST_SIBLINGS:
        return None
    return CommonEnd(furthest, ending_there)


def _completed(run: Run, end: CommonEnd | None) -> Run:
    if end is None or run.history.last_step != end.step:
        return run
    if run.ending.state != "unknown":
        return run
    detail = f"{end.runs} runs of the group end at the same last step, {end.step}"
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
