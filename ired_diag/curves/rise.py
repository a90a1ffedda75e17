"""A lasting rise: when is it a divergence, when a regression, and when only a hump?

divergence   the rise is ln 1.5 nats (1.5 times) or more, by two standard errors. Of a metric that is
             bounded by 1, whose error is what is compared, the metric itself must have lost a third too:
             an accuracy of 0.9995 that ends at 0.999 has twice the errors, and is no disaster. Of one
             that is negative or crosses 0, and has gained nothing, the rise is measured from where it
             usually was, and must be three times the size of its values.
regression   the rise is 5%, or a tenth of all that was won, or a twentieth where that is thirty times the
             noise; 2% have moved at least, and 1% of a metric that is bounded by 1
hump         the curve has come down again from its top by half, and still comes down
"""

from __future__ import annotations

import numpy as np

from ired_diag.curves.gain import FAINT, SEEN
from ired_diag.curves.nats import FACTOR, Curve
from ired_diag.curves.order_statistics import median
from ired_diag.curves.valley import Valley

SURE = 2.0  # standard errors: a rise of 1.5 times and no less
SHARE_LOST = 0.1
SHARE_LOST_SURELY = 0.05
SURELY = 30.0  # σ
BEYOND = 3.0
OWN = 0.01
FEWEST_FALLING = 8  # evaluations since the top of a hump
CLEAR = 4.0  # standard errors of a level


def is_divergence(curve: Curve, valley: Valley, *, hovers: bool) -> bool:
    """Say whether a lasting rise is by 1.5 times or more, surely, and in the metric's own unit as well.

    Args:
        curve: Curve in nats.
        valley: Valley of the same curve, with a lasting rise.
        hovers: Whether the metric hovers around 0 and has gained nothing.
    """
    rise = valley.rise
    if hovers:
        before = valley.y[: valley.left]
        usual = float(np.median(before))
        rise += valley.floor - usual
    if rise - SURE * valley.rise_error < FACTOR:
        return False
    if hovers:
        return _is_beyond_all(curve, valley)
    if curve.scale != "error":
        return True
    third = (len(curve) - valley.left) // 3
    last_third = curve.values[-(1 + third) :]
    end = np.median(last_third)
    best = np.nanmax(curve.values)
    lost_a_third = best / np.exp(FACTOR)
    return bool(end <= lost_a_third)


def is_regression(curve: Curve, valley: Valley, *, hovers: bool) -> bool:
    """Say whether a lasting rise is worth a word.

    Args:
        curve: Curve in nats.
        valley: Valley of the same curve, with a lasting rise.
        hovers: Whether the metric is negative or crosses 0, and has gained nothing.
    """
    rise = valley.rise
    won = float(valley.y[0]) - valley.floor
    if hovers:
        return rise - SURE * valley.rise_error >= FACTOR
    if max(won, rise) < FAINT or not _is_seen(curve, valley):
        return False
    if rise >= min(SEEN, SHARE_LOST * won):
        return True
    sure = SURELY * valley.sigma * valley.inflation
    return rise >= max(sure, SHARE_LOST_SURELY * won)


def _is_beyond_all(curve: Curve, valley: Valley) -> bool:
    """Say whether a metric without a natural 0 rose by three times what its values were."""
    before = curve.values[: valley.left]
    after = curve.values[valley.left :]
    finite_before = before[np.isfinite(before)]
    usual = float(np.median(np.abs(finite_before)))
    end = float(np.median(after))
    level = float(np.nanmedian(before))
    rise = abs(end - level)
    return rise >= BEYOND * usual


def _is_seen(curve: Curve, valley: Valley) -> bool:
    """Say whether a metric that is bounded by 1 has lost in its own unit, and not only in errors."""
    if curve.scale != "error" or valley.left <= valley.arrival:
        return True
    on_floor = curve.values[valley.arrival : valley.left]
    after = curve.values[valley.left :]
    level = float(np.nanmedian(on_floor))
    if not np.isfinite(level):
        return True
    end = float(np.nanmedian(after))
    lost = level - end
    return lost >= OWN * abs(level)


def is_recovering(valley: Valley) -> bool:
    """Say whether a curve that rose has come down from there by half already, and still comes down."""
    after = valley.y[valley.best :]
    top = int(np.argmax(after))
    falling = after[top:]
    if len(falling) < FEWEST_FALLING:
        return False
    third = len(falling) // 3
    middle = median(falling[-2 * third : -third])
    end = median(falling[-third:])
    noise = valley.sigma
    if valley.wander.sd:
        noise = valley.wander.error_of_mean(third)
    height = float(falling[0]) - valley.floor
    half = valley.floor + height / 2
    if end >= half:
        return False
    still_falls = middle - end
    return still_falls > max(CLEAR * noise, FAINT)
