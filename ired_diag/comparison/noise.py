"""How much of what is compared is evaluation noise, and whether two groups share it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.stats.noise_split import NoiseSplit, predicted_standard_error, split_noise
from ired_diag.stats.shared_noise import SharedNoise, shared_noise

Windows = Mapping[str, NDArray[np.float64]]  # by seed: its evaluations on the plateau


@dataclass(frozen=True)
class GroupNoise:
    """The spread of a group's seeds on the plateau, split.

    Attributes:
        split: Into that of seeds and that of evaluations.
        error_last: Standard error of the group's mean, read at one evaluation.
        error_plateau: Read over the whole plateau.
        error_twice_the_seeds: Over the whole plateau, with twice the seeds.
        error_twice_the_evaluations: With twice the evaluations.
    """

    split: NoiseSplit
    error_last: float
    error_plateau: float
    error_twice_the_seeds: float
    error_twice_the_evaluations: float


def noise_of(windows: Windows, reason: str) -> GroupNoise:
    """Return how a group's spread splits.

    Args:
        windows: Its seeds' plateaus.
        reason: Why there are none, where there are none.
    """
    if not windows:
        nan = math.nan
        return GroupNoise(
            NoiseSplit(seeds=0, evaluations=nan, reason=reason or "no plateau"), nan, nan, nan, nan
        )
    finite = [window[np.isfinite(window)] for window in windows.values()]
    split = split_noise(finite)
    n, k = len(finite), min(map(len, finite))

    def error(seeds: int, evaluations: int) -> float:
        return predicted_standard_error(split, seeds=seeds, evaluations=evaluations)

    return GroupNoise(split, error(n, 1), error(n, k), error(2 * n, k), error(n, 2 * k))


def noise_between(a: Windows, b: Windows, shared: Sequence[str], *, draw: int) -> SharedNoise:
    """Return whether seeds of two groups fluctuate together on the plateau.

    Args:
        a: Plateaus of one group.
        b: Of the other.
        shared: Seeds that may be alike.
        draw: Seed of the permutations.
    """
    both = [seed for seed in shared if seed in a and seed in b]
    lengths = {len(group[seed]) for group in (a, b) for seed in both}
    if not both or len(lengths) > 1:
        reason = "evaluations on the plateau are not the same" if both else "no seed in common on a plateau"
        return SharedNoise(
            same=math.nan,
            different=math.nan,
            p=math.nan,
            exact=False,
            n=len(both),
            by_seed=(),
            reason=reason,
        )
    x, y = (np.array([group[seed] for seed in both]) for group in (a, b))
    finite = np.isfinite(x).all(axis=0) & np.isfinite(y).all(axis=0)
    return shared_noise(x[:, finite], y[:, finite], seed=draw)
