"""Which groups are compared: those in the address, else all that can be compared, of many a family.

A group can be compared if it has two or more seeds that are complete, or of which nothing says that they are
not, and if the same metric judges the others. Six groups make fifteen pairs, so at most six are chosen: of
more, those of the family with the most seeds. A family is the experiments whose names begin alike: with the
same letters and digit (``q1`` of q101 and q102), else with the same letters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.dashboard.address import View
from app.dashboard.comparisons import Question
from app.dashboard.shown import kept_groups
from app.dashboard.snapshot import Snapshot
from app.run_groups import all_runs
from ired_diag.errors import NotFound
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
    """Return the question of a view about groups, the first of which is the baseline.

    A pair is first minus second, in percent of the second: the baseline is asked about last.
    """
    metric = view.metric or metric_of(names, snapshot)
    return Question((*names[1:], *names[:1]), metric, view.readout, view.margin, view.higher_is_better)


def metric_of(names: Sequence[str], snapshot: Snapshot) -> str:
    """Return the metric that groups share, as for ``ired-diag stats``; else the one that judges most runs.

    Where no group is named, it is the metric that judges most runs of the study; empty where none does.
    """
    groups = snapshot.runs_of(names or snapshot.groups())
    try:
        return shared_metric(groups)
    except NotFound:
        return usual_metric(all_runs(groups)) or ""


def default_groups(groups: Mapping[str, Sequence[Run]]) -> tuple[tuple[str, ...], str]:
    """Return the groups that are compared where a reader chose none, and why."""
    seeds = _comparable_seeds(groups)
    if len(seeds) < 2:
        return (), "no two groups share a metric and have 2 seeds each that can be compared"
    if len(seeds) <= MOST_GROUPS:
        return tuple(seeds), "all with 2 or more seeds that can be compared"
    families: dict[str, list[str]] = {}
    for name in seeds:
        families.setdefault(family_of(name), []).append(name)
    in_families = [family for family, names in families.items() if len(names) > 1]
    if not in_families:
        return tuple(seeds)[:MOST_GROUPS], f"the first {MOST_GROUPS} of {len(seeds)} with 2 or more seeds"
    largest = max(in_families, key=lambda family: sum(seeds[name] for name in families[family]))
    names = families[largest]
    share = "all groups"
    if len(names) > MOST_GROUPS:
        share = f"the first {MOST_GROUPS} of {len(names)}"
    return tuple(names[:MOST_GROUPS]), f"{share} of family {largest} with 2 or more seeds"


def _comparable_seeds(groups: Mapping[str, Sequence[Run]]) -> dict[str, int]:
    """Return the number of comparable seeds of each group, of the metric that judges the most such seeds."""
    by_metric: dict[str, dict[str, int]] = {}
    for name, runs in groups.items():
        comparable = [run for run in runs if _is_comparable(run)]
        metric = usual_metric(comparable)
        if metric and len(comparable) >= FEWEST_SEEDS:
            by_metric.setdefault(metric, {})[name] = len(comparable)
    return max(by_metric.values(), key=lambda seeds: (len(seeds) > 1, sum(seeds.values())), default={})


def family_of(name: str) -> str:
    """Return how the names of a family begin.

    >>> family_of("q101"), family_of("q201@61186975"), family_of("baseline_2"), family_of("7")
    ('q1', 'q2', 'baseline', '7')
    """
    match = FAMILY.match(name)
    return match[0] if match else name


def _is_comparable(run: Run) -> bool:
    return run.ending.may_be_complete and run.evaluated is not None
