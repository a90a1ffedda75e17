"""Numbers of seeds against a prediction: one p value for it, one against it, the effect and its interval.

A prediction draws a line. With b the other group (or the constant threshold c), and a margin m,

    higher       mean(a) > mean(b) + m          or, m a share:   mean(a) > (1 + m) mean(b)
    lower        mean(a) < mean(b) - m                           mean(a) < (1 - m) mean(b)
    equivalent   both mean(a) > mean(b) - m and mean(a) < mean(b) + m, or with shares

A share multiplies the numbers of b before the test, so the noise of b's mean is part of it. Two one-sided
tests ask whether the mean lies on the predicted side of the line (``p_support``), or on the other
(``p_refute``). Equivalence is supported by the larger p of its two lines (two one-sided tests, Schuirmann
1987) and refuted by twice the smaller one of the opposite tests.

At a *fixed* number of seeds the tests are t tests: of one sample, of pairs, or Welch's. A *sequential* one
is judged by intervals that hold at any number of seeds together (``stats.anytime``): its p is the smallest α
at which they exclude the line, so that it may be asked after each seed.

Whether runs finish is a share of seeds with an exact binomial test and Clopper and Pearson's interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from ired_diag.plans.declared import Prediction
from ired_diag.stats.anytime import (
    Look,
    are_equal,
    earliest,
    look_at_difference,
    look_at_mean,
    looks_at_difference,
    looks_at_mean,
)

Array = NDArray[np.float64]

LARGE_LEVELS = (0.4999, 0.25, 0.1)  # α at which it is asked first whether a line is excluded
HALVINGS = 60  # of the level at which sequential intervals exclude a line
CERTAIN = 1e-12  # smallest p of a sequential test

NO_SPREAD = "All seeds have the same number: how far another seed would lie is unknown."
CONTRADICTION = (
    "The seeds contradict what is assumed of them (independent, one distribution): no mean is left. Look at "
    "them in their order: did something change between them?"
)
NO_SHARE = (
    "The margin is a share of the other group's mean, and that mean is not above 0. Declare a margin in the "
    "unit of the number."
)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What the numbers say of a prediction, before any correction.

    Attributes:
        p_support: One-sided p of the prediction; NaN where nothing can be tested.
        p_refute: One-sided p of its opposite.
        effect: Mean difference to the other group or to the threshold; of ``finished``, the share.
        low: Lower end of the (1 - 2α) interval of the effect.
        high: Upper end.
        reason: Why nothing can be tested; empty where something was.
    """

    p_support: float
    p_refute: float
    effect: float
    low: float
    high: float
    reason: str = ""


@dataclass(frozen=True)
class _Numbers:
    """The numbers of both groups, ready for a test.

    Attributes:
        a: Numbers of the group.
        b: Numbers of the other group; empty of a threshold.
        is_paired: Whether they are pairs, place by place.
        is_sequential: Whether the number of seeds may be looked at again and again.
        alpha: Level of each of the two one-sided tests.
    """

    a: Array
    b: Array
    is_paired: bool
    is_sequential: bool
    alpha: float


def judge(
    prediction: Prediction,
    a: ArrayLike,
    b: ArrayLike,
    *,
    is_paired: bool,
    alpha: float,
) -> Judged:
    """Return what numbers of seeds say of a prediction.

    Args:
        prediction: The prediction.
        a: Number of each seed of its group, in the order of the seeds.
        b: The same of the group that it is compared with; empty of a threshold.
        is_paired: Whether the numbers are pairs, place by place.
        alpha: Level of each of the two one-sided tests, for the interval.
    """
    numbers = _Numbers(
        a=np.asarray(a, dtype=np.float64),
        b=np.asarray(b, dtype=np.float64),
        is_paired=is_paired,
        is_sequential=prediction.stopping == "sequential",
        alpha=alpha,
    )
    share, margin = prediction.margin_parts
    reason = _obstacle(numbers)
    if share and not reason and not numbers.b.mean() > 0:
        reason = NO_SHARE
    threshold = prediction.threshold or 0.0
    effect, low, high = _effect(numbers, threshold)
    if low > high:  # each at any number of seeds: together they leave no mean
        reason = reason or CONTRADICTION
    if reason:
        return Judged(
            p_support=math.nan,
            p_refute=math.nan,
            effect=effect,
            low=math.nan,
            high=math.nan,
            reason=reason,
        )
    upper = _line(share=share, margin=margin, threshold=threshold)
    lower = _line(share=share, margin=-margin, threshold=threshold)
    p_support, p_refute = _two_sides(prediction, numbers, lower=lower, upper=upper)
    return Judged(
        p_support=p_support,
        p_refute=p_refute,
        effect=effect,
        low=low,
        high=high,
    )


