"""A learning curve on a scale on which a factor is a distance: lower is better, and units drop out.

Of a curve that keeps its sign, the logarithm of its size is taken: 1.5 times worse is then ln 1.5 = 0.405
nats up, wherever the curve is and whatever its unit. A curve with a zero or with both signs has no ratios;
its unit is then what it has won, first value less best,

    y = 2 ln 1.5 · x / (x₀ - min x),

so that losing half of what was won counts as much as 1.5 times worse, and one that has won nothing is soon
far up. What is not finite is worse than all that is: +∞.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FACTOR = float(np.log(1.5))  # the rise, in nats, from which a curve has diverged

LEAST_WON = 1e-9  # of the range: of less, no square can be taken

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A curve that is ready to be judged.

    Attributes:
        steps: Of shape (n,), increasing.
        values: As given, of shape (n,).
        y: The same in nats, lower is better; +∞ where the value is not finite.
        in_ratios: Whether y is a logarithm.
    """

    steps: Array
    values: Array
    y: Array
    in_ratios: bool

    def __len__(self) -> int:
        return len(self.steps)


def curve_of(steps: ArrayLike, values: ArrayLike, *, lower_is_better: bool = True) -> Curve:
    """Return a curve in nats.

    Args:
        steps: Of shape (n,), increasing.
        values: Of shape (n,), in any unit; NaN and infinities are data.
        lower_is_better: The direction in which the curve improves.

    Raises:
        ValueError: The two differ in shape, or the steps do not increase.

    >>> curve_of([1, 2, 3], [1.0, 2.0, float("nan")]).y.round(3).tolist()
    [0.0, 0.693, inf]
    """
    at, given = np.asarray(steps, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if at.shape != given.shape or at.ndim != 1:
        raise ValueError(f"a curve needs as many steps as values, found {at.shape} and {given.shape}")
    if not (np.diff(at) > 0).all():
        raise ValueError("the steps of a curve must increase; sort them, and keep one value a step")
    x = given if lower_is_better else -given
    known = np.isfinite(x)
    sizes = x[known]
    in_ratios = len(sizes) > 0 and bool((sizes > 0).all() or (sizes < 0).all())
    y = np.full(len(x), np.inf)
    y[known] = np.sign(sizes) * np.log(np.abs(sizes)) if in_ratios else _share_of_gain(sizes)
    return Curve(at, given, y, in_ratios)


def _share_of_gain(x: Array) -> Array:
    """Return a curve without ratios in units of what it has won, else of its whole range."""
    if not len(x):
        return x
    largest = np.abs(x).max()
    if largest == 0:
        return x
    x = x / largest  # differences of the largest floats would overflow
    won = max(x[0] - x.min(), LEAST_WON * np.ptp(x))
    return x * (2 * FACTOR / won) if won > 0 else np.zeros_like(x)
