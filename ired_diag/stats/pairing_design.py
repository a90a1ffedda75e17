"""Pairing design: which estimator compares two groups that share all, a part or none of their seeds?

The choice follows from the design (how many seeds are shared, how many only one group has), never from the
numbers: to pick the test after a look at the data, or at their correlation, raises the rate of false alarms.

    paired                all seeds are shared: the paired t test
    partial               REML with Satterthwaite's degrees of freedom (``stats.partially_paired``)
    partial_conservative  REML with shared - 1 degrees of freedom
    welch                 Welch's test of all seeds, as if none were shared

Each has a region where it is not to be trusted. Satterthwaite's degrees of freedom treat the estimated
correlation as if it were better known than it is: with few pairs the level at 5% nominal reaches 8%, and 11%
where one group has no other seeds. shared - 1 holds the level everywhere and costs power. Welch's test
ignores the pairs. Where these are positively correlated it is only conservative (0.4% at ρ = 0.9 with 3 of 5
shared). Where they are negatively correlated it is liberal, the more so the larger the shared part 2 m /
(n_a + n_b) of the seeds is: its standard error is too small by √(1 - 2 ρ m / (n_a + n_b)). At ρ = -0.5 its
level is 5.9% with 2 of 10 shared, 7.5% with 5 of 10 and 10% with 9 of 10.

The regions are those where the simulated level is at most about 6% for ρ = -0.5, 0, 0.3, 0.6 and 0.9, with
normal numbers (``benchmarks/partial_pairs.py``, 4,000 studies a cell, and 12,000 where a region ends;
standard errors 0.35 and 0.2 points). Groups of n seeds each, by the number of shared ones:

      n   Welch    conservative   Satterthwaite   paired
      3   2        -              -               3
      4   2        3              -               4
      5   2        3 to 4         -               5
      7   2        3 to 5         6               7
     10   2        3 to 6         7 to 9          10
     20   2 to 4   5 to 11        12 to 19        20

Over these and a dozen designs of groups of unequal size the largest level of the prescribed test, at 12,000
studies, is 6.3% for Welch's (ρ = -0.5; at ρ ≥ 0 it is 5.4% or less), 6.1% for Satterthwaite's and 5.6% for
the conservative one.

The power, at a difference where Welch's test of 10 + 10 seeds has 74 to 76%: with 2 shared it is Welch's
own. With ρ = 0.3 the prescribed test has 28% with 3 shared, 52% with 4, 65% with 5, 71% with 6, 81% with 7;
with ρ = 0.6 39%, 67%, 80%, 86%, 93%. So with 3 to 5 shared seeds that are weakly correlated up to 47 points
are lost: the price of a level that holds at negative correlation, too. Complete pairs avoid it.

REML takes the groups to have the same variance. Where one has twice the standard deviation of the other and
the groups are of equal size, the level is 5.0 to 6.3% for Satterthwaite's in its region, and 1 to 5.9% for
the conservative test. Where the group of the larger spread is also the smaller one it does not hold: 8 to
12% with 6 to 12 shared seeds and as many or fewer that only the other group has, 20% with 20 shared and 80
others; the conservative test has 4 to 11% in its region. Welch's test and that of the pairs alone have 4 to
6% there. Look at the spreads before such a result is relied on.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ired_diag.stats.partially_paired import partially_paired
from ired_diag.stats.summary import CONFIDENCE
from ired_diag.stats.t_tests import TTest, paired, welch

Estimator = Literal["paired", "partial", "partial_conservative", "welch"]


def estimator_for(shared: int, only_a: int, only_b: int) -> Estimator:
    """Return which estimator decides.

    Args:
        shared: Seeds that both groups have, and that are pairs.
        only_a: Seeds that only a has.
        only_b: Seeds that only b has.

    >>> estimator_for(10, 0, 0), estimator_for(8, 2, 2), estimator_for(4, 6, 6), estimator_for(2, 8, 8)
    ('paired', 'partial', 'partial_conservative', 'welch')
    """
    if min(shared, only_a, only_b) < 0:
        raise ValueError(f"expected numbers of at least 0, got {shared!r}, {only_a!r} and {only_b!r}")
    if shared >= 2 and only_a == only_b == 0:
        return "paired"
    share = 2 * shared / max(1, 2 * shared + only_a + only_b)
    balanced_two = shared == 2 and 3 * min(only_a, only_b) >= max(only_a, only_b)
    if shared < 2 or share <= 0.2 or balanced_two:
        return "welch"
    enough = (shared >= 6 and share >= 0.7) or (shared >= 10 and share >= 0.6) or shared >= 20
    return "partial" if enough else "partial_conservative"


def deciding_test(
    pairs: ArrayLike, only_a: ArrayLike, only_b: ArrayLike, *, confidence: float = CONFIDENCE
) -> TTest:
    """Return the test that the design prescribes.

    Args:
        pairs: Numbers of the shared seeds, of shape (2, shared): those of a, then those of b.
        only_a: Numbers of the seeds that only a has, of shape (n,).
        only_b: Of b.
        confidence: Of the interval of the difference.
    """
    both: NDArray[np.float64] = np.asarray(pairs, dtype=np.float64).reshape(2, -1)
    x, y = (np.asarray(only, dtype=np.float64).reshape(-1) for only in (only_a, only_b))
    estimator = estimator_for(both.shape[1], len(x), len(y))
    if estimator == "paired":
        return paired(both[0], both[1], confidence=confidence)
    if estimator == "welch":
        return welch([*both[0], *x], [*both[1], *y], confidence=confidence)
    conservative = estimator == "partial_conservative"
    return partially_paired(both, x, y, conservative=conservative, confidence=confidence).test
