"""Pairing design: which estimator compares two groups that share all, a part or none of their seeds?

The choice follows from the design (how many seeds are shared, how many only one group has), never from the
numbers: to pick the test after a look at the data, or at their correlation, raises the rate of false alarms.

    paired           all seeds are shared, 2 or more: the paired t test
    partial          3 or more are shared, or 2 and each group has 3 or more others; groups of equal size: the
                     difference of plain means with the REML standard error (``stats.partially_paired``)
    partial_unequal  the same for groups of unequal size: a variance for each group
                     (``stats.partial_unequal``)
    welch            otherwise: Welch's test of all seeds, as if none were shared

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
     3  1  1     welch      7.1  4.1  2.6  1.3  0.2     69  69  71  74  78
              => partial    5.9  6.1  5.0  3.9  1.7     51  62  72  85  97
     3  7  7     welch      6.8  4.8  3.9  3.0  2.4     73  74  75  76  78
              => partial    5.5  4.9  4.5  4.1  3.9     68  73  76  81  86
     4  6  6     welch      6.9  5.1  3.5  2.6  1.5     72  74  75  77  79
              => partial    5.2  5.2  4.5  4.4  3.6     65  71  77  83  90
     6  1  1     welch      9.3  4.9  2.5  1.0  0.1     71  73  76  80  84
              => partial    5.2  5.3  5.1  4.9  3.4     53  67  80  93 100

Over 37 designs of groups of equal size (3, 4, 5, 7, 10 and 20 seeds) the largest level of ``partial`` where
it decides is 6.1%, with 3 shared and one other each, and otherwise 6% or less, within the error. Where one
group has twice the standard deviation of the other it is up to 6.3%, and 7% with 4 or 5 seeds a group. Where
Welch's test decides it is about 6% in groups of 3 or 4 seeds. The power of ``partial`` is that of Welch's
test or more from ρ = 0.3 on. Without correlation it is up to 8 points lower, and at ρ = -0.5 lower still,
where Welch's test has too many false alarms.

REML takes the groups to have the same variance, and with groups of unequal size its level fails where the
smaller one has the larger spread: there ``partial_unequal`` decides. Smallest and largest level in percent
over the five correlations and over standard deviations of b that are half, equal and twice those of a; power
at equal ones, ρ = 0 and 0.6 (27 designs of unequal size, 20,000 studies a cell):

     m  a  b   partial_unequal      partial         welch      power: partial_unequal, partial, welch
     2  4  3     2.2 to 4.9     2.1 to  7.3    1.4 to  6.3       66  74      71  80     72  74
     2  8  3     3.4 to 5.6     1.1 to 11.8    2.4 to  6.4       65  71      73  79     69  71
     2 20  3     4.3 to 5.9     0.2 to 19.9    3.4 to  6.3       60  63      74  77     63  63
     3  1  0     0.6 to 4.7     2.0 to  8.9    0.2 to  7.8       47  73      57  84     64  68
     3  3  0     1.1 to 5.7     0.8 to 12.7    0.6 to  8.2       52  68      66  84     62  64
     3  7  0     0.0 to 3.3     0.2 to 18.2    0.9 to  8.5       31  38      71  83     56  57
     3  5  2     2.7 to 4.9     1.6 to  9.6    1.2 to  6.9       64  76      70  84     71  73
     4 16  0     3.5 to 6.3     0.0 to 22.6    1.7 to  7.8       55  63      73  82     57  59
     4  6  1     2.5 to 5.0     0.9 to 12.8    0.8 to  7.5       63  78      70  86     69  72
     7  3  0     3.0 to 5.2     2.4 to  9.9    0.1 to  9.6       68  92      69  94     73  79
     9  1  0     3.0 to 5.4     4.3 to  6.8    0.0 to 10.6       69  96      69  96     74  82
    10 10  0     3.8 to 5.3     0.7 to 13.6    0.3 to  8.7       70  89      72  91     73  77
    20 80  0     4.6 to 5.4     0.1 to 22.1    1.2 to  7.2       71  80      73  83     72  74

Where it decides, the level of ``partial_unequal`` is 6.3% at most (4 seeds that are all shared with 20), and
6% or less, within the error, in all other designs. That of 3 seeds all shared with 7 or more would be 7.2%:
it gets the degrees of freedom of the pairs alone, and has little power. Without correlation its power is up
to 17 points below that of Welch's test (25 points in these designs), whose level there reaches 8% with
unequal spreads and 10% with negative correlation.

None of these tests holds where one group has 2 or 3 seeds that are hardly more than the 2 shared: Welch's
test of 2 or 3 seeds against many has too many false alarms without any pairs, too (10.1% with 2 against 10
seeds, 6.1% with 3 against 10).
"""

from __future__ import annotations

from typing import Literal

Estimator = Literal["paired", "partial", "partial_unequal", "welch"]


def estimator_for(shared: int, only_a: int, only_b: int) -> Estimator:
    """Return which estimator decides.

    Args:
        shared: Seeds that both groups have, and that are pairs.
        only_a: Seeds that only a has.
        only_b: Seeds that only b has.

    >>> estimator_for(10, 0, 0), estimator_for(2, 8, 8), estimator_for(3, 7, 0), estimator_for(2, 1, 1)
    ('paired', 'partial', 'partial_unequal', 'welch')
    """
    if min(shared, only_a, only_b) < 0:
        raise ValueError(f"expected numbers of at least 0, got {shared!r}, {only_a!r} and {only_b!r}")
    if shared >= 2 and only_a == only_b == 0:
        return "paired"
    enough = shared >= 3 or (shared == 2 and min(only_a, only_b) >= 3)
    if not enough:
        return "welch"
    return "partial" if only_a == only_b else "partial_unequal"


def is_partial(estimator: str) -> bool:
    """Say whether an estimator is one of the two for partly shared seeds."""
    return estimator in ("partial", "partial_unequal")
