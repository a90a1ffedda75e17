"""What a reader should ask of groups with the same numbers to the last digit.

Equal curves ask whether both ran the same. Where earlier evaluations differ they did not, and the numbers
that are compared do not tell them apart. The most common reason is a metric at the end of its scale: every
seed solves every task, or none. How good a run became is then equal, and how soon it did may differ.
"""

from __future__ import annotations

from ired_diag.comparison import Comparison
from ired_diag.comparison.pairs import PairOfGroups
from ired_diag.runs.metric_limits import limits_of, share_of
from ired_diag.runs.metric_words import measures_in, words_of

PERCENT = 100.0
SUCCESSES = frozenset("hit pass solved success win winrate".split())


def identity_in_words(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return that two groups have the same numbers, and what that means; empty where they differ.

    Args:
        pair: The two groups.
        comparison: The comparison, with the numbers of their seeds.
    """
    if not pair.identical:
        return ""
    statement = f"{pair.a} and {pair.b} are {pair.identical}"
    level = _level_of(pair, comparison)
    if not pair.curves_differ:
        question = f"{statement}: did they run the same?"
        if level is None or not is_end_of_scale(comparison.metric, level):
            return question
        return f"{question} All are at {_end(level, comparison)}, where equal numbers alone prove nothing."
    if level is None:
        return f"{statement}: they did not run the same, and these numbers do not tell them apart."
    place = f"at {level:g}"
    if is_end_of_scale(comparison.metric, level):
        place = f"at {_end(level, comparison)}"
    return (
        f"{statement}. All are {place}, so that these numbers cannot tell them apart. How soon they got "
        "there may differ: --readout area compares it, and so does ired-diag when."
    )


def is_end_of_scale(metric: str, level: float) -> bool:
    """Say whether a value is the lowest or the highest that a metric has.

    Args:
        metric: Name of the metric.
        level: The value.

    >>> is_end_of_scale("success_rate", 1.0), is_end_of_scale("val_mse", 0.0), is_end_of_scale("loss", 1.0)
    (True, True, False)
    """
    words = words_of(metric)
    is_success = any(measure in SUCCESSES for measure in measures_in(words))
    if level == PERCENT:
        return is_success or share_of(metric) is not None
    if is_success:
        return level in (0.0, 1.0)
    limits = limits_of(metric)
    return limits is not None and level in limits


def _level_of(pair: PairOfGroups, comparison: Comparison) -> float | None:
    """Return the one number that all seeds of both groups have; None where they have several."""
    levels: set[float] = set()
    for group in comparison.groups:
        if group.name in (pair.a, pair.b):
            levels.update(group.values.values())
    if len(levels) != 1:
        return None
    return levels.pop()


def _end(level: float, comparison: Comparison) -> str:
    return f"{level:g}, the end of the scale of {comparison.metric}"
