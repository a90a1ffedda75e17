"""The Jacobian of ∇_yE in y, by carrying all directions through the network and back at once.

Along a direction u the three layers and the way back through them move by (primes: derivatives along u)

    a₁' = W₁ᵧ u,               a₂' = g₂ ⊙ W₂ (σ'(a₁) ⊙ a₁'),        a₃' = g₃ ⊙ W₃ (σ'(a₂) ⊙ a₂'),
    δ₃' = 2 W₄ᵀ W₄ (σ'(a₃) ⊙ a₃')    (vector head; 0 where the head is linear in h₃),
    δ₂' = W₃ᵀ g₃ (σ''(a₃) δ₃ a₃' + σ'(a₃) δ₃'),
    δ₁' = W₂ᵀ g₂ (σ''(a₂) δ₂ a₂' + σ'(a₂) δ₂'),
    (∇_yE)' = W₁ᵧᵀ (σ''(a₁) δ₁ a₁' + σ'(a₁) δ₁'),

δ_l = ∂E/∂h_l. The columns of W₁ᵧ are a₁' of the unit vectors, which saves the first product; each other one
is a product of whole matrices, a candidate at a time. No symmetry is used: the asymmetry of the result still
shows its rounding.

Reference: Griewank & Walther (2008), Evaluating Derivatives, section 3.1 (the forward mode).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from ired_diag.inverse.network import NetworkLandscape


@torch.no_grad()
def gradient_jacobian(landscape: NetworkLandscape, y: Tensor) -> Tensor | None:
    """Return ∂(∇_yE)/∂y, of shape (batch, dim, dim); None for heads whose formula is not the plain one.

    Args:
        landscape: E(x, ·, t), its tensors without the axis of an ensemble.
        y: Candidates, of shape (batch, dim).
    """
    network = landscape.network
    p, form = network.parameters, network.form
    if p["fc1.weight"].dim() != 2 or form.bound != "none" or form.normalization == "layer":
        return None
    w1 = p["fc1.weight"][:, network.architecture.dim :]
    w2, w3 = p["fc2.weight"], p["fc3.weight"]
    w4 = p["fc4.weight"] if network.architecture.head == "vector" else None
    a1, a2, a3 = landscape.preactivations(y)
    (s1, c1), (s2, c2), (s3, c3) = _swish_derivatives(a1), _swish_derivatives(a2), _swish_derivatives(a3)
    d_h3 = landscape.slope_of_head(F.silu(a3)).to(a3.dtype).expand_as(a3)
    d_h2 = (d_h3 * s3 * landscape.gain3) @ w3
    d_h1 = (d_h2 * s2 * landscape.gain2) @ w2
    # Each factor of a direction's change, as a column: of shape (batch, width, 1).
    forward2, forward3 = landscape.gain2[..., None], landscape.gain3[..., None]
    bend1, bend2, bend3 = ((c * d)[..., None] for c, d in ((c1, d_h1), (c2, d_h2), (c3, d_h3)))
    s1, s2, s3 = s1[..., None], s2[..., None], s3[..., None]
    jacobians = []
    for i in range(len(y)):
        moved2 = (w2 @ (s1[i] * w1)) * forward2[i]
        moved3 = (w3 @ (s2[i] * moved2)) * forward3[i]
        back3 = bend3[i] * moved3
        if w4 is not None:
            back3 += s3[i] * (2 * w4.T @ (w4 @ (s3[i] * moved3)))
        back2 = bend2[i] * moved2 + s2[i] * (w3.T @ (forward3[i] * back3))
        back1 = bend1[i] * w1 + s1[i] * (w2.T @ (forward2[i] * back2))
        jacobians.append(w1.T @ back1)
    jacobian = torch.stack(jacobians).to(y.dtype)
    if landscape.divisor is not None:
        jacobian = jacobian / landscape.divisor
    return jacobian


def _swish_derivatives(a: Tensor) -> tuple[Tensor, Tensor]:
    """Return σ'(a) = s + a s (1 - s) and σ''(a) = s (1 - s) (2 + a (1 - 2 s)), s the logistic function."""
    s = torch.sigmoid(a)
    spread = s * (1 - s)
    return s + a * spread, spread * (2 + a * (1 - 2 * s))
