"""Spikes: evaluations far above their neighbours, and whether the curve came back from them.

A value is a spike where it stands above the median of the five around it (itself among them) by far more
than values usually do (Hampel's identifier, upwards only), and by 5% at least. Neighbouring ones are one
spike. It is recovered at the first later evaluation that is back at the median of the five before it, within
the noise and 5%.

A lasting rise is not a spike: there the median rises too.

References: Hampel (1974), The influence curve and its role in robust estimation; Davies & Gather (1993), The
identification of multiple outliers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ired_diag.curves.nats import Curve, curve_of
from ired_diag.curves.order_statistics import median, usual_size
from ired_diag.stats.arrays import Array

HALF = 2
FAR = 5.0
SEEN = 0.05  # nats: a smaller change is not worth a word
LOW, FEWEST_LOW = 4.0, 20  # usual sizes below the median of three; evaluations of a curve that has lows
AROUND, LONGEST_LOW = 5, 3  # evaluations around some that are low in a row, and at most so many of these
USUAL_CHANGES = 3.0  # from one evaluation to the next: as far as a jump goes at least
LONE = 3.0  # ranges of four neighbours: six standard deviations of white noise


@dataclass(frozen=True)
class Spike:
    """A short excursion.

    Attributes:
        step: Step of its worst evaluation.
        value: The value there, in the curve's unit.
        rise: How much worse it is than what is around it, in nats; infinite where the value is not finite.
        recovered_step: The first step back at the level before; None while it is not.
    """

    step: float
    value: float
    rise: float
    recovered_step: float | None


def find_spikes(
    steps: ArrayLike,
    values: ArrayLike,
    *,
    lower_is_better: bool = True,
) -> tuple[Spike, ...]:
    """Return the spikes of a curve, in order.

    Args:
        steps: Steps of the evaluations, of shape (n,), increasing.
        values: Values of the evaluations, of shape (n,).
        lower_is_better: Whether lower values are better.

    >>> find_spikes(range(7), [1.0, 1.0, 1.0, 8.0, 1.0, 1.0, 1.0])[0].recovered_step
    4.0
    """
    curve = curve_of(steps, values, lower_is_better=lower_is_better)
    middle = running_median(curve.y)
    high, noise = _far_above(curve.y, middle)
    padded = np.concatenate([[False], high, [False]])
    changes = np.diff(padded.astype(int))
    edges = np.flatnonzero(changes).tolist()
    firsts = edges[::2]
    ends = edges[1::2]
    spikes = []
    for first, end in zip(firsts, ends, strict=True):
        spike = _spike(
            curve,
            middle,
            noise=noise,
            first=first,
            end=end,
        )
        spikes.append(spike)
    return tuple(spikes)


def ends_in_spike(curve: Curve) -> bool:
    """Say whether the last evaluation alone is far worse than those before: a spike, or a rise begins."""
    y = curve.y[:-1]
    before = curve.y[-2 * HALF - 2 : -1]
    if len(before) <= 2 * HALF or not np.isfinite(before).all():
        return False
    last = float(curve.y[-1])
    above = last - median(before)
    extent = float(np.ptp(before))
    if above <= max(SEEN, LONE * extent):
        return False
    middle = running_median(y)
    _, noise = _far_above(y, middle)
    return above > FAR * noise


def jumps_at_end(curve: Curve) -> bool:
    """Say whether the last evaluation is worse than the one before by more than changes usually are."""
    y = curve.y[-2 * HALF - 2 :]
    changes = np.abs(np.diff(y[:-1]))
    if len(changes) < HALF or not np.isfinite(y).all():
        return False
    jump = float(y[-1] - y[-2])
    return jump > max(SEEN, USUAL_CHANGES * median(changes))


def without_spikes(y: Array) -> Array:
    """Return a curve in nats with its spikes cut down, and lone lows filled up, to the running median.

    A lone low is an evaluation further below the two before and the two after it than three times their
    range: a mistake of the evaluation, where the bottom of a steep valley has its slopes around it.

    Args:
        y: Curve of shape (n,), lower is better, +∞ where not finite.
    """
    middle = running_median(y)
    is_high, _ = _far_above(y, middle)
    cut = np.where(is_high, middle, y)
    is_low, around_low = _far_below(y)
    cut = np.where(is_low, around_low, cut)
    if len(y) <= 2 * HALF:
        return cut
    _fill_lone_lows(cut)
    return cut


def _fill_lone_lows(y: Array) -> None:
    """Put the median of its neighbours in the place of each lone low."""
    largest = np.finfo(float).max / 8  # differences of larger values would overflow
    finite = np.minimum(y, largest)
    a, b, value, c, d = _neighbours(finite)
    neighbours = np.stack([a, b, c, d])
    least = neighbours.min(axis=0)
    most = neighbours.max(axis=0)
    width = most - least
    depth = least - value
    lone_lows = np.flatnonzero(depth > LONE * width)
    for i in lone_lows.tolist():
        place = i + HALF
        y[place] = median(neighbours[:, i])


def running_median(y: Array) -> Array:
    """Return the median of the five values around each; at the ends, of the window's part that is there.

    The window stays symmetric, so that an end is its own median and a descent is left as it is.
    """
    n = len(y)
    middle = y.copy()
    if n < 3:
        return middle
    first_three = y[:3]
    last_three = y[-3:]
    middle[1] = median(first_three)
    middle[-2] = median(last_three)
    if n > 2 * HALF:
        a, b, value, c, d = _neighbours(y)
        middle[HALF:-HALF] = _middle_of_five(a, b, value, c, d)
    return middle


def _neighbours(y: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Return the values two before, one before, at, one after and two after each that has all of them."""
    two_before = y[:-4]
    one_before = y[1:-3]
    at = y[2:-2]
    one_after = y[3:-1]
    two_after = y[4:]
    return two_before, one_before, at, one_after, two_after


