"""Every group minus the first, the baseline, in percent of the baseline's mean where that says something.

A comparison holds pairs as first minus second, in percent of the second. Turned round, the difference, its
interval and the verdict change sides; percent are of the baseline's mean over the seeds that the t test looks
at: the shared ones where all are pairs, else all. Where one pair has no such percentage
(``comparison.margin``) or the margin is absolute, all differences are in the metric's own unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison import Comparison, Group, PairOfGroups
from ired_diag.runs.labels import is_seed_label

REVERSED = {"better": "worse", "worse": "better"}
SMALLEST_BASELINE = 1e-150  # a percentage of less may be no floating number

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """A group minus the baseline.

    Attributes:
        group: Name of the group.
        mean: Of the difference.
        low: Lower end of its 95% interval; NaN without one.
        high: Upper end.
        single: Differences of the pairs, of shape (n,); empty where seeds are not pairs.
        margin: What is too small to matter.
        verdict: Of the group in comparison with the baseline.
        pair: What it was taken from, in which the baseline comes first.
    """

    group: str
    mean: float
    low: float
    high: float
    single: Array
    margin: float
    verdict: str
    pair: PairOfGroups


def differences_of(comparison: Comparison) -> tuple[tuple[Difference, ...], str]:
    """Return each other group minus the first, and the unit: percent of its mean, or the metric's own."""
    groups = {group.name: group for group in comparison.groups}
    first = comparison.groups[0].name
    pairs = [pair for pair in comparison.pairs if pair.a == first]
    baselines = [_values(groups[pair.a], groups[pair.b], pair)[0] for pair in pairs]
    means = [abs(float(values.mean())) if len(values) else np.nan for values in baselines]
    percent = comparison.in_percent and not any(mean < SMALLEST_BASELINE for mean in means)
    scales = [100 / mean if percent else 1.0 for mean in means]
    found = (
        _difference(groups[pair.a], groups[pair.b], pair, scale)
        for pair, scale in zip(pairs, scales, strict=True)
    )
    return tuple(found), "%" if percent else comparison.metric


def _values(a: Group, b: Group, pair: PairOfGroups) -> tuple[Array, Array]:
    """Return the readouts of both groups that the t test looks at: of shared seeds, or of all."""
    seeds = shared_seeds(a, b) if pair.estimator == "paired" else None
    told = ([group.values[s] for s in seeds or group.values] for group in (a, b))
    x, y = (np.array(values, dtype=np.float64) for values in told)
    return x, y


def shared_seeds(a: Group, b: Group) -> list[str]:
    """Return the numbered seeds that both groups have, in the order of the first."""
    return [seed for seed in a.values if seed in b.values and is_seed_label(seed)]


def _single(a: Group, b: Group) -> Array:
    """Return b minus a of each seed that both have."""
    return np.array([b.values[seed] - a.values[seed] for seed in shared_seeds(a, b)], dtype=np.float64)


def _difference(a: Group, b: Group, pair: PairOfGroups, scale: float) -> Difference:
    decision = pair.verdict.decision
    return Difference(
        b.name,
        -scale * pair.difference,
        -scale * pair.test.high,
        -scale * pair.test.low,
        scale * _single(a, b) if not pair.obstacle else np.array([]),
        scale * pair.margin,
        REVERSED.get(decision, decision),
        pair,
    )
