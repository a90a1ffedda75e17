"""The energy network of IRED, and its gradient in y written out as forward operations.

With [x; y] the problem and the candidate, e(t) the sinusoidal embedding of the noise level passed through
Linear, GELU, Linear, and (g_i, c_i) an affine map of e(t),

    a₁ = W₁ₓ x + W₁ᵧ y + b₁                     h₁ = swish(a₁)
    a₂ = (W₂ h₁ + b₂) ⊙ (1 + g₂) + c₂           h₂ = swish(a₂)
    a₃ = (W₃ h₂ + b₃) ⊙ (1 + g₃) + c₃           h₃ = swish(a₃)

The head (``head.py``) makes of h₃ the energy E and its derivative ∂E/∂h₃. The chain rule then gives, with
σ' the derivative of swish,

    d₃ = ∂E/∂h₃ ⊙ σ'(a₃) ⊙ (1 + g₃),   d₂ = W₃ᵀ d₃ ⊙ σ'(a₂) ⊙ (1 + g₂),   ∇_y E = W₁ᵧᵀ (W₂ᵀ d₂ ⊙ σ'(a₁)).

Written so, training needs one ordinary backward pass instead of a double one, and mining needs no graph.
W₁ₓ x and the embedding do not depend on y: they are computed once for each landscape. The embedding is
computed for the levels, then spread over the batch as a product with their indicator matrix, whose backward
pass is a product again (that of an index is a slow scatter).

Every tensor may carry a leading axis: the seeds of an ensemble, each with weights of its own.

Reference: Du et al. (2024), appendix A.1; the public code's ``models.EBM`` (names and shapes of tensors).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ired_diag.inverse.architecture import Architecture
from ired_diag.inverse.gradient_jacobian import gradient_jacobian
from ired_diag.inverse.head import HEAD_LAYERS, PLAIN, HeadForm, affine, read_energy, read_out

# What probes of this task need, in words.
NETWORK = "the tensors of a network whose gradients are known"

GradientNormalization = Literal["batch"] | float | None

MAX_PERIOD = 10000  # of the sinusoidal embedding: Vaswani et al. (2017), section 3.5


@dataclass(frozen=True)
class EnergyNetwork:
    """E(x, y, t) of IRED.

    Attributes:
        architecture: Its sizes.
        parameters: Its tensors, under the public code's names.
        gradient_normalization: What the denoiser's output ∇_yE is divided by, in training, mining and
            sampling alike: nothing, the batch size (``batch``: a fork's choice, which makes the result of
            a sample depend on how many others are in its batch), or a number.
        form: What stands before and around the head.
    """

    architecture: Architecture
    parameters: Mapping[str, Tensor]
    gradient_normalization: GradientNormalization = None
    form: HeadForm = PLAIN
    offers: ClassVar[tuple[str, ...]] = (NETWORK,)
    side_by_side: ClassVar[bool] = True  # it holds nothing between calls

    @property
    def levels(self) -> int:
        """Number of noise levels."""
        return self.architecture.levels

    @property
    def dtype(self) -> torch.dtype:
        """The type of its tensors."""
        return self.parameters["fc1.weight"].dtype

    @property
    def device(self) -> torch.device:
        """Where its tensors are."""
        return self.parameters["fc1.weight"].device

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> EnergyNetwork:
        """Return the same network on a device, and in a dtype if one is given."""
        moved = {}
        for name, tensor in self.parameters.items():
            moved[name] = tensor.to(device=device, dtype=dtype)
        return replace(self, parameters=moved)

    def with_detached_head(self) -> EnergyNetwork:
        """Return the same network, but no gradient reaches the head's own tensors."""
        head = HEAD_LAYERS[self.architecture.head] + "."
        parameters = dict(self.parameters)
        for name, tensor in self.parameters.items():
            if name.startswith(head):
                parameters[name] = tensor.detach()
        return replace(self, parameters=parameters)

    def landscape(self, x: Tensor, t: Tensor) -> NetworkLandscape:
        """Return E(x, ·, t).

        Args:
            x: Flattened matrices, of shape (…, batch, rank²).
            t: Noise level of each, of shape (…, batch), integers.
        """
        weight, bias = self.parameters["fc1.weight"], self.parameters["fc1.bias"]
        dim = self.architecture.dim
        embedding = self._time_embedding()
        level = F.one_hot(t, self.levels).to(self.dtype)
        modulation2 = level @ self._modulation("t_map_fc2", embedding)
        modulation3 = level @ self._modulation("t_map_fc3", embedding)
        gain2, bias2 = modulation2.chunk(2, -1)
        gain3, bias3 = modulation3.chunk(2, -1)
        divisor = self.gradient_normalization
        return NetworkLandscape(
            network=self,
            problem=affine(x.to(self.dtype), weight[..., :dim], bias),
            gain2=gain2,
            bias2=bias2,
            gain3=gain3,
            bias3=bias3,
            divisor=x.shape[-2] if divisor == "batch" else divisor,
        )

    def _layer(self, name: str, inputs: Tensor) -> Tensor:
        """Return what a linear layer makes of its inputs."""
        weight = self.parameters[f"{name}.weight"]
        bias = self.parameters[f"{name}.bias"]
        return affine(inputs, weight, bias)

    def _modulation(self, layer: str, embedding: Tensor) -> Tensor:
        """Return 1 + g(t) and c(t) of every level, side by side, of shape (…, levels, 2·width)."""
        table = self._layer(layer, embedding)
        ones = torch.ones(self.architecture.width, device=self.device, dtype=self.dtype)
        return table + torch.cat([ones, torch.zeros_like(ones)])

    def _time_embedding(self) -> Tensor:
        """Return e(t) of every level, of shape (…, levels, time_width)."""
        half = self.architecture.embedding // 2
        wide = torch.promote_types(self.dtype, torch.float32)
        index = torch.arange(half, device=self.device, dtype=wide)
        decay = -math.log(MAX_PERIOD) / (half - 1)
        frequency = torch.exp(index * decay)
        level = torch.arange(self.levels, device=self.device, dtype=wide)
        angle = level[:, None] * frequency[None, :]
        wave = torch.cat([angle.sin(), angle.cos()], dim=-1).to(self.dtype)
        hidden = F.gelu(self._layer("time_mlp.1", wave))
        return self._layer("time_mlp.3", hidden)