def middle_of_three(a: Array, b: Array, c: Array) -> Array:
    """Return the median of three values each, ten times as fast as sorting them."""
    smaller = np.minimum(a, b)
    larger = np.maximum(a, b)
    not_largest = np.minimum(larger, c)
    return np.maximum(smaller, not_largest)


def _middle_of_five(a: Array, b: Array, c: Array, d: Array, e: Array) -> Array:
    """Return the median of five values each: neither the least of four nor their largest is it."""
    lower = np.minimum(a, b)
    upper = np.maximum(a, b)
    other_lower = np.minimum(c, d)
    other_upper = np.maximum(c, d)
    low = np.maximum(lower, other_lower)
    high = np.minimum(upper, other_upper)
    return middle_of_three(e, low, high)


def _far_above(y: Array, middle: Array) -> tuple[NDArray[np.bool_], float]:
    """Return where values are spikes, and the noise around the running median."""
    above = np.zeros(len(y))
    is_finite = np.isfinite(middle)
    np.subtract(y, middle, out=above, where=is_finite)
    noise = usual_size(above)
    far = max(FAR * noise, SEEN)
    return above > far, noise


def _far_below(y: Array) -> tuple[NDArray[np.bool_], Array]:
    """Return where values are far below those around them, and what takes their place.

    Single values are compared with the median of three; two or three in a row with the level before and after
    them, where that is one level: the bottom of a valley has its slopes around it.
    """
    middle = y.copy()
    low = np.zeros(len(y), dtype=bool)
    if len(y) < FEWEST_LOW or not np.isfinite(y).all():
        return low, middle
    before = y[:-2]
    after = y[2:]
    middle[1:-1] = middle_of_three(before, y[1:-1], after)
    depth = middle - y
    noise = usual_size(depth)
    if noise == 0:
        return low, middle
    far = max(LOW * noise, SEEN)
    changes = np.abs(np.diff(y))
    # A fall of half the depth just before shows that it only continues a descent.
    fall_before = changes[:-1]
    deep_enough = np.maximum(far, 2 * fall_before)
    low[2:] = depth[2:] > deep_enough
    _fill_short_falls(middle, low, far)
    return low, middle


def _fill_short_falls(middle: Array, low: NDArray[np.bool_], far: float) -> None:
    """Mark two or three low evaluations in a row, and put the level before them in their place."""
    changes = np.diff(middle)
    falls = np.flatnonzero(changes < -far) + 1
    for fall in falls.tolist():
        first = max(0, fall - AROUND)
        last = fall + LONGEST_LOW
        before = median(middle[first:fall])
        following = middle[fall : last + 1]
        recovered = np.flatnonzero(following > before - far)
        if not len(recovered):
            continue
        end = fall + int(recovered[0])
        after = middle[end : end + AROUND]
        if len(after) < AROUND:
            continue
        step = median(after) - before
        if abs(step) <= far / 2:
            low[fall:end] = True
            middle[fall:end] = before


def _spike(
    curve: Curve,
    middle: Array,
    *,
    noise: float,
    first: int,
    end: int,
) -> Spike:
    """Return the spike that evaluations ``first`` to ``end - 1`` make."""
    y = curve.y
    top = first + int(np.argmax(y[first:end]))
    level = float(middle[top])
    earliest = max(0, first - 2 * HALF - 1)
    before = np.sort(y[earliest:first])
    if len(before):
        lower_middle = (len(before) - 1) // 2
        level = float(before[lower_middle])
    recovered = None
    near = level + max(2 * noise, SEEN)
    back = np.flatnonzero(y[end:] <= near)
    if len(back):
        place = end + int(back[0])
        recovered = float(curve.steps[place])
    return Spike(
        step=float(curve.steps[top]),
        value=float(curve.values[top]),
        rise=float(y[top] - middle[top]),
        recovered_step=recovered,
    )
