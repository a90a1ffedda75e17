"""Which groups a comparison may be proposed for: those that show no sign of being of different tasks.

``stats`` compares what it is told to compare. A proposal is more careful: groups are related where they are
judged by one metric, state no different data, may be of one program, and log half of their metrics alike.
Two logs that both print a ``loss`` and nothing else in common are of two programs more often than not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ired_diag.comparison.one_program import may_be_one_program
from ired_diag.comparison.stated_data import names_data, stated_data
from ired_diag.runs.run import Run
from ired_diag.runs.stated_settings import first_settings

LEAST_IN_COMMON = 0.5  # of all metrics that two groups log

Runs = Sequence[Run]


def related_groups(groups: Mapping[str, Runs]) -> list[str]:
    """Return the names of the most groups that are all related to one of them, in the order given."""
    best: list[str] = []
    for runs in groups.values():
        related = [name for name, other in groups.items() if are_related(runs, other)]
        if len(related) > len(best):
            best = related
    return best


def are_related(a: Runs, b: Runs) -> bool:
    """Say whether two groups may be of one task, as far as their configurations and metrics show."""
    if a is b:
        return True
    if _judging_metric(a) != _judging_metric(b):
        return False
    settings, other_settings = first_settings(a), first_settings(b)
    if bool(settings) != bool(other_settings):
        return False
    stated, other_stated = stated_data(settings), stated_data(other_settings)
    for key in stated.keys() & other_stated.keys():
        if names_data(key, settings) and stated[key] != other_stated[key]:
            return False
    both_state_data = bool(stated) and bool(other_stated)
    if not both_state_data and not may_be_one_program(settings, other_settings):
        return False
    return _share_in_common(a, b) >= LEAST_IN_COMMON


def _judging_metric(runs: Runs) -> str:
    """Return the metric that judges most runs of a group; empty where none does."""
    metrics = Counter(run.evaluated[0] for run in runs if run.evaluated)
    return metrics.most_common(1)[0][0] if metrics else ""


def _share_in_common(a: Runs, b: Runs) -> float:
    """Return which share of the metrics of two groups both log."""
    names, other_names = _metrics_of(a), _metrics_of(b)
    return len(names & other_names) / max(1, len(names | other_names))


def _metrics_of(runs: Runs) -> set[str]:
    names: set[str] = set()
    for run in runs:
        names.update(run.history.series)
    return names
