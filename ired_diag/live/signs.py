"""What a run shows now: that it diverges, over-fits or is not finite any more, or that it has recovered.

While a run goes on, a divergence is announced where two agree: ``live_rise``, which is rarely wrong about a
healthy run, and the verdict of ``diagnose`` on the curve so far (``curves.judged_curve``), which also knows
what else a rise may be (over-fitting, a range test, a schedule). Of a run that is over the verdict alone is
announced. So the last word on a run is what ``diagnose`` says of its finished curve.

A metric is not finite any more where its last three values are not; a lone NaN is a gap.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from ired_diag.curves.coarse import block_length, coarse
from ired_diag.curves.judged_curve import Judged, judge
from ired_diag.curves.nats import FACTOR, curve_of
from ired_diag.live.live_rise import ALPHA, Rise, rise_of
from ired_diag.runs.evaluation_metric import training_metric
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run

Kind = Literal[
    "diverged", "over_fitting", "not_finite", "stalled", "ended", "vanished", "recovered", "decided"
]
LOST = 3  # values in a row that are not finite
MOST_ASKED = 400  # evaluations of a run that was not looked at for long
SETTLED = 3  # evaluations whose median is the level now
Scales = Mapping[tuple[str, str], float]


@dataclass(frozen=True, kw_only=True)
class Sign:
    """One thing that a run shows.

    Attributes:
        kind: What it is.
        statement: One sentence, without the run's name.
        step: The step at which it begins; None where it has none.
        seen_at: The last step that was logged when it was seen.
        evidence: The numbers behind the sentence.
    """

    kind: Kind
    statement: str
    step: int | None = None
    seen_at: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


def signs_of(
    run: Run,
    scales: Scales,
    *,
    is_over: bool,
    seen: int = 0,
    alpha: float = ALPHA,
) -> Iterator[Sign]:
    """Yield what a run shows.

    Args:
        run: The run, with what it logged so far.
        scales: What the runs of its group won (``judged_curve.scales_of_groups``).
        is_over: Whether its training has ended.
        seen: How many of its evaluations were asked about before.
        alpha: Chance that a healthy run is ever said to diverge while it goes on.
    """
    lost = not_finite(run)
    if lost is not None:
        yield lost
        return
    risen = rise(run, scales, is_over=is_over, seen=seen, alpha=alpha)
    if risen is not None:
        yield risen


def not_finite(run: Run) -> Sign | None:
    """Return the sign that a metric ends in values that are not finite; None where none does.

    Only the metric that judges the run and its training loss count: a metric that is never computed is NaN
    in many logs.
    """
    for name, series in _watched(run).items():
        first = _first_lost(series)
        if first is None:
            continue
        value = float(series.values[-1])
        step = int(series.steps[first])
        count = len(series) - first
        word = "NaN" if math.isnan(value) else f"{value:+}"
        return Sign(
            kind="not_finite",
            statement=f"{name} is {word} since step {step} ({count} values in a row).",
            step=step,
            seen_at=int(series.steps[-1]),
            evidence={"metric": name, "value": word, "values": count},
        )
    return None


def _watched(run: Run) -> dict[str, Series]:
    """Return the metric that judges a run, with NaN where a constant stands for it, and its training loss."""
    if run.evaluated is None:
        return {}
    metric, series = run.evaluated
    watched = {metric: series}
    training = training_metric(metric, run.history.series)
    if training is not None and training != metric:
        watched[training] = run.history.series[training]
    return watched


def _first_lost(series: Series) -> int | None:
    """Return the place from which a series is not finite to its end; None where it is, or too shortly."""
    finite = np.flatnonzero(np.isfinite(series.values))
    first = 0
    if len(finite):
        first = int(finite[-1]) + 1
    if len(series) - first < LOST:
        return None
    return first


def rise(
    run: Run,
    scales: Scales,
    *,
    is_over: bool,
    seen: int = 0,
    alpha: float = ALPHA,
) -> Sign | None:
    """Return the sign that a run diverges or over-fits; None where it shows neither.

    Args:
        run: The run.
        scales: What the runs of its group won.
        is_over: Whether its training has ended.
        seen: How many of its evaluations were asked about before.
        alpha: Chance that a healthy run is ever said to diverge while it goes on.
    """
    if run.evaluated is None:
        return None
    _, series = run.evaluated
    risen = None
    if not is_over:
        risen = _live_rise(
            series,
            lower_is_better=run.lower_is_better,
            seen=seen,
            alpha=alpha,
        )
        if risen is None:
            return None
    judged = judge(run, scales)
    if judged is None:
        return None
    if judged.kind == "diverged":
        return _diverged(judged, risen)
    if judged.kind == "over_fitted" and judged.shape.word == "diverged":
        return _over_fitting(judged)
    return None


def _live_rise(
    series: Series,
    *,
    lower_is_better: bool,
    seen: int,
    alpha: float,
) -> Rise | None:
    """Return the first rise that the evaluations show which were not asked about yet; None without one.

    Many evaluations may have come since the last look, and each is one that the test is asked after.
    """
    steps = series.steps.astype(np.float64)
    values = series.values
    length = block_length(len(values))
    if length > 1:
        steps, values = coarse(steps, values, length)
    count = len(values)
    first = min(seen // length, count - 1)
    stride = 1 + (count - first) // MOST_ASKED
    for end in range(count, first, -stride)[::-1]:
        curve = curve_of(steps[:end], values[:end], lower_is_better=lower_is_better)
        risen = rise_of(curve, alpha=alpha)
        if risen is not None:
            return risen
    return None


def _diverged(judged: Judged, risen: Rise | None) -> Sign:
    series = judged.series
    onset = judged.shape.onset
    step = None
    if onset is not None:
        step = int(onset.step)
    best = _best(series, lower_is_better=judged.run.lower_is_better)
    value = float(series.values[-1])
    when = "its finished curve"
    if risen is not None:
        when = f"its curve up to step {int(series.steps[-1])}"
    return Sign(
        kind="diverged",
        statement=(
            f"{judged.metric} went from {best[1]:.4g} at step {best[0]} to {value:.4g}, worse since step "
            f"{step} ({when})."
        ),
        step=step,
        seen_at=int(series.steps[-1]),
        evidence={
            "metric": judged.metric,
            "best": best[1],
            "best_step": best[0],
            "value": value,
            "evaluations": len(series),
            "is_finished": risen is None,
        },
    )


def _over_fitting(judged: Judged) -> Sign:
    series = judged.series
    fit = judged.over_fitting
    assert fit is not None
    kept = ""
    if fit.kept:
        kept = f" {fit.kept} stays as good as it was."
    return Sign(
        kind="over_fitting",
        statement=(
            f"{judged.metric} is {fit.times:.3g} times its best (step {fit.best_step:g}) while {fit.train} "
            f"falls: it over-fits, and training is not broken.{kept}"
        ),
        step=int(fit.best_step),
        seen_at=int(series.steps[-1]),
        evidence={"metric": judged.metric, "times": fit.times, "evaluations": len(series)},
    )


def _best(series: Series, *, lower_is_better: bool) -> tuple[int, float]:
    """Return the step and the value of the best evaluation."""
    sign = 1.0 if lower_is_better else -1.0
    costs = np.where(np.isfinite(series.values), sign * series.values, np.inf)
    place = int(np.argmin(costs))
    return int(series.steps[place]), float(series.values[place])


def recovery(run: Run, scales: Scales, kind: Kind, *, is_over: bool) -> Sign | None:
    """Return the sign that what was announced of a run does not hold any more; None while it may.

    Args:
        run: The run.
        scales: What the runs of its group won.
        kind: What was announced: ``diverged``, ``over_fitting`` or ``not_finite``.
        is_over: Whether its training has ended.
    """
    if run.evaluated is None:
        return None
    metric, series = run.evaluated
    values = series.values
    if kind == "not_finite":
        if not_finite(run) is not None or not np.isfinite(values[-1]):
            return None
        return _recovered(metric, series, f"{metric} is finite again")
    judged = judge(run, scales)
    if judged is None or judged.kind in ("diverged", "over_fitted"):
        return None
    if is_over:
        word = judged.shape.word.replace("_", " ")
        return _recovered(metric, series, f"the finished curve of {metric} is judged {word!r}")
    if not _is_back(series, lower_is_better=run.lower_is_better):
        return None
    return _recovered(metric, series, f"{metric} is back near its best")


def _is_back(series: Series, *, lower_is_better: bool) -> bool:
    """Say whether the level now is within 1.5 times of the best."""
    steps = series.steps.astype(np.float64)
    curve = curve_of(steps, series.values, lower_is_better=lower_is_better)
    level = float(np.median(curve.y[-SETTLED:]))
    return level <= float(curve.y.min()) + FACTOR


def _recovered(metric: str, series: Series, words: str) -> Sign:
    step = int(series.steps[-1])
    value = float(series.values[-1])
    return Sign(
        kind="recovered",
        statement=f"The alarm is over: {words} ({value:.4g} at step {step}).",
        step=step,
        seen_at=step,
        evidence={"metric": metric, "value": value},
    )
