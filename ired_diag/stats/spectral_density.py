"""The density of a matrix's eigenvalues, from Lanczos quadratures of random start vectors.

For a random unit vector q, the quadrature of q·f(H) q has nodes θ and weights w with
E[Σ w f(θ)] = tr f(H) / n. Blurred by a Gaussian of width σ, its mean over start vectors is the density

    φ(x) = mean over vectors of Σ_i w_i N(x; θ_i, σ²),        ∫ φ = 1,     ∫ x φ = tr H / n.

Nothing narrower than σ can be seen in it, and eigenvalues that few vectors meet are seen with noise.

References: Lin, Saad, Yang (2016), Approximating Spectral Densities of Large Matrices, section 3.2.1;
Ghorbani, Krishnan, Xiao (2019), An Investigation into Neural Net Optimization via Hessian Eigenvalue Density.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ired_diag.stats.arrays import Array

RESOLUTION = 100  # widths σ in the range of the nodes
MARGIN = 5  # widths beyond the outermost node: what lies farther out is 6e-7 of all
PER_WIDTH = 2  # points of the grid in a width: the trapezoid rule is then exact to rounding

Quadrature = tuple[Array, Array]


def spectral_density(
    quadratures: Sequence[Quadrature],
) -> tuple[Array, Array, float]:
    """Return the places x, of shape (points,), the density there, and the width σ.

    Args:
        quadratures: Nodes and weights of each start vector, each of shape (k,), k as it may be.
    """
    every = np.concatenate([nodes for nodes, _ in quadratures])
    low = float(every.min())
    high = float(every.max())
    width = (high - low) / RESOLUTION
    if width == 0:
        width = max(abs(low), 1.0) / RESOLUTION
    reach = MARGIN * width
    points = math.ceil((high - low + 2 * reach) / width * PER_WIDTH) + 1
    x = np.linspace(low - reach, high + reach, points)
    densities = []
    for nodes, weights in quadratures:
        densities.append(blurred(x, nodes, weights, width=width))
    return x, np.mean(densities, axis=0), width


def blurred(x: Array, nodes: Array, weights: Array, width: float) -> Array:
    """Return Σ_i w_i N(x; θ_i, σ²), of the shape of ``x``."""
    z = (x[:, None] - nodes) / width
    gauss: Array = np.exp(-(z**2) / 2) / (math.sqrt(2 * math.pi) * width)
    return gauss @ weights