def judge_share(prediction: Prediction, finished: int, attempted: int, *, alpha: float) -> Judged:
    """Return what a number of finished runs says of the predicted share.

    Args:
        prediction: The prediction, with a threshold.
        finished: Runs that finished.
        attempted: Runs that finished or failed; at least 1.
        alpha: Level of each of the two one-sided tests, for the interval.
    """
    threshold = prediction.threshold or 0.0
    test_above = stats.binomtest(finished, attempted, threshold, alternative="greater")
    test_below = stats.binomtest(finished, attempted, threshold, alternative="less")
    above, below = float(test_above.pvalue), float(test_below.pvalue)
    if prediction.direction == "lower":
        above, below = below, above
    interval = stats.binomtest(finished, attempted).proportion_ci(1 - 2 * alpha, method="exact")
    return Judged(
        p_support=above,
        p_refute=below,
        effect=finished / attempted,
        low=float(interval.low),
        high=float(interval.high),
    )


def why_undecidable(prediction: Prediction, *, alpha: float, is_unpaired: bool) -> str:
    """Return that no outcome with so few seeds can decide a prediction; empty where one can.

    Args:
        prediction: The prediction.
        alpha: Level of each of the two one-sided tests.
        is_unpaired: Whether two groups are compared that are not pairs.
    """
    if prediction.of_run == "finished":
        threshold = prediction.threshold or 0.0
        chance = threshold if prediction.direction == "higher" else 1 - threshold
        least = chance**prediction.n
        if least > alpha:
            return f"With n = {prediction.n} even the best outcome has p = {least:.3g}: declare more seeds."
    if prediction.stopping == "sequential":
        level = alpha if is_unpaired else 2 * alpha  # two groups share it
        first = earliest(level)
        if prediction.n < first:
            return f"Nothing can be decided before seed {first}, and the plan ends at {prediction.n}."
    return ""


def _two_sides(
    prediction: Prediction,
    numbers: _Numbers,
    *,
    lower: tuple[float, float],
    upper: tuple[float, float],
) -> tuple[float, float]:
    """Return the p values for and against a prediction, by its two lines."""
    if prediction.direction == "higher":
        return _p_above(numbers, upper), _p_below(numbers, upper)
    if prediction.direction == "lower":
        return _p_below(numbers, lower), _p_above(numbers, lower)
    support = max(_p_above(numbers, lower), _p_below(numbers, upper))
    beyond = min(_p_below(numbers, lower), _p_above(numbers, upper))
    return support, min(1.0, 2 * beyond)


def _line(*, share: bool, margin: float, threshold: float) -> tuple[float, float]:
    """Return a line as factor and offset: it is at factor · mean(b) + offset."""
    if share:
        return 1 + margin, 0.0
    return 1.0, threshold + margin


def _obstacle(numbers: _Numbers) -> str:
    """Return why no test is possible; empty where one is."""
    groups = [numbers.a]
    if numbers.is_paired:
        groups = [numbers.a - numbers.b]
    elif len(numbers.b):
        groups.append(numbers.b)
    if any(len(group) < 2 for group in groups):
        return "A group has fewer than two seeds with a number."
    if all(are_equal(group) for group in groups):
        return NO_SPREAD
    # Pairs that differ by one amount: their differences are its rounding, and no noise.
    if numbers.is_paired and _is_rounding(groups[0], numbers.a):
        return NO_SPREAD
    # A sequential interval is made for each group by itself, so each must show its noise.
    if numbers.is_sequential and any(are_equal(group) for group in groups):
        return NO_SPREAD
    return ""


def _is_rounding(differences: Array, values: Array) -> bool:
    """Say whether differences of pairs differ by no more than the rounding of the values."""
    return bool(np.ptp(differences) <= 1e-12 * np.abs(values).max())


