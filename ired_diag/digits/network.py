"""A multilayer perceptron on stacked seeds, and other weights that compute the same function.

With h₀ the pixels and σ the activation,

    hₖ = σ(Wₖ hₖ₋₁ + bₖ),        logits = W hₖ + b,

a network with σ(t) = max(t, 0) computes the same function after W₁, b₁ ← α W₁, α b₁ and W₂ ← W₂/α, for any
α > 0, because σ(α t) = α σ(t).

Reference: He and others (2015), Delving Deep into Rectifiers, section 2.2 (the size of initial weights); Dinh
and others (2017), Sharp Minima Can Generalize for Deep Nets, section 3 (the rescaling).
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

from ired_diag.digits.config import Activation, DigitsConfig
from ired_diag.digits.data import CLASSES
from ired_diag.precision import DTYPES
from ired_diag.tensors import Tensors

PIXELS = 64
GAINS: dict[Activation, float] = {
    "relu": math.sqrt(2),
    "gelu": math.sqrt(2),  # near a rectifier; its own gain is 1.47
    "tanh": 1.0,
}


def initial_weights(config: DigitsConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """Return untrained weights: ``layer<k>.weight`` of shape (out, in) and ``layer<k>.bias``, k from 1."""
    dtype = DTYPES[config.precision]
    device = generator.device
    gain = GAINS[config.activation]
    widths = (PIXELS, *config.hidden, CLASSES)
    weights = {}
    for k, (fan_in, fan_out) in enumerate(pairwise(widths), start=1):
        drawn = torch.randn(
            fan_out,
            fan_in,
            generator=generator,
            dtype=dtype,
            device=device,
        )
        weights[f"layer{k}.weight"] = gain / math.sqrt(fan_in) * drawn
        weights[f"layer{k}.bias"] = torch.zeros(
            fan_out,
            dtype=dtype,
            device=device,
        )
    return weights


def logits(config: DigitsConfig, tensors: Tensors, pixels: Tensor) -> Tensor:
    """Return the logits of images.

    Args:
        config: The settings.
        tensors: Weights, with a leading axis of seeds.
        pixels: Images, of shape (seeds, batch, 64).

    Returns:
        Of shape (seeds, batch, 10).
    """
    signal = pixels
    last = len(config.hidden) + 1
    for k in range(1, last + 1):
        weight = tensors[f"layer{k}.weight"]
        bias = tensors[f"layer{k}.bias"]
        signal = torch.baddbmm(
            bias[:, None],
            signal,
            weight.transpose(1, 2),
        )
        if k < last:
            signal = _activated(config.activation, signal)
    return signal


def _activated(activation: Activation, signal: Tensor) -> Tensor:
    if activation == "relu":
        return torch.relu(signal)
    if activation == "tanh":
        return torch.tanh(signal)
    return torch.nn.functional.gelu(signal)


def rescaled(config: DigitsConfig, weights: Tensors, factor: float) -> dict[str, Tensor] | None:
    """Return other weights of the same function: the first layer times a factor, the second divided by it.

    None where no such change is known: without a hidden layer, or with another activation than ``relu``.

    Args:
        config: The settings.
        weights: Weights of one seed, by name.
        factor: α, above 0.
    """
    if config.activation != "relu" or not config.hidden:
        return None
    changed = {
        "layer1.weight": factor * weights["layer1.weight"],
        "layer1.bias": factor * weights["layer1.bias"],
        "layer2.weight": weights["layer2.weight"] / factor,
    }
    return {**weights, **changed}
