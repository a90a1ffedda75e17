"""The head of the energy: from the last hidden layer h to E, and the derivative ∂E/∂h.

    vector:  e = ‖W₄ h + b₄‖²                       ∂e/∂h = 2 W₄ᵀ (W₄ h + b₄)
    scalar:  e = w · h + b                          ∂e/∂h = w

Two remedies against the scalar head's runaway stand before it. Neither adds a tensor to the network:

    layer:     ĥ = (h - mean h) / s,  s² = var h + 10⁻⁵,  e = w · ĥ + b,
               ∂e/∂h = (w - mean w - ĥ mean(w ⊙ ĥ)) / s
    spectral:  e = (w / ‖w‖) · h + b                (the spectral norm of a 1 x width matrix is its length)

and two around either head bound the energy itself, with B the scale:

    tanh:      E = B tanh(e/B),  within ±B          ∂E/∂e = 1 - tanh²(e/B)
    sigmoid:   E = B σ(e/B),     within 0 and B     ∂E/∂e = σ(e/B) (1 - σ(e/B))

A bounded energy has a bounded reach for its gradient too: the denoiser ∇_yE must still have the length of the
noise, √dim, wherever it works.

References: Ba, Kiros, Hinton (2016), Layer Normalization, equation 3, without gain and bias; Miyato et al.
(2018), Spectral Normalization, equation 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Head = Literal["vector", "scalar"]
HEAD_LAYERS: dict[Head, str] = {"vector": "fc4", "scalar": "energy_head"}
VARIANCE_FLOOR = 1e-5  # of LayerNorm; PyTorch's default


@dataclass(frozen=True)
class HeadForm:
    """What stands before and around the head.

    Attributes:
        normalization: ``none``, ``layer`` (of h) or ``spectral`` (of w); of the scalar head only.
        bound: ``none``, ``tanh`` or ``sigmoid``.
        bound_scale: B, the largest energy that a bound allows.
    """

    normalization: Literal["none", "layer", "spectral"] = "none"
    bound: Literal["none", "tanh", "sigmoid"] = "none"
    bound_scale: float = 1000.0


PLAIN = HeadForm()


def read_out(
    h: Tensor, parameters: Mapping[str, Tensor], head: Head, form: HeadForm
) -> tuple[Tensor, Tensor]:
    """Return E, of shape (…, batch), and ∂E/∂h, of shape (…, batch, width) or (…, 1, width).

    Both are in float32 at least, whatever the network computes in: an energy is a sum of many terms, and its
    differences decide what mining accepts.

    Args:
        h: The last hidden layer, of shape (…, batch, width).
        parameters: The network's tensors.
        head: Which head.
        form: What stands before and around it.
    """
    wide = torch.promote_types(h.dtype, torch.float32)
    layer = HEAD_LAYERS[head]
    weight = parameters[f"{layer}.weight"]
    bias = parameters[f"{layer}.bias"]
    if head == "vector":
        output = affine(h, weight, bias)
        energy = output.to(wide).square().sum(-1)
        slope = (2 * output) @ weight
    else:
        energy, slope = _scalar(
            h.to(wide),
            weight.to(wide),
            bias.to(wide),
            form.normalization,
        )
    return _bounded(energy, slope, form)


def read_energy(h: Tensor, parameters: Mapping[str, Tensor], head: Head, form: HeadForm) -> Tensor:
    """Return the energy of ``read_out`` alone, without the product that its derivative costs."""
    if head != "vector":
        return read_out(h, parameters, head, form)[0]
    layer = HEAD_LAYERS[head]
    output = affine(h, parameters[f"{layer}.weight"], parameters[f"{layer}.bias"])
    wide = torch.promote_types(h.dtype, torch.float32)
    energy = output.to(wide).square().sum(-1)
    if form.bound == "none":
        return energy
    return form.bound_scale * _share(energy, form)


def affine(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return W x + b for each row of x, of shape (…, batch, out).

    Args:
        x: Of shape (…, batch, in).
        weight: W, of shape (…, out, in): the leading axis, if any, is that of an ensemble's seeds.
        bias: b, of shape (…, out).
    """
    if weight.dim() == 2:
        return F.linear(x, weight, bias)
    product = x @ weight.mT
    if bias is None:
        return product
    return product + bias[..., None, :]


def _scalar(h: Tensor, w: Tensor, bias: Tensor, normalization: str) -> tuple[Tensor, Tensor]:
    if normalization == "spectral":
        w = w / torch.linalg.vector_norm(w, dim=-1, keepdim=True)
    if normalization != "layer":
        return affine(h, w, bias)[..., 0], w
    centred = h - h.mean(-1, keepdim=True)
    variance = centred.square().mean(-1, keepdim=True)
    scale = (variance + VARIANCE_FLOOR).rsqrt()
    unit = centred * scale
    along = (unit * w).mean(-1, keepdim=True)
    mean_weight = w.mean(-1, keepdim=True)
    slope = (w - mean_weight - unit * along) * scale
    energy = affine(unit, w, bias)
    return energy[..., 0], slope


def _bounded(energy: Tensor, slope: Tensor, form: HeadForm) -> tuple[Tensor, Tensor]:
    if form.bound == "none":
        return energy, slope
    share = _share(energy, form)
    if form.bound == "tanh":
        inner_slope = 1 - share.square()
    else:
        inner_slope = share * (1 - share)
    return form.bound_scale * share, slope * inner_slope[..., None]


def _share(energy: Tensor, form: HeadForm) -> Tensor:
    """Return the bounded energy as a share of its bound."""
    relative = energy / form.bound_scale
    if form.bound == "tanh":
        return torch.tanh(relative)
    return torch.sigmoid(relative)
