"""Pairing design: which estimator compares two groups that share all, a part or none of their seeds?

The choice follows from the design (how many seeds are shared, how many only one group has), never from the
numbers: to pick the test after a look at the data, or at their correlation, raises the rate of false alarms.

    paired    all seeds are shared, 2 or more: the paired t test
    partial   3 or more are shared, or 2 and each group has 3 or more others: the difference of plain means
              with the REML standard error (``stats.partially_paired``)
    welch     otherwise: Welch's test of all seeds, as if none were shared

Welch's test ignores the pairs. Where these are positively correlated it is too strict. Where they are
negatively correlated it has too many false alarms, the more so the larger the shared part 2 m / (n_a + n_b)
of the seeds is: its standard error is too small by a factor of √(1 - 2 ρ m / (n_a + n_b)). With 2 shared
seeds and few others the correlation is too poorly known for ``partial``: its level reaches 6.9%.

Level at 5% nominal and power in percent, for normal numbers of equal variance, at correlations ρ = -0.5, 0,
0.3, 0.6 and 0.9. The power is at a difference where Welch's test without pairs has 75% with many seeds. m
seeds are shared, a and b are those that only one group has; "=>" is the test that decides
(``benchmarks/partial_pairs.py``, 20,000 studies a cell: standard errors 0.16 and 0.3 points):

     m  a  b                level                       power
     2  1  1  => welch      5.9  3.5  2.7  1.5  0.3     61  61  62  65  69
                 partial    6.8  5.6  4.7  3.5  1.0     52  60  66  77  89
     2  3  3     welch      5.8  4.4  3.3  2.5  1.3     71  72  73  75  76
              => partial    5.4  5.2  4.6  3.7  1.9     65  71  75  80  87
     2  8  8     welch      6.1  5.1  4.5  3.7  2.9     74  74  75  76  76
              => partial    5.5  5.2  4.9  4.4  3.7     70  73  75  78  82
     3  1  0     welch      7.3  4.1  2.6  1.4  0.3     64  64  66  68  73
              => partial    6.5  6.0  5.6  4.7  1.9     45  57  68  83  98
     3  1  1     welch      7.1  4.1  2.6  1.3  0.2     69  69  71  74  78
              => partial    5.9  6.1  5.0  3.9  1.7     51  62  72  85  97
     3  7  7     welch      6.8  4.8  3.9  3.0  2.4     73  74  75  76  78
              => partial    5.5  4.9  4.5  4.1  3.9     68  73  76  81  86
     4  6  6     welch      6.9  5.1  3.5  2.6  1.5     72  74  75  77  79
              => partial    5.2  5.2  4.5  4.4  3.6     65  71  77  83  90
     6  1  1     welch      9.3  4.9  2.5  1.0  0.1     71  73  76  80  84
              => partial    5.2  5.3  5.1  4.9  3.4     53  67  80  93 100

Over 37 designs of groups of equal size (3, 4, 5, 7, 10 and 20 seeds) and 17 of unequal size, the largest
level of ``partial`` where it decides is 6.5% with 4 seeds against 3 that are all shared, 6.1% with 3 shared
and one other each, and otherwise 6% or less, within the error. Where Welch's test decides it is about 6% in
groups of 3 or 4 seeds. It does not hold where one group has hardly more than the 2 shared seeds: 7.7% with 10
seeds against 3 (6.4% without correlation), 8.8% with 5 against 2, 11.6% with 10 against 2 (10.8% without
correlation). Welch's test of 2 or 3 seeds against many has too many false alarms without any pairs, too.

The power of ``partial`` is that of Welch's test or more from ρ = 0.3 on. Without correlation it is up to 8
points lower, and at ρ = -0.5 lower still, where Welch's test has too many false alarms.

REML takes the groups to have the same variance. Where one has twice the standard deviation of the other and
the groups are of equal size, the level is 4.5 to 6.5%. Where the group of the larger spread is also the
smaller one it does not hold: 7 to 10% with 3 to 7 shared seeds and 1 to 4 that only the other group has, 11
to 15% with 4 to 12 shared and 6 to 12 others, 17% with 3 shared and 7 others, 24% with 3 shared and 17
others. Welch's test has 2 to 7% there, and the paired test of the shared seeds 4 to 6%. Look at the spreads
before such a result is relied on.
"""

from __future__ import annotations

from typing import Literal

Estimator = Literal["paired", "partial", "welch"]


def estimator_for(shared: int, only_a: int, only_b: int) -> Estimator:
    """Return which estimator decides.

    Args:
        shared: Seeds that both groups have, and that are pairs.
        only_a: Seeds that only a has.
        only_b: Seeds that only b has.

    >>> estimator_for(10, 0, 0), estimator_for(3, 7, 7), estimator_for(2, 8, 8), estimator_for(2, 1, 1)
    ('paired', 'partial', 'partial', 'welch')
    """
    if min(shared, only_a, only_b) < 0:
        raise ValueError(f"expected numbers of at least 0, got {shared!r}, {only_a!r} and {only_b!r}")
    if shared >= 2 and only_a == only_b == 0:
        return "paired"
    enough = shared >= 3 or (shared == 2 and min(only_a, only_b) >= 3)
    return "partial" if enough else "welch"
