"""Which groups are compared: those in the address, else the largest family that has seeds to compare.

A family is the experiments whose names begin alike: with the same letters and digit (``q1`` of q101 and
q102), else with the same letters. A group is worth comparing if it has two or more seeds that are complete,
or of which nothing says that they are not. At most six groups are chosen, since six make fifteen pairs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.dashboard.address import View
from app.dashboard.comparisons import Question
from app.dashboard.shown import kept_groups
from app.dashboard.snapshot import Snapshot
from app.run_groups import all_runs
from ired_diag.errors import NotFound
from ired_diag.runs.evaluation_metric import USUAL
from ired_diag.runs.judged import shared_metric, usual_metric
from ired_diag.runs.run import Run

FEWEST_SEEDS, MOST_GROUPS = 2, 6  # six groups make fifteen pairs
FAMILY = re.compile(r"[^\W\d_]+(?:\d(?=\d))?")


@dataclass(frozen=True)
class Choice:
    """The groups that are compared.

    Attributes:
        names: Names of the compared groups, the baseline first.
        every: Names of all groups that may be chosen.
        absent: Names in the address that are not names of groups.
        words: Sentence that says how many groups are chosen, and why.
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
    names, reason = default_groups(kept_groups(view, snapshot))
    return Choice(names, every, (), f"{len(names)} of {len(every)} groups chosen: {reason}; pick others")


def question_of(view: View, names: Sequence[str], snapshot: Snapshot) -> Question:
    """Return the question of a view about groups."""
    metric = view.metric or metric_of(names, snapshot)
    return Question(tuple(names), metric, view.readout, view.margin, view.higher_is_better)


def metric_of(names: Sequence[str], snapshot: Snapshot) -> str:
    """Return the metric that groups share, as for ``ired-diag stats``; else the one that judges most runs."""
    groups = snapshot.runs_of(names)
    try:
        return shared_metric(groups)
    except NotFound:
        return usual_metric(all_runs(groups)) or USUAL


def default_groups(groups: Mapping[str, Sequence[Run]]) -> tuple[tuple[str, ...], str]:
    """Return the comparable groups of the family with the most such seeds, and why they are chosen."""
    families: dict[str, list[str]] = {}
    seeds: Counter[str] = Counter()  # of a family
    for name, runs in groups.items():
        count = sum(map(_is_comparable, runs))
        if count >= FEWEST_SEEDS:
            family = family_of(name)
            families.setdefault(family, []).append(name)
            seeds[family] += count
    comparable = [family for family, names in families.items() if len(names) > 1]
    if not comparable:
        return (), "no two groups whose names begin alike have 2 seeds each that can be compared"
    largest = max(comparable, key=lambda family: seeds[family])
    names = families[largest]
    share = "all groups"
    if len(names) > MOST_GROUPS:
        share = f"the first {MOST_GROUPS} of {len(names)}"
    return tuple(names[:MOST_GROUPS]), f"{share} of family {largest} with 2 or more seeds"


def family_of(name: str) -> str:
    """Return how the names of a family begin.

    >>> family_of("q101"), family_of("q201@61186975"), family_of("baseline_2"), family_of("7")
    ('q1', 'q2', 'baseline', '7')
    """
    match = FAMILY.match(name)
    return match[0] if match else name


def _is_comparable(run: Run) -> bool:
    return run.ending.may_be_complete and run.evaluated is not None
