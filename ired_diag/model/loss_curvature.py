"""How a loss bends at given parameters: eigenvalues, trace, density, random directions, slices.

The parts are in ``lanczos``, ``hutchinson``, ``stats.spectral_density`` and ``filter_direction``; this file
says how many products each gets. One Lanczos run of 40 steps tells the extreme eigenvalues; three short ones
from other starts join it for the density.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.model.filter_direction import filter_direction
from ired_diag.model.hessian import LossOf, along, expand
from ired_diag.model.hutchinson import random_signs, trace_samples
from ired_diag.model.lanczos import RitzPair, extreme_pairs, lanczos

STEPS = 40  # of the run that tells the extreme eigenvalues
STARTS, SHORT_STEPS = 3, 12  # further runs for the density
TRACES = 16  # random sign vectors
DIRECTIONS = 8  # filter-normalised
REACH = 2.0  # of a slice, in steps that double the loss on a parabola
SLICE, PLANE = 21, 11  # points of a slice, and along a side of a two-dimensional one

Generators = Callable[[str], torch.Generator]


@dataclass(frozen=True)
class LossCurvature:
    """How a loss bends.

    Attributes:
        value: The loss L.
        gradient: Its gradient, of shape (n,).
        lowest: The lowest Ritz pair of its Hessian.
        highest: The highest.
        traces: Independent estimates of the trace, of shape (TRACES,).
        quadratures: Nodes and weights of Lanczos from independent starts.
        directions: Filter-normalised, of shape (DIRECTIONS, n).
        bends: d·H d of each.
        fresh: v·H v of the lowest and of the highest pair on each fresh batch, of shape (batches, 2).
    """

    value: float
    gradient: Tensor
    lowest: RitzPair
    highest: RitzPair
    traces: NDArray[np.float64]
    quadratures: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]
    directions: Tensor
    bends: NDArray[np.float64]
    fresh: NDArray[np.float64]


def loss_curvature(
    loss: LossOf, parameters: Mapping[str, Tensor], fresh: Iterable[LossOf], *, generators: Generators
) -> LossCurvature | None:
    """Return how a loss bends; None where the loss or its gradient is not finite.

    Args:
        loss: Twice differentiable.
        parameters: Where.
        fresh: The same loss on other batches; made and dropped one by one.
        generators: A stream of random numbers, on the CPU, for each purpose.
    """
    at = expand(loss, parameters)
    if not (math.isfinite(at.value) and bool(at.gradient.isfinite().all())):
        return None
    starts = generators("starts")
    run = lanczos(at.product, random_signs(at.gradient, starts), STEPS)
    lowest, highest = extreme_pairs(at.product, run)
    short = [lanczos(at.product, random_signs(at.gradient, starts), SHORT_STEPS) for _ in range(STARTS)]
    drawn = generators("directions")
    directions = torch.stack([filter_direction(parameters, generator=drawn) for _ in range(DIRECTIONS)])
    others = (expand(other, parameters).product for other in fresh)
    return LossCurvature(
        at.value,
        at.gradient,
        lowest,
        highest,
        trace_samples(at.product, at.gradient, TRACES, generator=generators("trace")),
        (run.quadrature(), *(other.quadrature() for other in short)),
        directions,
        np.array([float(d.double() @ at.product(d).double()) for d in directions]),
        np.array(
            [
                [float(v.double() @ product(v).double()) for v in (lowest.vector, highest.vector)]
                for product in others
            ]
        ),
    )


def doubling_step(value: float, bend: float) -> float:
    """Return the step at which a parabola L + ½ bend a² is 2L (0, if it bends down); inf if it is flat."""
    return math.sqrt(2 * abs(value / bend)) if bend else math.inf


def slice_along(
    loss: LossOf, parameters: Mapping[str, Tensor], direction: Tensor, reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return steps within ±``reach``, of shape (SLICE,), and the loss after each along a flat direction."""
    if not math.isfinite(reach):
        return np.full(1, math.nan), np.full(1, math.nan)
    steps = reach * np.linspace(-1, 1, SLICE)
    return steps, np.array([along(loss, parameters, direction, float(step)) for step in steps])


def plane_through(
    loss: LossOf, parameters: Mapping[str, Tensor], found: LossCurvature
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return steps along the first two directions, and the loss after both, each of shape (PLANE²,)."""
    reach = [doubling_step(found.value, float(bend)) for bend in found.bends[:2]]
    if not np.isfinite(reach).all():
        return np.full(1, math.nan), np.full(1, math.nan), np.full(1, math.nan)
    first, second = (r * np.linspace(-1, 1, PLANE) for r in reach)
    a, b = (grid.ravel() for grid in np.meshgrid(first, second, indexing="ij"))
    d, e = found.directions[:2]
    moves = (float(x) * d + float(y) * e for x, y in zip(a, b, strict=True))
    return a, b, np.array([along(loss, parameters, move, 1.0) for move in moves])