@dataclass(frozen=True, kw_only=True)
class NetworkLandscape:
    """E(x, ·, t) of an energy network, with all that depends on x and t alone computed.

    Attributes:
        network: Whose landscape it is.
        problem: W₁ₓ x + b₁, of shape (…, batch, width).
        gain2: 1 + g₂(t); the others likewise, of shape (…, batch, width).
        bias2: c₂(t).
        gain3: 1 + g₃(t).
        bias3: c₃(t).
        divisor: What ∇_yE is divided by, if by anything.
    """

    network: EnergyNetwork
    problem: Tensor
    gain2: Tensor
    bias2: Tensor
    gain3: Tensor
    bias3: Tensor
    divisor: float | None = None

    def energy(self, y: Tensor) -> Tensor:
        """Return E of each candidate, of shape (…, batch).

        Args:
            y: Candidates, of shape (…, batch, rank²).
        """
        _, _, a3 = self.preactivations(y)
        network = self.network
        return read_energy(
            F.silu(a3),
            network.parameters,
            network.architecture.head,
            network.form,
        )

    def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return E of shape (…, batch), and ∇_yE over the network's normalization, of y's shape and type.

        Args:
            y: Candidates, of shape (…, batch, rank²).
        """
        p, dim = self.network.parameters, self.network.architecture.dim
        a1, a2, a3 = self.preactivations(y)
        energy, d_h3 = self._head(F.silu(a3))
        d3 = swish_backward(d_h3.to(a3.dtype), a3) * self.gain3
        d_h2 = d3 @ p["fc3.weight"]
        d2 = swish_backward(d_h2, a2) * self.gain2
        d_h1 = d2 @ p["fc2.weight"]
        d1 = swish_backward(d_h1, a1)
        of_candidate = p["fc1.weight"][..., dim:]
        gradient = d1 @ of_candidate
        gradient = gradient.to(y.dtype)
        if self.divisor is not None:
            gradient = gradient / self.divisor
        return energy, gradient

    def gradient_jacobian(self, y: Tensor) -> Tensor | None:
        """Return the Jacobian of ∇_yE in y, of shape (batch, dim, dim); None where no formula is known."""
        return gradient_jacobian(self, y)

    def slope_of_head(self, h3: Tensor) -> Tensor:
        """Return ∂E/∂h₃, of shape (…, batch, width) or (…, 1, width)."""
        return self._head(h3)[1]

    def hidden(self, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return h₁, h₂ and h₃, each of shape (…, batch, width).

        Args:
            y: Candidates, of shape (…, batch, rank²).
        """
        a1, a2, a3 = self.preactivations(y)
        return F.silu(a1), F.silu(a2), F.silu(a3)

    def with_detached_head(self) -> NetworkLandscape:
        """Return the same landscape, but no gradient reaches the head's own tensors."""
        return replace(self, network=self.network.with_detached_head())

    def first(self, count: int) -> NetworkLandscape:
        """Return the landscape of the first ``count`` problems; the divisor stays that of the whole batch."""
        return replace(
            self,
            problem=self.problem[..., :count, :],
            gain2=self.gain2[..., :count, :],
            bias2=self.bias2[..., :count, :],
            gain3=self.gain3[..., :count, :],
            bias3=self.bias3[..., :count, :],
        )

    def preactivations(self, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return a₁, a₂ and a₃, each of shape (…, batch, width)."""
        network = self.network
        of_candidate = network.parameters["fc1.weight"][..., network.architecture.dim :]
        a1 = self.problem + affine(y.to(self.problem.dtype), of_candidate)
        linear2 = network._layer("fc2", F.silu(a1))
        a2 = linear2 * self.gain2 + self.bias2
        linear3 = network._layer("fc3", F.silu(a2))
        a3 = linear3 * self.gain3 + self.bias3
        return a1, a2, a3

    def _head(self, h3: Tensor) -> tuple[Tensor, Tensor]:
        """Return E, of shape (…, batch), and ∂E/∂h₃."""
        network = self.network
        return read_out(
            h3,
            network.parameters,
            network.architecture.head,
            network.form,
        )


def swish_backward(d: Tensor, a: Tensor) -> Tensor:
    """Return d ⊙ σ'(a), of a's shape: σ'(a) = s(a) (1 + a (1 - s(a))), with s the logistic function.

    Where no graph is kept, torch does it in one pass; that pass has no derivative of its own.

    Args:
        d: Of a's shape, or of one that spreads over it.
        a: What swish was given.
    """
    if not torch.is_grad_enabled():
        fused: Tensor = torch.ops.aten.silu_backward(d.expand_as(a), a)
        return fused
    s = torch.sigmoid(a)
    slope = s * (1 + a * (1 - s))
    return d * slope
