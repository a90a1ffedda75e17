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

from ired_diag.stats.arrays import Array

ROUNDINGS = 8.0  # of the terms' own precision, in units
PRECISIONS = (8, 11, 24)  # bits of bfloat16, float16 and float32
PASSES = 30
FIRST_AND_REST = (slice(64), slice(64, None))  # what does not hold of the first few, no further one is asked
MOST_PLACES = 300  # 10^308 is the largest power of ten that a double holds


@dataclass(frozen=True)
class Printed:
    """Numbers as they were printed.

    Attributes:
        values: Numbers of shape (n,).
        unit: Unit of each value's last printed place.
        epsilon: The relative precision that the values were computed in.
    """

    values: Array
    unit: Array
    epsilon: float


def printed(values: Array) -> Printed:
    """Return numbers with the place and the precision that they show.

    Args:
        values: Numbers of shape (n,), finite.
    """
    unit = _unit(values)
    epsilon = _epsilon(values, unit)
    return Printed(values, unit, epsilon)


def _unit(values: Array) -> Array:
    """Return the unit of the last place: of fixed decimals or of significant digits, the coarser one.

    >>> _unit(np.array([0.25, 1.5, 120.125])).tolist()
    [0.001, 0.001, 0.001]
    """
    nonzero = values[values != 0]
    if not len(nonzero):
        return np.zeros(len(values))
    smallest = np.abs(nonzero).min()
    magnitudes = np.maximum(np.abs(values), smallest)
    sizes = _exponents(magnitudes)
    of_decimals = _unit_of_decimals(nonzero)
    of_digits = _units_of_digits(nonzero, sizes)
    return np.maximum(of_decimals, of_digits)


def _exponents(magnitudes: Array) -> Array:
    """Return the power of ten of the first digit of positive numbers."""
    exponents: Array = np.floor(np.log10(magnitudes))
    return exponents


def _unit_of_decimals(nonzero: Array) -> float:
    """Return the unit of the fewest decimals that hold all values; 0 where 15 are too few."""
    for decimals in range(16):
        if all(_is_whole(nonzero[part] * 10.0**decimals) for part in FIRST_AND_REST):
            return 10.0**-decimals
    return 0.0


def _units_of_digits(nonzero: Array, sizes: Array) -> Array:
    """Return each value's unit by the fewest significant digits that hold all; 0 where 15 are too few."""
    exponents = _exponents(np.abs(nonzero))
    for digits in range(1, 16):
        places = digits - 1 - exponents
        if all(_is_whole(_shifted(nonzero[part], places[part])) for part in FIRST_AND_REST):
            units: Array = 10.0 ** (sizes + 1 - digits)
            return units
    return np.zeros(len(sizes))


def _shifted(values: Array, places: Array) -> Array:
    """Return values with their decimal point moved right; in two steps, as no double holds 10^309.

    >>> _shifted(np.array([0.25, 3e-310]), np.array([2.0, 310.0])).round(9).tolist()
    [25.0, 3.0]
    """
    first = np.minimum(places, MOST_PLACES)
    rest = places - first
    shifted: Array = values * 10.0**first * 10.0**rest
    return shifted


def _is_whole(x: Array) -> bool:
    distance = np.abs(x - np.rint(x))
    relative = 4 * np.finfo(float).eps
    rounding = relative * np.abs(x) + 1e-12
    is_near = distance <= rounding
    return bool(is_near.all())


def _epsilon(values: Array, unit: Array) -> float:
    """Return the unit roundoff of the fewest bits that hold all values, as far as they are printed."""
    fractions, exponents = np.frexp(values)
    for bits in PRECISIONS:
        mantissas = np.rint(np.ldexp(fractions, bits))
        held = np.ldexp(mantissas, exponents - bits)
        missed = np.abs(held - values)
        is_held = missed <= unit / 2
        if is_held.all():
            return 2.0**-bits
    most_bits = PRECISIONS[-1]
    return 2.0**-most_bits


def allowed(*columns: Printed) -> Array:
    """Return what printing and arithmetic may leave of a sum that should be 0."""
    first = columns[0]
    total = np.zeros(len(first.values))
    for column in columns:
        relative = ROUNDINGS * column.epsilon
        arithmetic = relative * np.abs(column.values)
        printing = column.unit / 2
        total = total + (printing + arithmetic)
    return total


def fitted_weights(y: Printed, xs: Sequence[Printed]) -> Array | None:
    """Return the weights of least absolute deviation, by reweighted least squares; None if not unique."""
    x = np.stack([column.values for column in xs], axis=1)
    sizes = np.abs(x).max(axis=0)
    if not (sizes > 0).all():
        return None
    scaled = x / sizes
    negligible = 1e-6 * len(x) ** 0.5
    rank = np.linalg.matrix_rank(scaled, tol=negligible)
    if rank < len(xs):
        return None
    floor = allowed(y, *xs) + np.finfo(float).tiny
    w = np.ones(len(x))
    for _ in range(PASSES):
        root = np.sqrt(w)
        weighted_x = scaled * root[:, None]
        weighted_y = y.values * root
        weights, *_ = np.linalg.lstsq(weighted_x, weighted_y, rcond=None)
        missed = np.abs(y.values - scaled @ weights)
        w = 1 / np.maximum(missed / floor, 1.0)
    return np.asarray(weights / sizes)


def missed_by(y: Printed, xs: Sequence[Printed], weights: Array) -> Array:
    """Return by how much a weighted sum misses the total, beyond rounding."""
    terms = []
    for weight, x in zip(weights, xs, strict=True):
        term = Printed(
            values=weight * x.values,
            unit=abs(weight) * x.unit,
            epsilon=x.epsilon,
        )
        terms.append(term)
    total = sum(term.values for term in terms)
    missed = np.abs(y.values - total)
    rounding = 2 * allowed(y, *terms)  # twice: the weights are rounded as well
    return np.asarray(missed - rounding)
