"""Runs that did not reach their end, and seeds that were started again, with why as far as it is told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.ending import LABELS, State
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group with incomplete runs, and one for each with earlier attempts."""
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in study.runs:
        groups[run.group].append(run)
    for group, runs in groups.items():
        yield from _incomplete(group, runs)
        yield from _again(group, runs)


def _incomplete(group: str, runs: list[Run]) -> Iterator[Finding]:
    left = [run for run in runs if not run.ending.complete]
    if not left:
        return
    causes = Counter(run.ending.state for run in left)
    statement = (
        f"{group}: {len(left)} of {len(runs)} runs are not complete "
        f"({listed(run.seed_label for run in left)}): {_told(causes)}. "
        "Their last evaluation is of an earlier step."
    )
    evidence: Evidence = {
        "group": group,
        "runs": len(runs),
        "incomplete": len(left),
    }
    evidence |= {f"state_{state}": count for state, count in causes.items()}
    yield Finding("incomplete", "warning", statement, evidence, "See each with: ired-diag ls --attempts")


def _again(group: str, runs: list[Run]) -> Iterator[Finding]:
    earlier = [attempt for run in runs for attempt in run.attempts]
    if not earlier:
        return
    causes = Counter(attempt.ending.state for attempt in earlier)
    seeds = sum(bool(run.attempts) for run in runs)
    statement = (
        f"{group}: {seeds} of {len(runs)} seeds were started more than once; {len(earlier)} earlier attempts "
        f"ended otherwise: {_told(causes)}."
    )
    evidence: Evidence = {"group": group, "seeds": seeds, "attempts": len(earlier)}
    yield Finding("incomplete", "note", statement, evidence, "See each with: ired-diag ls --attempts")


def _told(causes: Counter[State]) -> str:
    return ", ".join(f"{count} {LABELS[state]}" for state, count in causes.most_common())


RULE = Rule("incomplete", "Which runs did not reach their end, and why?", find)
