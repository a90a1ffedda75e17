"""A run and the shape of its judged curve: what of it is reported, and as what.

What looks like a failure may be none: a range test of the learning rate, a setting that a schedule moves, a
cycle around the minimum, an over-fitting, a score that keeps most of what it won. ``Judged.kind`` says which.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from ired_diag.curves.early_means import clear_gain
from ired_diag.curves.end_of_score import falls_clearly, share_kept
from ired_diag.curves.flat_validation import hidden_gain
from ired_diag.curves.lost_gain import LostGain, lost_gain_of
from ired_diag.curves.moving_setting import MovingSetting, moving_setting_of
from ired_diag.curves.nats import curve_of
from ired_diag.curves.shape import Shape, Word, shape_of
from ired_diag.curves.small_swings import are_small, cycles_at_the_minimum, die_away, falls_little
from ired_diag.runs.dead_end import dead_end_of
from ired_diag.runs.early_stopped import was_stopped_early
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import PLAYED, words_of
from ired_diag.runs.over_fitting import OverFitting, kept_metric, over_fitting_of
from ired_diag.runs.rate_test import rate_test_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

EARLY_STOP = re.compile(r"(?i)early.?stop|stopped early")
LOST: tuple[Word, ...] = ("diverged", "regressed", "unstable")  # what a range test looks like
FEW = 8  # evaluations: a verdict on fewer says so
Kind = Literal[
    "range_test",
    "scheduled",
    "at_minimum",
    "over_fitted",
    "diverged",
    "kept_most",
    "unclear",
    "constant",
    "lost",
    "little",
    "unharmed",
    "shape",
]
MOST_HIDDEN = 0.2  # nats: a change of 20% that noise hides
FEWEST_DIGITS = 3  # of a constant: 0.69 may be rounding
SURE = 10.0  # standard deviations of one evaluation: a small gain that is no luck
HALF, NEARLY_ALL = 0.5, 0.9  # of what a score below 0 won
REPORTED: tuple[Word, ...] = ("diverged", "regressed", "stuck", "unstable", "improving")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A run and the shape of its judged curve.

    Attributes:
        run: The run.
        metric: Name of the metric that judges it.
        series: Its evaluations.
        shape: Their shape.
        rate: The learning rate of a range test, with its first and last value; None where it is not one.
        over_fitting: How it over-fits; None where it does not.
        setting: The logged setting that moves with it; None where none does.
        is_at_minimum: Whether it ends in a cycle around the minimum, which it passed by chance.
        scale: What the runs of its group win; None where lower is better.
    """

    run: Run
    metric: str
    series: Series
    shape: Shape
    rate: tuple[str, float, float] | None
    over_fitting: OverFitting | None
    setting: MovingSetting | None = None
    is_at_minimum: bool = False
    scale: float | None = None

    @property
    def hides_a_gain(self) -> bool:
        """Whether its noise hides a gain that would matter, also next to what other runs of its group win."""
        if self.scale is not None and are_small(self.series.values, self.scale):
            return False
        return hidden_gain(self.shape, len(self.series)) > MOST_HIDDEN

    @property
    def kept(self) -> str | None:
        """The validation metric that stays as good as it was while the run over-fits; None without one."""
        if self.over_fitting is None:
            return None
        return self.over_fitting.kept

    @cached_property
    def lost(self) -> LostGain | None:
        """What it learned early and lost; None where it did not."""
        return lost_gain_of(
            np.asarray(self.series.steps),
            np.asarray(self.series.values, dtype=np.float64),
            lower_is_better=self.run.lower_is_better,
        )

    @cached_property
    def unharmed(self) -> str | None:
        """The metric of success that stays as good while its validation loss rises; None without one."""
        values = np.asarray(self.series.values, dtype=np.float64)
        if not self.run.lower_is_better or not np.isfinite(values).all() or was_stopped(self.run):
            return None
        return kept_metric(self.run, self.metric, float(self.series.steps[int(np.argmin(values))]))

    @cached_property
    def kind(self) -> Kind | None:
        """What is reported of it; None where nothing is."""
        word = self.shape.word
        if self.rate is not None:
            return "range_test"
        if self.setting is not None:
            return "scheduled"
        if self.is_at_minimum:
            return "at_minimum"
        if self.over_fitting is not None:
            return "over_fitted"
        if word in ("stuck", "no_trend") and _is_constant(self.series):
            return "constant"
        if word == "stuck" and self.lost is not None:
            return "lost"
        if word == "stuck" and _has_gained_little(self):
            return "little"
        if word == "regressed" and self.unharmed is not None:
            return "unharmed"
        kept = 0.0 if self.run.lower_is_better else share_kept(self.series)
        if word == "regressed" and kept >= NEARLY_ALL:
            return None
        if word == "diverged" and kept >= HALF:
            return "kept_most"
        if word == "diverged":
            is_return = not PLAYED.isdisjoint(words_of(self.metric))
            is_clear = not is_return or falls_clearly(self.series, self.shape.onset)
            return "diverged" if is_clear else "unclear"
        return "shape" if word in REPORTED else None


