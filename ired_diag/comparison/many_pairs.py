"""The means of many pairs of groups compared at once: what ``deciding`` says of each, as arrays.

Groups enter by their numbers, one a seed. All that a test needs of a group (n, mean, variance) is computed
once a group; a pair is then a few operations on arrays:

    Welch     d = x̄_a - x̄_b,  se² = s_a²/n_a + s_b²/n_b,  df after Satterthwaite
    paired    d = mean of x_a - x_b seed by seed,  se² = s_d²/n,  df = n - 1
    interval  d ± t(df) se;   margin  q (|x̄_a| + |x̄_b|) / 2

A thousand groups are half a million pairs, and take a second. Numbers that are not finite are no matter of
this module: such a pair is compared by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ired_diag.stats.defects import ROUNDING, SMALLEST_SPREAD
from ired_diag.stats.equivalence import ALPHA
from ired_diag.stats.summary import CONFIDENCE

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Summaries:
    """What is known of each group, each of shape (groups,).

    Attributes:
        n: Number of seeds.
        mean: Mean of their numbers.
        variance: Their variance, with n - 1 in the denominator.
        low: The lowest number.
        high: The highest.
        is_constant: Whether they vary by rounding only.
        is_near_zero: Whether their mean lies within its scatter of 0.
    """

    n: Floats
    mean: Floats
    variance: Floats
    low: Floats
    high: Floats
    is_constant: Booleans
    is_near_zero: Booleans


@dataclass(frozen=True, kw_only=True)
class Differences:
    """The difference of means of each pair, each of shape (pairs,).

    Attributes:
        margin: What is too small to matter; NaN where a share of the means says nothing.
        standard_error: Of the difference; NaN where nothing varies.
        df: Its degrees of freedom.
        half_width: Half the width of the 95% interval.
        is_undecided: Whether that interval holds 0 and the 90% interval is not inside the margin.
    """

    margin: Floats
    standard_error: Floats
    df: Floats
    half_width: Floats
    is_undecided: Booleans


def summaries_of(groups: Sequence[Floats]) -> Summaries:
    """Return what is known of groups of two finite numbers or more, one a seed."""
    low = np.array([values.min() for values in groups])
    high = np.array([values.max() for values in groups])
    mean = np.array([values.mean() for values in groups])
    variance = np.array([values.var(ddof=1) for values in groups])
    return Summaries(
        n=np.array([len(values) for values in groups], dtype=np.float64),
        mean=mean,
        variance=variance,
        low=low,
        high=high,
        is_constant=_is_constant(high - low, np.maximum(np.abs(low), np.abs(high))),
        is_near_zero=np.asarray(np.abs(mean) <= np.sqrt(variance)),
    )


def unpaired_differences(groups: Summaries, a: Integers, b: Integers, *, share: float) -> Differences:
    """Return Welch's comparison of pairs of groups.

    Args:
        groups: The groups.
        a: The number of the first group of each pair, of shape (pairs,).
        b: That of the second.
        share: The margin, as a share of the mean of both means.
    """
    difference = groups.mean[a] - groups.mean[b]
    with np.errstate(divide="ignore", invalid="ignore"):  # of two constant groups, which have no test
        error, df = _welch(groups.variance / groups.n, groups.n, a, b)
        # Rounding is no variance where the margin is tested, as in stats.standard_error.
        variance = np.where(groups.is_constant, 0.0, groups.variance)
        error_of_mean, df_of_mean = _welch(variance / groups.n, groups.n, a, b)
    has_test = ~(groups.is_constant[a] & groups.is_constant[b])
    return _differences(
        difference,
        (np.where(has_test, error, np.nan), df),
        (np.where(has_test, error_of_mean, np.nan), df_of_mean),
        margin=_margins(groups, a, b, share),
    )


def paired_differences(
    groups: Summaries, differences: Floats, a: Integers, b: Integers, *, share: float
) -> Differences:
    """Return the paired comparison of pairs of groups that have the same seeds.

    Args:
        groups: The groups.
        differences: Of each pair, a minus b seed by seed, of shape (pairs, seeds).
        a: The number of the first group of each pair, of shape (pairs,).
        b: That of the second.
        share: The margin, as a share of the mean of both means.
    """
    n = differences.shape[1]
    largest = np.maximum(np.abs(groups.low), np.abs(groups.high))
    is_constant = _is_constant(np.ptp(differences, axis=1), np.maximum(largest[a], largest[b]))
    error = differences.std(axis=1, ddof=1) / np.sqrt(n)
    known = (np.where(is_constant, np.nan, error), np.full(len(a), n - 1.0))
    return _differences(differences.mean(axis=1), known, known, margin=_margins(groups, a, b, share))


def _is_constant(spread: Floats, scale: Floats) -> Booleans:
    return np.asarray(spread <= np.maximum(ROUNDING * scale, SMALLEST_SPREAD))


def _welch(variance_of_mean: Floats, n: Floats, a: Integers, b: Integers) -> tuple[Floats, Floats]:
    """Return the standard error of each difference, and its degrees of freedom."""
    part_a, part_b = variance_of_mean[a], variance_of_mean[b]
    square = part_a + part_b
    share_a, share_b = part_a / square, part_b / square
    df = 1 / (share_a**2 / (n[a] - 1) + share_b**2 / (n[b] - 1))
    return np.sqrt(square), df


def _margins(groups: Summaries, a: Integers, b: Integers, share: float) -> Floats:
    size = np.abs(groups.mean)
    margin = share * (size[a] + size[b]) / 2
    has_both_signs = (np.minimum(groups.low[a], groups.low[b]) < 0) & (
        np.maximum(groups.high[a], groups.high[b]) > 0
    )
    says_nothing = has_both_signs | groups.is_near_zero[a] | groups.is_near_zero[b]
    return np.where(says_nothing, np.nan, margin)


def _differences(
    difference: Floats, test: tuple[Floats, Floats], mean: tuple[Floats, Floats], *, margin: Floats
) -> Differences:
    """Return the differences, each with standard error and df of its test, and of its mean."""
    error, df = test
    half = special.stdtrit(df, (1 + CONFIDENCE) / 2) * error
    error_of_mean, df_of_mean = mean
    half_90 = -special.stdtrit(df_of_mean, ALPHA) * error_of_mean
    low, high = difference - half, difference + half
    holds_zero = (low <= 0) & (high >= 0)
    is_inside = (-margin < difference - half_90) & (difference + half_90 < margin)
    return Differences(
        margin=margin,
        standard_error=error_of_mean,
        df=df_of_mean,
        half_width=(high - low) / 2,
        is_undecided=holds_zero & ~is_inside & (margin > 0),
    )
