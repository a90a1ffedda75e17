"""Sweep response: how a metric answers a knob, which setting is best, and how lucky the best one was.

Each setting has its mean over seeds and the t interval of it. The best of k settings looks better than it is:
it was chosen for its low (or high) mean, noise included. Nested resampling takes the choice apart from the
judgement. In each of B draws, n of the n seeds are drawn with replacement, the best setting is chosen by the
drawn ones, and its mean is taken over the seeds that were *not* drawn (about n/e of them):

    honest   = mean over draws of the mean over undrawn seeds of the setting chosen by the drawn ones,
    optimism = honest - mean of the best setting over all seeds.

Drawn and undrawn seeds are different runs, so the honest mean carries no luck. Where all settings are alike,
the optimism is on average the expected luck of the best of k; where one is far ahead it is near 0. In between
it is too large (simulated with 10 seeds and steps of 0.3 sd: 0.25 for 0.18), because the choice is made with
fewer different seeds. It is noisy in a single study, and can come out with the wrong sign.

Settings share seeds, so a draw takes whole seeds. How often a setting is best is counted over the same draws;
settings that tie share the count. It is the stability of the choice, not a probability of being the best.

References: Efron & Tibshirani (1997), Improvements on Cross-Validation (means over undrawn cases); Varma &
Simon (2006), Bias in Error Estimation When Using Cross-Validation for Model Selection.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.defects import joined, left_out
from ired_diag.stats.finite import summarise_finite
from ired_diag.stats.summary import CONFIDENCE, Summary
from ired_diag.stats.trend import Trend, complete_seeds, page_trend

DRAWS = 10_000
SAME = 64 * np.finfo(np.float64).eps  # means closer than this, relatively, differ by rounding


@dataclass(frozen=True, kw_only=True)
class SweepResponse:
    """The answer of a metric to a knob.

    Attributes:
        knob: Its values in rising order, of shape (settings,).
        curve: Mean and t interval of each setting, over the seeds that have it.
        best: Index of the best setting by its mean over complete seeds; -1 where there is none.
        apparent: That mean, luck included.
        honest: Mean of a setting chosen by some seeds and judged by others.
        optimism: How much better the best looks than that, positive where it looks too good.
        times_best: Share of the draws in which each setting is best, of shape (settings,).
        trend: Page's test along the knob.
        n: Number of seeds that have every setting.
        reason: Why something is NaN or left out.
    """

    knob: Array
    curve: Sequence[Summary]
    best: int
    apparent: float
    honest: float
    optimism: float
    times_best: Array
    trend: Trend
    n: int
    reason: str = ""


def sweep_response(
    knob: ArrayLike,
    values: ArrayLike,
    *,
    seed: int,
    lower_is_better: bool = True,
    draws: int = DRAWS,
    confidence: float = CONFIDENCE,
) -> SweepResponse:
    """Return curve, best setting with its optimism, and trend of a sweep.

    Args:
        knob: Values of the knob, of shape (settings,), in any order.
        values: Of shape (settings, seeds); NaN where a run is missing. The curve takes every run, the rest
            only seeds that have all settings.
        seed: Random seed of the draws.
        lower_is_better: Whether lower values are better.
        draws: How often seeds are drawn.
        confidence: Confidence level of the intervals.
    """
    x = as_floats(knob)
    y = as_floats(values)
    order = np.argsort(x, kind="stable")
    x = x[order]
    y = y[order]
    complete = complete_seeds(y)
    table = y[:, complete]
    sign = 1.0 if lower_is_better else -1.0
    choice = _choose(sign * table, draws, seed)
    lost = left_out(int((~complete).sum()), len(complete), "seeds lack a setting")
    return SweepResponse(
        knob=x,
        curve=[summarise_finite(row, confidence=confidence) for row in y],
        best=choice.best,
        apparent=sign * choice.apparent,
        honest=sign * choice.honest,
        optimism=choice.honest - choice.apparent,
        times_best=choice.times_best,
        trend=page_trend(x, y),
        n=table.shape[1],
        reason=joined(lost, choice.reason),
    )


@dataclass(frozen=True)
class _Choice:
    """The lowest setting, as it looks and as it is judged by other seeds."""

    best: int
    apparent: float
    honest: float
    times_best: Array
    reason: str = ""


def _choose(table: Array, draws: int, seed: int) -> _Choice:
    settings, n = table.shape
    unknown = np.full(settings, math.nan)
    if min(settings, n) == 0:
        return _Choice(
            best=-1,
            apparent=math.nan,
            honest=math.nan,
            times_best=unknown,
            reason="no complete seed" if settings else "no settings",
        )
    means = table.mean(axis=1)
    best = int(_best(means[None])[0].argmax())
    apparent = float(means[best])
    if n == 1:
        return _Choice(
            best=best,
            apparent=apparent,
            honest=math.nan,
            times_best=unknown,
            reason="one seed cannot both choose and judge",
        )
    return _Choice(best, apparent, *_nested(table, draws, seed))


def _nested(table: Array, draws: int, seed: int) -> tuple[float, Array]:
    """Return the honest mean of the lowest setting and how often each is the lowest."""
    n = table.shape[1]
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float64)
    chosen = _best(drawn @ table.T / n)
    chosen /= chosen.sum(axis=1, keepdims=True)
    undrawn = (drawn == 0).astype(np.float64)
    left = undrawn.sum(axis=1)
    judged = (chosen * (undrawn @ table.T)).sum(axis=1)
    # A draw of every seed leaves none to judge by; it shows only the choice.
    judges = left > 0
    honest = math.nan
    if judges.any():
        honest = float((judged[judges] / left[judges]).mean())
    return honest, chosen.mean(axis=0)


def _best(means: Array) -> Array:
    """Return 1 for the lowest mean of each row and those that differ from it by rounding, else 0."""
    lowest = means.min(axis=1, keepdims=True)
    near = means <= lowest + SAME * np.abs(means).max(axis=1, keepdims=True)
    return as_floats(near)
