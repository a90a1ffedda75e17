"""The corrected resampled t test: a mean over the folds of a cross-validation.

The training sets of two folds of K share all but two parts of the data, so the results of folds are
correlated, and s / √k is too small a standard error of the mean of k folds. With a correlation of
n_test / (n_train + n_test) Nadeau and Bengio correct it:

    se = s √(1/k + n_test/n_train),    n_test/n_train = 1/(K - 1),    df = k - 1,

s the standard deviation of the results, or of the differences of pairs. The correlation is an assumption: no
estimate of this variance is unbiased whatever the data (Bengio & Grandvalet, 2004).

Of a repeated cross-validation of n runs, the repetitions share one split, or each has a split of its own:

    one split:      se = s √(1/k + 1/(K - 1)),  s of the means of the folds
    own splits:     se = s √(1/n + 1/(K - 1)),  s of all runs (Bouckaert & Frank, 2004)

Files seldom say which, so the larger one counts, with k - 1 degrees of freedom.

References: Nadeau & Bengio (2003), Inference for the generalization error, Machine Learning 52, sections 3
and 5; Bengio & Grandvalet (2004), No unbiased estimator of the variance of k-fold cross-validation, JMLR 5;
Bouckaert & Frank (2004), Evaluating the replicability of significance tests for comparing learning
algorithms, PAKDD.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import as_floats
from ired_diag.stats.defects import CONSTANT, is_constant
from ired_diag.stats.standard_error import MeanDifference


def mean_over_folds(
    values: ArrayLike, folds: Sequence[int], count: int, *, constant: str = CONSTANT
) -> MeanDifference:
    """Return the mean of the results of folds with its corrected standard error.

    Args:
        values: The result of each run, or the difference of each pair, of shape (n,).
        folds: The fold of each.
        count: K, how many folds the cross-validation has.
        constant: The reason where all values are one.

    >>> mean_over_folds([1.0, 3.0], [0, 1], 2)
    MeanDifference(difference=2.0, standard_error=1.7320508075688772, df=1.0, n=2, reason='')
    """
    x = as_floats(values)
    different = len(set(folds))
    mean = float(x.mean()) if len(x) else math.nan
    reason = ""
    if different < 2:
        reason = f"{different} fold{'' if different == 1 else 's'}: at least 2 are needed"
    elif not np.isfinite(x).all():
        reason = f"{int((~np.isfinite(x)).sum())} of {len(x)} values are not finite"
    elif is_constant(x, scale=float(np.abs(x).max())):
        reason = constant
    if reason:
        return MeanDifference(mean, math.nan, math.nan, len(x), reason)
    of_folds = [x[np.asarray(folds) == fold].mean() for fold in sorted(set(folds))]
    one_split = float(np.std(of_folds, ddof=1)) * math.sqrt(variance_factor(different, count))
    own_splits = float(x.std(ddof=1)) * math.sqrt(variance_factor(len(x), count))
    error = max(one_split, own_splits)
    return MeanDifference(mean, error, float(different - 1), len(x))


def variance_factor(k: int, count: int) -> float:
    """Return the variance of the mean of k folds of K, over that of one: 1/k + 1/(K - 1).

    >>> variance_factor(5, 5)
    0.45
    """
    return 1 / k + 1 / (count - 1)


def difference_of_means(a: MeanDifference, b: MeanDifference) -> MeanDifference:
    """Return the difference of two independent means; df after Satterthwaite."""
    difference = a.difference - b.difference
    n = a.n + b.n
    reason = a.reason or b.reason
    if reason:
        return MeanDifference(difference, math.nan, math.nan, n, reason)
    error = math.hypot(a.standard_error, b.standard_error)
    shares = [(mean.standard_error / error) ** 2 for mean in (a, b)]
    df = 1 / (shares[0] ** 2 / a.df + shares[1] ** 2 / b.df)
    return MeanDifference(difference, error, df, n)
