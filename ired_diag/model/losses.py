"""The two losses of training: denoising, and noise contrast between a positive and a negative.

    denoise = mean over entries of (∇_yE(x, y_t, t) - ε)²,     y_t = q_sample(y*, t, ε)
    nce     = cross-entropy of the logits (-E_pos, -E_neg) with the positive as the right class
            = log(1 + exp(E_pos - E_neg))

The training loss is their weighted sum (weight 0.5 in the public code, 0 without mining).

Reference: Du et al. (2024), equations 4 and 6.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ired_diag.model.energy import Landscape


def denoising_loss(landscape: Landscape, noisy: Tensor, noise: Tensor) -> Tensor:
    """Return the mean squared error of the predicted noise, of shape (batch,).

    Args:
        landscape: E(x, ·, t).
        noisy: q_sample(y*, t, ε), of shape (batch, dim).
        noise: ε, of the same shape.
    """
    _, predicted = landscape.energy_and_gradient(noisy)
    return (predicted - noise).square().mean(-1)


def nce_loss(energy_positive: Tensor, energy_negative: Tensor) -> Tensor:
    """Return log(1 + exp(E_pos - E_neg)), of shape (batch,).

    Args:
        energy_positive: Of shape (batch,).
        energy_negative: Of the same shape.

    >>> import torch
    >>> nce_loss(torch.zeros(1), torch.zeros(1)).item() == torch.log(torch.tensor(2.0)).item()
    True
    """
    # softplus would do, but PyTorch's is linear above 20, which is wrong by 2e-9.
    return -F.logsigmoid(energy_negative - energy_positive)
