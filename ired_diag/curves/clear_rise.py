"""Is the rise at a curve's end more than noise whose neighbours are alike?

Evaluations of neighbouring checkpoints scatter alike, so the noise about a plateau drifts, and its end lies
above its best now and then. From the arrival on the floor on, m evaluations yᵢ are compared with

    yᵢ = level + eᵢ,    eᵢ = φ eᵢ₋₁ + noise,

with φ and the variance of e by differences of neighbours (``wander``), by the largest standardised difference
between what comes after a place k and what comes before it,

    S = max over k of (mean after k - mean before k) √(k (m - k) / m).

Curves of that noise, drawn with the same φ and rounded to the same quantum, have an S that follows a Gumbel
distribution; p is its tail. φ is taken one standard error larger than it is estimated: of few evaluations it
is not known well. A quantised metric that ends four of its steps or less from its best level (two of 50
samples) has no clear rise. A curve that is smoother than a random walk has no such noise: its rise is clear.

References: Csörgő & Horváth (1997), Limit Theorems in Change-Point Analysis, section 4.1; Gumbel (1958),
Statistics of Extremes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ired_diag.curves.grain import grain_of
from ired_diag.curves.lasting_rise import valley_of
from ired_diag.curves.nats import curve_of
from ired_diag.curves.order_statistics import usual_size

FEWEST = 12  # evaluations on the floor and behind: of fewer, φ is not known at all
DRAWS = 400
MOST_CORRELATED = 0.95
SMOOTH = 2.5  # mean squares of differences at lags 2 and 1: 2 for a random walk, 4 for a line
FEW_GRAINS = 4
OUTLYING = 3.0  # usual sizes of a difference
EULER = 0.5772156649015329

Array = NDArray[np.float64]


def chance_of_rise(
    steps: ArrayLike,
    values: ArrayLike,
    *,
    lower_is_better: bool,
    seed: int = 0,
) -> float:
    """Return how likely correlated noise about one level rises as far; NaN for too few values.

    Args:
        steps: Steps of the evaluations, of shape (n,), increasing.
        values: Values of the evaluations, of shape (n,).
        lower_is_better: Whether lower values are better.
        seed: Random seed of the drawn curves.
    """
    curve = curve_of(steps, values, lower_is_better=lower_is_better)
    if np.isfinite(curve.y).sum() < FEWEST:
        return float("nan")
    valley = valley_of(curve)
    finite = curve.values[np.isfinite(curve.values)]
    if _is_few_grains(finite, valley.left, lower_is_better=lower_is_better):
        return 1.0
    since_arrival = valley.y[valley.arrival :]
    if len(since_arrival) < FEWEST:
        since_arrival = valley.y[-FEWEST:]
    rng = np.random.default_rng(seed)
    return _chance(since_arrival, curve.grain, rng)


def _is_few_grains(values: Array, left: int, *, lower_is_better: bool) -> bool:
    """Say whether a quantised metric ends a few of its steps, such as a few samples, from its best level."""
    grain = grain_of(values, lower_is_better=lower_is_better)
    if grain <= 0:
        return False
    n = len(values)
    end = values[-2:]
    if left < n:
        end = values[left:]
    tenth = max(3, n // 10)
    size = min(tenth, n)
    windows = np.lib.stride_tricks.sliding_window_view(values, size)
    levels = np.median(windows, axis=1)
    best = levels.max()
    if lower_is_better:
        best = levels.min()
    last_level = np.median(end)
    distance = abs(float(last_level) - float(best))
    return distance <= FEW_GRAINS * grain


def _chance(y: Array, grain: float, rng: np.random.Generator) -> float:
    n = len(y)
    first = _mean_square(y, 1)
    second = _mean_square(y, 2)
    if first == 0 or second / first >= SMOOTH:
        return 0.0
    standard_error = 1 / np.sqrt(n)
    phi = second / first - 1 + standard_error
    phi = float(np.clip(phi, 0.0, MOST_CORRELATED))
    variance = first / (2 * (1 - phi))
    sd = max(float(np.sqrt(variance)), grain)
    noise = _noise((DRAWS, n), phi, sd, rng)
    drawn = _largest(noise)
    largest = _largest(y[None])
    return _gumbel_tail(float(largest[0]), drawn)


def _gumbel_tail(value: float, drawn: Array) -> float:
    """Return how likely a Gumbel variable, of the mean and sd of the drawn ones, is as large."""
    scale = float(drawn.std()) * np.sqrt(6) / np.pi
    scale = max(scale, np.finfo(float).tiny)
    deviation = value - float(drawn.mean())
    x = deviation / scale + EULER
    log_smaller = -np.exp(-x)
    return float(-np.expm1(log_smaller))


def _mean_square(y: Array, lag: int) -> float:
    """Return the mean square of the differences at a lag; a jump counts as a large one and no more."""
    differences = y[lag:] - y[:-lag]
    changed = differences[differences != 0]
    most = OUTLYING * usual_size(changed)
    cut = np.clip(differences, -most, most)
    return float(np.mean(cut**2))


def _noise(
    shape: tuple[int, int],
    phi: float,
    sd: float,
    rng: np.random.Generator,
) -> Array:
    """Return curves of noise, of which each evaluation is correlated with the next one by ``phi``."""
    noise = rng.standard_normal(shape) * sd
    own_share = np.sqrt(1 - phi**2)
    for i in range(1, shape[1]):
        before = noise[:, i - 1]
        noise[:, i] = phi * before + own_share * noise[:, i]
    return noise


def _largest(curves: Array) -> Array:
    """Return the largest standardised rise of each curve; two evaluations at least on each side."""
    m = curves.shape[1]
    k = np.arange(2, m - 1)
    sums = np.cumsum(curves, axis=1)
    sums_before = sums[:, k - 1]
    sums_after = sums[:, -1:] - sums_before
    before = sums_before / k
    after = sums_after / (m - k)
    weights = np.sqrt(k * (m - k) / m)
    rises = (after - before) * weights
    return np.asarray(rises.max(axis=1))
