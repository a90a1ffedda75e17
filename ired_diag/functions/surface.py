"""The test functions of optimisation, in the plane, with their critical points.

    rosenbrock   (1 - x)² + 100 (y - x²)²                                  a curved valley; minimum (1, 1)
    quadratic    ½ (100 x² + y²)                                           condition number 100
    saddle       ½ (x² - y²)                                               falls without end along y
    ackley       -20 e^(-0.2 √(‖p‖²/2)) - e^((cos 2πx + cos 2πy)/2) + 20 + e
    rastrigin    20 + Σ (p² - 10 cos 2πp)                                  minima near each whole point
    sphere       ‖p‖²
    schwefel     418.9829… · 2 - Σ p sin √|p|                              the best minimum is far off

Reference: Rosenbrock (1960), The Computer Journal 3:175; Jamil & Yang (2013), A literature survey of
benchmark functions, Int. J. Mathematical Modelling and Numerical Optimisation 4:150.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.task import CriticalPoint

BEST_OF_SCHWEFEL = 420.968746359982  # where d/dp (p sin √p) = 0, and the term is largest
TERM_OF_SCHWEFEL = 418.9828872724338  # the term there


@dataclass(frozen=True, kw_only=True)
class Surface:
    """A function of the plane.

    Attributes:
        value: Points of shape (…, 2) in, values of shape (…) out; differentiable.
        start: Where a descent starts by default.
        critical_points: Points where the gradient is zero: the global minimum, or the saddle.
        extent: Smallest and largest coordinate of the usual picture.
    """

    value: Callable[[Tensor], Tensor]
    start: tuple[float, float]
    critical_points: tuple[CriticalPoint, ...]
    extent: tuple[float, float]


def rosenbrock(points: Tensor) -> Tensor:
    """Return (1 - x)² + 100 (y - x²)²."""
    x, y = points[..., 0], points[..., 1]
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def quadratic(points: Tensor) -> Tensor:
    """Return ½ (100 x² + y²)."""
    x, y = points[..., 0], points[..., 1]
    return 0.5 * (100 * x**2 + y**2)


def saddle(points: Tensor) -> Tensor:
    """Return ½ (x² - y²)."""
    x, y = points[..., 0], points[..., 1]
    return 0.5 * (x**2 - y**2)


def ackley(points: Tensor) -> Tensor:
    """Return Ackley's function; at its minimum, the tip of a cone, the gradient is 0."""
    square = _total(points.square()) / 2
    is_tip = square == 0  # where the derivative of the root is infinite, and 0 is a subgradient
    radius = torch.where(is_tip, 0, torch.where(is_tip, 1, square).sqrt())
    waves = _total((2 * math.pi * points).cos()) / 2
    return -20 * (-0.2 * radius).exp() - waves.exp() + 20 + math.e


def rastrigin(points: Tensor) -> Tensor:
    """Return 20 + Σ (p² - 10 cos 2πp)."""
    return _total(points.square() - 10 * (2 * math.pi * points).cos() + 10)


def sphere(points: Tensor) -> Tensor:
    """Return ‖p‖²."""
    return _total(points.square())


def schwefel(points: Tensor) -> Tensor:
    """Return Σ (418.98… - p sin √|p|)."""
    return _total(TERM_OF_SCHWEFEL - points * points.abs().sqrt().sin())


def _total(terms: Tensor) -> Tensor:
    """Return the sum of the two coordinates; PyTorch's sum over an axis of 2 takes ten times as long."""
    return terms[..., 0] + terms[..., 1]


def _minimum(x: float, y: float) -> tuple[CriticalPoint, ...]:
    return (CriticalPoint("minimum", {"point": (x, y)}, 0.0),)


SURFACES = {
    "rosenbrock": Surface(
        value=rosenbrock,
        start=(-1.5, 2.0),
        critical_points=_minimum(1.0, 1.0),
        extent=(-2.0, 3.0),
    ),
    "quadratic": Surface(
        value=quadratic,
        start=(1.0, 1.0),
        critical_points=_minimum(0.0, 0.0),
        extent=(-1.5, 1.5),
    ),
    "saddle": Surface(
        value=saddle,
        start=(0.5, 0.5),
        critical_points=(CriticalPoint("saddle", {"point": (0.0, 0.0)}, 0.0),),
        extent=(-1.0, 1.0),
    ),
    "ackley": Surface(
        value=ackley,
        start=(2.5, -1.5),
        critical_points=_minimum(0.0, 0.0),
        extent=(-4.0, 4.0),
    ),
    "rastrigin": Surface(
        value=rastrigin,
        start=(2.4, -1.7),
        critical_points=_minimum(0.0, 0.0),
        extent=(-5.12, 5.12),
    ),
    "sphere": Surface(
        value=sphere,
        start=(2.0, -1.0),
        critical_points=_minimum(0.0, 0.0),
        extent=(-3.0, 3.0),
    ),
    "schwefel": Surface(
        value=schwefel,
        start=(300.0, 250.0),
        critical_points=_minimum(BEST_OF_SCHWEFEL, BEST_OF_SCHWEFEL),
        extent=(-500.0, 500.0),
    ),
}
