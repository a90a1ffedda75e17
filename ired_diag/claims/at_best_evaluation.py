"""The other metrics of a run where the one that judges it is best: test accuracy at the best loss.

Early stopping reports each metric of the checkpoint that was kept. Such a number is neither the last nor the
best value of its own metric.
"""

from __future__ import annotations

import numpy as np

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim
from ired_diag.claims.ranges import Range, fits

LEVELS = ("mean", "level")


def is_at_best_evaluation(claim: Claim, book: Book, judged: Book) -> bool:
    """Say whether a level is the mean over the seeds of a metric where another metric is best.

    Args:
        claim: In the unit of the runs.
        book: The runs by the metric of the claim.
        judged: The runs by the other metric.
    """
    group = book.only_group(claim)
    if claim.kind not in LEVELS or group is None or group not in judged.groups.members:
        return False
    mean = _mean_at_best(group, book, judged)
    return mean is not None and fits(claim.number, Range.around(mean, book.groups.half_of_means(group)))


def _mean_at_best(group: str, book: Book, judged: Book) -> float | None:
    """Return the mean of a metric at each seed's best evaluation of another; None where a seed has none."""
    curves = {seed.label: seed for seed in book.groups.members[group].seeds}
    values = []
    for seed in judged.groups.members[group].seeds:
        place = np.argmin(seed.values) if judged.groups.lower_is_better else np.argmax(seed.values)
        curve = curves.get(seed.label)
        there = np.flatnonzero(curve.steps == seed.steps[place]) if curve else np.array([], dtype=int)
        if curve is None or len(there) != 1:
            return None
        values.append(float(curve.values[there[0]]))
    return float(np.mean(values)) if values else None
