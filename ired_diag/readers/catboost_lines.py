"""CatBoost's lines, which name the data and not the measure.

    10:     learn: 0.3012        test: 0.3318    best: 0.3301 (9)        total: 81ms     remaining: 656ms

``test`` decides, as in CatBoost's own choice of the best model. Its direction is that of ``best``, which only
falls (a loss) or only rises (AUC, accuracy).

Source: catboost 1.2, its output with ``eval_set`` and ``verbose``.
"""

from __future__ import annotations

import numpy as np

from ired_diag.runs.history import History
from ired_diag.runs.run import RecordedMetric

COLUMNS = ("test", "best", "remaining")


def judged_metric(history: History) -> RecordedMetric | None:
    """Return the metric of a log of CatBoost, with its direction; None where it shows none."""
    if any(name not in history.series for name in COLUMNS):
        return None
    changes = np.diff(history.series["best"].values)
    if np.all(changes <= 0) == np.all(changes >= 0):
        return None
    return RecordedMetric("test", bool(np.all(changes >= 0)), source="log")
