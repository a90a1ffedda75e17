"""Verdict: better, worse, equivalent or undecided, from two intervals of one difference and a margin.

Of the difference a - b, with m the margin that says what is too small to matter:

    the 95% interval excludes 0                                        better or worse, by its sign
        and the 90% interval lies inside (-m, m)                       ... but smaller than the margin
    the 95% interval holds 0, the 90% interval lies inside (-m, m)     equivalent
    else                                                               undecided

The first line is a two-sided test at 5%, the second and third are two one-sided tests at 5%. An interval that
ends at 0 holds it; one that ends at the margin is not inside. "Undecided" says nothing of the means: it says
that there is too little data to tell. Swapping a and b turns better into worse and changes nothing else.

With k pairs of groups, each tested at 5%, some are called different where none is: of 15 pairs in up to half
of all studies. ``correct`` therefore asks of both kinds of test that the p value adjusted for k tests is at
most 5%. It only takes back; a better or worse that is taken back may still be equivalent.

Two groups with the same numbers to the last digit are no case for intervals: whoever compares them calls them
"identical" (``comparison.identical``), and no correction changes that.

References: Holm (1979), A Simple Sequentially Rejective Multiple Test Procedure; Wellek (2010), Testing
Statistical Hypotheses of Equivalence and Noninferiority.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Decision = Literal["better", "worse", "equivalent", "undecided", "identical"]
Interval = tuple[float, float]

ALPHA = 0.05


@dataclass(frozen=True)
class Verdict:
    """What a comparison of a with b comes to.

    Attributes:
        decision: Decision on a in comparison with b.
        smaller_than_margin: Whether the 90% interval shows that the difference is smaller than the margin.
        reason: Why, in one sentence with the numbers.
    """

    decision: Decision
    smaller_than_margin: bool
    reason: str


def judge(
    *,
    interval_95: Interval,
    interval_90: Interval,
    margin: float,
    lower_is_better: bool = True,
    names: tuple[str, str] = ("a", "b"),
) -> Verdict:
    """Return the verdict on a difference a - b.

    Args:
        interval_95: Ends of its 95% interval, in the unit of the metric.
        interval_90: Ends of its 90% interval, by the same method.
        margin: What is too small to matter, in the same unit; without one (NaN, or not positive) nothing is
            equivalent or smaller than it.
        lower_is_better: Whether a negative difference is good for a.
        names: Names of a and b, for the sentence.

    >>> judge(interval_95=(0.1, 0.3), interval_90=(0.12, 0.28), margin=0.2).decision
    'worse'
    """
    a, b = names
    low, high = interval_95
    if math.isnan(low) or math.isnan(high):
        return Verdict("undecided", False, f"the difference {a} - {b} has no 95% interval")
    low_90, high_90 = interval_90
    if low > high or low_90 > high_90:
        ends = f"{_ends(interval_95)} (95%), {_ends(interval_90)} (90%)"
        return Verdict("undecided", False, f"an interval ends before it begins: {ends}")
    wide = f"the 95% interval of the difference, {_ends(interval_95)}"
    has_margin = 0 < margin < math.inf
    inside = has_margin and -margin < low_90 and high_90 < margin
    size = _size(inside, interval_90, margin)
    if low > 0 or high < 0:
        is_lower = high < 0
        decision: Decision = "worse"
        if is_lower == lower_is_better:
            decision = "better"
        reason = f"{a} is {decision} than {b}: {wide}, excludes 0; {size}"
        return Verdict(decision, inside, reason)
    if inside:
        reason = f"{a} and {b} are equivalent: {wide}, holds 0, and {size}"
        return Verdict("equivalent", True, reason)
    reason = f"whether {a} and {b} differ is undecided: {wide}, holds 0, and {size}"
    return Verdict("undecided", False, reason)


def correct(
    verdict: Verdict,
    *,
    p: float,
    p_equivalence: float,
    pairs: int,
    names: tuple[str, str] = ("a", "b"),
) -> Verdict:
    """Return the verdict on one of several pairs of groups, after correction for their number.

    Args:
        verdict: Verdict by the pair's own intervals.
        p: Adjusted p value of the test of a difference.
        p_equivalence: Adjusted p value of the test of equivalence.
        pairs: How many pairs of groups there are.
        names: Names of a and b, for the sentence.
    """
    decision = verdict.decision
    if decision == "identical":
        return verdict
    small = verdict.smaller_than_margin and p_equivalence <= ALPHA
    unchanged = Verdict(decision, small, verdict.reason)
    if decision == "undecided" and not small:
        return unchanged
    if decision in ("better", "worse") and p <= ALPHA:
        return unchanged
    if decision == "equivalent" and small:
        return unchanged
    groups = " and ".join(names)
    after = f"after correction for {pairs} pairs"
    if small:
        reason = f"{groups} are equivalent: not shown to differ {after} (p = {p:.2g}), and inside the margin"
        return Verdict("equivalent", True, f"{reason} (p = {p_equivalence:.2g})")
    shown = f"different {after} (p = {p:.2g})"
    if decision == "equivalent":
        shown = f"equivalent {after} (p = {p_equivalence:.2g})"
    return Verdict("undecided", False, f"whether {groups} differ is undecided: not shown to be {shown}")


def _size(inside: bool, interval: Interval, margin: float) -> str:
    """Say how the 90% interval lies to the margin."""
    if not 0 < margin < math.inf:
        return "there is no margin to compare it with"
    low, high = interval
    if math.isnan(low) or math.isnan(high):
        return "there is no 90% interval to compare with the margin"
    lies = "lies" if inside else "does not lie"
    ends = _ends(interval)
    return f"the 90% interval, {ends}, {lies} inside the margin ±{margin:.4g}"


def _ends(interval: Interval) -> str:
    low, high = interval
    return f"{low:.4g} to {high:.4g}"
