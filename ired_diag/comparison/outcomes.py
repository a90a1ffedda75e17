"""What became of each seed of a group: it finished, it failed, or it was stopped from outside.

A seed fails where its training breaks down: its metric ends not finite, its curve diverges, or its program
dies of an error. Such a seed is a result, the worst there is. A seed that the scheduler or a person stopped
says nothing of the method.

Of n attempted seeds k finish. The success rate is k / n; its 95% interval is the exact one of Clopper and
Pearson: the rates p at which neither P(K ≥ k) nor P(K ≤ k), K binomial of n and p, is below 2.5%.

Reference: Clopper & Pearson (1934), The Use of Confidence or Fiducial Limits Illustrated in the Case of the
Binomial.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ired_diag.curves.shape import Shape, divergence_of
from ired_diag.runs.ending import LABELS
from ired_diag.runs.history import Series
from ired_diag.runs.over_fitting import over_fitting_of
from ired_diag.runs.run import Run
from ired_diag.stats.success_rate import success_rate

if TYPE_CHECKING:
    from ired_diag.comparison.seeds import Members

FailureKind = Literal["not finite", "diverged", "crashed", "stopped"]


@dataclass(frozen=True)
class Failure:
    """A seed without a result to average.

    Attributes:
        label: Of the seed.
        kind: ``stopped`` is no failure of the method; all others are. A seed that never logged the metric,
            and did not die of an error, counts as stopped.
        step: Of its last evaluation; None where it has none.
        reason: One sentence with the numbers.
        cause: How its job ended, or what it lacks, in a few words: ``time limit``.
    """

    label: str
    kind: FailureKind
    step: float | None
    reason: str
    cause: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """How many seeds of a group finished, and what became of the others.

    Attributes:
        attempted: Seeds that finished or failed; those that were stopped from outside do not count.
        finished: Seeds whose training finished with a result.
        unfinished: Seeds with a number although their training did not finish (``include_incomplete``): they
            are neither successes nor failures, and not among those attempted.
        failures: All seeds without a result, those that were stopped among them.
        success_rate: Finished over attempted; NaN where no seed was attempted.
        low: Lower end of its exact 95% interval.
        high: Upper end.
    """

    attempted: int
    finished: int
    unfinished: int
    failures: Sequence[Failure]
    success_rate: float
    low: float
    high: float


def outcomes_of(members: Members) -> Outcomes:
    """Return how many seeds of a group finished."""
    diverged = [seed.failure for seed in members.seeds if seed.failure is not None]
    unfinished = unfinished_seeds(members)
    finished = len(members.seeds) - len(diverged) - unfinished
    attempted = len(members.seeds) - unfinished + failed_seeds(members)
    success = success_rate(finished, attempted)
    return Outcomes(
        attempted=attempted,
        finished=finished,
        unfinished=unfinished,
        failures=(*diverged, *members.failures),
        success_rate=success.rate,
        low=success.low,
        high=success.high,
    )


def failed_seeds(members: Members) -> int:
    """Return how many seeds of a group failed and have no number; those that were stopped do not count."""
    return sum(failure.kind != "stopped" for failure in members.failures)


def unfinished_seeds(members: Members) -> int:
    """Return how many seeds of a group have a number although their training did not finish."""
    return sum(seed.unfinished and seed.failure is None for seed in members.seeds)


def divergences(members: Members) -> tuple[int, int]:
    """Return how many seeds of a group diverged or ended not finite, and how many were attempted."""
    lost = sum(failure.kind in ("not finite", "diverged") for failure in members.failures)
    kept = sum(seed.failure is not None for seed in members.seeds)
    return lost + kept, len(members.seeds) - unfinished_seeds(members) + failed_seeds(members)


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
        metric: What it is judged by.
        lower_is_better: The direction of the metric.
        include_incomplete: Whether a run that did not reach the end of its training has a result.
        judge_shape: Whether a run that diverged to a finite value has none.
    """
    series = run.as_judged(metric)
    if series is None or not len(series):
        return _without_evaluation(run, metric)
    if not math.isfinite(series.values[-1]) or run.ending.cause == "nan_loss":
        return _not_finite(run, metric, series)
    if judge_shape:
        shape = divergence_of(series.steps, series.values, lower_is_better=lower_is_better)
        if shape is not None and not (np.isfinite(shape.rise) and over_fitting_of(run, metric)):
            return _diverged(run, metric, series, shape, lower_is_better=lower_is_better)
    if run.ending.may_be_complete or include_incomplete:
        return None
    step, cause = float(series.steps[-1]), _cause(run)
    kind: FailureKind = "crashed" if run.ending.failed else "stopped"
    return Failure(run.seed_label, kind, step, f"{cause}; its last evaluation is at step {step:g}", cause)


def _without_evaluation(run: Run, metric: str) -> Failure:
    cause = f"has no {metric}" if run.ending.may_be_complete else _cause(run)
    kind: FailureKind = "crashed" if run.ending.failed else "stopped"
    return Failure(run.seed_label, kind, None, f"it never logged {metric} ({run.ending.label})", cause)


def _not_finite(run: Run, metric: str, series: Series) -> Failure:
    finite = np.flatnonzero(np.isfinite(series.values))
    n, step = len(series), float(series.steps[-1])
    first_lost = int(finite[-1]) + 1 if len(finite) else 0
    if first_lost == n:
        reason = f"its training loss is NaN at its end; its last {metric} is {series.values[-1]:.4g}"
        return Failure(run.seed_label, "not finite", step, reason, "NaN")
    reason = (
        f"its {metric} is not finite from step {series.steps[first_lost]} on "
        f"({n - first_lost} of {n} evaluations)"
    )
    cause = "NaN" if np.isnan(series.values[first_lost:]).all() else "infinity"
    return Failure(run.seed_label, "not finite", step, reason, cause)


def _diverged(run: Run, metric: str, series: Series, shape: Shape, *, lower_is_better: bool) -> Failure:
    finite = np.where(np.isfinite(series.values), series.values, np.nan)
    best = int(np.nanargmin(finite) if lower_is_better else np.nanargmax(finite))
    since = f", worse since step {shape.onset.step:g}" if shape.onset is not None else ""
    reason = (
        f"its {metric} ends at {finite[-1]:.4g} (step {series.steps[-1]}), its best is {finite[best]:.4g} "
        f"(step {series.steps[best]}){since}"
    )
    return Failure(run.seed_label, "diverged", float(series.steps[-1]), reason, "diverged")


def _cause(run: Run) -> str:
    """Return how a job ended in a few words."""
    ending = run.ending
    return ending.label.removeprefix("failed: ") if ending.failed else LABELS[ending.state]
