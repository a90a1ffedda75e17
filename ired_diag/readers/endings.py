"""How attempts ended, from all that is known together: SLURM's accounts, and what befell their siblings.

**Accounts** (``sacct``) are asked where a log just stops or names no cause, or names only a traceback and
the accounts know that memory ran out. "Completed" there means that the batch script returned 0; of a log that
never said that training was complete it proves nothing but that the job is over.

**Siblings**: a job that died before it logged a step died at a definite place of its program. Another job at
the same git commit whose log ends in the same line died there too, and where its files name the cause it is
inferred for the first, and marked so. Lines are compared without what names the job: words with digits. A
line counts as the same also where half of its words are (a template filled in for another experiment), if
neither job came as far as to print its configuration. Siblings that disagree prove nothing.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ired_diag.readers.sacct import JobEnding
from ired_diag.runs.attempt import Attempt
from ired_diag.runs.ending import Ending, State

OPEN: tuple[State, ...] = ("cut_off", "unexplained", "unknown")
AT_ONCE: tuple[State, ...] = ("traceback", "argument_error", "file_not_found", "failed")
ALIKE = 0.5  # of all words


def settle_endings(attempts: Iterable[Attempt], accounts: Iterable[JobEnding] = ()) -> list[Attempt]:
    """Return attempts with their endings as told by accounts, else inferred from siblings."""
    known = {(job.job, job.task): job.ending for job in accounts}
    return _infer([_by_accounts(attempt, known) for attempt in attempts])


def with_deaths_next_to_them(attempts: Iterable[Attempt], deaths: Mapping[Path, Ending]) -> list[Attempt]:
    """Return attempts; a table of metrics without an end has that of the console log next to it.

    That is the log of the same name in its folder, else the only one in a folder with one table.

    Args:
        attempts: All that are read together.
        deaths: How jobs died, by text logs in which no metric is read.
    """
    attempts = list(attempts)
    if not deaths:
        return attempts
    tables = Counter(_folder(attempt) for attempt in attempts)
    logs: dict[Path, list[Path]] = defaultdict(list)
    for path in deaths:
        logs[path.parent].append(path)
    return [_with_death(a, logs[_folder(a)], deaths, alone=tables[_folder(a)] == 1) for a in attempts]


def _folder(attempt: Attempt) -> Path:
    return attempt.source[0].parent


def _with_death(
    attempt: Attempt, logs: Sequence[Path], deaths: Mapping[Path, Ending], *, alone: bool
) -> Attempt:
    if attempt.ending.state != "unknown":
        return attempt
    same_name = [path for path in logs if path.stem == attempt.source[0].stem]
    chosen = same_name or (list(logs) if alone else [])
    if len(chosen) != 1:
        return attempt
    death = deaths[chosen[0]]
    return replace(attempt, ending=replace(death, detail=f"{death.detail} ({chosen[0].name})"))


def _by_accounts(attempt: Attempt, known: dict[tuple[str, int | None], Ending]) -> Attempt:
    task, own = attempt.provenance.get("task"), str(attempt.provenance.get("job_id") or "")
    keys = [(attempt.job or "", task), (own, None), (attempt.job or "", None)]
    told = next((known[key] for key in keys if key in known), None)
    if told is None:
        return attempt
    ending = attempt.ending
    if ending.complete:
        late = "" if told.complete or ending.detail else f"then, by sacct: {told.detail}"
        return replace(attempt, ending=replace(ending, detail=ending.detail or late))
    if ending.state not in OPEN and not (told.state == "out_of_memory" and ending.state == "traceback"):
        return attempt
    if told.complete:
        said = "by sacct the job completed; its log does not say that training did"
        return replace(attempt, ending=Ending("unexplained", ending.detail or said))
    return replace(attempt, ending=replace(told, detail=f"by sacct: {told.detail}"))


def _infer(attempts: Sequence[Attempt]) -> list[Attempt]:
    known: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        if (
            attempt.commit
            and attempt.ending.state in AT_ONCE
            and _died_at_once(attempt)
            and attempt.last_line
        ):
            known[attempt.commit].append(attempt)
    return [_inferred(attempt, known.get(attempt.commit or "", [])) for attempt in attempts]


def _inferred(attempt: Attempt, siblings: Sequence[Attempt]) -> Attempt:
    if attempt.ending.state != "cut_off" or not _died_at_once(attempt) or not attempt.last_line:
        return attempt
    same = [s for s in siblings if _words(s.last_line) == _words(attempt.last_line)]
    how = "the same last line" if same else "a last line alike"
    if not same and attempt.configuration is None:
        same = [s for s in siblings if s.configuration is None and _alike(s.last_line, attempt.last_line)]
    if len({(sibling.ending.state, sibling.ending.cause) for sibling in same}) != 1:
        return attempt
    first = same[0]
    reason = f"inferred from {first.source[0].name} (same commit, {how}): {first.ending.detail}"
    return replace(attempt, ending=replace(first.ending, detail=reason, inferred=True))


def _died_at_once(attempt: Attempt) -> bool:
    return not attempt.rows and not attempt.series and not attempt.provenance.get("training_started")


def _words(line: str) -> list[str]:
    """Return the words of a line, those that hold a digit as ``#``."""
    return ["#" if re.search(r"\d", word) else word for word in line.split()]


def _alike(one: str, other: str) -> bool:
    a, b = Counter(_words(one)), Counter(_words(other))
    return 2 * (a & b).total() >= 2 * ALIKE * max(a.total(), b.total())
