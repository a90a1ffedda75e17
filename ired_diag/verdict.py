"""A run in one line: how far it came, what its curve did, where it was best."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ired_diag.curves.best import Best, best_evaluation
from ired_diag.curves.moving_setting import moving_setting_of
from ired_diag.curves.shape import Shape, Word, shape_of
from ired_diag.curves.spikes import find_spikes
from ired_diag.runs.completion import Completion, completion_of
from ired_diag.runs.direction import Direction
from ired_diag.runs.history import Series
from ired_diag.runs.over_fitting import over_fitting_of
from ired_diag.runs.run import Run


@dataclass(frozen=True)
class Verdict:
    """What is said of a run.

    Attributes:
        run: Label of the run.
        completion: How far its training came.
        metric: Metric by which its curve is judged; None, and everything below too, where none is logged.
        shape: What the curve did, in one word.
        evaluations: How many points the curve has.
        last_step: Step of the last evaluation.
        last: Value of the last evaluation.
        best_step: Step of the best evaluation.
        best: Value of the best evaluation.
        best_is_luck: Whether the best evaluation is explained by noise around one level.
        onset: Step at which a lasting turn for the worse begins; None without one.
        onset_low: The earliest step at which it may begin.
        onset_high: The latest step at which it may begin.
        plateau_step: Step from which the curve rests; None where it does not.
        spikes: How many single evaluations stand out.
        gain: Nats that as many steps again would win at the pace of the end; negative where it gets worse.
        direction: In which direction the metric improves, and where this is stated.
        no_plateau: Why the curve does not rest; empty where it does.
        won: How much better its best is than its first evaluation, as a share of the first; None where the
            metric is negative or crosses 0.
        restarts: How many warm restarts its curve shows.
        ends_in_spike: Whether its last evaluation alone is far worse than those before.
    """

    run: str
    completion: Completion
    metric: str | None = None
    shape: Word | None = None
    evaluations: int = 0
    last_step: float | None = None
    last: float | None = None
    best_step: float | None = None
    best: float | None = None
    best_is_luck: bool | None = None
    onset: float | None = None
    onset_low: float | None = None
    onset_high: float | None = None
    plateau_step: float | None = None
    spikes: int = 0
    gain: float | None = None
    direction: Direction | None = None
    no_plateau: str = ""
    won: float | None = None
    restarts: int = 0
    ends_in_spike: bool = False


def verdict_of(run: Run) -> Verdict:
    """Return what is said of a run."""
    completion = completion_of(run)
    if run.evaluated is None:
        return Verdict(run=run.label, completion=completion)
    metric, series = run.evaluated
    direction = run.direction
    shape = shape_of(series.steps, series.values, lower_is_better=direction.lower_is_better)
    spikes = find_spikes(series.steps, series.values, lower_is_better=direction.lower_is_better)
    verdict = Verdict(
        run=run.label,
        completion=completion,
        metric=metric,
        shape=_word(shape, run),
        evaluations=len(series),
        last_step=float(series.steps[-1]),
        last=float(series.values[-1]),
        spikes=len(spikes),
        direction=direction,
        no_plateau=shape.rest.reason,
        restarts=len(shape.restarts),
        ends_in_spike=shape.ends_in_spike,
    )
    return _with_best(_with_shape(verdict, shape, series), series)


def _with_shape(verdict: Verdict, shape: Shape, series: Series) -> Verdict:
    """Return a verdict with the onset, the plateau and the pace, as far as the curve has them."""
    if shape.onset is not None:
        verdict = replace(
            verdict,
            onset=shape.onset.step,
            onset_low=shape.onset.low,
            onset_high=shape.onset.high,
        )
    if shape.rest.index is not None:
        verdict = replace(verdict, plateau_step=float(series.steps[shape.rest.index]))
    if shape.pace is not None:
        verdict = replace(verdict, gain=shape.pace.gain)
    return verdict


def _with_best(verdict: Verdict, series: Series) -> Verdict:
    """Return a verdict with the best evaluation, where any is a number."""
    assert verdict.direction is not None
    lower = verdict.direction.lower_is_better
    best = best_evaluation(series.steps, series.values, lower_is_better=lower)
    if best is None:
        return verdict
    return replace(
        verdict,
        best_step=best.step,
        best=best.value,
        best_is_luck=best.is_lucky,
        won=_won(series, best, lower_is_better=lower),
    )


def _word(shape: Shape, run: Run) -> Word:
    """Return what a curve did; where a model over-fits, or a setting moves, training has not diverged."""
    is_rise = shape.word == "diverged" and np.isfinite(shape.rise)
    if is_rise and (over_fitting_of(run) is not None or moving_setting_of(run) is not None):
        return "regressed"
    return shape.word


def _won(series: Series, best: Best, *, lower_is_better: bool) -> float | None:
    """Return how much better the best is than the first evaluation, as a share of the first."""
    values = series.values[np.isfinite(series.values)]
    # A share of a number that is negative, or near 0, says nothing.
    if not len(values) or values.min() <= 0:
        return None
    first = float(values[0])
    gain = float(best.value) - first
    if lower_is_better:
        gain = first - float(best.value)
    return gain / first
