"""Numbers as a log prints them: how finely, and what printing and arithmetic leave of an identity.

A column of logged numbers has a last printed place, fixed decimals or significant digits, and was computed
in some precision: that of the fewest bits that hold all values as far as they are printed.

References: Higham (2002), Accuracy and Stability of Numerical Algorithms, section 2; Bloomfield & Steiger
(1983), Least Absolute Deviations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROUNDINGS = 8.0  # of the terms' own precision, in units
PRECISIONS = (8, 11, 24)  # bits of bfloat16, float16 and float32
PASSES = 30
MOST_PLACES = 300  # 10^308 is the largest power of ten that a double holds

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Printed:
    """Numbers as they were printed.

    Attributes:
        values: Of shape (n,).
        unit: Of each value's last printed place.
        epsilon: The relative precision that the values were computed in.
    """

    values: Array
    unit: Array
    epsilon: float


def printed(values: Array) -> Printed:
    """Return numbers with the place and the precision that they show.

    Args:
        values: Of shape (n,), finite.
    """
    unit = _unit(values)
    return Printed(values, unit, _epsilon(values, unit))


def _unit(values: Array) -> Array:
    """Return the unit of the last place: of fixed decimals or of significant digits, the coarser one.

    >>> _unit(np.array([0.25, 1.5, 120.125])).tolist()
    [0.001, 0.001, 0.001]
    """
    known = values[values != 0]
    if not len(known):
        return np.zeros(len(values))
    exponents = np.floor(np.log10(np.abs(known)))
    decimals = next((d for d in range(16) if _is_whole(known * 10.0**d)), None)
    digits = next((s for s in range(1, 16) if _is_whole(_shifted(known, s - 1 - exponents))), None)
    fixed = 0.0 if decimals is None else 10.0**-decimals
    sizes = np.floor(np.log10(np.maximum(np.abs(values), np.abs(known).min())))
    relative = np.zeros(len(values)) if digits is None else 10.0 ** (sizes + 1 - digits)
    return np.maximum(fixed, relative)


def _shifted(values: Array, places: Array) -> Array:
    """Return values with their decimal point moved right; in two steps, as no double holds 10^309.

    >>> _shifted(np.array([0.25, 3e-310]), np.array([2.0, 310.0])).round(9).tolist()
    [25.0, 3.0]
    """
    first = np.minimum(places, MOST_PLACES)
    return np.asarray(values * 10.0**first * 10.0 ** (places - first))


def _is_whole(x: Array) -> bool:
    return bool((np.abs(x - np.rint(x)) <= 4 * np.finfo(float).eps * np.abs(x) + 1e-12).all())


def _epsilon(values: Array, unit: Array) -> float:
    """Return the unit roundoff of the fewest bits that hold all values, as far as they are printed."""
    fractions, exponents = np.frexp(values)
    for bits in PRECISIONS:
        held = np.ldexp(np.rint(np.ldexp(fractions, bits)), exponents - bits)
        if (np.abs(held - values) <= unit / 2).all():
            return 2.0**-bits
    return 2.0 ** -PRECISIONS[-1]


def allowed(*columns: Printed) -> Array:
    """Return what printing and arithmetic may leave of a sum that should be 0."""
    return sum(
        (c.unit / 2 + ROUNDINGS * c.epsilon * np.abs(c.values) for c in columns),
        start=np.zeros(len(columns[0].values)),
    )


def fitted_weights(y: Printed, xs: Sequence[Printed]) -> Array | None:
    """Return the weights of least absolute deviation, by reweighted least squares; None if not unique."""
    x = np.stack([column.values for column in xs], axis=1)
    sizes = np.abs(x).max(axis=0)
    if not (sizes > 0).all() or np.linalg.matrix_rank(x / sizes, tol=1e-6 * len(x) ** 0.5) < len(xs):
        return None
    scaled, floor = x / sizes, allowed(y, *xs) + np.finfo(float).tiny
    w = np.ones(len(x))
    for _ in range(PASSES):
        root = np.sqrt(w)
        weights = np.linalg.lstsq(scaled * root[:, None], y.values * root, rcond=None)[0]
        w = 1 / np.maximum(np.abs(y.values - scaled @ weights) / floor, 1.0)
    return np.asarray(weights / sizes)


def missed_by(y: Printed, xs: Sequence[Printed], weights: Array) -> Array:
    """Return by how much a weighted sum misses the total, beyond rounding."""
    missed = y.values - sum(w * x.values for w, x in zip(weights, xs, strict=True))
    terms = [Printed(w * x.values, abs(w) * x.unit, x.epsilon) for w, x in zip(weights, xs, strict=True)]
    return np.asarray(np.abs(missed) - 2 * allowed(y, *terms))  # the weights are rounded as well
