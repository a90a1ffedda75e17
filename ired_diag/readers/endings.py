"""How attempts ended, by all files together: SLURM's accounts, and the endings of sibling jobs.

**Accounts** (``sacct``) count where a log just stops or names no cause, or names only a traceback and
the accounts say that memory ran out. "Completed" there means that the batch script returned 0; of a log that
never said that training was complete it proves only that the job is over.

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
from functools import lru_cache
from pathlib import Path

from ired_diag.readers.sacct import JobEnding
from ired_diag.runs.ending import Ending, State
from ired_diag.runs.run import Run

OPEN: tuple[State, ...] = ("cut_off", "unexplained", "unknown")
AT_ONCE: tuple[State, ...] = ("traceback", "argument_error", "file_not_found", "failed")
ALIKE = 0.5  # of all words

JobKey = tuple[str, int | None]  # id of a job or an array, and the array task's number


def settle_endings(attempts: Iterable[Run], accounts: Iterable[JobEnding] = ()) -> list[Run]:
    """Return attempts with their endings as accounts state them, else inferred from siblings."""
    by_job = {(job.job, job.task): job.ending for job in accounts}
    return _infer([_by_accounts(attempt, by_job) for attempt in attempts])


def with_deaths_next_to_them(attempts: Iterable[Run], deaths: Mapping[Path, Ending]) -> list[Run]:
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
    with_deaths = []
    for attempt in attempts:
        folder = _folder(attempt)
        log = _log_next_to(attempt, logs[folder], is_only_table=tables[folder] == 1)
        if log is not None and attempt.ending.state == "unknown":
            death = deaths[log]
            ending = replace(death, detail=f"{death.detail} ({log.name})")
            attempt = replace(attempt, ending=ending)
        with_deaths.append(attempt)
    return with_deaths


def _folder(attempt: Run) -> Path:
    return attempt.path.parent


def _log_next_to(attempt: Run, logs: Sequence[Path], *, is_only_table: bool) -> Path | None:
    """Return the console log that belongs to a table; None where none or several may."""
    chosen = [path for path in logs if path.stem == attempt.path.stem]
    if not chosen and is_only_table:
        chosen = list(logs)
    return chosen[0] if len(chosen) == 1 else None


def _by_accounts(attempt: Run, by_job: Mapping[JobKey, Ending]) -> Run:
    account = _account_of(attempt, by_job)
    if account is None:
        return attempt
    ending = attempt.ending
    if ending.complete:
        if account.complete or ending.detail:
            return attempt
        detail = f"then, by sacct: {account.detail}"
        return replace(attempt, ending=replace(ending, detail=detail))
    explains_traceback = account.state == "out_of_memory" and ending.state == "traceback"
    if ending.state not in OPEN and not explains_traceback:
        return attempt
    if account.complete:
        detail = ending.detail or "by sacct the job completed; its log does not say that training did"
        return replace(attempt, ending=Ending("unexplained", detail))
    return replace(attempt, ending=replace(account, detail=f"by sacct: {account.detail}"))


def _account_of(attempt: Run, by_job: Mapping[JobKey, Ending]) -> Ending | None:
    """Return the account of an attempt's job: of its task, of its own id, or of the whole array."""
    array = attempt.job or ""
    task = attempt.provenance.get("task")
    own_id = str(attempt.provenance.get("job_id") or "")
    for key in ((array, task), (own_id, None), (array, None)):
        if key in by_job:
            return by_job[key]
    return None


def _infer(attempts: Sequence[Run]) -> list[Run]:
    """Return attempts; an ending that a log does not show is inferred from siblings at the same commit."""
    explained: dict[str | None, list[Run]] = defaultdict(list)
    for attempt in attempts:
        is_explained = attempt.ending.state in AT_ONCE
        if attempt.commit and is_explained and _died_at_a_line(attempt):
            explained[attempt.commit].append(attempt)
    inferred = []
    for attempt in attempts:
        siblings = explained.get(attempt.commit, [])
        inferred.append(_inferred(attempt, siblings))
    return inferred


def _inferred(attempt: Run, siblings: Sequence[Run]) -> Run:
    if attempt.ending.state != "cut_off" or not _died_at_a_line(attempt):
        return attempt
    words = _words(attempt.last_line)
    alike = [sibling for sibling in siblings if _words(sibling.last_line) == words]
    how = "the same last line"
    if not alike:
        alike = _with_similar_last_line(attempt, siblings)
        how = "a last line alike"
    endings = {(sibling.ending.state, sibling.ending.cause) for sibling in alike}
    if len(endings) != 1:
        return attempt
    first = alike[0]
    reason = f"inferred from {first.path.name} (same commit, {how}): {first.ending.detail}"
    ending = replace(first.ending, detail=reason, inferred=True)
    return replace(attempt, ending=ending)


def _with_similar_last_line(attempt: Run, siblings: Sequence[Run]) -> list[Run]:
    if attempt.configuration is not None:
        return []
    similar = []
    for sibling in siblings:
        if sibling.configuration is None and _are_alike(sibling.last_line, attempt.last_line):
            similar.append(sibling)
    return similar


def _died_at_a_line(attempt: Run) -> bool:
    """Say whether a job died before it trained, after a line that says where."""
    has_logged = attempt.history.series
    has_started = attempt.provenance.get("training_started")
    return bool(attempt.last_line) and not has_logged and not has_started


@lru_cache(maxsize=4096)
def _words(line: str) -> tuple[str, ...]:
    """Return the words of a line; a word that holds a digit is ``#``."""
    words = []
    for word in line.split():
        has_digit = re.search(r"\d", word)  # it may name the job
        words.append("#" if has_digit else word)
    return tuple(words)


def _are_alike(first: str, second: str) -> bool:
    words = Counter(_words(first))
    other_words = Counter(_words(second))
    shared = (words & other_words).total()
    return shared >= ALIKE * max(words.total(), other_words.total())
