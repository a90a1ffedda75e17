"""What captions of pictures over several tasks say of scores, effects and intervals, in a paper's words."""

from __future__ import annotations

import math

import numpy as np

from ired_diag.comparison.across import Across
from ired_diag.comparison.across_amounts import is_lower_better
from ired_diag.comparison.across_words import coverage_of


def score_in_words(across: Across) -> str:
    """Return the sentences that say what a score is."""
    old = across.old
    reversed_tasks = ""
    if is_lower_better(across):
        reversed_tasks = ", counted so that higher is better"
    elif (across.scale.sign < 0).any():
        reversed_tasks = ", counted on each task so that higher is better"
    words = {
        "relative": f"A score is a run's result over the mean of {old} on the task{reversed_tasks}: 1.1 is "
        f"10% better than {old}.",
        "spread": f"A score is a run's distance from the mean of {old} on the task, in standard deviations "
        f"of its seeds{reversed_tasks}.",
        "reference": "A score is 0 at the low and 1 at the high reference of the task.",
        "raw": f"A score is a run's result as it is{reversed_tasks}, taken to have one unit on all tasks.",
    }
    return words[across.scale.name]


def effect_in_words(across: Across, *, has_mean: bool = True) -> str:
    """Return the sentence that says what an effect is, and what the mean is, where it is drawn."""
    old = across.old
    words = {
        "relative": f"An effect is the ratio of the means over seeds, as a percentage above {old}",
        "spread": "An effect is the difference of the means over seeds, in standard deviations of the seeds "
        f"of {old} on the task",
        "reference": "An effect is the difference of the means over seeds, as a share of the range from the "
        "low to the high reference of the task",
        "raw": "An effect is the difference of the means over seeds, taken to have one unit on all tasks",
    }
    if not has_mean:
        return f"{words[across.scale.name]}."
    mean = "geometric mean of the ratios" if across.scale.name == "relative" else "mean of the effects"
    return f"{words[across.scale.name]}; the last row is the {mean}, each task of equal weight."


def interval_in_caption(across: Across) -> str:
    """Return what the intervals of aggregates are, and how far they can be trusted."""
    shares = []
    for name, share in across.coverage.items():
        if any(name in group and math.isfinite(group[name].low) for group in across.aggregates.values()):
            shares.append(share)
    if not shares:
        return coverage_of(across)
    low, high = f"{100 * min(shares):.0f}", f"{100 * max(shares):.0f}"
    held = f"{low}%" if low == high else f"{low} to {high}%"
    exact = ""
    if across.scale.name in ("relative", "spread"):
        exact = f" They take the results of {across.old} that define the scores as exact."
    return (
        "Bars: 95% bootstrap intervals, widened for few seeds; in simulations "
        f"such intervals held the true value in {held} of cases.{exact}"
    )


def left_out_of_axis(across: Across, ends: tuple[float, float]) -> str:
    """Return how many scores lie beyond an axis; empty where none does."""
    pooled = np.concatenate([scores[np.isfinite(scores)] for scores in across.scores.values()])
    beyond = int(((pooled < ends[0]) | (pooled > ends[1])).sum())
    if not beyond:
        return ""
    return f" Beyond the ends of the x axis: {beyond} of {len(pooled)} scores."
