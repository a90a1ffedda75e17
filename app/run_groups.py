"""Runs by the name of their group: all of them in one list, and what they logged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

# Commands import this module: their --help must not load numpy.
if TYPE_CHECKING:
    from ired_diag.runs.run import Run


def all_runs(groups: Mapping[str, Sequence[Run]]) -> list[Run]:
    """Return the runs of all groups, in the order of the groups."""
    runs: list[Run] = []
    for members in groups.values():
        runs += members
    return runs


def logged_metrics(runs: Iterable[Run]) -> list[str]:
    """Return the names of all metrics that at least one run logged, sorted."""
    names: set[str] = set()
    for run in runs:
        names.update(run.history.series)
    return sorted(names)
