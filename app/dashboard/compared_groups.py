"""Which groups are compared: those in the address, else the largest family that has seeds to compare.

A family are experiments whose names begin alike: letters and one digit (``q1`` of q101 and q102), else the
letters alone. A group is worth comparing with two or more seeds that are complete, or of which nothing says
that they are not; at most six groups are chosen, since six make fifteen pairs already.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.dashboard.address import View
from app.dashboard.comparisons import Question
from app.dashboard.shown import kept_groups
from app.dashboard.snapshot import Snapshot
from ired_diag.errors import NotFound
from ired_diag.runs.evaluation_metric import USUAL
from ired_diag.runs.judged import shared_metric, usual_metric
from ired_diag.runs.run import Run

FEWEST_SEEDS, MOST_GROUPS = 2, 6
FAMILY = re.compile(r"[^\W\d_]+(?:\d(?=\d))?")


@dataclass(frozen=True)
class Choice:
    """The groups that are compared.

    Attributes:
        names: The baseline first.
        every: All groups that may be chosen.
        absent: Groups in the address that are not there.
        words: How many are chosen, and by whom.
    """

    names: tuple[str, ...]
    every: tuple[str, ...]
    absent: tuple[str, ...]
    words: str


def choose(view: View, snapshot: Snapshot) -> Choice:
    """Return the groups in the address that are there, in its order; a default where it names none."""
    every = tuple(snapshot.groups())
    if view.groups:
        names = tuple(name for name in view.groups if name in every)
        absent = tuple(name for name in view.groups if name not in every)
        return Choice(names, every, absent, f"{len(names)} of {len(every)} groups chosen")
    names, told = default_groups(kept_groups(view, snapshot))
    return Choice(names, every, (), f"{len(names)} of {len(every)} groups chosen: {told}; pick others")


def question_of(view: View, names: Sequence[str], snapshot: Snapshot) -> Question:
    """Return what a view asks of groups."""
    metric = view.metric or metric_of(names, snapshot)
    return Question(tuple(names), metric, view.readout, view.margin, view.higher_is_better)


def metric_of(names: Sequence[str], snapshot: Snapshot) -> str:
    """Return the metric that groups share, as for ``ired-diag stats``; else the one that judges most runs."""
    groups = snapshot.groups()
    chosen = {name: [entry.run for entry in groups[name]] for name in names if name in groups}
    try:
        return shared_metric(chosen)
    except NotFound:
        return usual_metric(_runs(snapshot, names)) or USUAL


def default_groups(groups: Mapping[str, Sequence[Run]]) -> tuple[tuple[str, ...], str]:
    """Return the comparable groups of the family with the most such seeds, and why they are chosen."""
    complete = {name: sum(map(_is_comparable, runs)) for name, runs in groups.items()}
    families: dict[str, list[str]] = {}
    for name, count in complete.items():
        if count >= FEWEST_SEEDS:
            families.setdefault(family_of(name), []).append(name)
    several = {family: names for family, names in families.items() if len(names) > 1}
    if not several:
        return (), "no two groups whose names begin alike have 2 seeds each that can be compared"
    family = max(several, key=lambda family: sum(complete[name] for name in several[family]))
    names = several[family]
    first = f"the first {MOST_GROUPS} of {len(names)}" if len(names) > MOST_GROUPS else "those"
    return tuple(names[:MOST_GROUPS]), f"{first} of family {family} with 2 or more seeds"


def family_of(name: str) -> str:
    """Return how the names of a family begin.

    >>> family_of("q101"), family_of("q201@61186975"), family_of("baseline_2"), family_of("7")
    ('q1', 'q2', 'baseline', '7')
    """
    found = FAMILY.match(name)
    return found[0] if found else name


def metrics_of(snapshot: Snapshot, names: Iterable[str]) -> list[str]:
    """Return what the runs of groups log."""
    return sorted({metric for run in _runs(snapshot, names) for metric in run.history.series})


def _runs(snapshot: Snapshot, names: Iterable[str]) -> list[Run]:
    groups = snapshot.groups()
    return [entry.run for name in names for entry in groups.get(name, ())]


def _is_comparable(run: Run) -> bool:
    return run.ending.may_be_complete and run.evaluated is not None
