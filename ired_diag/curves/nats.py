"""A learning curve on a scale on which a factor is a distance: lower is better, and units drop out.

Which scale a metric allows follows from its values:

    ratio   a metric that stays positive:                           y = ± ln(x + 3 g)
    error   higher is better, bounded by 1 (accuracy, R², AUC):     y = ln(1 - x + 3 g)
    gain    all others, which are negative or cross 0:              y = ln 1.5 · x / (typical gain)

On the first two, 1.5 times worse is ln 1.5 = 0.405 nats up. g is the grain of a quantised metric (``grain``),
else 0; three of it, or ten times the level of a curve that rests at its rounding floor, keep values there
from having ratios that mean nothing. A metric without a natural 0 has no ratios: its unit is the median of
what the curve was above its best level on its way there, so that losing that much again counts as 1.5 times
worse; where it has gained nothing beyond its scatter, the unit is ten times that scatter. The first value
does not count more than others: one bad start is no scale.

What is not finite is worse than all that is: +∞.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.curves.early_means import clear_gain
from ired_diag.curves.grain import grain_of
from ired_diag.curves.order_statistics import median
from ired_diag.stats.arrays import Array, as_floats

Scale = Literal["ratio", "error", "gain"]

FACTOR = float(np.log(1.5))  # the rise, in nats, from which a curve has diverged
GRAINS = 3.0
FLOOR_LEVELS = 10.0
FEW_GRAINS, WIDE = 30.0, 4.0  # a level of so few grains, whose values differ by so large a factor
ARRIVED = 0.1
SCATTERS = 10.0
CLEAR = 3.0
LEAST_GAIN = 1e-9  # of the range: of less, no square can be taken
NORMAL_MAD = 0.6745  # median size of a standard normal
LARGEST = 1e150
SMALLEST = 1e-150  # of less, a curve without ratios has no unit: its inverse is infinite
TINY = float(np.finfo(np.float64).tiny)  # the smallest value whose inverse is finite


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A curve that is ready to be judged.

    Attributes:
        steps: Steps of the evaluations, of shape (n,), increasing.
        values: Values as given, of shape (n,); finite ones beyond 1e150 are cut there.
        y: Values in nats, lower is better; +∞ where the value is not finite.
        scale: The scale of y.
        grain: Half a step of a quantised metric at the best value, in nats; 0 where it is not quantised.
        gained: Whether a curve on the scale of gains has gained anything beyond its scatter; true on others.
        higher_is_better: The direction in which the values improve.
    """

    steps: Array
    values: Array
    y: Array
    scale: Scale
    grain: float = 0.0
    gained: bool = True
    higher_is_better: bool = False

    def __len__(self) -> int:
        return len(self.steps)


def curve_of(
    steps: ArrayLike,
    values: ArrayLike,
    *,
    lower_is_better: bool = True,
) -> Curve:
    """Return a curve in nats.

    Args:
        steps: Steps of the evaluations, of shape (n,), increasing.
        values: Values of the evaluations, of shape (n,), in any unit; NaN and infinities are data.
        lower_is_better: Whether lower values are better.

    Raises:
        ValueError: The two differ in shape, or the steps do not increase.

    >>> curve_of([1, 2, 3], [1.0, 2.0, float("nan")]).y.round(3).tolist()
    [0.0, 0.693, inf]
    """
    places = as_floats(steps)
    numbers = as_floats(values)
    if places.shape != numbers.shape or places.ndim != 1:
        raise ValueError(f"a curve needs as many steps as values, found {places.shape} and {numbers.shape}")
    if not (places[1:] > places[:-1]).all():
        raise ValueError("the steps of a curve must increase; sort them, and keep one value a step")
    is_finite = np.isfinite(numbers)
    cut = np.clip(numbers, -LARGEST, LARGEST)  # sums of the largest floats overflow
    numbers = np.where(is_finite, cut, numbers)
    x = numbers[is_finite]
    grain = grain_of(x, lower_is_better=lower_is_better)
    scale = _scale_of(x, grain, lower_is_better)
    gained = True
    if scale == "gain":
        cost = x if lower_is_better else -x
        slope, gained = _unit_of_gains(cost)
        nats = cost * slope
    else:
        nats, slope = _in_ratios(
            x,
            scale=scale,
            grain=grain,
            lower_is_better=lower_is_better,
        )
    y = np.full(len(numbers), np.inf)
    y[is_finite] = nats
    return Curve(
        steps=places,
        values=numbers,
        y=y,
        scale=scale,
        grain=grain / 2 * slope,
        gained=gained,
        higher_is_better=not lower_is_better,
    )


