"""How a score ends below its best: by a clear fall, and by how much of what it won?

**A score below 0** (a negative reward) has an arbitrary 0, so that its ratios mean little. With w what it won
from its start to its best, and l what it lost from there to the median of its last five evaluations, it keeps
1 - l / w.

**Returns of single episodes** scatter the more the higher they are. The noise of the start, by which a curve
may be judged, is no measure of the noise at the end: a fall is clear where three of four pairs of an
evaluation since its onset and one just before it are in that order (the Mann-Whitney statistic).
"""

from __future__ import annotations

import numpy as np

from ired_diag.curves.onset import Onset
from ired_diag.runs.history import Series
from ired_diag.stats.arrays import Array

ENDS = 5  # evaluations
EPISODES = 100  # evaluations: so many are single episodes
MANY_BEFORE = 20  # evaluations before an onset, if there are more than after it
FEWEST_COMPARED = 5  # on each side of an onset
MOSTLY_WORSE = 0.75  # of the pairs


def share_kept(series: Series) -> float:
    """Return which share of what it won a score below 0 keeps at its end; 0 of any other."""
    values: Array = np.asarray(series.values, dtype=np.float64)
    is_finite = np.isfinite(values).all()
    best = float(values.max())
    won = best - float(values[0])
    if not is_finite or best >= 0 or won <= 0:
        return 0.0
    end = float(np.median(values[-ENDS:]))
    lost = best - end
    return 1 - lost / won


def falls_clearly(series: Series, onset: Onset | None) -> bool:
    """Say whether a score is worse since the onset of its fall than just before, beyond its scatter.

    Args:
        series: The score; higher is better.
        onset: Where its fall begins; None where that is unknown.
    """
    values: Array = np.asarray(series.values, dtype=np.float64)
    is_of_episodes = len(values) >= EPISODES
    if onset is None or not is_of_episodes:
        return True
    if not np.isfinite(values).all():
        return True
    steps = np.asarray(series.steps)
    first = int(np.searchsorted(steps, onset.step))
    after = values[first:]
    length = max(len(after), MANY_BEFORE)
    start = max(0, first - length)
    before = values[start:first]
    fewest = min(len(after), len(before))
    if fewest < FEWEST_COMPARED:
        return True
    is_worse = after[:, None] < before[None, :]
    share_worse = float(np.mean(is_worse))
    return share_worse >= MOSTLY_WORSE
