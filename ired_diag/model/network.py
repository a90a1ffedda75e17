"""The energy network of IRED, and its gradient in y written out as forward operations.

With [x; y] the problem and the candidate, e(t) the sinusoidal embedding of the noise level passed through
Linear, GELU, Linear, and (g_i, c_i) an affine map of e(t),

    a₁ = W₁ₓ x + W₁ᵧ y + b₁                     h₁ = swish(a₁)
    a₂ = (W₂ h₁ + b₂) ⊙ (1 + g₂) + c₂           h₂ = swish(a₂)
    a₃ = (W₃ h₂ + b₃) ⊙ (1 + g₃) + c₃           h₃ = swish(a₃)

    vector head:  E = ‖W₄ h₃ + b₄‖²             ∂E/∂h₃ = 2 W₄ᵀ (W₄ h₃ + b₄)
    scalar head:  E = w · h₃ + b                ∂E/∂h₃ = w

The chain rule then gives, with σ' the derivative of swish,

    d₃ = ∂E/∂h₃ ⊙ σ'(a₃) ⊙ (1 + g₃),   d₂ = W₃ᵀ d₃ ⊙ σ'(a₂) ⊙ (1 + g₂),   ∇_y E = W₁ᵧᵀ (W₂ᵀ d₂ ⊙ σ'(a₁)).

Written so, training needs one ordinary backward pass instead of a double one, and mining needs no graph.
W₁ₓ x and the embedding do not depend on y: they are computed once for each landscape.

Reference: Du et al. (2024), appendix A.1; the public code's ``models.EBM`` (names and shapes of tensors).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ired_diag.model.energy import Landscape

Head = Literal["vector", "scalar"]
GradientNormalization = Literal["batch"] | float | None

MAX_PERIOD = 10000  # of the sinusoidal embedding: Vaswani et al. (2017), section 3.5


@dataclass(frozen=True)
class Architecture:
    """The sizes of an energy network.

    Attributes:
        rank: Rows of the matrix; problem and candidate have rank² numbers each.
        width: Hidden units of each layer.
        head: ``vector`` (E = ‖W₄h₃ + b₄‖²) or ``scalar`` (E = w·h₃ + b).
        levels: Number of noise levels.
        embedding: Numbers in the sinusoidal embedding of a level.
        time_width: Hidden units of the embedding's network.
    """

    rank: int = 20
    width: int = 512
    head: Head = "vector"
    levels: int = 10
    embedding: int = 128
    time_width: int = 128

    @property
    def dim(self) -> int:
        """Numbers in a flattened matrix, rank²."""
        return self.rank**2


def parameter_shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of the network, under the public code's names, in its order."""
    width, dim, time = architecture.width, architecture.dim, architecture.time_width
    layers = {
        "time_mlp.1": (time, architecture.embedding),
        "time_mlp.3": (time, time),
        "fc1": (width, 2 * dim),
        "fc2": (width, width),
        "fc3": (width, width),
        "fc4": (dim, width),
        "t_map_fc2": (2 * width, time),
        "t_map_fc3": (2 * width, time),
    }
    if architecture.head == "scalar":
        del layers["fc4"]
        layers["energy_head"] = (1, width)
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (out, into) in layers.items():
        shapes[f"{name}.weight"] = (out, into)
        shapes[f"{name}.bias"] = (out,)
    return shapes


