"""How a loss bends at given parameters: eigenvalues, trace, density, random directions, slices.

The parts are in ``lanczos``, ``hutchinson``, ``stats.spectral_density`` and ``filter_direction``; this file
says how many products each gets. A Lanczos run of 40 steps finds the extreme eigenvalues; three short runs
from other starts join it for the density.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.model.filter_direction import filter_direction
from ired_diag.model.hessian import LossOf, along, expand
from ired_diag.model.hutchinson import random_signs, trace_samples
from ired_diag.model.lanczos import Product, RitzPair, dot, extreme_pairs, lanczos
from ired_diag.side_by_side import side_by_side

STEPS = 40  # of the run that finds the extreme eigenvalues
STARTS, SHORT_STEPS = 3, 12  # further runs for the density
TRACES = 16  # random sign vectors
DIRECTIONS = 8  # filter-normalised
REACH = 2.0  # of a slice, in steps that double the loss on a parabola
SLICE, PLANE = 21, 11  # points of a slice, and along a side of a two-dimensional one

Generators = Callable[[str], torch.Generator]
Floats = NDArray[np.float64]
Quadrature = tuple[Floats, Floats]  # nodes and weights


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
    quadratures: tuple[Quadrature, ...]
    directions: Tensor
    bends: Floats
    fresh: Floats


def loss_curvature(
    loss: LossOf,
    parameters: Mapping[str, Tensor],
    fresh: Iterable[LossOf],
    *,
    generators: Generators,
    at_once: bool = False,
) -> LossCurvature | None:
    """Return how a loss bends; None where the loss or its gradient is not finite.

    Args:
        loss: Twice differentiable.
        parameters: Where.
        fresh: The same loss on other batches; made and dropped one by one.
        generators: A stream of random numbers, on the CPU, for each purpose.
        at_once: Whether the loss may be computed in several threads at once.
    """
    at = expand(loss, parameters)
    finite = math.isfinite(at.value) and bool(at.gradient.isfinite().all())
    if not finite:
        return None
    starts = generators("starts")
    long_start = random_signs(at.gradient, starts)
    short_starts = [random_signs(at.gradient, starts) for _ in range(STARTS)]
    directions = _directions(parameters, generators("directions"))

    def product() -> Product:
        # Threads that share a graph would wait for each other at every node of it.
        return expand(loss, parameters).product

    def extremes() -> tuple[Quadrature, RitzPair, RitzPair]:
        run = lanczos(at.product, long_start, STEPS)
        return run.quadrature(), *extreme_pairs(at.product, run)

    def quadrature(start: Tensor) -> Quadrature:
        return lanczos(product(), start, SHORT_STEPS).quadrature()

    def traces() -> Floats:
        return trace_samples(
            product(),
            at.gradient,
            TRACES,
            generator=generators("trace"),
        )

    def bends() -> Floats:
        h = product()
        return np.array([_bend(h, direction) for direction in directions])

    # The longest first: the others fill the time that it takes.
    pieces: list[Callable[[], Any]] = [extremes, traces, bends]
    pieces += [functools.partial(quadrature, start) for start in short_starts]
    results = list(side_by_side(_called, pieces, at_once=at_once))
    long_quadrature, lowest, highest = results[0]

    def fresh_bends(fresh_loss: LossOf) -> list[float]:
        h = expand(fresh_loss, parameters).product
        return [_bend(h, lowest.vector), _bend(h, highest.vector)]

    on_fresh = list(side_by_side(fresh_bends, fresh, at_once=at_once))
    return LossCurvature(
        value=at.value,
        gradient=at.gradient,
        lowest=lowest,
        highest=highest,
        traces=results[1],
        quadratures=(long_quadrature, *results[3:]),
        directions=directions,
        bends=results[2],
        fresh=np.array(on_fresh),
    )


def _called(piece: Callable[[], Any]) -> Any:
    return piece()


def _directions(parameters: Mapping[str, Tensor], generator: torch.Generator) -> Tensor:
    directions = []
    for _ in range(DIRECTIONS):
        directions.append(filter_direction(parameters, generator=generator))
    return torch.stack(directions)


def _bend(product: Product, direction: Tensor) -> float:
    """Return d·H d."""
    return dot(direction, product(direction))


def doubling_step(value: float, bend: float) -> float:
    """Return the step at which a parabola L + ½ bend a² is 2L (0, if it bends down); inf if it is flat."""
    if not bend:
        return math.inf
    return math.sqrt(2 * abs(value / bend))


def slice_along(
    loss: LossOf,
    parameters: Mapping[str, Tensor],
    direction: Tensor,
    reach: float,
    *,
    at_once: bool = False,
) -> tuple[Floats, Floats]:
    """Return steps within ±``reach``, of shape (SLICE,), and the loss after each along a flat direction."""
    if not math.isfinite(reach):
        return np.full(1, math.nan), np.full(1, math.nan)
    steps = reach * np.linspace(-1, 1, SLICE)

    def loss_after(step: float) -> float:
        return along(loss, parameters, direction, step)

    losses = list(side_by_side(loss_after, steps.tolist(), at_once=at_once))
    return steps, np.array(losses)


def plane_through(
    loss: LossOf,
    parameters: Mapping[str, Tensor],
    curvature: LossCurvature,
    *,
    at_once: bool = False,
) -> tuple[Floats, Floats, Floats]:
    """Return steps along the first two directions, and the loss after both, each of shape (PLANE²,)."""
    reach = [doubling_step(curvature.value, float(bend)) for bend in curvature.bends[:2]]
    if not np.isfinite(reach).all():
        return np.full(1, math.nan), np.full(1, math.nan), np.full(1, math.nan)
    unit = np.linspace(-1, 1, PLANE)
    rows, columns = np.meshgrid(reach[0] * unit, reach[1] * unit, indexing="ij")
    first, second = rows.ravel(), columns.ravel()
    d, e = curvature.directions[:2]

    def loss_after(steps: tuple[float, float]) -> float:
        a, b = steps
        return along(loss, parameters, a * d + b * e, 1.0)

    steps = list(zip(first.tolist(), second.tolist(), strict=True))
    losses = list(side_by_side(loss_after, steps, at_once=at_once))
    return first, second, np.array(losses)
