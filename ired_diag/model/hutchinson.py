"""The trace of a matrix that is known only by its products, by random signs.

With z a vector of independent signs ±1 (Rademacher),

    E[z·H z] = tr H,        Var[z·H z] = 2 (‖H‖_F² - Σ_i H_ii²)      for symmetric H,

the smallest variance of any such vector with independent entries. A single z gives the trace of a diagonal H
exactly.

References: Hutchinson (1990), A Stochastic Estimator of the Trace of the Influence Matrix; Avron & Toledo
(2011), Randomized Algorithms for Estimating the Trace, lemma 5.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.model.lanczos import Product, dot


def random_signs(like: Tensor, generator: torch.Generator) -> Tensor:
    """Return a vector of ±1, of shape, type and device of ``like``; drawn on the generator's device."""
    bits = torch.randint(0, 2, like.shape, generator=generator, device=generator.device)
    return (2 * bits - 1).to(like)


def trace_samples(
    product: Product, like: Tensor, count: int, *, generator: torch.Generator
) -> NDArray[np.float64]:
    """Return ``count`` independent z·H z: their mean estimates the trace, their spread its error.

    Args:
        product: H v of a vector v, of shape (n,).
        like: Of shape (n,); only its shape, type and device are used.
        count: Number of products.
        generator: Source of the signs.
    """
    samples = []
    for _ in range(count):
        z = random_signs(like, generator)
        samples.append(dot(z, product(z)))
    return np.array(samples)