def scales_of_groups(study: Study) -> dict[tuple[str, str], float]:
    """Return what the runs of each group win, at most, of a metric whose higher values are better."""
    firsts: dict[tuple[str, str], list[float]] = defaultdict(list)
    bests: dict[tuple[str, str], list[float]] = defaultdict(list)
    for run in study.runs:
        if run.evaluated is None or run.lower_is_better:
            continue
        metric, series = run.evaluated
        finite = series.values[np.isfinite(series.values)]
        if len(finite):
            firsts[run.group, metric].append(float(finite[0]))
            bests[run.group, metric].append(float(finite.max()))
    return {place: max(bests[place]) - min(firsts[place]) for place in bests}


def judge(run: Run, scales: Mapping[tuple[str, str], float]) -> Judged | None:
    """Return a run with its shape; None where it was not evaluated, or died.

    Args:
        run: The run.
        scales: What the runs of each group win of each metric, where higher is better.
    """
    if run.evaluated is None:
        return None
    metric, series = run.evaluated
    if dead_end_of(run.history.series, metric) is not None:
        return None  # ``dead_run`` says that its loss became NaN, and where
    shape = shape_of(series.steps, series.values, lower_is_better=run.lower_is_better)
    scale = scales.get((run.group, metric))
    if shape.word == "unstable":
        shape = _without_small_swings(shape, series, scale)
    rate = None
    over_fitting = None
    setting = None
    is_at_minimum = False
    if shape.word in LOST:
        rate = rate_test_of(run)
    if rate is None:
        over_fitting = _over_fitting(run, shape)
    if shape.word in LOST and rate is None:
        setting = moving_setting_of(run, swings=shape.word == "unstable")
        is_at_minimum = run.lower_is_better and cycles_at_the_minimum(series.values)
    return Judged(
        run=run,
        metric=metric,
        series=series,
        shape=shape,
        rate=rate,
        over_fitting=over_fitting,
        setting=setting,
        is_at_minimum=is_at_minimum,
        scale=scale,
    )


def _without_small_swings(shape: Shape, series: Series, scale: float | None) -> Shape:
    """Return the shape of a curve that is called unstable, by what its swings come to.

    Args:
        shape: Its shape.
        series: Its evaluations.
        scale: What the runs of its group win; None where lower is better.
    """
    if scale is None:
        return replace(shape, word="improving") if die_away(series.values) else shape
    if len(series) >= FEW and are_small(series.values, scale):
        return replace(shape, word="stuck")
    if falls_little(series.values):
        return replace(shape, word="converged")
    return shape


def _is_constant(series: Series) -> bool:
    """Say whether a metric of three digits or more never changes."""
    mantissa = f"{abs(float(series.values[0])):.12g}".partition("e")[0]
    digits = mantissa.replace(".", "").strip("0")
    return len(series) >= FEW and float(np.ptp(series.values)) == 0 and len(digits) >= FEWEST_DIGITS


def was_stopped(run: Run) -> bool:
    """Say whether early stopping ended a run, by its ending or by its patience."""
    return EARLY_STOP.search(run.ending.detail) is not None or was_stopped_early(run)


def _over_fitting(run: Run, shape: Shape) -> OverFitting | None:
    """Return how a run over-fits; of a run that early stopping ended, nothing needs to be said."""
    if shape.word not in ("diverged", "regressed") or not np.isfinite(shape.rise):
        return None
    if shape.word == "regressed" and was_stopped(run):
        return None
    return over_fitting_of(run)


def _has_gained_little(judged: Judged) -> bool:
    """Say whether a curve that is called stuck has gained something beyond its noise, if little."""
    if judged.shape.won > SURE * judged.shape.noise:
        return True
    series = judged.series
    curve = curve_of(series.steps, series.values, lower_is_better=judged.run.lower_is_better)
    return clear_gain(curve.y[np.isfinite(curve.y)]) > 0
