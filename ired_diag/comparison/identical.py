"""Groups with the same numbers to the last digit: more often one run read twice than two methods as good.

Two trainings that differ in anything end in different last digits; so do two trainings of the same thing on
most accelerators. Equal numbers in every seed ask whether an option had no effect, or a folder was copied. A
metric with few possible values, such as an accuracy over 100 images, may meet by chance: then the earlier
evaluations differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter

import numpy as np

from ired_diag.comparison.seeds import Members, Seed

LEAST = 2  # seeds: equal numbers of a single one may meet by chance


def identical_in_words(a: Members, b: Members, x: Mapping[str, float], y: Mapping[str, float]) -> str:
    """Return that two groups have the same number in every seed, with the count; empty where they differ.

    Args:
        a: The first group.
        b: The second group.
        x: The readout of a, by seed.
        y: The readout of b, by seed.
    """
    n = len(x)
    if n < LEAST or not _same_numbers(x, y) or _failed_labels(a) != _failed_labels(b):
        return ""
    statement = "identical in every seed to the last digit"
    longest = max(len(seed.values) for seed in a.seeds)
    if longest < 2:
        return f"{statement} ({n} seeds)"
    if all(map(_same_curve, _in_order(a, x), _in_order(b, y))):
        return f"{statement} ({n} seeds, and so are their whole curves)"
    return f"{statement} ({n} seeds, but their earlier evaluations differ)"


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
    same_steps = np.array_equal(a.steps, b.steps)
    return same_steps and np.array_equal(a.values, b.values, equal_nan=True)
