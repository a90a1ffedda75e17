"""Why a run has no result to average: it failed, it was stopped from outside, or it never logged the metric.

A run fails where its training breaks down: its metric ends not finite, its curve diverges, or its program
dies of an error. Such a run is a result, the worst there is. One that the scheduler or a person stopped says
nothing of the method.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ired_diag.curves.moving_setting import moving_setting_of
from ired_diag.curves.shape import Shape, divergence_of
from ired_diag.runs.ending import LABELS
from ired_diag.runs.history import Series
from ired_diag.runs.over_fitting import over_fitting_of
from ired_diag.runs.run import Run

FailureKind = Literal["not finite", "diverged", "crashed", "stopped", "copied", "evaluated as another"]


@dataclass(frozen=True)
class Failure:
    """A seed without a result to average.

    Attributes:
        label: Label of the seed.
        kind: ``stopped``, ``copied`` and ``evaluated as another`` (its validation curve is that of another
            seed) are no failures of the method; all others are. A seed that never logged the metric, and did
            not die of an error, counts as stopped.
        step: Step of its last evaluation; None where it has none.
        reason: One sentence with the numbers.
        cause: How its job ended, or what it lacks, in a few words: ``time limit``.
    """

    label: str
    kind: FailureKind
    step: float | None
    reason: str
    cause: str = ""

    @property
    def is_of_method(self) -> bool:
        """Whether the seed says that the method fails: it was not stopped from outside, and is no copy."""
        return self.kind not in ("stopped", "copied", "evaluated as another")


def failure_of(
    run: Run,
    metric: str,
    *,
    lower_is_better: bool,
    include_incomplete: bool = False,
    judge_shape: bool = True,
) -> Failure | None:
    """Return why a run has no result to average; None where it has one.

    Args:
        run: The run.
        metric: Name of the metric that the run is judged by.
        lower_is_better: Whether a lower value of the metric is better.
        include_incomplete: Whether a run that did not reach the end of its training has a result.
        judge_shape: Whether a run that diverged to a finite value has none.
    """
    series = run.as_judged(metric)
    if series is None or not len(series):
        return _without_evaluation(run, metric)
    # A logged loss may stay finite while the job says that it became NaN.
    if not math.isfinite(series.values[-1]) or run.ending.cause == "nan_loss":
        return _not_finite(run, metric, series)
    if judge_shape:
        shape = divergence_of(series.steps, series.values, lower_is_better=lower_is_better)
        if shape is not None and not _has_result(run, metric, shape):
            return _diverged(run, metric, series, shape, lower_is_better=lower_is_better)
    if run.ending.may_be_complete or include_incomplete:
        return None
    return _unfinished(run, float(series.steps[-1]))


def _has_result(run: Run, metric: str, shape: Shape) -> bool:
    """Say whether a curve rises for a reason that leaves its last value a result.

    The model learns its training data by heart, or a logged setting such as the weight of a term moves.
    """
    if not np.isfinite(shape.rise):
        return False
    if over_fitting_of(run, metric):
        return True
    is_judged = run.evaluated is not None and run.evaluated[0] == metric
    return is_judged and moving_setting_of(run) is not None


def _unfinished(run: Run, step: float) -> Failure:
    cause = _cause(run)
    return Failure(
        label=run.seed_label,
        kind=_kind(run),
        step=step,
        reason=f"{cause}; its last evaluation is at step {step:g}",
        cause=cause,
    )


def _without_evaluation(run: Run, metric: str) -> Failure:
    cause = _cause(run)
    if run.ending.may_be_complete:
        cause = f"has no {metric}"
    return Failure(
        label=run.seed_label,
        kind=_kind(run),
        step=None,
        reason=f"it never logged {metric} ({run.ending.label})",
        cause=cause,
    )


def _not_finite(run: Run, metric: str, series: Series) -> Failure:
    finite = np.flatnonzero(np.isfinite(series.values))
    n = len(series)
    first_lost = 0
    if len(finite):
        first_lost = int(finite[-1]) + 1
    lost = series.values[first_lost:]
    # The training loss may break down before the metric does; then the metric has lost nothing yet.
    if not len(lost):
        reason = f"its training loss is NaN at its end; its last {metric} is {series.values[-1]:.4g}"
    else:
        count = f"{n - first_lost} of {n} evaluations"
        reason = f"its {metric} is not finite from step {series.steps[first_lost]} on ({count})"
    return Failure(
        label=run.seed_label,
        kind="not finite",
        step=float(series.steps[-1]),
        reason=reason,
        cause="NaN" if np.isnan(lost).all() else "infinity",
    )


def _diverged(run: Run, metric: str, series: Series, shape: Shape, *, lower_is_better: bool) -> Failure:
    steps = series.steps
    finite = np.where(np.isfinite(series.values), series.values, np.nan)
    best = np.nanargmin(finite) if lower_is_better else np.nanargmax(finite)
    last_value = f"ends at {finite[-1]:.4g} (step {steps[-1]})"
    best_value = f"its best is {finite[best]:.4g} (step {steps[best]})"
    reason = f"its {metric} {last_value}, {best_value}"
    if shape.onset is not None:
        reason += f", worse since step {shape.onset.step:g}"
    return Failure(
        label=run.seed_label,
        kind="diverged",
        step=float(steps[-1]),
        reason=reason,
        cause="diverged",
    )


def _kind(run: Run) -> FailureKind:
    return "crashed" if run.ending.failed else "stopped"


def _cause(run: Run) -> str:
    """Return how a job ended in a few words."""
    if run.ending.failed:
        return run.ending.label.removeprefix("failed: ")
    return LABELS[run.ending.state]
