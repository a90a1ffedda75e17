"""A run in one line: how far it came, what its curve did, where it was best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ired_diag.curves.best import Best, best_evaluation
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
        run: Its label.
        completion: How far it came.
        metric: By which its curve is judged; None where nothing of the sort is logged, and all below too.
        shape: What the curve did, in one word.
        evaluations: How many points the curve has.
        last_step: Step of the last evaluation.
        last: Its value.
        best_step: Step of the best evaluation.
        best: Its value.
        best_is_luck: Whether the best is only the luckiest of many around one level.
        onset: Step at which a lasting turn for the worse begins; None without one.
        onset_low: The earliest that it may be.
        onset_high: The latest.
        plateau_step: Step from which the curve rests; None where it does not.
        spikes: How many single evaluations stand out.
        gain: Nats that as many steps again would win at the pace of the end; negative where it gets worse.
        direction: In which direction the metric improves, and who says so.
        no_plateau: Why it does not rest; empty where it does.
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
        return Verdict(run.label, completion)
    metric, series = run.evaluated
    direction = run.direction
    lower, curve = direction.lower_is_better, (series.steps, series.values)
    shape = shape_of(*curve, lower_is_better=lower)
    best = best_evaluation(*curve, lower_is_better=lower)
    onset = shape.onset
    return Verdict(
        run.label,
        completion,
        metric,
        _word(shape, run),
        len(series),
        float(series.steps[-1]),
        float(series.values[-1]),
        best.step if best else None,
        best.value if best else None,
        best.is_lucky if best else None,
        onset.step if onset else None,
        onset.low if onset else None,
        onset.high if onset else None,
        float(series.steps[shape.rest.index]) if shape.rest.index is not None else None,
        len(find_spikes(*curve, lower_is_better=lower)),
        shape.pace.gain if shape.pace else None,
        direction,
        shape.rest.reason,
        _won(series, best, lower_is_better=lower),
        len(shape.restarts),
        shape.ends_in_spike,
    )


def _word(shape: Shape, run: Run) -> Word:
    """Return what a curve did; where a model over-fits, training has not diverged."""
    is_rise = shape.word == "diverged" and np.isfinite(shape.rise)
    return "regressed" if is_rise and over_fitting_of(run) is not None else shape.word


def _won(series: Series, best: Best | None, *, lower_is_better: bool) -> float | None:
    """Return how much better the best is than the first evaluation, as a share of the first."""
    values = series.values[np.isfinite(series.values)]
    if best is None or not len(values) or values.min() <= 0:
        return None
    won = float(values[0] - best.value) if lower_is_better else float(best.value - values[0])
    return won / float(values[0])
