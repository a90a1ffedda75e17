"""Runs that are copies of another run: the same digits in all that both log, and so one piece of evidence.

Within a group, runs that agree in every metric (``curves.one_computation``) are one run, whatever their
seeds are called: the longest of them counts, and the others are left out. So it is with runs that trained
differently and log one validation curve (``curves.one_evaluation``), where that curve is compared.

Two groups may hold the same run too. Where every run of one group is also in the other, the two are
identical, which the comparison says. Where only some are, and no setting is known to differ, one of the two
files is a copy and nothing says which: both are left out. Where a setting differs, it may act in some seeds
only (a gradient is clipped in some runs and not in others): then the runs count, and a note names them.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ired_diag.curves.agreement import FEWEST
from ired_diag.curves.one_computation import OF_NAMES, differing_settings, is_copy
from ired_diag.curves.one_evaluation import has_seeds_of_sources, one_evaluation
from ired_diag.runs.name_list import counted, first_names
from ired_diag.runs.named_differences import named_differences
from ired_diag.runs.run import Run

MOST_NAMED = 8

Groups = Mapping[str, Sequence[Run]]


@dataclass(frozen=True)
class Copies:
    """Which runs are no evidence of their own.

    Attributes:
        causes: What a run is a copy of, in words, by the id of the run.
        evaluations: Of runs that are no copies and log the validation curve of another: what of, in words.
        notes: Which runs two groups share that count all the same.
    """

    causes: Mapping[int, str]
    evaluations: Mapping[int, str] = field(default_factory=dict)
    notes: Sequence[str] = field(default=())


def copies_of(groups: Groups, with_number: Groups, metric: str) -> Copies:
    """Return the runs that are copies of other runs.

    Args:
        groups: Runs by the name of their group.
        with_number: Those of them that have a number to compare.
        metric: Name of the metric that is compared.
    """
    causes: dict[int, str] = {}
    for runs in groups.values():
        causes |= _within(runs, metric)
    own = {name: [run for run in runs if id(run) not in causes] for name, runs in with_number.items()}
    of_groups, notes = _across(own, metric)
    causes |= of_groups
    evaluations: dict[int, str] = {}
    for runs in own.values():
        evaluations |= _equal_evaluations([run for run in runs if id(run) not in causes], metric)
    return Copies(causes, evaluations, notes)


def without_copies(groups: Groups, metric: str) -> tuple[dict[str, list[Run]], list[str]]:
    """Return groups without the runs that are copies of others, and a note on each group that had some.

    Args:
        groups: Runs by the name of their group.
        metric: Name of the metric whose curves are compared.
    """
    copies = copies_of(groups, groups, metric)
    causes = {**copies.evaluations, **copies.causes}
    kept: dict[str, list[Run]] = {}
    notes = []
    for name, runs in groups.items():
        kept[name] = [run for run in runs if id(run) not in causes]
        left_out = [f"{run.seed_label}: {causes[id(run)]}" for run in runs if id(run) in causes]
        if left_out:
            notes.append(
                f"{name}: {len(left_out)} of {counted(len(runs), 'seed')} left out as no evidence "
                f"of their own ({first_names(left_out, MOST_NAMED)})."
            )
    return kept, [*notes, *copies.notes]


def _across(own: Groups, metric: str) -> tuple[dict[int, str], list[str]]:
    """Return the runs that two groups share in part and that count in neither, and notes on those that do."""
    causes: dict[int, str] = {}
    shared: dict[tuple[str, str], list[tuple[Run, Run]]] = defaultdict(list)
    for a, b in _pairs([run for runs in own.values() for run in runs], metric):
        first, second = _group_of(a, own), _group_of(b, own)
        if first != second:
            shared[first, second].append((a, b))
    notes = []
    for (first, second), pairs in shared.items():
        if len(pairs) >= min(len(own[first]), len(own[second])):
            continue
        if _may_differ(first, second, pairs):
            notes.append(_note_on(first, second, pairs))
            continue
        for a, b in pairs:
            causes[id(a)] = f"the same log as {second}'s {b.seed_label}"
            causes[id(b)] = f"the same log as {first}'s {a.seed_label}"
    return causes, notes


def _within(runs: Sequence[Run], metric: str) -> dict[int, str]:
    """Return the runs of a group that are copies of a longer or an earlier one, with its name."""
    longest_first = sorted(runs, key=lambda run: -(run.history.last_step or 0))
    causes: dict[int, str] = {}
    for a, b in _pairs(longest_first, metric):
        if id(a) not in causes:
            causes.setdefault(id(b), f"a copy of {a.seed_label}")
    return causes


def _equal_evaluations(runs: Sequence[Run], metric: str) -> dict[int, str]:
    """Return the runs of a group that log the validation curve of a longer or an earlier one."""
    longest_first = sorted(runs, key=lambda run: -(run.history.last_step or 0))
    causes: dict[int, str] = {}
    for a, b in _pairs_of_one_start(longest_first, metric):
        pair = one_evaluation(a, b, metric)
        if pair is not None and id(a) not in causes:
            causes.setdefault(id(b), f"that of {a.seed_label}, while {pair.differing} differs")
    return causes


def _pairs(runs: Sequence[Run], metric: str) -> Iterator[tuple[Run, Run]]:
    """Yield the pairs of runs that are one computation."""
    for a, b in _pairs_of_one_start(runs, metric):
        if is_copy(a, b):
            yield a, b


def _pairs_of_one_start(runs: Sequence[Run], metric: str) -> Iterator[tuple[Run, Run]]:
    """Yield the pairs of runs whose first values are equal."""
    alike: dict[tuple[float, ...], list[Run]] = defaultdict(list)
    for run in runs:
        series = run.history.series.get(metric)
        if series is not None and len(series) >= FEWEST and not has_seeds_of_sources(run):
            alike[tuple(series.values[:FEWEST].tolist())].append(run)
    for members in alike.values():
        yield from itertools.combinations(members, 2)


def _group_of(run: Run, groups: Groups) -> str:
    return next(name for name, runs in groups.items() if any(run is member for member in runs))


def _may_differ(first: str, second: str, pairs: Sequence[tuple[Run, Run]]) -> bool:
    """Say whether a setting differs between two groups, by their configurations or by their names."""
    if named_differences([first, second]):
        return True
    return any(not OF_NAMES.issuperset(differing_settings(a, b)) for a, b in pairs)


def _note_on(first: str, second: str, pairs: Sequence[tuple[Run, Run]]) -> str:
    labels = first_names(list(dict.fromkeys(a.seed_label for a, _ in pairs)), MOST_NAMED)
    return (
        f"{first} and {second} share the same log, digit by digit ({labels}), while their other runs differ. "
        "They count in both groups, because a setting that differs may act in some runs only. If one is a "
        "copy, the verdict does not hold: leave it out."
    )
