"""Every group minus the baseline, in percent of a mean where that says something.

A comparison holds pairs as first minus second, in percent of the second. Where the baseline is the last
group, as in all that ``ired-diag`` draws, each pair with it is a group minus the baseline, in percent of the
baseline's mean. A pair that begins with the baseline is turned round: difference, interval and verdict
change sides; what it is a percentage of stays the same, so that one difference is one number in verdicts and
pictures. Where one pair has no such percentage (``comparison.margin``) or the margin is absolute, all
differences are in the metric's own unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison import Comparison, Group, PairOfGroups
from ired_diag.errors import NotFound
from ired_diag.runs.labels import is_seed_label
from ired_diag.stats.verdict import Decision

REVERSED: Mapping[Decision, Decision] = {"better": "worse", "worse": "better"}
SMALLEST_MEAN = 1e-150  # a percentage of less may be no floating number

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A group minus the baseline.

    Attributes:
        group: Name of the group.
        mean: The mean difference.
        low: Lower end of its 95% interval; NaN without one.
        high: Upper end of its 95% interval.
        single: Differences of the pairs, of shape (n,); empty where seeds are not pairs.
        seeds: The seeds of these pairs.
        margin: A smaller difference does not matter.
        verdict: Verdict on the group in comparison with the baseline.
        pair: The pair that it was taken from.
    """

    group: str
    mean: float
    low: float
    high: float
    single: Array
    seeds: tuple[str, ...]
    margin: float
    verdict: str
    pair: PairOfGroups


def differences_of(comparison: Comparison, baseline: str = "") -> tuple[tuple[Difference, ...], str]:
    """Return each other group minus the baseline, by default the first, and the unit: "%" or the metric's."""
    baseline = baseline or comparison.groups[0].name
    groups = {group.name: group for group in comparison.groups}
    pairs = [pair for pair in comparison.compared_pairs if baseline in (pair.a, pair.b)]
    apart = [pair for pair in comparison.pairs if baseline in (pair.a, pair.b) and pair.other_problems]
    if apart and not pairs:
        raise NotFound(f"{apart[0].a} and {apart[0].b}: {apart[0].other_problems}.")
    in_percent = comparison.in_percent and not any(abs(pair.reference) < SMALLEST_MEAN for pair in pairs)
    differences = []
    for pair in pairs:
        scale = 100 / pair.reference if in_percent else 1.0
        differences.append(_difference(groups, baseline, pair, scale))
    unit = "%" if in_percent else comparison.shown_metric
    return tuple(differences), unit


def is_one_pair(difference: Difference) -> bool:
    """Say whether one pair of seeds is all that there is of a difference: it has no mean and no interval."""
    return len(difference.single) == 1 and bool(np.isnan(difference.low))


def shared_seeds(a: Group, b: Group) -> list[str]:
    """Return the numbered seeds that both groups have, in the order of the first."""
    return [seed for seed in a.values if seed in b.values and is_seed_label(seed)]


def _single(a: Group, b: Group, seeds: Sequence[str]) -> Array:
    """Return b minus a of each of the seeds, which both have."""
    differences = []
    for seed in seeds:
        differences.append(b.values[seed] - a.values[seed])
    return np.array(differences, dtype=np.float64)


def _difference(groups: Mapping[str, Group], baseline: str, pair: PairOfGroups, scale: float) -> Difference:
    """Return a pair's difference as a group minus the baseline."""
    is_turned = pair.a == baseline
    other = pair.b if is_turned else pair.a
    decision: Decision = pair.verdict.decision
    mean, low, high = pair.difference, pair.test.low, pair.test.high
    if is_turned:
        decision = REVERSED.get(decision, decision)
        mean, low, high = -mean, -high, -low
    seeds = [] if pair.obstacle else shared_seeds(groups[baseline], groups[other])
    return Difference(
        group=other,
        mean=scale * mean,
        low=scale * low,
        high=scale * high,
        single=scale * _single(groups[baseline], groups[other], seeds),
        seeds=tuple(seeds),
        margin=scale * pair.margin,
        verdict=decision,
        pair=pair,
    )
