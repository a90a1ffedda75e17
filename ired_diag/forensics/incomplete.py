"""Runs that did not reach their end, and seeds that were started again, with the reason where it is known.

A run whose log does not say whether training finished is not "incomplete". It is only mentioned where it ends
at another step than the other runs of its group, because then one of them may have been cut.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.attempt import Attempt
from ired_diag.runs.completion import note_on_unknown
from ired_diag.runs.ending import Ending
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

ADVICE = "See each with: ired-diag ls --attempts"


def find(study: Study) -> Iterator[Finding]:
    """Yield findings for each group: incomplete runs, runs of unknown ending, earlier attempts, lost jobs."""
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in study.runs:
        groups[run.group].append(run)
    for group, runs in groups.items():
        yield from _incomplete(group, runs)
        yield from _unknown(group, runs)
        yield from _again(group, runs)
    unstarted: dict[tuple[str, Ending], list[Attempt]] = defaultdict(list)
    for attempt in study.unstarted:
        unstarted[attempt.experiment, attempt.ending].append(attempt)
    for (experiment, ending), attempts in unstarted.items():
        yield _without_run(experiment, ending, attempts)


def _incomplete(group: str, runs: list[Run]) -> Iterator[Finding]:
    left = [run for run in runs if not run.ending.may_be_complete and run.ending.state != "unreadable"]
    if not left:
        return
    verb = "is" if len(left) == 1 else "are"
    statement = (
        f"{group}: {len(left)} of {len(runs)} runs {verb} not complete "
        f"({listed(run.seed_label for run in left)}): {_counted(run.ending for run in left)}. "
        f"{'Its' if len(left) == 1 else 'Their'} last evaluation is of an earlier step."
    )
    evidence: Evidence = {"group": group, "runs": len(runs), "incomplete": len(left)}
    evidence |= _by_state(run.ending for run in left)
    yield Finding("incomplete", "warning", statement, evidence, ADVICE)


def _unknown(group: str, runs: list[Run]) -> Iterator[Finding]:
    unknown = [run for run in runs if run.ending.unknown]
    steps = {run.history.last_step for run in runs if run.history.last_step is not None}
    if unknown and len(steps) > 1:
        evidence: Evidence = {"group": group, "runs": len(runs), "unknown": len(unknown)}
        yield Finding("incomplete", "note", note_on_unknown(group, runs), evidence)


def _again(group: str, runs: list[Run]) -> Iterator[Finding]:
    earlier = [attempt for run in runs for attempt in run.attempts]
    if not earlier:
        return
    seeds = sum(bool(run.attempts) for run in runs)
    statement = (
        f"{group}: {seeds} of {len(runs)} seeds were started more than once; {len(earlier)} earlier attempts "
        f"ended otherwise: {_counted(attempt.ending for attempt in earlier)}."
    )
    evidence: Evidence = {"group": group, "seeds": seeds, "attempts": len(earlier)}
    yield Finding("incomplete", "note", statement, evidence, ADVICE)


def _without_run(experiment: str, ending: Ending, attempts: list[Attempt]) -> Finding:
    jobs = "1 job" if len(attempts) == 1 else f"{len(attempts)} jobs"
    statement = (
        f"{experiment}: {jobs} died before training started, and no other job trained that seed "
        f"({listed(attempt.seed_label for attempt in attempts)}): {ending.label}: {ending.detail}"
    )
    evidence: Evidence = {
        "experiment": experiment,
        "jobs": len(attempts),
        "state": ending.state,
        "cause": ending.cause,
        "file": attempts[0].source[0].name,
    }
    return Finding("incomplete", "warning", f"{statement.rstrip('.')}.", evidence, "Submit the job again.")


def _counted(endings: Iterable[Ending]) -> str:
    counts = Counter(ending.label for ending in endings)
    return ", ".join(f"{count} {label}" for label, count in counts.most_common())


def _by_state(endings: Iterable[Ending]) -> Evidence:
    return {f"state_{state}": count for state, count in Counter(e.state for e in endings).most_common()}


RULE = Rule("incomplete", "Which runs did not reach their end, and why?", find)
