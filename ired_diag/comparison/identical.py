"""Groups with the same numbers to the last digit: more often one run read twice than two methods as good.

Two trainings that differ in anything end in different last digits; so do two trainings of the same thing on
most accelerators. Equal numbers in every seed ask whether an option had no effect, or a folder was copied. A
metric with few possible values, such as an accuracy over 100 images, may meet by chance: then the earlier
evaluations differ.

Where one group was trained further, its last numbers are other ones though nothing was computed differently.
So curves of different lengths are compared at their common steps: the groups are identical where, in every
seed of the smaller one, all of these have the same digits, and the digits prove it (``curves.agreement``).
What is left between them is how long they were trained.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import attrgetter

import numpy as np

from ired_diag.comparison.seeds import Members, Seed
from ired_diag.curves.agreement import Agreement, agreement_of
from ired_diag.runs.name_list import counted

EARLIER_DIFFER = "but their earlier evaluations differ"
LEAST = 2  # seeds: equal numbers of a single one may meet by chance
LEAST_SHARE = 0.5  # of the shorter curve's evaluations: fewer common steps are a chance meeting of two grids


def identical_in_words(
    a: Members,
    b: Members,
    x: Mapping[str, float],
    y: Mapping[str, float],
) -> str:
    """Return that two groups have the same number in every seed, with the count; empty where they differ.

    Args:
        a: The first group.
        b: The second group.
        x: The readout of a, by seed.
        y: The readout of b, by seed.
    """
    n = len(x)
    if n < LEAST or not _same_numbers(x, y):
        return ""
    if _failed_labels(a) != _failed_labels(b):
        return ""
    statement = "identical in every seed to the last digit"
    longest = max(len(seed.values) for seed in a.seeds)
    if longest < 2:
        return f"{statement} ({n} seeds)"
    seeds_a = _in_order(a, x)
    seeds_b = _in_order(b, y)
    if all(map(_same_curve, seeds_a, seeds_b)):
        return f"{statement} ({n} seeds, and so are their whole curves)"
    return f"{statement} ({n} seeds, {EARLIER_DIFFER})"


def overlap_in_words(a: Members, b: Members) -> str:
    """Return that two groups agree wherever their curves overlap; empty where they do not.

    Also empty where groups of one size end together: then their numbers are compared.

    Args:
        a: The first group.
        b: The second group.
    """
    if _failed_labels(a) != _failed_labels(b):
        return ""
    agreements = _agreements(a, b)
    end_a = _last_step(a)
    end_b = _last_step(b)
    if not agreements:
        return ""
    if end_a == end_b:
        return _part_in_words(a, b)
    steps = min(agreement.steps for agreement in agreements)
    seeds = counted(len(agreements), "seed")
    return (
        f"identical in every seed to the last digit at all {steps} common steps "
        f"({seeds}), and differ in length alone ({a.name} was evaluated up to "
        f"step {end_a:g}, {b.name} up to {end_b:g})"
    )


def _part_in_words(a: Members, b: Members) -> str:
    """Return that every run of the smaller of two groups is one of the larger; empty of groups as large."""
    small, large = sorted((a, b), key=lambda members: len(members.seeds))
    if len(small.seeds) == len(large.seeds):
        return ""
    seeds = counted(len(small.seeds), "seed")
    return f"no two samples: every run of {small.name} ({seeds}) is also in {large.name}, digit by digit"


def _agreements(a: Members, b: Members) -> list[Agreement]:
    """Return the agreement of each seed of the smaller group with one of the other; none if one differs."""
    small, large = sorted((a.seeds, b.seeds), key=len)
    left = {seed.label: seed for seed in large}
    agreements = []
    for seed in small:
        candidates = list(left.values())
        if seed.label in left:
            candidates = [left[seed.label]]
        partner, agreement = _partner(seed, candidates)
        if partner is None or agreement is None:
            return []
        del left[partner.label]
        agreements.append(agreement)
    return agreements


def _partner(seed: Seed, candidates: Sequence[Seed]) -> tuple[Seed | None, Agreement | None]:
    """Return the first of several seeds whose curve agrees with a seed's, with the agreement."""
    for candidate in candidates:
        agreement = agreement_of(
            a_steps=seed.steps,
            a=seed.values,
            b_steps=candidate.steps,
            b=candidate.values,
        )
        if agreement is None or not agreement.proves:
            continue
        shorter = min(len(seed.steps), len(candidate.steps))
        if agreement.steps >= LEAST_SHARE * shorter:
            return candidate, agreement
    return None, None


def _last_step(members: Members) -> float:
    last_steps = []
    for seed in members.seeds:
        if len(seed.steps):
            last_steps.append(float(seed.steps[-1]))
    return max(last_steps, default=math.nan)


def _same_numbers(x: Mapping[str, float], y: Mapping[str, float]) -> bool:
    """Say whether equal seeds have equal numbers; of groups without a seed in common, whether all agree."""
    if x.keys() & y.keys():
        return x == y
    return sorted(x.values()) == sorted(y.values())


def _failed_labels(members: Members) -> list[str]:
    return sorted(map(attrgetter("label"), members.failed))


def _in_order(members: Members, values: Mapping[str, float]) -> Sequence[Seed]:
    """Return the seeds by their number in the comparison."""
    with_number = [seed for seed in members.seeds if seed.label in values]
    return sorted(with_number, key=lambda seed: (values[seed.label], seed.label))


def _same_curve(a: Seed, b: Seed) -> bool:
    if not np.array_equal(a.steps, b.steps):
        return False
    return np.array_equal(a.values, b.values, equal_nan=True)
