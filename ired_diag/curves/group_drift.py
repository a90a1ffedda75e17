"""A drift too small for one curve: what it does to the mean of a group, and to a difference of means.

Where the level still moves along a line over the window, the window's mean is off from the level at its end
by b, half of the way. For the runs of a group, with the slope β̂ᵢ of each run's least-squares line over a
window of length T,

    b = mean of -β̂ᵢ T / 2,    e = √3 · (standard error of the mean of the window) / √runs,

the second under autoregressive noise, whose standard deviation and correlation are pooled over the runs and
corrected for what the lines take away. Two groups *drift apart* where b_a - b_b is no chance and more than
0.3 of the standard error of the difference of their means; then a group that is merely slower would seem
worse. A group *drifts* where its own b is no chance and more than 0.3 of the standard error of its mean. A
slower group drifts by itself, and its own b is known √2 times better than a difference; so the bound on b is
the closer one, and closer where it improves (2.4 e), as trainings do, than where it gets worse (3 e).

References: Kendall (1954), Note on bias in the estimation of autocorrelation; Marriott & Pope (1954), Bias in
the estimation of autocorrelations (the bias about a line); Dunn (1961), Multiple comparisons among means.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from ired_diag.curves.order_statistics import median, usual_size
from ired_diag.curves.valley import MOST_CORRELATED, OUTLYING, Array
from ired_diag.curves.wander import Wander

CHANCE = 0.01  # of two groups that do not drift apart, over all pairs of groups (Bonferroni)
CLEAR = 2.4  # standard errors of a group's own drift: trainings come down
CLEAR_WORSE = 3.0  # standard errors of one that gets worse: both together are chance in 1%
SHARE = 0.3  # of the standard error of the mean: a bias by less changes a level of 5% by less than 1%
SPIKE = 8.0  # usual sizes
MOST_LOST = 0.7  # of the variance, to the lines: of short windows with strong correlation


@dataclass(frozen=True)
class Drift:
    """How the runs of one group drift over a window.

    Attributes:
        bias: b, in the unit of the metric: mean of the window less level at its end.
        error: e, its standard error.
        spread: Standard error of the mean over runs; 0 of one run.
    """

    bias: float
    error: float
    spread: float


def group_drift(windows: Sequence[Array]) -> Drift:
    """Return how the runs of a group drift.

    Args:
        windows: The finite evaluations of each run in the window, evenly spaced, 3 and more of each.
    """
    windows = [_without_spikes(window) for window in windows]
    noise = pooled_noise(windows)
    biases, errors = [], []
    for window in windows:
        backwards = np.linspace(0.5, -0.5, len(window))
        biases.append(float(backwards @ window) / float(backwards @ backwards) / 2)
        errors.append(np.sqrt(3) * noise.error_of_mean(len(window)))
    runs = len(windows)
    means = [window.mean() for window in windows]
    spread = float(np.std(means, ddof=1) / np.sqrt(runs)) if runs > 1 else 0.0
    return Drift(float(np.mean(biases)), float(np.sqrt(np.mean(np.square(errors)) / runs)), spread)


def _without_spikes(window: Array) -> Array:
    """Return a window with what is far from its median cut there: one spike is no drift."""
    middle = median(window)
    far = SPIKE * usual_size(window - middle)
    return np.clip(window, middle - far, middle + far) if far > 0 else window


def drift_in_words(drifts: Mapping[int, Drift], *, lower_is_better: bool = True) -> str:
    """Say which drift biases a mean or a difference of means; nothing where none does.

    Args:
        drifts: Of each group, by its number.
        lower_is_better: The direction in which the metric improves.
    """
    for number, drift in drifts.items():
        better = (drift.bias > 0) == lower_is_better
        clear_of_chance = CLEAR if better else CLEAR_WORSE
        if abs(drift.bias) > max(clear_of_chance * drift.error, SHARE * drift.spread):
            return (
                f"group {number}: its mean over seeds still {'improves' if better else 'gets worse'} slowly"
            )
    pairs = list(itertools.combinations(drifts.items(), 2))
    clear = float(ndtri(1 - CHANCE / 2 / max(1, len(pairs))))
    for (first, a), (second, b) in pairs:
        apart = abs(a.bias - b.bias)
        if apart > clear * np.hypot(a.error, b.error) and apart > SHARE * np.hypot(a.spread, b.spread):
            return f"group {first}: it still drifts apart from group {second}"
    return ""


def pooled_noise(windows: Sequence[Array]) -> Wander:
    """Return the noise of one evaluation about each run's line, pooled over runs.

    Args:
        windows: Evenly spaced evaluations of each run, 3 and more of each.
    """
    squares = products = 0.0
    for window in windows:
        t = np.arange(len(window)) - (len(window) - 1) / 2
        left = window - window.mean()
        left = left - t * float(t @ left) / float(t @ t)
        usual = usual_size(left[left != 0])
        left = np.clip(left, -OUTLYING * usual, OUTLYING * usual)
        squares += float(left @ left)
        products += float(left[1:] @ left[:-1])
    if squares == 0:
        return Wander(0.0, 0.0)
    total = sum(map(len, windows))
    length = total / len(windows)
    correlation = products / squares
    correlation = min(max(correlation + (2 + 4 * correlation) / length, 0.0), MOST_CORRELATED)
    lost = min(2 * (1 + correlation) / (1 - correlation) / length, MOST_LOST)
    return Wander(float(np.sqrt(squares / total / (1 - lost))), correlation)
