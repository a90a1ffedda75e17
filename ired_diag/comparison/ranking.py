"""Ranks of all groups within the seeds that they share, and whether these ranks are more than chance.

A seed that failed ranks last: it is worse than any number, and as bad as another failure.

To rank within a seed is to take equal seeds for pairs: Friedman's test and Kendall's W treat each seed as a
block. Where it is unknown whether seeds of any two groups share data, there are no blocks, and ranks, wins
and W are withheld with the reason.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.pairing import obstacle_in_data
from ired_diag.comparison.readouts import Values
from ired_diag.comparison.seeds import Members
from ired_diag.runs.labels import is_seed_label
from ired_diag.stats.friedman import Friedman, Nemenyi, friedman, nemenyi
from ired_diag.stats.ranks import rank_groups

NO_COMMON_SEED = "no seed that all groups share"


@dataclass(frozen=True, kw_only=True)
class RankTable:
    """Ranks within the seeds that all groups share.

    Attributes:
        seeds: Labels of these seeds, failed ones among them.
        mean_ranks: Mean rank by group; 1 is the best.
        wins: Number of seeds in which a group alone is best, by group.
        ties: Number of seeds in which several groups are best.
        friedman: Friedman's test, with Kendall's W.
        nemenyi: How far apart mean ranks must be.
        kendall_w: W of every readout: how far seeds agree on the order of the groups.
    """

    seeds: Sequence[str]
    mean_ranks: Mapping[str, float]
    wins: Mapping[str, int]
    ties: int
    friedman: Friedman
    nemenyi: Nemenyi
    kendall_w: Mapping[str, float]


def obstacle_to_ranks(members: Sequence[Members], *, paired: bool | None = None) -> str:
    """Return why groups may not be ranked within seeds; empty where they may, if they share a seed.

    Args:
        members: The groups.
        paired: What the user says of pairs, as in ``pairing_of``.
    """
    if len(members) < 2:
        return f"ranks need at least 2 groups, found {len(members)}"
    if not any(group.seeds for group in members):
        return "no seed of any group finished"
    for a, b in itertools.combinations(members, 2):
        reason = obstacle_in_data(a, b, paired=paired)
        if reason:
            return f"seeds of {a.name} and {b.name} are not pairs: {reason}"
    return ""


def rank_all(
    readout: str,
    readouts: Mapping[str, Values],
    names: Sequence[str],
    *,
    lower_is_better: bool,
    draw: int,
    failed: Mapping[str, Sequence[str]] | None = None,
) -> RankTable | None:
    """Return the ranks of the declared readout; None where fewer than two groups share a seed.

    Args:
        readout: Name of the declared readout.
        readouts: All numbers, by readout, group and seed.
        names: Names of the groups.
        lower_is_better: Whether a lower value of the metric is better.
        draw: Random seed of Friedman's test.
        failed: Labels of the seeds that failed, by group.
    """
    if len(names) < 2:
        return None
    ranked = {}
    for name, values in readouts.items():
        # A readout that is withheld from every seed has no W; the declared one may consist of failures alone.
        if name == readout or any(values.values()):
            ranked[name] = with_failures_last(values, failed or {}, lower_is_better=lower_is_better)
    tests = {}
    for name, values in ranked.items():
        seeds = _seeds_of_all(values, names)
        if seeds:
            table = _table(values, names, seeds)
            tests[name] = friedman(table, lower_is_better=lower_is_better, seed=draw)
    if readout not in tests:
        return None
    seeds = _seeds_of_all(ranked[readout], names)
    ranks = rank_groups(_table(ranked[readout], names, seeds), lower_is_better=lower_is_better)
    return RankTable(
        seeds=seeds,
        mean_ranks=dict(zip(names, ranks.mean_ranks.tolist(), strict=True)),
        wins=dict(zip(names, ranks.wins.tolist(), strict=True)),
        ties=ranks.ties,
        friedman=tests[readout],
        nemenyi=nemenyi(ranks.mean_ranks, len(seeds)),
        kendall_w={name: test.w for name, test in tests.items()},
    )


def with_failures_last(
    values: Values, failed: Mapping[str, Sequence[str]], *, lower_is_better: bool
) -> Values:
    """Return the numbers of all seeds, those that failed with one that is worse than any other."""
    numbers: list[float] = []
    for group in values.values():
        numbers += group.values()
    worst = _worse_than_all(numbers or [0.0], lower_is_better=lower_is_better)
    complete = {}
    for name, group in values.items():
        complete[name] = {**group, **dict.fromkeys(failed.get(name, ()), worst)}
    return complete


def _worse_than_all(numbers: Sequence[float], *, lower_is_better: bool) -> float:
    # A whole range away: within rounding of the worst number it could tie with it.
    if lower_is_better:
        return float(max(numbers) + np.ptp(numbers) + 1)
    return float(min(numbers) - np.ptp(numbers) - 1)


def _seeds_of_all(values: Values, names: Sequence[str]) -> list[str]:
    """Return the labels of the seeds that every group has."""
    shared = []
    for label in values[names[0]]:
        if is_seed_label(label) and all(label in values[name] for name in names):
            shared.append(label)
    return shared


def _table(values: Values, names: Sequence[str], seeds: Sequence[str]) -> NDArray[np.float64]:
    """Return the numbers, of shape (seeds, groups)."""
    columns = []
    for name in names:
        columns.append([values[name][seed] for seed in seeds])
    return np.array(columns, dtype=np.float64).T
