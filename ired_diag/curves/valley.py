"""The valley of a learning curve: its floor, the noise of one evaluation, and a lasting rise out of it.

A training curve falls, may rest, and may rise again. With b its best evaluation (spikes cut), the closest
curve that falls up to b and rises from b on is found by isotonic regression on each side; what is left is
noise, of standard deviation σ and lag-one correlation φ. Each level of the fit costs a degree of freedom:

    σ² = Σ (yᵢ - fᵢ)² / (n - number of levels).

A curve that falls and rises without noise has σ = 0, however steep it is. The best evaluation is lucky, so
the floor is the median of all evaluations from the first to the last within 3σ of it. The curve has left
for good after the last median of three that is within 2σ of the floor.

A rise is one if it is five times that noise, widened for its correlation; where the fit leaves too little to
tell the noise, five times what the curve is from smooth (``roughness``). How high it is, is known no better
than the noise wanders (``wander``).

All is in nats (``nats``), so a factor is a distance.

Reference: Meyer & Woodroofe (2000), On the degrees of freedom in shape-restricted regression.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy  # its parts are imported when they are first used

from ired_diag.curves.order_statistics import distinct, median, usual_size
from ired_diag.curves.roughness import roughness
from ired_diag.curves.spikes import middle_of_three, without_spikes
from ired_diag.curves.wander import Wander, wander_of
from ired_diag.stats.arrays import Array

NEAR = 3.0  # σ above the best: the floor's evaluations
BACK = 2.0  # σ above the floor: the curve is back
CLEAR = 5.0
FEWEST_FREE = 8  # degrees of freedom: of fewer, σ is not known to 25%
MOST_CORRELATED = 0.95
OUTLYING = 5.0  # usual sizes: what is left of spikes is cut there
FEWEST_BEFORE_HUMP, FEWEST_AFTER_HUMP = 2, 8  # evaluations on its two sides
HUMP_GAIN = 8.0  # times less is left: noise that is called a hump takes away a half at most


@dataclass(frozen=True, kw_only=True)
class Valley:
    """Where a curve is lowest, and how it leaves.

    Attributes:
        y: The curve without its spikes, in nats, of shape (n,); finite.
        fit: The closest curve that falls, then rises.
        best: The place of the lowest value.
        floor: The level around the lowest value.
        arrival: The first evaluation on the floor.
        left: The first evaluation of the rise that lasts; n where there is none.
        sigma: The standard deviation of one evaluation.
        correlation: Correlation of one evaluation's noise with the next one's, at least 0.
        wander: Standard deviation and correlation by neighbours on one level of the fit.
        rises: Whether two evaluations at least have left, and their level is above the noise of one.
    """

    y: Array
    fit: Array
    best: int
    floor: float
    arrival: int
    left: int
    sigma: float
    correlation: float
    wander: Wander
    rises: bool = False

    @property
    def inflation(self) -> float:
        """By how much correlated noise widens the standard error of a mean or a slope."""
        return widening(self.correlation)

    @property
    def last_near(self) -> int:
        """The last evaluation that correlated noise could put where it is, were there no rise yet."""
        reach = self.floor + CLEAR * self.sigma * np.sqrt(self.inflation)
        medians = median_of_three(self.y)
        near = np.flatnonzero(medians <= reach)
        last = 0
        if len(near):
            last = int(near[-1])
        return max(self.left - 1, last)

    @property
    def rise(self) -> float:
        """How far above the floor the curve is at its end, in nats: 0 without a lasting rise."""
        after = self.y[self.left :]
        if not len(after):
            return 0.0
        end = after[-_third(len(after)) :]
        if len(end) == 2:
            level = float(np.min(end))  # one of two may be a spike
        else:
            level = median(end)
        return float(level - self.floor)

    @property
    def rise_error(self) -> float:
        """The standard error of the rise: of a level on the floor, and of one at the end."""
        on_floor = max(1, self.left - self.arrival)
        at_end = _third(len(self.y) - self.left)
        before = self.wander.error_of_mean(on_floor)
        after = self.wander.error_of_mean(at_end)
        return float(np.hypot(before, after))


def find_valley(y: Array, *, grain: float = 0.0) -> Valley:
    """Return the valley of a curve in nats.

    Args:
        y: Curve of shape (n,), n ≥ 1, lower is better; +∞ counts as the worst finite value.
        grain: The least noise of one evaluation that a quantised metric can have.

    Raises:
        ValueError: No value is finite.
    """
    finite = y[np.isfinite(y)]
    if not len(finite):
        raise ValueError("a curve without a finite value has no valley")
    clean = np.minimum(without_spikes(y), finite.max())
    best = int(np.argmin(clean))
    lowest = float(clean[best])
    fit = _closest_fit(clean, best)
    residuals = clean - fit
    end_of_descent = best + 1
    whole = _noise(residuals, fit)
    descent = _noise(residuals[:end_of_descent], fit[:end_of_descent])
    sigma, correlation = max(whole, descent)
    sigma = max(sigma, grain)
    highest_near = lowest + NEAR * sigma
    near = np.flatnonzero(clean <= highest_near)
    arrival = int(near[0])
    last_near = int(near[-1])
    floor = median(clean[arrival : last_near + 1])
    floor = min(floor, highest_near)
    medians = median_of_three(clean)
    back = np.flatnonzero(medians <= floor + BACK * sigma)
    last_back = best
    if len(back):
        last_back = max(best, int(back[-1]))
    valley = Valley(
        y=clean,
        fit=fit,
        best=best,
        floor=floor,
        arrival=arrival,
        left=last_back + 1,
        sigma=sigma,
        correlation=correlation,
        wander=wander_of(clean, fit),
    )
    noise = max(sigma * valley.inflation, _unfitted(valley))
    lasts = len(y) - valley.left >= 2
    rises = lasts and valley.rise > CLEAR * noise
    return replace(valley, rises=bool(rises))


def _third(count: int) -> int:
    """Return the number of last evaluations whose median is the level after a rise."""
    return max(2, count // 3)


def _unfitted(valley: Valley) -> float:
    """Return the noise that the fit cannot show, because it leaves too little."""
    free = len(valley.y) - distinct(valley.fit)
    if free >= FEWEST_FREE:
        return 0.0
    return roughness(valley.y, valley.best)


def _closest_fit(y: Array, best: int) -> Array:
    """Return the closest curve that falls to the best and rises, after a hump where one is plain to see."""
    plain = _fall_and_rise(y, best)
    if best < FEWEST_AFTER_HUMP:
        return plain
    until_best = y[:best]
    above_lowest_before = until_best - np.minimum.accumulate(until_best)
    top = int(np.argmax(above_lowest_before))
    until_top = y[: top + 1]
    before = int(np.argmin(until_top))
    if top - before < FEWEST_BEFORE_HUMP or best - top < FEWEST_AFTER_HUMP:
        return plain
    climb = _fall_and_rise(until_top, before)
    descent = _fall_and_rise(y[top:], best - top)
    hump = np.concatenate([climb[:-1], descent])
    left_by_hump = _squares(y - hump)
    left_by_plain = _squares(y - plain)
    if HUMP_GAIN * left_by_hump < left_by_plain:
        return hump
    return plain


def _squares(residuals: Array) -> float:
    return float(np.sum(residuals**2))


def _fall_and_rise(y: Array, best: int) -> Array:
    fall = scipy.optimize.isotonic_regression(y[: best + 1], increasing=False)
    rise = scipy.optimize.isotonic_regression(y[best:], increasing=True)
    return np.concatenate([fall.x[:-1], rise.x])


def _noise(residuals: Array, fit: Array) -> tuple[float, float]:
    return noise_of(residuals, levels=distinct(fit))


def noise_of(residuals: Array, *, levels: int) -> tuple[float, float]:
    """Return the standard deviation of a fit's residuals, widened for its levels, and their correlation."""
    n = len(residuals)
    usual = usual_size(residuals[residuals != 0])  # a level of one value fits it exactly, and says nothing
    most = OUTLYING * usual
    r = np.clip(residuals, -most, most)
    squares = float((r**2).sum())
    if squares == 0:
        return 0.0, 0.0
    products = float((r[1:] * r[:-1]).sum())
    free = max(1, n - levels)
    sigma = np.sqrt(squares / free)
    correlation = products / squares
    correlation += (1 + 3 * correlation) / n  # the bias of the estimate (Kendall 1954)
    correlation = min(max(correlation, 0.0), MOST_CORRELATED)
    return float(sigma), correlation


def widening(correlation: float) -> float:
    """Return by how much correlated noise widens the standard error of a mean."""
    times = (1 + correlation) / (1 - correlation)
    return float(np.sqrt(times))


def median_of_three(y: Array) -> Array:
    """Return the median of each value and its two neighbours; the ends are kept."""
    if len(y) < 3:
        return y
    inside = middle_of_three(y[:-2], y[1:-1], y[2:])
    return np.concatenate([y[:1], inside, y[-1:]])
