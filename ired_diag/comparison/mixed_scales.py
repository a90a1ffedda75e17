"""Groups of which one is in percent and the other in fractions: their difference says nothing.

A mean accuracy of 86.3 is not 9,667% better than one of 0.884. Where the numbers of two groups are on two
scales (``runs.two_scales``), the pair is undecided until they are brought to one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ired_diag.runs.metric_limits import share_of
from ired_diag.runs.two_scales import TwoScales, two_scales

Numbers = Mapping[str, float]
Array = NDArray[np.float64]


def scales_in_words(metric: str, names: Sequence[str], groups: Sequence[Numbers]) -> str:
    """Return which of two groups is in percent and which in fractions; empty where both are on one scale.

    Args:
        metric: Name of the metric.
        names: Names of both groups.
        groups: The number of each seed, of each group.
    """
    if share_of(metric) is None:
        return ""
    numbers = [np.array(list(group.values()), dtype=np.float64) for group in groups]
    together = np.concatenate(numbers)
    scales = two_scales(together)
    if scales is None:
        return ""
    first = len(numbers[0])
    percents = [scales.is_percent[:first], scales.is_percent[first:]]
    for here, other in ((0, 1), (1, 0)):
        if percents[here].all() and not percents[other].any():
            return (
                f"{metric} is in percent in {names[here]} (mean {numbers[here].mean():.4g}) and a fraction "
                f"in {names[other]} (mean {numbers[other].mean():.4g})"
            )
    return _mixed_within(metric, together, scales)


def _mixed_within(metric: str, numbers: Array, scales: TwoScales) -> str:
    percents = numbers[scales.is_percent]
    fractions = numbers[scales.is_fraction]
    return (
        f"{metric} is in percent in {len(percents)} of their seeds (such as {percents[0]:.4g}) and a "
        f"fraction in {len(fractions)} (such as {fractions[0]:.4g})"
    )
