"""How much of what is compared is evaluation noise, and whether two groups share it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ired_diag.stats.arrays import finite_part
from ired_diag.stats.noise_split import NoiseSplit, predicted_standard_error, split_noise
from ired_diag.stats.shared_noise import SharedNoise, no_shared_noise, shared_noise

Windows = Mapping[str, NDArray[np.float64]]  # by seed: its evaluations on the plateau


@dataclass(frozen=True)
class GroupNoise:
    """The spread of a group's seeds on the plateau, split.

    Attributes:
        split: The spread, split into that of seeds and that of evaluations.
        error_last: Standard error of the group's mean, read at one evaluation.
        error_plateau: Standard error of the mean, read over the whole plateau.
        error_twice_the_seeds: Standard error over the whole plateau, with twice the seeds.
        error_twice_the_evaluations: Standard error over the whole plateau, with twice the evaluations.
    """

    split: NoiseSplit
    error_last: float
    error_plateau: float
    error_twice_the_seeds: float
    error_twice_the_evaluations: float


def noise_of(windows: Windows, reason: str) -> GroupNoise:
    """Return how a group's spread splits.

    Args:
        windows: The evaluations of its seeds on the plateau, by seed.
        reason: Why there are none; empty where there are.
    """
    if not windows:
        return without_split(reason or "no plateau")
    finite = list(map(finite_part, windows.values()))
    split = split_noise(finite)
    # Of plateaus of several lengths the shortest one promises least.
    seeds, evaluations = len(finite), min(map(len, finite))
    error = partial(predicted_standard_error, split)
    return GroupNoise(
        split=split,
        error_last=error(seeds=seeds, evaluations=1),
        error_plateau=error(seeds=seeds, evaluations=evaluations),
        error_twice_the_seeds=error(seeds=2 * seeds, evaluations=evaluations),
        error_twice_the_evaluations=error(seeds=seeds, evaluations=2 * evaluations),
    )


def without_split(reason: str) -> GroupNoise:
    """Return that the spread of a group cannot be split, and why."""
    nan = math.nan
    return GroupNoise(
        split=NoiseSplit(seeds=0, evaluations=nan, reason=reason),
        error_last=nan,
        error_plateau=nan,
        error_twice_the_seeds=nan,
        error_twice_the_evaluations=nan,
    )


def noise_between(
    a: Windows, b: Windows, shared: Sequence[str], *, draw: int, least: float = -math.inf
) -> SharedNoise:
    """Return whether seeds of two groups fluctuate together on the plateau.

    Args:
        a: Evaluations of the first group on the plateau, by seed.
        b: Evaluations of the second group on the plateau, by seed.
        shared: Labels of the seeds that may fluctuate together.
        draw: Random seed of the permutations.
        least: Where equal seeds are less alike than this, there is no p value.
    """
    in_both = [seed for seed in shared if seed in a and seed in b]
    if not in_both:
        return no_shared_noise(0, "no seed in common on a plateau")
    windows_a, windows_b = _windows_of(in_both, a), _windows_of(in_both, b)
    # Windows of other lengths are of other steps: their places do not correspond.
    if len({*map(len, windows_a), *map(len, windows_b)}) > 1:
        return no_shared_noise(len(in_both), "evaluations on the plateau are not the same")
    x, y = np.array(windows_a), np.array(windows_b)
    finite = np.isfinite(x).all(axis=0) & np.isfinite(y).all(axis=0)
    return shared_noise(x[:, finite], y[:, finite], seed=draw, least=least)


def _windows_of(seeds: Sequence[str], windows: Windows) -> list[NDArray[np.float64]]:
    return [windows[seed] for seed in seeds]
