"""Which groups are drawn at first: of many groups a few that can be told apart, and the page says which.

Groups that a reader chose are drawn, however many. Where none is chosen and there are more than
``MOST_AT_FIRST``, those whose runs started last are drawn. Where no log states when a run started, the last
ones in the study's order are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.dashboard.address import View
from ired_diag.runs.run import Run

MOST_AT_FIRST = 8  # groups: there are seven colours, and more lines than these hide each other

Groups = Mapping[str, Sequence[Run]]


@dataclass(frozen=True)
class FewGroups:
    """The groups that are drawn.

    Attributes:
        groups: Runs by group, in the study's order.
        every: Names of all groups that could be drawn.
        words: Which groups are drawn and why; empty where all are.
    """

    groups: dict[str, list[Run]]
    every: tuple[str, ...]
    words: str = ""


def few_groups(view: View, kept: Groups, has_values: Callable[[Run], bool]) -> FewGroups:
    """Return the groups to draw.

    Args:
        view: Choices of the reader.
        kept: Groups of the runs that the filter keeps.
        has_values: Whether a run has anything to draw.
    """
    every = tuple(kept)
    chosen = {name: list(runs) for name, runs in kept.items() if name in view.groups}
    if chosen:
        words = f"{len(chosen)} of {len(every)} groups are chosen." if len(chosen) < len(every) else ""
        return FewGroups(chosen, every, words)
    if len(every) <= MOST_AT_FIRST:
        return FewGroups({name: list(runs) for name, runs in kept.items()}, every)
    drawable = [name for name, runs in kept.items() if any(map(has_values, runs))]
    few, reason = _latest(drawable, kept)
    groups = {name: list(runs) for name, runs in kept.items() if name in few}
    return FewGroups(groups, every, f"{len(groups)} of {len(every)} groups are drawn: {reason}.")


def _latest(names: Sequence[str], groups: Groups) -> tuple[set[str], str]:
    """Return the groups whose runs started last, and the reason in words."""
    starts = {name: max(run.start_order for run in groups[name]) for name in names}
    if any(started or job for started, job in starts.values()):
        names = sorted(names, key=lambda name: starts[name])
        return set(names[-MOST_AT_FIRST:]), "those whose runs started last"
    return set(names[-MOST_AT_FIRST:]), "the last ones by name, since no log states when its run started"
