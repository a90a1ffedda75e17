"""Curves of two groups at the same places, so that they can be compared there.

    shared         the steps at which every seed of both groups has a finite value, if these are at least half
                   of what the most rarely evaluated seed has in the range that all cover
    interpolated   else the places of that seed, with every other curve read off the straight line between its
                   two neighbouring evaluations

A shared step is preferred because nothing is made up there. A straight line through a curve that bends is off
by up to h²/8 times its second derivative, h the distance of two evaluations: places where this, estimated
from the curves, exceeds half of a standard error of the difference are left out. Nothing is read off across a
value that is not finite, or beyond the end of any seed: a mean over the others would be one of survivors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import NotFound

Array = NDArray[np.float64]
Curve = tuple[Array, Array]  # places, increasing, and values

ENOUGH = 0.5  # of the evaluations of the seed that has the fewest
MOST_BEND = 0.5  # standard errors of the difference
NEIGHBOURS = 2  # to each side, whose median bend is taken: a second difference of noise is noisy
FEWEST = 2  # places
MOST = 1000  # places: beyond, neighbours tell nothing new, and every exchange would cost


@dataclass(frozen=True, kw_only=True)
class CurveGrid:
    """Curves of two groups at the same places.

    Attributes:
        places: Steps, or times, increasing, of shape (n,).
        a: Values of the first group, of shape (seeds, n).
        b: Values of the second group.
        is_interpolated: Whether values are read off between evaluations.
        thinned_from: Number of places of which these are an even choice; 0 where all are taken.
        evaluations: How many the most rarely evaluated seed has in the range that all seeds cover.
        bent: How many places are left out because a straight line would be too far off there.
        last_of_any: The last place of any seed.
        limited_by: Which seed, by its place among those of both groups, ends first; None where all go on to
            the last place of any.
    """

    places: Array
    a: Array
    b: Array
    is_interpolated: bool
    thinned_from: int
    evaluations: int
    bent: int
    last_of_any: float
    limited_by: int | None


def curve_grid(a: Sequence[Curve], b: Sequence[Curve]) -> CurveGrid:
    """Return the curves of two groups at the same places.

    Args:
        a: Places and values of each seed of the first group.
        b: The same of the second group.

    Raises:
        NotFound: The seeds have no two places in common, not even between evaluations.
    """
    curves = [*a, *b]
    finite = list(map(_finite_places, curves))
    if not all(map(len, finite)):
        raise NotFound("A seed has no finite value, so the curves have no place in common.")
    starts = [float(places[0]) for places in finite]
    ends = [float(places[-1]) for places in finite]
    span = (max(starts), min(ends))
    if span[0] >= span[1]:
        raise NotFound(_too_few(span, bent=0))
    inside = [_within(places, span) for places in finite]
    rarest = min(inside, key=len)
    places = reduce(np.intersect1d, inside)
    enough = max(FEWEST, ENOUGH * len(rarest))
    is_interpolated = len(places) < enough
    if is_interpolated:
        places = rarest
    thinned_from = 0
    if len(places) > MOST:
        thinned_from = len(places)
        chosen = np.linspace(0, thinned_from - 1, MOST)
        places = places[chosen.astype(int)]
    of_a = _read_off(a, places)
    of_b = _read_off(b, places)
    keep = np.isfinite(of_a).all(axis=0)
    keep &= np.isfinite(of_b).all(axis=0)
    if is_interpolated:
        off = _bend_of_group(a, places) - _bend_of_group(b, places)
        keep &= ~_is_bent(off, of_a, of_b)
    bent = int((~keep).sum())
    if keep.sum() < FEWEST:
        raise NotFound(_too_few(span, bent=bent))
    last = max(float(places[-1]) for places, _ in curves)
    limited_by = None
    if span[1] < last:
        limited_by = ends.index(span[1])
    return CurveGrid(
        places=places[keep],
        a=of_a[:, keep],
        b=of_b[:, keep],
        is_interpolated=is_interpolated,
        thinned_from=thinned_from,
        evaluations=len(rarest),
        bent=bent,
        last_of_any=last,
        limited_by=limited_by,
    )


def _finite_places(curve: Curve) -> Array:
    places, values = curve
    return places[np.isfinite(values)]


def _within(places: Array, span: tuple[float, float]) -> Array:
    start, end = span
    is_inside = (places >= start) & (places <= end)
    return places[is_inside]


def _read_off(curves: Sequence[Curve], places: Array) -> Array:
    """Return the values of curves at places, of shape (seeds, places)."""
    values = [np.interp(places, *curve) for curve in curves]
    return np.array(values)


def _too_few(span: tuple[float, float], *, bent: int) -> str:
    start, end = span
    if start >= end:
        return f"No range is covered by all seeds: one starts at {start:g}, another ends at {end:g}."
    if bent:
        return (
            f"Between {start:g} and {end:g} all seeds have evaluations, but not at the same places, and the "
            "curves bend too much between them to be read off."
        )
    return f"Between {start:g} and {end:g} the seeds have fewer than {FEWEST} evaluations in common."


def _is_bent(off: Array, a: Array, b: Array) -> NDArray[np.bool_]:
    """Say at which places a straight line between evaluations is too far off, next to the noise."""
    size = np.abs(_running_median(off))
    square = np.zeros(len(off))
    for group in (a, b):
        if len(group) > 1:
            square += group.var(axis=0, ddof=1) / len(group)
    is_bent: NDArray[np.bool_] = size > MOST_BEND * np.sqrt(square)
    return is_bent


def _bend_of_group(curves: Sequence[Curve], places: Array) -> Array:
    bends = [_bend(curve, places) for curve in curves]
    mean: Array = np.mean(bends, axis=0)
    return mean


def _bend(curve: Curve, places: Array) -> Array:
    """Return how far above a curve the line between its evaluations lies at each place."""
    x, y = curve
    if len(x) < 3:
        return np.zeros(len(places))
    slopes = np.diff(y) / np.diff(x)
    distances = (x[2:] - x[:-2]) / 2
    second = np.diff(slopes) / distances
    of_each = np.interp(places, x[1:-1], second)
    right = np.searchsorted(x, places)
    right = np.clip(right, 1, len(x) - 1)
    before = places - x[right - 1]
    after = x[right] - places
    bend: Array = before * after * of_each / 2
    return bend


def _running_median(values: Array) -> Array:
    padded = np.pad(values, NEIGHBOURS, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1)
    median: Array = np.median(windows, axis=1)
    return median
