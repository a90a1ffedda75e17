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

from ired_diag.comparison.pairing import obstacle_in_data
from ired_diag.comparison.readouts import Values
from ired_diag.comparison.seeds import Members
from ired_diag.runs.labels import is_seed_label
from ired_diag.stats.friedman import Friedman, Nemenyi, friedman, nemenyi
from ired_diag.stats.ranks import rank_groups


@dataclass(frozen=True)
class RankTable:
    """Ranks within the seeds that all groups share.

    Attributes:
        seeds: Labels of these seeds, failed ones among them.
        mean_ranks: By group; 1 is the best.
        wins: Seeds in which a group alone is best, by group.
        ties: Seeds in which several groups are best.
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


NO_COMMON_SEED = "no seed that all groups share"


def obstacle_to_ranks(members: Sequence[Members], *, paired: bool | None = None) -> str:
    """Return why groups may not be ranked within seeds; empty where they may, if they share a seed.

    Args:
        members: The groups.
        paired: What the user says of pairs, as in ``pairing_of``.
    """
    if len(members) < 2:
        return f"ranks need at least 2 groups, found {len(members)}"
    if not any(one.seeds for one in members):
        return "no seed of any group finished"
    for a, b in itertools.combinations(members, 2):
        if reason := obstacle_in_data(a, b, paired=paired):
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
        readout: The declared one.
        readouts: All numbers, by readout, group and seed.
        names: Of the groups.
        lower_is_better: The direction.
        draw: Seed of what is drawn at random.
        failed: Of each group the seeds that failed.
    """
    readouts = {
        name: with_failures_last(values, failed or {}, lower_is_better=lower_is_better)
        for name, values in readouts.items()
        if name == readout or any(values.values())
    }
    seeds = _shared(readouts[readout], names)
    if len(names) < 2 or not seeds:
        return None
    table = _table(readouts[readout], names, seeds)
    ranks = rank_groups(table, lower_is_better=lower_is_better)
    w = {}
    for other, values in readouts.items():
        if common := _shared(values, names):
            found = friedman(_table(values, names, common), lower_is_better=lower_is_better, seed=draw)
            w[other] = found.w
    test = friedman(table, lower_is_better=lower_is_better, seed=draw)
    return RankTable(
        seeds,
        dict(zip(names, ranks.mean_ranks.tolist(), strict=True)),
        dict(zip(names, ranks.wins.tolist(), strict=True)),
        ranks.ties,
        test,
        nemenyi(ranks.mean_ranks, len(seeds)),
        w,
    )


def with_failures_last(
    values: Values, failed: Mapping[str, Sequence[str]], *, lower_is_better: bool
) -> Values:
    """Return the numbers of all seeds, those that failed with one that is worse than any other."""
    numbers = [number for group in values.values() for number in group.values()] or [0.0]
    last = (max(numbers) + np.ptp(numbers) + 1) if lower_is_better else (min(numbers) - np.ptp(numbers) - 1)
    lost = {name: dict.fromkeys(failed.get(name, ()), float(last)) for name in values}
    return {name: {**group, **lost[name]} for name, group in values.items()}


def _shared(values: Values, names: Sequence[str]) -> list[str]:
    first = [seed for seed in values[names[0]] if is_seed_label(seed)]
    return [seed for seed in first if all(seed in values[name] for name in names)]


def _table(values: Values, names: Sequence[str], seeds: Sequence[str]) -> list[list[float]]:
    return [[values[name][seed] for name in names] for seed in seeds]
