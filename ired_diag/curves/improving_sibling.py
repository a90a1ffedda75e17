"""Another evaluation metric of a run that improves while the judged one stays flat.

The denoising loss of a diffusion model is nearly flat from the first thousand steps on while the quality of
its samples improves; so is a contrastive loss near log N. A training that such a metric shows to work is not
stuck: what stays flat says little of it. Only metrics of an evaluation count, because a training loss that
falls while the validation does not is a mistake of its own, and only those whose name says their direction.
A metric is of an evaluation by its name, or if it is logged at the judged metric's steps alone while others
are logged at more.
"""

from __future__ import annotations

import numpy as np

from ired_diag.curves.shape import shape_of
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import words_of
from ired_diag.runs.run import Run

OF_EVALUATION = frozenset("val valid validation eval evaluation test fid kid".split())
OF_TRAINING = frozenset("train training batch running".split())
FEWEST = 8  # evaluations
OFTENER = 2  # times as many steps
CLEAR = 0.05  # of the first fifth's level: an improvement that is plain to see


def improving_sibling(run: Run) -> str | None:
    """Return an evaluation metric that improves while the judged one does not; None where there is none."""
    if run.evaluated is None:
        return None
    judged, _ = run.evaluated
    for name, series in run.history.series.items():
        words = set(words_of(name))
        if name == judged or len(series) < FEWEST or words & OF_TRAINING:
            continue
        if not words & OF_EVALUATION and not _is_evaluated_with(series, run):
            continue
        direction = run.direction_of(name)
        values = np.asarray(series.values, dtype=np.float64)
        if direction.source == "assumed" or not np.isfinite(values).all():
            continue
        fifth = max(1, len(values) // 5)
        first, last = float(np.median(values[:fifth])), float(np.median(values[-fifth:]))
        won = first - last if direction.lower_is_better else last - first
        if won < CLEAR * abs(first):
            continue
        shape = shape_of(series.steps, values, lower_is_better=direction.lower_is_better)
        if shape.word in ("converged", "improving"):
            return name
    return None


def _is_evaluated_with(series: Series, run: Run) -> bool:
    """Say whether a metric is logged at just the judged metric's steps, and others at more."""
    if run.evaluated is None or not np.array_equal(series.steps, run.evaluated[1].steps):
        return False
    return max(map(len, run.history.series.values())) >= OFTENER * len(series)
