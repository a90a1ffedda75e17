"""How often Welch's test of a few seeds against many sees a difference where there is none.

The degrees of freedom after Satterthwaite are an approximation, and with two or three values against many it
fails: the small sample alone makes the standard error, its variance is a χ² of one or two degrees of freedom,
and by chance close to 0. At a nominal 5%, for normal samples of equal spread, the share of false alarms is as
tabulated (200,000 simulated pairs of samples each; standard error at most 0.07 points):

    values of the other sample   2     3     4     5     6     8     10    15    20    30
    2 against them               2.3   3.7   5.1   6.3   7.5   9.1   10.0  11.4  12.1  12.5%
    3 against them               3.7   3.5   4.0   4.6   5.1   5.9   6.4   7.1   7.5   7.6%

From 4 on it is at most 6.3%. The rule looks at the design alone, the sizes, and never at the values.

Reference: Satterthwaite (1946), An Approximate Distribution of Estimates of Variance Components.
"""

from __future__ import annotations

import math

import numpy as np

TOO_OFTEN = 0.07  # of a nominal 5%
SIZES = (2, 3, 4, 5, 6, 8, 10, 15, 20, 30)
LEVELS = {
    2: (0.0230, 0.0368, 0.0513, 0.0633, 0.0748, 0.0912, 0.1003, 0.1142, 0.1207, 0.1245),
    3: (0.0368, 0.0346, 0.0397, 0.0462, 0.0512, 0.0590, 0.0638, 0.0711, 0.0752, 0.0759),
}


def welch_level(n_a: int, n_b: int) -> float:
    """Return the share of false alarms at a nominal 5%; NaN where no sample is as small as 2 or 3.

    Args:
        n_a: Values of a sample.
        n_b: Values of the other; above 30, the share at 30 is returned.

    >>> welch_level(10, 2)
    0.1003
    """
    small, large = sorted((n_a, n_b))
    if small not in LEVELS:
        return math.nan
    return float(np.interp(large, SIZES, LEVELS[small]))


def is_too_often_wrong(n_a: int, n_b: int) -> bool:
    """Say whether Welch's test of these sizes has 7% false alarms or more instead of 5%."""
    return welch_level(n_a, n_b) >= TOO_OFTEN
