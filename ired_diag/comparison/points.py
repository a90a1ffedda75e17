"""Percentage points: the difference of metrics that are percentages themselves.

Of accuracies of 92.14% and 90.99% the difference is 1.15 points, and 1.26% of the second one. The two are
easily taken for each other, so both are printed. A metric is in percent where its name says so (``%``,
``percent``, ``pct``), or is that of an accuracy, and all values lie above 1 and up to 100.
"""

from __future__ import annotations

from ired_diag.comparison import Comparison
from ired_diag.runs.metric_words import words_of

ACCURACIES = frozenset({"acc", "accuracy"})
PERCENT = frozenset({"percent", "percentage", "pct", "perc"})


def points_in_words(difference: float, comparison: Comparison) -> str:
    """Return a difference in percentage points, for the words before its relative percentage.

    It is empty where the metric is not a share or a percentage.
    """
    if not comparison.in_percent or not _is_in_percent(comparison):
        return ""
    return f"{difference:.3g} points, "


def _is_in_percent(comparison: Comparison) -> bool:
    words = set(words_of(comparison.metric))
    if "%" not in comparison.metric and not words & (ACCURACIES | PERCENT):
        return False
    values: list[float] = []
    for group in comparison.groups:
        values += group.values.values()
    # An accuracy between 0 and 1 is a share.
    return bool(values) and all(1 < value <= 100 for value in values)
