"""Groups with the same numbers to the last digit: more often one run read twice than two methods as good.

Two trainings that differ in anything end in different last digits; so do two trainings of the same thing on
most accelerators. Equal numbers in every seed ask whether an option had no effect, or a folder was copied. A
metric with few possible values, such as an accuracy over 100 images, may meet by chance: then the earlier
evaluations differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ired_diag.comparison.seeds import Members, Seed

LEAST = 2  # seeds: equal numbers of a single one may meet by chance


def identical_in_words(a: Members, b: Members, x: Mapping[str, float], y: Mapping[str, float]) -> str:
    """Return that two groups have the same number in every seed, with the count; empty where they differ.

    Args:
        a: A group.
        b: Another.
        x: The readout of a, by seed.
        y: The readout of b, by seed.
    """
    n = len(x)
    if n < LEAST or not _same_numbers(x, y) or _failed(a) != _failed(b):
        return ""
    told = f"identical in every seed to the last digit ({n} seeds"
    longest = max(len(seed.values) for seed in a.seeds)
    if longest < 2:
        return f"{told})"
    same = all(map(_same_curve, _in_order(a, x), _in_order(b, y)))
    return f"{told}, {'and so are their whole curves' if same else 'but their earlier evaluations differ'})"


def _same_numbers(x: Mapping[str, float], y: Mapping[str, float]) -> bool:
    """Say whether equal seeds have equal numbers; of groups without a seed in common, whether all agree."""
    if set(x) & set(y):
        return x == y
    return sorted(x.values()) == sorted(y.values())


def _failed(members: Members) -> list[str]:
    return sorted(failure.label for failure in members.failures if failure.kind != "stopped")


def _in_order(members: Members, values: Mapping[str, float]) -> Sequence[Seed]:
    """Return the seeds by their number in the comparison."""
    read = [seed for seed in members.seeds if seed.label in values]
    return sorted(read, key=lambda seed: (values[seed.label], seed.label))


def _same_curve(one: Seed, other: Seed) -> bool:
    return np.array_equal(one.steps, other.steps) and np.array_equal(one.values, other.values, equal_nan=True)
