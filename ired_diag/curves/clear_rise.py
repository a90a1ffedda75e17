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
FEW_GRAINS = 4  # steps of a quantised metric
OUTLYING = 3.0  # usual sizes of a difference
EULER = 0.5772156649015329

Array = NDArray[np.float64]


def chance_of_rise(steps: ArrayLike, values: ArrayLike, *, lower_is_better: bool, seed: int = 0) -> float:
    """Return how likely correlated noise about one level rises as far; NaN where too few values tell.

    Args:
        steps: Of shape (n,), increasing.
        values: Of shape (n,).
        lower_is_better: The direction in which the curve improves.
        seed: Of the drawn curves.
    """
    curve = curve_of(steps, values, lower_is_better=lower_is_better)
    y = curve.y[np.isfinite(curve.y)]
    if len(y) < FEWEST:
        return float("nan")
    valley = valley_of(curve)
    if _is_few_grains(curve.values[np.isfinite(curve.values)], valley.left, lower_is_better=lower_is_better):
        return 1.0
    part = valley.y[valley.arrival :]
    if len(part) < FEWEST:
        part = valley.y[-FEWEST:]
    return _chance(part, curve.grain, np.random.default_rng(seed))


def _is_few_grains(values: Array, left: int, *, lower_is_better: bool) -> bool:
    """Say whether a quantised metric ends a few of its steps, such as a few samples, from its best level."""
    grain = grain_of(values, lower_is_better=lower_is_better)
    end, size = values[left:] if left < len(values) else values[-2:], max(3, len(values) // 10)
    levels = np.median(np.lib.stride_tricks.sliding_window_view(values, min(size, len(values))), axis=1)
    best = float(levels.min() if lower_is_better else levels.max())
    return grain > 0 and abs(float(np.median(end)) - best) <= FEW_GRAINS * grain


def _chance(y: Array, grain: float, rng: np.random.Generator) -> float:
    first, second = (_mean_square(y, lag) for lag in (1, 2))
    if first == 0 or second / first >= SMOOTH:
        return 0.0
    phi = second / first - 1 + 1 / np.sqrt(len(y))
    phi = float(np.clip(phi, 0.0, MOST_CORRELATED))
    sd = max(float(np.sqrt(first / (2 * (1 - phi)))), grain)
    drawn = _largest(_noise((DRAWS, len(y)), phi, sd, rng))
    scale = max(float(drawn.std()) * np.sqrt(6) / np.pi, np.finfo(float).tiny)
    x = (float(_largest(y[None])[0]) - float(drawn.mean())) / scale + EULER
    return float(-np.expm1(-np.exp(-x)))


def _mean_square(y: Array, lag: int) -> float:
    """Return the mean square of the differences at a lag; a jump counts as a large one and no more."""
    differences = y[lag:] - y[:-lag]
    most = OUTLYING * usual_size(differences[differences != 0])
    return float(np.mean(np.clip(differences, -most, most) ** 2))


def _noise(shape: tuple[int, int], phi: float, sd: float, rng: np.random.Generator) -> Array:
    """Return curves of noise, of which each evaluation is correlated with the next one by ``phi``."""
    noise = rng.standard_normal(shape) * sd
    for i in range(1, shape[1]):
        noise[:, i] = phi * noise[:, i - 1] + np.sqrt(1 - phi**2) * noise[:, i]
    return noise


def _largest(curves: Array) -> Array:
    """Return the largest standardised rise of each curve; two evaluations at least on each side."""
    m = curves.shape[1]
    k = np.arange(2, m - 1)
    sums = np.cumsum(curves, axis=1)
    before = sums[:, k - 1] / k
    after = (sums[:, -1:] - sums[:, k - 1]) / (m - k)
    return np.asarray(((after - before) * np.sqrt(k * (m - k) / m)).max(axis=1))
