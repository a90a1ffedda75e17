"""How a loss bends at given parameters: eigenvalues, trace, density, random directions, slices.

The parts are in ``lanczos``, ``hutchinson``, ``stats.spectral_density`` and ``filter_direction``; this file
says how many products each gets. A Lanczos run of 40 steps finds the extreme eigenvalues; three short runs
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
from ired_diag.model.lanczos import Product, RitzPair, extreme_pairs, lanczos

STEPS = 40  # of the run that finds the extreme eigenvalues
STARTS, SHORT_STEPS = 3, 12  # further runs for the density
TRACES = 16  # random sign vectors
DIRECTIONS = 8  # filter-normalised
REACH = 2.0  # of a slice, in steps that double the loss on a parabola
SLICE, PLANE = 21, 11  # points of a slice, and along a side of a two-dimensional one

Generators = Callable[[str], torch.Generator]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
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
    traces: Floats
    quadratures: tuple[tuple[Floats, Floats], ...]
    directions: Tensor
    bends: Floats
    fresh: Floats


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
    finite = math.isfinite(at.value) and bool(at.gradient.isfinite().all())
    if not finite:
        return None
    starts = generators("starts")
    long_run = lanczos(at.product, random_signs(at.gradient, starts), STEPS)
    lowest, highest = extreme_pairs(at.product, long_run)
    quadratures = [long_run.quadrature()]
    for _ in range(STARTS):
        short_run = lanczos(at.product, random_signs(at.gradient, starts), SHORT_STEPS)
        quadratures.append(short_run.quadrature())
    directions = _directions(parameters, generators("directions"))
    traces = trace_samples(
        at.product,
        at.gradient,
        TRACES,
        generator=generators("trace"),
    )
    bends = [_bend(at.product, direction) for direction in directions]
    fresh_bends = []
    for fresh_loss in fresh:
        product = expand(fresh_loss, parameters).product
        fresh_bends.append([_bend(product, lowest.vector), _bend(product, highest.vector)])
    return LossCurvature(
        value=at.value,
        gradient=at.gradient,
        lowest=lowest,
        highest=highest,
        traces=traces,
        quadratures=tuple(quadratures),
        directions=directions,
        bends=np.array(bends),
        fresh=np.array(fresh_bends),
    )


def _directions(parameters: Mapping[str, Tensor], generator: torch.Generator) -> Tensor:
    directions = []
    for _ in range(DIRECTIONS):
        directions.append(filter_direction(parameters, generator=generator))
    return torch.stack(directions)


def _bend(product: Product, direction: Tensor) -> float:
    """Return d·H d."""
    image = product(direction)
    return float(direction.double() @ image.double())


def doubling_step(value: float, bend: float) -> float:
    """Return the step at which a parabola L + ½ bend a² is 2L (0, if it bends down); inf if it is flat."""
    if not bend:
        return math.inf
    return math.sqrt(2 * abs(value / bend))


def slice_along(
    loss: LossOf, parameters: Mapping[str, Tensor], direction: Tensor, reach: float
) -> tuple[Floats, Floats]:
    """Return steps within ±``reach``, of shape (SLICE,), and the loss after each along a flat direction."""
    if not math.isfinite(reach):
        return np.full(1, math.nan), np.full(1, math.nan)
    steps = reach * np.linspace(-1, 1, SLICE)
    losses = [along(loss, parameters, direction, float(step)) for step in steps]
    return steps, np.array(losses)


def plane_through(
    loss: LossOf, parameters: Mapping[str, Tensor], curvature: LossCurvature
) -> tuple[Floats, Floats, Floats]:
    """Return steps along the first two directions, and the loss after both, each of shape (PLANE²,)."""
    reach = [doubling_step(curvature.value, float(bend)) for bend in curvature.bends[:2]]
    if not np.isfinite(reach).all():
        return np.full(1, math.nan), np.full(1, math.nan), np.full(1, math.nan)
    unit = np.linspace(-1, 1, PLANE)
    rows, columns = np.meshgrid(reach[0] * unit, reach[1] * unit, indexing="ij")
    first, second = rows.ravel(), columns.ravel()
    d, e = curvature.directions[:2]
    losses = []
    for a, b in zip(first, second, strict=True):
        move = float(a) * d + float(b) * e
        losses.append(along(loss, parameters, move, 1.0))
    return first, second, np.array(losses)
