"""Runs as DataFrames: what one logged, and a row for each.

pandas is loaded when the first frame is made, so that a command that makes none does not wait for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from ired_diag.runs.history import History
    from ired_diag.runs.run import Run


def frame_of_history(history: History) -> pd.DataFrame:
    """Return what a run logged: one row for each step, one column for each metric, NaN where none was logged.

    The index is named ``step``. A NaN that the run logged cannot be distinguished from a step at which the
    metric was not logged; ``history.series`` keeps them apart.
    """
    import pandas as pd

    columns = {}
    for name, series in history.series.items():
        columns[name] = pd.Series(series.values, index=series.steps)
    frame = pd.DataFrame(columns).sort_index()
    frame.index.name = "step"
    return frame


def last_values(history: History) -> pd.DataFrame:
    """Return the last value of each metric, and the step at which it was logged: a row for each metric."""
    import pandas as pd

    rows = []
    for name, series in history.series.items():
        if len(series):
            rows.append((name, float(series.values[-1]), int(series.steps[-1])))
    return pd.DataFrame(rows, columns=["metric", "last value", "at step"])


def frame_of_runs(runs: Iterable[Run]) -> pd.DataFrame:
    """Return one row for each run: group, seed, ending, metric, and its last and best evaluation.

    The best is the minimum or maximum of all finite evaluations: of many noisy ones it is partly luck.
    """
    import pandas as pd

    rows = [_row(run) for run in runs]
    return pd.DataFrame(rows, columns=list(_EMPTY_ROW))


_EMPTY_ROW: dict[str, Any] = {
    "group": "",
    "run": "",
    "seed": None,
    "ending": "",
    "metric": None,
    "lower_is_better": None,
    "evaluations": 0,
    "last_step": None,
    "last": np.nan,
    "best_step": None,
    "best": np.nan,
    "path": "",
}


def _row(run: Run) -> dict[str, Any]:
    row = _EMPTY_ROW | {
        "group": run.group,
        "run": run.seed_label,
        "seed": run.seed,
        "ending": run.ending.label,
        "path": str(run.path),
    }
    if run.evaluated is None:
        return row
    metric, series = run.evaluated
    row |= {
        "metric": metric,
        "lower_is_better": run.lower_is_better,
        "evaluations": len(series),
        "last_step": int(series.steps[-1]),
        "last": float(series.values[-1]),
    }
    finite = np.flatnonzero(np.isfinite(series.values))
    if len(finite):
        signed = series.values[finite]
        if not run.lower_is_better:
            signed = -signed
        place = finite[np.argmin(signed)]
        row |= {"best_step": int(series.steps[place]), "best": float(series.values[place])}
    return row
