"""The gate for a cross-validation: keep a change or drop it by all folds, looked at once.

There are no more folds to wait for, so the interval is that of one look: the corrected resampled t test at
level 1 - 2α, of pairs of folds, of two groups, or of one group and a threshold (``fold_runs``). A change is
kept where the margin lies below it and dropped where the margin lies above it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ired_diag.comparison.fold_runs import difference_over_folds, further_runs, mean_of_group
from ired_diag.comparison.gate import Decision, Verdict
from ired_diag.comparison.group import Group
from ired_diag.runs.name_list import counted
from ired_diag.stats.mean_estimate import StudentEstimate
from ired_diag.stats.standard_error import MeanDifference

FEWEST = 2  # folds


def decide_by_folds(
    groups: Sequence[Group],
    threshold: float | None,
    *,
    lower_is_better: bool,
    is_paired: bool,
    margin: float,
    alpha: float,
    failed: int,
    is_followed: bool = False,
) -> Decision:
    """Return whether to keep a change that was trained on folds.

    Args:
        groups: The new group, and the old one where there is no threshold.
        threshold: A number without noise instead of an old group.
        lower_is_better: Direction of the metric.
        is_paired: Whether folds of equal numbers are pairs.
        margin: By how much the mean must be better, in the unit of the metric.
        alpha: Chance to keep, and chance to drop, a change whose mean is at the margin.
        failed: Runs of either group that failed, and have no number.
        is_followed: Whether one looks after each fold: then nothing is decided.
    """
    new, *others = groups
    shift = threshold or 0.0
    if others:
        folds = (new.folds, others[0].folds)
        mean = difference_over_folds(folds, new.values, others[0].values, is_paired=is_paired)
    else:
        mean = mean_of_group(new.folds, new.values)
    better_by, low, high = _improvement(mean, shift, 1 - 2 * alpha, lower_is_better=lower_is_better)
    verdict: Verdict = "undecided"
    may_decide = not failed and not is_followed
    if may_decide and low > margin:
        verdict = "keep"
    elif may_decide and high < margin:
        verdict = "drop"
    reason = _reason(verdict, mean, failed, further_runs([group.folds for group in groups]))
    if is_followed:
        reason = "Folds are looked at once, when all are there: ired-diag gate, without an order."
    unpaired = bool(others) and not is_paired
    n = mean.n if is_paired else len(new.values)
    return Decision(
        verdict=verdict,
        design="threshold" if not others else "unpaired" if unpaired else "paired",
        n=n,
        n_base=len(others[0].values) if unpaired else 0,
        decided_at=None if verdict == "undecided" else n,
        better_by=better_by,
        low=low,
        high=high,
        level=1 - 2 * alpha,
        margin=margin,
        earliest=FEWEST,
        more=None,
        reason=reason,
    )


def _improvement(
    mean: MeanDifference, shift: float, confidence: float, *, lower_is_better: bool
) -> tuple[float, float, float]:
    """Return how much better the mean is, with its interval; infinite ends where there is none."""
    low, high = -math.inf, math.inf
    if not mean.reason:
        low, high = StudentEstimate(mean).interval(confidence)
    if lower_is_better:
        return shift - mean.difference, shift - high, shift - low
    return mean.difference - shift, low - shift, high - shift


def _reason(verdict: Verdict, mean: MeanDifference, failed: int, further: str) -> str:
    if failed:
        return f"{counted(failed, 'run')} failed: a mean over the others would be one of survivors."
    if mean.reason:
        return f"There is no interval: {mean.reason}."
    if verdict == "keep":
        return "The mean is above the margin: decided by all folds, looked at once."
    if verdict == "drop":
        return "The mean is below the margin: decided by all folds, looked at once."
    return f"The margin lies within the interval. What would tell more: {further}."
