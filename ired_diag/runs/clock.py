"""Where the evaluations of a run lie: at steps, or at times that the run logged.

A logged time counts from the start of a job. Where it falls, the run was resumed and counts from 0 again: the
total before is added, so that time between the jobs is not counted. A column that falls often is the length
of each step and no clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import DiagError, NotFound
from ired_diag.runs.run import Run

Array = NDArray[np.float64]
Groups = Mapping[str, Sequence[Run]]

# The last part of a metric's name, in lower case and without what is no letter.
CLOCKS = (
    "traintime",
    "trainingtime",
    "elapsed",
    "elapsedtime",
    "elapseds",
    "elapsedsec",
    "elapsedseconds",
    "timeelapsed",
    "runtime",
    "walltime",
    "wallclock",
    "wallclocktime",
    "wallseconds",
    "totaltime",
    "time",
    "times",
    "timesec",
    "seconds",
    "minutes",
    "hours",
)
MOST_FALLS = 0.1  # of the rows: a run is resumed now and then, the length of a step falls at every other


def clock_column(groups: Groups, column: str | None = None) -> str:
    """Return the logged column that tells the time in all runs.

    Args:
        groups: Runs by the name of their group.
        column: The user's choice. Default: detected by name.

    Raises:
        NotFound: No run logs it; or none is named, and none is known.
        DiagError: It falls too often to be a clock.
    """
    logged: dict[str, None] = {}
    for runs in groups.values():
        for run in runs:
            logged.update(dict.fromkeys(run.history.series))
    if column is None:
        for name in sorted(filter(_may_be_clock, logged), key=_place_in_clocks):
            if not _falls_too_often(groups, name):
                return name
        listed = ", ".join(sorted(logged)) or "nothing"
        raise NotFound(
            "No logged column is known to tell the time since the start of training. Name it with "
            f"--time-column NAME. Logged: {listed}."
        )
    if column not in logged:
        raise NotFound(f"--time-column {column}: no run logs it. Logged: {', '.join(sorted(logged))}.")
    if _falls_too_often(groups, column):
        raise DiagError(
            f"--time-column {column}: it falls at more than {MOST_FALLS:.0%} of its rows, so it is not the "
            "time since the start of training. Name a column that grows."
        )
    return column


def time_of_steps(run: Run, column: str, steps: Array) -> tuple[Array, int]:
    """Return the time at each of a run's steps, NaN outside of what it logged, and how often it was resumed.

    Args:
        run: The run.
        column: The logged column that tells the time.
        steps: Steps of its evaluations, of shape (n,).
    """
    series = run.history.series.get(column)
    if series is None:
        return np.full(len(steps), np.nan), 0
    is_finite = np.isfinite(series.values)
    logged_at = series.steps[is_finite].astype(np.float64)
    times = series.values[is_finite].astype(np.float64)
    if not len(times):
        return np.full(len(steps), np.nan), 0
    falls = np.diff(times) < 0
    # The clock of each job starts at 0, so that what the job before it took is added to all that follows.
    before = np.where(falls, times[:-1], 0.0)
    total = times + np.concatenate([[0.0], before.cumsum()])
    at_steps = np.interp(steps, logged_at, total, left=np.nan, right=np.nan)
    return at_steps, int(falls.sum())


def _may_be_clock(name: str) -> bool:
    return _plain(name) in CLOCKS


def _place_in_clocks(name: str) -> int:
    return CLOCKS.index(_plain(name))


def _plain(name: str) -> str:
    """Return the last part of a name in plain letters.

    >>> _plain("perf/_runtime"), _plain("elapsed (s)")
    ('runtime', 'elapseds')
    """
    last = re.split(r"[/.]", name)[-1]
    return re.sub(r"[^a-z]", "", last.lower())


def _falls_too_often(groups: Groups, column: str) -> bool:
    falls = rows = 0
    for runs in groups.values():
        for run in runs:
            series = run.history.series.get(column)
            if series is None:
                continue
            rows += max(0, len(series) - 1)
            falls += int((np.diff(series.values) < 0).sum())
    return rows == 0 or falls > MOST_FALLS * rows
