"""The runs whose curves are followed: all of them, those that failed or were stopped among them.

A comparison of one number a seed leaves out what has none. A curve has a part that was logged, and a time to
a target has a lower bound: here a run stays with what it has, and with what became of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.curves.failure import Failure, failure_of
from ired_diag.runs.clock import time_of_steps
from ired_diag.runs.labels import is_seed_label
from ired_diag.runs.run import Run

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Watched:
    """One run as far as it was logged.

    Attributes:
        label: ``seed0``, or ``unseeded-<job>``.
        places: Steps of its evaluations, or their times, increasing, of shape (n,); empty without one.
        values: Values of the metric, of the same shape.
        failure: Why it has no result; None where it has one.
        resumes: How often its clock starts again.
        without_time: How many evaluations are left out because no time was logged for them.
    """

    label: str
    places: Array
    values: Array
    failure: Failure | None
    resumes: int = 0
    without_time: int = 0

    @property
    def is_stopped(self) -> bool:
        """Whether it was stopped from outside, which says nothing of the method."""
        return self.failure is not None and self.failure.kind == "stopped"

    @property
    def has_failed(self) -> bool:
        """Whether it broke down."""
        return self.failure is not None and self.failure.kind != "stopped"

    @property
    def has_finite(self) -> bool:
        """Whether it has a finite value."""
        return bool(np.isfinite(self.values).any())

    @property
    def pairable(self) -> bool:
        """Whether its seed is known, and no other run of its group has the same."""
        return is_seed_label(self.label)


def watched_runs(
    groups: Mapping[str, Sequence[Run]],
    metric: str,
    *,
    lower_is_better: bool,
    judge_shape: bool = True,
    column: str | None = None,
) -> dict[str, list[Watched]]:
    """Return the runs of each group as far as they were logged.

    Args:
        groups: Runs by the name of their group.
        metric: Name of the logged metric.
        lower_is_better: Its direction.
        judge_shape: Whether a seed that diverged to a finite value has failed.
        column: The logged column that tells the time. Default: places are steps.
    """
    watched: dict[str, list[Watched]] = {}
    for name, runs in groups.items():
        of_group = watched.setdefault(name, [])
        for run in runs:
            failure = failure_of(run, metric, lower_is_better=lower_is_better, judge_shape=judge_shape)
            of_group.append(_watched(run, metric, failure, column))
    return watched


def _watched(run: Run, metric: str, failure: Failure | None, column: str | None) -> Watched:
    series = run.as_judged(metric)
    if series is None or not len(series):
        return Watched(label=run.seed_label, places=np.empty(0), values=np.empty(0), failure=failure)
    places = series.steps.astype(np.float64)
    values = series.values.astype(np.float64)
    if column is None:
        return Watched(label=run.seed_label, places=places, values=values, failure=failure)
    times, resumes = time_of_steps(run, column, places)
    is_later = np.concatenate([[True], np.diff(np.maximum.accumulate(np.nan_to_num(times))) > 0])
    keep = np.isfinite(times) & is_later
    return Watched(
        label=run.seed_label,
        places=times[keep],
        values=values[keep],
        failure=failure,
        resumes=resumes,
        without_time=int((~keep).sum()),
    )
