"""Which group of runs does a label of a report mean?

A label means a group of runs where it names the experiment (``q101``), or the strategy that only this group
has. Where several groups share a strategy, the printed n and then the printed mean decide, if they leave
one; else the label is not resolved, and nothing is checked against the runs.
"""

from __future__ import annotations

from collections.abc import Sequence

from ired_diag.claims.agreeing_readouts import matching
from ired_diag.claims.claim import Claim
from ired_diag.claims.groups import RunGroups
from ired_diag.claims.labels import SAME, aliases, words_of

FEWEST = 3  # seeds: so many distinguish a group from a single run of the same strategy


def resolve(label: str, claims: Sequence[Claim], groups: RunGroups) -> tuple[str | None, str]:
    """Return the group of runs that a label means, or None and why.

    Args:
        label: As the report has it.
        claims: Those about it alone.
        groups: The runs.
    """
    candidates = _called(label, groups)
    if not candidates:
        return _by_mean_of_similar(label, claims, groups)
    if len(candidates) == 1:
        return candidates[0], ""
    counts = {int(claim.number.value) for claim in claims if claim.kind == "n"}
    of_that_size = _of_sizes(counts, candidates, groups)
    if len(of_that_size) == 1 and min(counts) >= FEWEST:
        return of_that_size[0], ""
    candidates = of_that_size or candidates
    agreeing = _with_a_mean_of(claims, candidates, groups)
    if len(agreeing) == 1:
        return agreeing[0], ""
    return None, f"may be any of {', '.join(sorted(candidates))}"


def _of_sizes(counts: set[int], candidates: Sequence[str], groups: RunGroups) -> list[str]:
    """Return the groups that have one of the printed numbers of seeds."""
    return [group for group in candidates if len(groups.members[group].seeds) in counts]


def _by_mean_of_similar(label: str, claims: Sequence[Claim], groups: RunGroups) -> tuple[str | None, str]:
    """Return the group that shares words with a label and has its mean, where exactly one does."""
    if not groups.members:
        return None, "no runs are there to hold it against"
    own = words_of(label)
    similar = []
    for group in groups.members:
        words = words_of(group)
        if own < words or words < own:
            similar.append(group)
    agreeing = _with_a_mean_of(claims, similar, groups)
    if len(agreeing) == 1:
        return agreeing[0], ""
    return None, "no runs of that name"


def _with_a_mean_of(claims: Sequence[Claim], candidates: Sequence[str], groups: RunGroups) -> list[str]:
    """Return the groups whose mean, by any readout, is one that the claims print."""
    agreeing = []
    for group in candidates:
        for claim in claims:
            if claim.kind == "mean" and matching(claim.number, group, groups):
                agreeing.append(group)
                break
    return agreeing


def _called(label: str, groups: RunGroups) -> list[str]:
    """Return the groups that a label may name: by their name, else by the strategy of their runs."""
    spellings = aliases(label)
    named = []
    for group in groups.members:
        if words_of(group) in spellings:
            named.append(group)
    if named:
        # "Q101" and "q101" are one set of words; where both are there, the same letters decide.
        exact = [group for group in named if group.lower() == label.lower()]
        return exact or named
    words = words_of(label)
    called = []
    for group, strategy in groups.strategies.items():
        spelled = SAME.get(strategy.lower(), strategy.lower())
        if spelled in words and group in groups.members:
            called.append(group)
    return called