def _effect(numbers: _Numbers, threshold: float) -> tuple[float, float, float]:
    """Return the mean difference and its (1 - 2α) interval."""
    if not len(numbers.a):
        return math.nan, math.nan, math.nan
    if not len(numbers.b):
        effect = float(numbers.a.mean()) - threshold
    else:
        effect = float(numbers.a.mean()) - float(numbers.b.mean())
    if _obstacle(numbers):
        return effect, math.nan, math.nan
    if numbers.is_sequential:
        last = _last_look(numbers, (1.0, threshold), 2 * numbers.alpha)
        return effect, last.low, last.high
    centre, error, freedom = _standard_error(numbers, (1.0, threshold))
    half = float(special.stdtrit(freedom, 1 - numbers.alpha)) * error
    return centre, centre - half, centre + half


def _p_above(numbers: _Numbers, line: tuple[float, float]) -> float:
    """Return the one-sided p of the mean lying above a line."""
    if numbers.is_sequential:
        return _sequential_p(numbers, line, above=True)
    centre, error, freedom = _standard_error(numbers, line)
    return float(special.stdtr(freedom, -centre / error))


def _p_below(numbers: _Numbers, line: tuple[float, float]) -> float:
    """Return the one-sided p of the mean lying below a line."""
    if numbers.is_sequential:
        return _sequential_p(numbers, line, above=False)
    centre, error, freedom = _standard_error(numbers, line)
    return float(special.stdtr(freedom, centre / error))


def _standard_error(numbers: _Numbers, line: tuple[float, float]) -> tuple[float, float, float]:
    """Return how far the mean lies above a line, with its standard error and degrees of freedom."""
    factor, offset = line
    scaled = factor * numbers.b
    if numbers.is_paired or not len(numbers.b):
        differences = numbers.a - offset
        if numbers.is_paired:
            differences = differences - scaled
        n = len(differences)
        error = float(differences.std(ddof=1)) / math.sqrt(n)
        return float(differences.mean()), error, n - 1
    # Welch's, with Satterthwaite's degrees of freedom; squares of the parts themselves could underflow.
    parts = np.array([numbers.a.var(ddof=1) / len(numbers.a), scaled.var(ddof=1) / len(scaled)])
    square = float(parts.sum())
    shares = parts / square
    below = np.array([len(numbers.a) - 1, len(scaled) - 1])
    freedom = 1 / float((shares**2 / below).sum())
    centre = float(numbers.a.mean()) - float(scaled.mean()) - offset
    return centre, math.sqrt(square), freedom


def _sequential_p(numbers: _Numbers, line: tuple[float, float], *, above: bool) -> float:
    """Return the smallest α at which the intervals of level 1 - 2α exclude a line on one side."""

    def excludes(alpha: float) -> bool:
        look = _last_look(numbers, line, 2 * alpha)
        if look.is_empty:
            return False
        if above:
            return look.low > 0
        return look.high < 0

    # At a large α the intervals may exclude every mean, which says nothing of smaller ones.
    levels = [level for level in (*LARGE_LEVELS, numbers.alpha) if excludes(level)]
    if not levels:
        return 1.0
    high = levels[0]
    low = CERTAIN
    if excludes(low):
        return low
    for _ in range(HALVINGS):
        middle = math.sqrt(low * high)
        if excludes(middle):
            high = middle
        else:
            low = middle
        if high / low < 1.0001:
            break
    return high


def _last_look(numbers: _Numbers, line: tuple[float, float], alpha: float) -> Look:
    """Return what is known, after all seeds, of how far the mean lies above a line."""
    factor, offset = line
    scaled = factor * numbers.b
    values = numbers.a - offset
    if numbers.is_paired:
        values = values - scaled
    # The order in which seeds finished is unknown: the interval of all decides, as in the gate.
    if numbers.is_paired or not len(numbers.b):
        *_, in_order = looks_at_mean(values.tolist(), alpha=alpha)
        look = look_at_mean(values.tolist(), alpha=alpha)
    else:
        *_, in_order = looks_at_difference(values.tolist(), scaled.tolist(), alpha=alpha)
        look = look_at_difference(values.tolist(), scaled.tolist(), alpha=alpha)
    if in_order.is_empty:
        return in_order
    return look
