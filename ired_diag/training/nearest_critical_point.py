"""The critical point that Newton's method finds from where a training is, and what kind it is.

Newton's step solves H s = -g and goes to the critical point of the local quadratic, of whatever kind: unlike
descent it is drawn to saddles as to minima. From w it is repeated until the gradient has all but vanished;
the point p that it ends at is a saddle where the Hessian there has eigenvalues of both signs. A direction
whose curvature is below ``FLAT`` times the largest is flat: the step and the count of signs leave it out.

Plain gradient descent with rate η leaves a saddle along its unstable direction, of curvature -λ, by the
factor 1 + ηλ a step: from the distance u₀ along it to R takes ln(R/u₀)/ln(1 + ηλ) steps. With noise of
standard deviation σ on the gradient, from exactly the saddle, half of all runs have reached R after

    t = ln(1 + (R/(0.6745 ησ))² ((1 + ηλ)² - 1)) / (2 ln(1 + ηλ))   steps.

Reference: Dauphin and others (2014), Identifying and attacking the saddle point problem, NeurIPS. The second
formula: the position along the direction is a sum of independent steps that each grow by 1 + ηλ a step, so it
is normal with variance (ησ)² ((1 + ηλ)^(2t) - 1)/((1 + ηλ)² - 1), and 0.6745 of its standard deviation is the
median of its absolute value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.training.weight_curvature import MOST_DENSE, LossAt

MOST_STEPS = 50
CONVERGED = 1e-8  # norm of the gradient over that at the start, from which a point counts as critical
FLAT = 1e-8  # curvature over the largest, below which a direction has none

MEDIAN_OF_NORMAL = 0.6744897501960817  # of |z|


@dataclass(frozen=True, kw_only=True)
class CriticalPointNearby:
    """Where Newton's method ends.

    Attributes:
        distance: ‖p - w‖; NaN where it found none.
        kind: ``minimum``, ``saddle``, ``maximum`` or ``flat``; ``none`` where it found none.
        negative: How many directions curve down there.
        lowest: The smallest eigenvalue there.
        largest: The largest one.
        off: Distance from p along its directions that curve down: what descent has to leave by.
    """

    distance: float
    kind: str
    negative: int
    lowest: float
    largest: float
    off: float


NONE = CriticalPointNearby(
    distance=math.nan,
    kind="none",
    negative=0,
    lowest=math.nan,
    largest=math.nan,
    off=math.nan,
)


def nearest_critical_point(loss: LossAt) -> CriticalPointNearby:
    """Return the critical point that Newton's method finds from the start of a loss.

    Raises:
        ValueError: There are more than ``MOST_DENSE`` weights: the Hessian would not be written out.
    """
    if loss.size > MOST_DENSE:
        raise ValueError(f"{loss.size} weights; Newton's method is used up to {MOST_DENSE}")
    point, first = loss.start, loss.gradient(loss.start).norm().item()
    for _ in range(MOST_STEPS):
        gradient = loss.gradient(point)
        if not torch.isfinite(gradient).all():
            return NONE
        if gradient.norm().item() <= CONVERGED * first:
            return _described(loss, point)
        point = point + _newton_step(loss.hessian(point).numpy(), gradient.numpy())
    return NONE


def _newton_step(hessian: NDArray[np.float64], gradient: NDArray[np.float64]) -> Tensor:
    """Return the solution of H s = -g in the directions that are not flat."""
    values, vectors = np.linalg.eigh(hessian)
    is_curved = np.abs(values) > FLAT * np.abs(values).max()
    along = vectors[:, is_curved]
    step: NDArray[np.float64] = -along @ ((along.T @ gradient) / values[is_curved])
    return torch.from_numpy(step)


def _described(loss: LossAt, point: Tensor) -> CriticalPointNearby:
    values, vectors = np.linalg.eigh(loss.hessian(point).numpy())
    scale = np.abs(values).max()
    is_down, is_up = values < -FLAT * scale, values > FLAT * scale
    kind = "flat"
    if is_down.any() and is_up.any():
        kind = "saddle"
    elif is_down.any():
        kind = "maximum"
    elif is_up.any():
        kind = "minimum"
    way = (loss.start - point).numpy()
    return CriticalPointNearby(
        distance=float(np.linalg.norm(way)),
        kind=kind,
        negative=int(is_down.sum()),
        lowest=float(values[0]),
        largest=float(values[-1]),
        off=float(np.linalg.norm(vectors[:, is_down].T @ way)),
    )


def steps_to_leave(start: float, radius: float, *, rate: float, curvature: float) -> float:
    """Return after how many steps plain descent is at a radius from a saddle.

    Args:
        start: Distance along the unstable direction at the start.
        radius: Distance that counts as away.
        rate: Learning rate.
        curvature: λ > 0 of the unstable direction.

    >>> round(steps_to_leave(1e-3, 1.0, rate=0.01, curvature=1.0))
    694
    """
    if start <= 0:
        return math.inf
    return max(0.0, math.log(radius / start) / math.log1p(rate * curvature))


def median_escape(radius: float, *, rate: float, curvature: float, noise: float) -> float:
    """Return the median number of steps from exactly a saddle to a radius, under noise on the gradient.

    Args:
        radius: Distance that counts as away.
        rate: Learning rate.
        curvature: λ > 0 of the unstable direction.
        noise: Standard deviation of the noise on the gradient along it.

    >>> [round(median_escape(1.0, rate=0.01, curvature=1.0, noise=s), 1) for s in (1e-4, 1e-2, 1.0)]
    [1231.7, 768.9, 306.2]
    """
    growth = math.log1p(rate * curvature)
    ratio = radius / (MEDIAN_OF_NORMAL * rate * noise)
    return math.log1p(ratio**2 * math.expm1(2 * growth)) / (2 * growth)
