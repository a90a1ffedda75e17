"""The groups of the Study page: by experiment or by the value of a configuration key, in a chosen order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.dashboard.address import View
from app.dashboard.components.finding_badges import ByRun, worst
from app.dashboard.configuration_keys import order_of, shared_value, value_of_key
from app.dashboard.group_numbers import group_number
from app.dashboard.snapshot import Entry
from app.dashboard.training_time import training_time
from ired_diag.forensics import WORST_FIRST

COLUMN = "column_"  # with a place: the sorting key of a chosen column, whose name may hold anything


@dataclass(frozen=True)
class StudyGroup:
    """Runs in one row of the table.

    Attributes:
        name: What the row is called.
        entries: Its runs.
        labels: Labels of its runs.
    """

    name: str
    entries: Sequence[Entry]
    labels: tuple[str, ...] = field(default=())

    @property
    def named(self) -> tuple[str, ...]:
        """Names by which findings may speak of it: labels of its runs, and names of their groups."""
        return (*self.labels, *dict.fromkeys(entry.run.group for entry in self.entries))

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics that judge its runs."""
        return sorted({str(entry.verdict.metric) for entry in self.entries if entry.verdict.metric})


def groups_of(entries: Iterable[Entry], by: str) -> list[StudyGroup]:
    """Return runs by experiment, or by the value of a configuration key."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        name = entry.run.group
        if by:
            name = value_of_key(entry.run, by)
        groups.setdefault(name, []).append(entry)
    found = []
    for name, members in groups.items():
        found.append(StudyGroup(name, members, tuple(entry.run.label for entry in members)))
    if by:
        found.sort(key=lambda group: order_of(group.name))
    return found


def in_order(
    groups: Sequence[StudyGroup], view: View, by_run: ByRun, clock: str | None = None
) -> list[StudyGroup]:
    """Return groups in the order of a column; groups without a value stand last in both directions.

    Args:
        groups: The groups.
        view: Choices of the reader.
        by_run: Findings by the label of the run.
        clock: Logged column that tells the time; None where runs log none.
    """
    key = _key_of(view, by_run, clock)
    if key is None:
        return list(groups)
    # None has no place in an order of numbers, and 0 in its place would claim a value.
    with_value: list[tuple[Any, StudyGroup]] = []
    without_value: list[StudyGroup] = []
    for group in groups:
        value = key(group)
        if value is None:
            without_value.append(group)
        else:
            with_value.append((value, group))
    with_value.sort(key=lambda pair: pair[0], reverse=view.descending)
    return [group for _, group in with_value] + without_value


def _key_of(view: View, by_run: ByRun, clock: str | None) -> Callable[[StudyGroup], Any] | None:
    """Return what groups are sorted by; None for their natural order."""
    if view.sort == "time" and clock:
        return lambda group: _total_time(group, clock)
    if view.sort == "findings":
        return lambda group: _gravity(group, by_run)
    place = view.sort.removeprefix(COLUMN)
    if view.sort.startswith(COLUMN) and place.isdigit() and int(place) < len(view.columns):
        name = view.columns[int(place)]
        return lambda group: order_of(shared_value([entry.run for entry in group.entries], name))
    return _KEYS.get(view.sort)


def _gravity(group: StudyGroup, by_run: ByRun) -> tuple[int, int] | None:
    """Return how grave the findings of a group are; None without one."""
    findings = worst(group.named, by_run)
    if not findings:
        return None
    return WORST_FIRST[findings[0].severity], -len(findings)


def _total_time(group: StudyGroup, clock: str) -> float | None:
    time = training_time(group.entries, clock)
    return None if time is None else time.total


def _most_common(words: Iterable[str | None]) -> str | None:
    for word, _ in Counter(filter(None, words)).most_common(1):
        return word
    return None


def _last_step(group: StudyGroup) -> float | None:
    steps = [entry.verdict.last_step for entry in group.entries if entry.verdict.last_step is not None]
    return max(steps) if steps else None


_KEYS: Mapping[str, Callable[[StudyGroup], Any]] = {
    "run": lambda group: order_of(group.name),
    "seeds": lambda group: len(group.entries),
    "state": lambda group: _most_common(entry.completion for entry in group.entries),
    "metric": lambda group: ", ".join(group.metrics) or None,
    "last": lambda group: group_number(group.entries, "last").mean,
    "best": lambda group: group_number(group.entries, "best").mean,
    "step": _last_step,
    "verdict": lambda group: _most_common(entry.verdict.shape for entry in group.entries),
}
