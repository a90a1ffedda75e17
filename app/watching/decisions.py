"""Groups that are decided while their seeds finish: the gate's verdict, announced once.

The gate holds at any number of seeds looked at if they are looked at in one order. Here it is the order in
which they were seen to finish, which a later look does not change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.calls.gating import Gate, gate
from app.dashboard.snapshot import Snapshot
from app.watching.event import Event
from app.watching.memory import Memory
from ired_diag.errors import DiagError
from ired_diag.runs.name_list import counted
from ired_diag.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What groups are compared with.

    Attributes:
        against: Name of the old group among those that are watched; None with a threshold.
        threshold: A number that was fixed beforehand; None with a group.
        margin: By how much the mean must be better, in the unit of the metric.
        alpha: Chance to keep a change that is at the margin.
        budget: Most seeds that would be trained.
    """

    against: str | None = None
    threshold: float | None = None
    margin: float = 0.0
    alpha: float = 0.05
    budget: int = 20


def decisions_of(
    snapshot: Snapshot,
    memory: Memory,
    rule: Rule,
    *,
    now: float,
    notes: list[str],
) -> Iterator[Event]:
    """Yield the groups that are decided and were not announced.

    Args:
        snapshot: The runs.
        memory: What was announced, and which runs have finished.
        rule: What they are compared with.
        now: The time, in seconds since 1970.
        notes: Gets why a group cannot be decided on, each sentence once.
    """
    finished = _finished_runs(snapshot, memory)
    old: list[Run] = []
    if rule.against is not None:
        try:
            old = _group_called(rule.against, snapshot, finished)
        except DiagError as error:
            _note(str(error), notes)
            return
    for group, runs in finished.items():
        if group in memory.decided or any(run in old for run in runs):
            continue
        try:
            answer = _asked(runs, old, rule)
        except DiagError as error:
            _note(f"{group}: not decided: {error}", notes)
            continue
        if answer.decision.verdict == "undecided":
            continue
        memory.decided[group] = answer.decision.verdict
        yield _event(group, answer, now)


def _note(sentence: str, notes: list[str]) -> None:
    if sentence not in notes:
        notes.append(sentence)


def _asked(runs: list[Run], old: list[Run], rule: Rule) -> Gate:
    return gate(
        runs,
        against=old or None,
        threshold=rule.threshold,
        margin=rule.margin,
        alpha=rule.alpha,
        budget=rule.budget,
        order=[run.seed_label for run in runs],
    )


def _finished_runs(snapshot: Snapshot, memory: Memory) -> dict[str, list[Run]]:
    """Return the finished runs by group, in the order in which they were seen to finish."""
    groups: dict[str, list[Run]] = {}
    for group, ids in memory.finished.items():
        runs = [snapshot.entries[id].run for id in ids if id in snapshot.entries]
        if runs:
            groups[group] = runs
    return groups


def _group_called(name: str, snapshot: Snapshot, finished: dict[str, list[Run]]) -> list[Run]:
    """Return the finished runs of the old group.

    Raises:
        NotFound: No group has this name.
        DiagError: None of its runs has finished.
    """
    group = snapshot.study.select(name)[0].group
    if group not in finished:
        raise DiagError(f"{name}: none of its runs has finished, so nothing can be compared with it.")
    return finished[group]


def _event(group: str, answer: Gate, now: float) -> Event:
    decision = answer.decision
    size = abs(decision.better_by)
    word = "better" if decision.better_by >= 0 else "worse"
    seeds = counted(decision.n, "seed")
    level = f"{100 * decision.level:g}%"
    return Event(
        kind="decided",
        run=group,
        path="",
        statement=(
            f"{decision.verdict}. {answer.comparison.metric} of {seeds} is {word} than {answer.against} by "
            f"{size:.4g} ({level} interval of the improvement: {decision.low:.4g} to {decision.high:.4g}, at "
            f"any number of seeds). {decision.reason}"
        ),
        time=now,
        evidence={
            "verdict": decision.verdict,
            "seeds": decision.n,
            "better_by": decision.better_by,
            "low": decision.low,
            "high": decision.high,
            "margin": decision.margin,
            "against": answer.against,
        },
    )