def _scale_of(values: Array, grain: float, lower_is_better: bool) -> Scale:
    if not len(values):
        return "gain"
    lowest = values.min()
    highest = values.max()
    if not lower_is_better and 0 < highest <= 1:
        return "error"
    negative_rises = highest < 0 and not lower_is_better
    quantised_to_zero = lowest == 0 and grain and lower_is_better
    if lowest > 0 or negative_rises or quantised_to_zero:
        return "ratio"
    return "gain"


def _in_ratios(
    values: Array,
    *,
    scale: Scale,
    grain: float,
    lower_is_better: bool,
) -> tuple[Array, float]:
    """Return values in nats, lower is better, and how many nats a unit is at the best of them."""
    if scale == "error":
        return _errors_in_nats(1 - values, GRAINS * grain)
    if not lower_is_better and values[0] > 0:
        best = float(values.max())
        return -np.log(values), 1 / max(TINY, best)
    size = np.abs(values)
    offset = max(GRAINS * grain, _rounding_floor(size, grain))
    size = size + offset
    best = float(size.min())
    return np.log(size), 1 / max(TINY, best)


def _errors_in_nats(error: Array, offset: float) -> tuple[Array, float]:
    """Return errors in nats, an offset added or, where there is none and one error is 0, the smallest."""
    positive = error[error > 0]
    if offset == 0 and len(positive) < len(error):
        offset = float(positive.min(initial=1.0))
    best = float(error.min()) + offset
    return np.log(error + offset), 1 / max(TINY, best)


def _rounding_floor(size: Array, grain: float) -> float:
    """Return three times the level of a curve that rests a few grains above 0; 0 of any other."""
    if grain == 0:
        return 0.0
    lowest_third = np.sort(size)[: max(1, len(size) // 3)]
    level = median(lowest_third)
    is_wide = lowest_third[-1] >= WIDE * lowest_third[0]
    if level <= FEW_GRAINS * grain and is_wide:
        return FLOOR_LEVELS * level
    return 0.0


def _unit_of_gains(x: Array) -> tuple[float, bool]:
    """Return how many nats a unit is of a curve without ratios, and whether it gained beyond its scatter."""
    largest = float(np.abs(x).max(initial=0.0))
    if largest < SMALLEST:
        return 0.0, False
    x = x / largest  # differences of the largest floats would overflow
    gained = _gained(x)
    scatter = _scatter(x)
    extent = float(np.ptp(x))
    unit = max(gained, SCATTERS * scatter, LEAST_GAIN * extent)
    if unit <= 0:
        return 0.0, False
    is_clear = gained > CLEAR * scatter or clear_gain(x) > 0
    return FACTOR / unit / largest, is_clear


def _gained(x: Array) -> float:
    """Return how far the values before the arrival lie above the best level; 0 where there are none."""
    level = _best_level(x)
    start = median(x[:3])
    if start <= level:
        return 0.0
    near = level + ARRIVED * (start - level)
    arrival = int(np.argmax(x <= near))
    if arrival == 0:
        return 0.0
    return median(x[:arrival]) - level


def _best_level(x: Array) -> float:
    """Return the lowest median of neighbouring values, a tenth of all or three: one low value is luck."""
    size = max(3, len(x) // 10)
    if len(x) <= size:
        return float(x.min())
    levels = [median(x[-size:])]
    for start in range(0, len(x) - size + 1, max(1, size // 2)):
        levels.append(median(x[start : start + size]))
    return float(min(levels))


def _scatter(x: Array) -> float:
    """Return the standard deviation of one value, by the median size of what is not 0 of the differences."""
    differences = np.abs(np.diff(x))
    differences = differences[differences > 0]
    if not len(differences):
        return 0.0
    return float(median(differences) / (NORMAL_MAD * np.sqrt(2)))