def initial_parameters(
    architecture: Architecture, *, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> dict[str, Tensor]:
    """Return the tensors of an untrained network, each entry U(-1, 1)/√fan_in as in ``torch.nn.Linear``."""
    shapes = parameter_shapes(architecture)
    parameters = {}
    for name, shape in shapes.items():
        fan_in = shapes[name.replace(".bias", ".weight")][1]
        uniform = torch.rand(shape, generator=generator, device=generator.device, dtype=dtype)
        parameters[name] = (2 * uniform - 1) / math.sqrt(fan_in)
    return parameters


@dataclass(frozen=True)
class EnergyNetwork:
    """E(x, y, t) of IRED.

    Attributes:
        architecture: Its sizes.
        parameters: Its tensors, under the public code's names.
        gradient_normalization: What the denoiser's output ∇_yE is divided by, in training, mining and
            sampling alike: nothing, the batch size (``batch``: a fork's choice, which makes the result of
            a sample depend on how many stand beside it), or a number.
    """

    architecture: Architecture
    parameters: Mapping[str, Tensor]
    gradient_normalization: GradientNormalization = None

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
        moved = {name: p.to(device=device, dtype=dtype) for name, p in self.parameters.items()}
        return EnergyNetwork(self.architecture, moved, self.gradient_normalization)

    def landscape(self, x: Tensor, t: Tensor) -> Landscape:
        """Return E(x, ·, t).

        Args:
            x: Flattened matrices, of shape (batch, rank²).
            t: Noise level of each, of shape (batch,), integers.
        """
        p, dim = self.parameters, self.architecture.dim
        problem = F.linear(x, p["fc1.weight"][:, :dim], p["fc1.bias"])
        embedding = self._time_embedding()
        gain2, bias2 = F.linear(embedding, p["t_map_fc2.weight"], p["t_map_fc2.bias"])[t].chunk(2, -1)
        gain3, bias3 = F.linear(embedding, p["t_map_fc3.weight"], p["t_map_fc3.bias"])[t].chunk(2, -1)
        return NetworkLandscape(self, problem, 1 + gain2, bias2, 1 + gain3, bias3)

    def _time_embedding(self) -> Tensor:
        """Return e(t) of every level, of shape (levels, time_width)."""
        p, half = self.parameters, self.architecture.embedding // 2
        index = torch.arange(half, device=self.device, dtype=self.dtype)
        frequency = torch.exp(index * (-math.log(MAX_PERIOD) / (half - 1)))
        level = torch.arange(self.levels, device=self.device, dtype=self.dtype)
        angle = level[:, None] * frequency[None, :]
        wave = torch.cat([angle.sin(), angle.cos()], dim=-1)
        hidden = F.gelu(F.linear(wave, p["time_mlp.1.weight"], p["time_mlp.1.bias"]))
        return F.linear(hidden, p["time_mlp.3.weight"], p["time_mlp.3.bias"])


@dataclass(frozen=True)
class NetworkLandscape:
    """E(x, ·, t) of an energy network, with all that depends on x and t alone computed.

    Attributes:
        network: Whose landscape it is.
        problem: W₁ₓ x + b₁, of shape (batch, width).
        gain2: 1 + g₂(t); gain3 likewise, of shape (batch, width).
        bias2: c₂(t); bias3 likewise, of shape (batch, width).
        gain3: 1 + g₃(t).
        bias3: c₃(t).
    """

    network: EnergyNetwork
    problem: Tensor
    gain2: Tensor
    bias2: Tensor
    gain3: Tensor
    bias3: Tensor

    def energy(self, y: Tensor) -> Tensor:
        """Return E of each candidate, of shape (batch,).

        Args:
            y: Candidates, of shape (batch, rank²).
        """
        _, _, a3 = self._preactivations(y)
        return self._head(F.silu(a3))[0]

    def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return E of shape (batch,) and ∇_yE over the network's normalization, of shape (batch, rank²).

        Args:
            y: Candidates, of shape (batch, rank²).
        """
        p, dim = self.network.parameters, self.network.architecture.dim
        a1, a2, a3 = self._preactivations(y)
        energy, d_h3 = self._head(F.silu(a3))
        d3 = d_h3 * swish_derivative(a3) * self.gain3
        d2 = (d3 @ p["fc3.weight"]) * swish_derivative(a2) * self.gain2
        d1 = (d2 @ p["fc2.weight"]) * swish_derivative(a1)
        gradient = d1 @ p["fc1.weight"][:, dim:]
        match self.network.gradient_normalization:
            case None:
                return energy, gradient
            case "batch":
                return energy, gradient / len(y)
            case number:
                return energy, gradient / number

    def _preactivations(self, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return a₁, a₂, a₃."""
        p, dim = self.network.parameters, self.network.architecture.dim
        a1 = self.problem + F.linear(y, p["fc1.weight"][:, dim:])
        a2 = F.linear(F.silu(a1), p["fc2.weight"], p["fc2.bias"]) * self.gain2 + self.bias2
        a3 = F.linear(F.silu(a2), p["fc3.weight"], p["fc3.bias"]) * self.gain3 + self.bias3
        return a1, a2, a3

    def _head(self, h3: Tensor) -> tuple[Tensor, Tensor]:
        """Return E of shape (batch,) and ∂E/∂h₃, of shape (batch, width) or (width,)."""
        p = self.network.parameters
        if self.network.architecture.head == "scalar":
            energy = F.linear(h3, p["energy_head.weight"], p["energy_head.bias"])[:, 0]
            return energy, p["energy_head.weight"][0]
        output = F.linear(h3, p["fc4.weight"], p["fc4.bias"])
        return output.square().sum(-1), 2 * output @ p["fc4.weight"]


def swish_derivative(a: Tensor) -> Tensor:
    """Return d/da [a s(a)] = s(a) (1 + a (1 - s(a))), with s the logistic function."""
    s = torch.sigmoid(a)
    return s * (1 + a * (1 - s))
