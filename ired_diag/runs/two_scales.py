"""Do the numbers of one share mix percent and fractions?

An accuracy of 86.3 is in percent, one of 0.88 is a fraction, or a very poor percentage. Two sets of numbers
are on two scales where the larger ones lie between 1.5 and 100, the smaller ones between 0 and 1, and their
medians are about 100 times apart. A model at chance level among 100 classes has an accuracy of 1%, and so has
every seed of it: so the smaller numbers must differ from each other and from 1. A single number, on either
side, is held to the ratio 100 itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.runs.metric_limits import LEAST_PERCENT, PERCENT, SLACK

WIDE = (50.0, 200.0)  # times: a mean of either scale may be half as good as the other
NARROW = (95.0, 105.0)  # times: of a single number

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TwoScales:
    """Numbers of one share on two scales.

    Attributes:
        is_percent: Which of the numbers are in percent, of shape (n,).
        is_fraction: Which of the numbers are fractions, of shape (n,).
    """

    is_percent: NDArray[np.bool_]
    is_fraction: NDArray[np.bool_]


def two_scales(values: Array) -> TwoScales | None:
    """Return which numbers of a share are in percent and which are fractions; None of a single scale.

    Args:
        values: One number for each run, of shape (n,).

    >>> two_scales(np.array([86.1, 86.6, 0.891, 0.884])).is_fraction.tolist()
    [False, False, True, True]
    >>> two_scales(np.array([86.1, 86.6, 1.0, 1.0])), two_scales(np.array([86.1, 86.6, 10.1, 9.8]))
    (None, None)
    """
    is_percent = (values > LEAST_PERCENT) & (values <= PERCENT * (1 + SLACK))
    is_fraction = (values > 0) & (values < 1)
    percents = values[is_percent]
    fractions = values[is_fraction]
    # Any number on neither scale leaves the scales unknown.
    if not (len(percents) and len(fractions)) or len(percents) + len(fractions) < len(values):
        return None
    low, high = WIDE
    if len(np.unique(fractions)) < 2 or len(percents) < 2:
        low, high = NARROW
    ratio = float(np.median(percents) / np.median(fractions))
    if not low <= ratio <= high:
        return None
    return TwoScales(is_percent, is_fraction)
