"""The other side of the speed benchmark: IRED's training step, read plainly.

One step draws a batch of problems A with answers y* = A⁻¹, levels t and noise ε, and descends

    loss = |∇_y E(A, y, t) - ε|² + λ NCE,     y = √ᾱ_t y* + √(1-ᾱ_t) ε,
    NCE  = -log softmax(-E(y⁺), -E(y⁻))₀,     λ = 0 without mining, else 1/2.

What the public code does, this does, at the same cost: matrices one by one in numpy, embeddings for each
sample, gradients by double backward, a graph even where mining needs none, two energies a mining step, and
the loss brought to the host after each step. Only its progress bar and worker processes are left out. It is
no model to follow: it says what the trainer of ired-diag is faster than. It stands alone, so that no change
to the package can change it.

Reference: Du, Mao & Tenenbaum (2024), algorithm 1; yilundu/ired_code_release, ``Trainer1D.train``.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import default_collate

Strategy = Literal["none", "random", "adversarial"]
Precision = Literal["fp32", "bf16"]

LEVELS = 10
RIDGE = 0.5  # added to the diagonal of A, in distribution
BOUND = 2.0  # answers are clamped to ±2 in x₀-space
MINING_STEPS = 2
MINING_NOISE = 3.0  # the descent starts at three times the positive's noise
NCE_WEIGHT = 0.5
EMA_DECAY, EMA_EVERY, EMA_COPY_UNTIL = 0.995, 10, 100  # the last is ema_pytorch's default


class Batch(NamedTuple):
    """Flattened matrices and their inverses, each of shape (batch, rank²)."""

    matrix: Tensor
    inverse: Tensor


def draw_problem(rank: int, *, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return A = 2 R Rᵀ + I/2 for one R ~ U(-1, 1), and its inverse, both flattened."""
    root = rng.uniform(-1, 1, (rank, rank))
    gram = root.dot(root.T)
    matrix = gram + gram.T + RIDGE * np.eye(rank)
    return matrix.flatten(), np.linalg.inv(matrix).flatten()


class SinusoidalEmbedding(nn.Module):
    """Sines and cosines of a level at geometric frequencies from 1 to 1/10000."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.frequencies = size // 2

    def forward(self, t: Tensor) -> Tensor:
        """Return the embedding of levels ``t``, of shape (batch, size)."""
        spacing = math.log(10000) / (self.frequencies - 1)
        angles = t[:, None] * torch.exp(-spacing * torch.arange(self.frequencies, device=t.device))
        return torch.cat([angles.sin(), angles.cos()], dim=-1)


def swish(x: Tensor) -> Tensor:
    """Return x σ(x), spelt out as in the public code, where F.silu would be one operation."""
    return x * torch.sigmoid(x)


class PlainEnergy(nn.Module):
    """E(A, y, t) = ‖W₄ h₃ + b₄‖², with the public code's names of parameters."""

    def __init__(self, rank: int, width: int, *, time_width: int = 128) -> None:
        super().__init__()
        dim = rank**2
        self.time_mlp = nn.Sequential(
            SinusoidalEmbedding(time_width),
            nn.Linear(time_width, time_width),
            nn.GELU(),
            nn.Linear(time_width, time_width),
        )
        self.fc1 = nn.Linear(2 * dim, width)
        self.fc2 = nn.Linear(width, width)
        self.fc3 = nn.Linear(width, width)
        self.fc4 = nn.Linear(width, dim)
        self.t_map_fc2 = nn.Linear(time_width, 2 * width)
        self.t_map_fc3 = nn.Linear(time_width, 2 * width)

    def forward(self, matrix: Tensor, y: Tensor, t: Tensor) -> Tensor:
        """Return one energy for each sample, of shape (batch,)."""
        y.requires_grad_(
            True
        )  # even where only E is asked, as in the public code: backward then pays for ∂/∂y
        embedding = self.time_mlp(t)
        gain2, bias2 = self.t_map_fc2(embedding).chunk(2, dim=-1)
        gain3, bias3 = self.t_map_fc3(embedding).chunk(2, dim=-1)
        hidden = swish(self.fc1(torch.cat([matrix, y], dim=-1)))
        hidden = swish(self.fc2(hidden) * (gain2 + 1) + bias2)
        hidden = swish(self.fc3(hidden) * (gain3 + 1) + bias3)
        energy: Tensor = self.fc4(hidden).pow(2).sum(dim=-1)
        return energy

    def with_gradient(self, matrix: Tensor, y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return E and ∇_y E, both differentiable in the parameters."""
        energy = self(matrix, y, t)
        (gradient,) = torch.autograd.grad(energy.sum(), y, create_graph=True)
        return energy, gradient


@dataclass(frozen=True)
class Schedule:
    """For each level the signal √ᾱ_t, the noise √(1-ᾱ_t) and the descent's step β_t / √(1-ᾱ_t)."""

    signal: Tensor
    noise: Tensor
    step: Tensor

    def noised(self, answer: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """Return √ᾱ_t y + √(1-ᾱ_t) ε."""
        return at(self.signal, t) * answer + at(self.noise, t) * noise


def at(values: Tensor, t: Tensor) -> Tensor:
    """Return the value of each sample's level, of shape (batch, 1)."""
    return values.gather(-1, t)[:, None]


def cosine_schedule(device: torch.device, *, offset: float = 0.008) -> Schedule:
    """Return the schedule of Nichol & Dhariwal (2021), computed in float64, kept in float32."""
    x = torch.linspace(0, 1, LEVELS + 1, dtype=torch.float64)
    remaining = torch.cos((x + offset) / (1 + offset) * math.pi / 2) ** 2
    beta = (1 - remaining[1:] / remaining[:-1]).clamp(0, 0.999)
    kept = torch.cumprod(1 - beta, dim=0)
    values = kept.sqrt(), (1 - kept).sqrt(), beta / (1 - kept).sqrt()
    return Schedule(*(value.float().to(device) for value in values))


class PlainTrainer:
    """The public trainer, in one process: ``network`` is trained, ``average`` is its moving average."""

    def __init__(
        self,
        strategy: Strategy,
        *,
        rank: int = 20,
        width: int = 512,
        batch: int = 2048,
        seed: int = 0,
        precision: Precision = "fp32",
        device: str = "cpu",
    ) -> None:
        self.strategy, self.rank, self.batch, self.precision = strategy, rank, batch, precision
        self.device = torch.device(device)
        self.rng = np.random.default_rng(seed)
        self.generator = torch.Generator(self.device).manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = PlainEnergy(rank, width).to(self.device)
        self.schedule = cosine_schedule(self.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-4, betas=(0.9, 0.99))
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.steps = 0

    def draw_batch(self) -> Batch:
        """Return fresh problems, drawn and inverted one by one."""
        problems = [draw_problem(self.rank, rng=self.rng) for _ in range(self.batch)]
        matrix, inverse = default_collate(problems)
        return Batch(matrix.float().to(self.device), inverse.float().to(self.device))

    def step(self, batch: Batch | None = None) -> float:
        """Return the loss of one training step.

        Args:
            batch: Problems to train on; fresh ones if None. Given, the time of a step excludes that of data.
        """
        matrix, inverse = self.draw_batch() if batch is None else batch
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            loss = self.loss(matrix, inverse)
            value = loss.item()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.update_average()
        self.steps += 1
        return value

    def loss(self, matrix: Tensor, inverse: Tensor) -> Tensor:
        """Return the denoising loss, plus the weighted contrastive one if there is mining."""
        t = torch.randint(0, LEVELS, (len(inverse),), generator=self.generator, device=self.device)
        noise = self.normal_like(inverse)
        _, gradient = self.network.with_gradient(matrix, self.schedule.noised(inverse, t, noise), t)
        denoising = F.mse_loss(gradient, noise)
        if self.strategy == "none":
            return denoising
        return denoising + NCE_WEIGHT * self.contrastive_loss(matrix, inverse, t)

    def contrastive_loss(self, matrix: Tensor, inverse: Tensor, t: Tensor) -> Tensor:
        """Return the mean NCE; positive and negative share a noise that is not the denoising loss's."""
        noise = self.normal_like(inverse)
        positive = self.schedule.noised(inverse, t, noise)
        negative = self.schedule.noised(self.negative(matrix, inverse, t, noise), t, noise)
        answers = torch.cat([positive, negative])
        energies = self.network(torch.cat([matrix, matrix]), answers, torch.cat([t, t]))
        logits = -torch.stack(energies.chunk(2), dim=-1)
        return F.cross_entropy(logits, torch.zeros_like(t))

    def negative(self, matrix: Tensor, inverse: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """Return wrong answers in x₀-space: clipped noise, or what the descent from 3ε finds."""
        if self.strategy == "random":
            return self.normal_like(inverse).clamp(-BOUND, BOUND)
        start = self.schedule.noised(inverse, t, MINING_NOISE * noise)
        return (self.descend(matrix, start, t) / at(self.schedule.signal, t)).clamp(-BOUND, BOUND)

    def descend(self, matrix: Tensor, y: Tensor, t: Tensor) -> Tensor:
        """Return ``y`` after the mining steps, each kept only where it does not raise the energy."""
        factor = 1.0
        for _ in range(MINING_STEPS):
            energy, gradient = self.network.with_gradient(matrix, y, t)
            candidate = y - at(self.schedule.step, t) * gradient * factor
            factor = BOUND  # a quirk kept: the clamp's factor also doubles every later step
            bound = at(self.schedule.signal, t)[0, 0] * factor  # another: the first sample's level, for all
            candidate = candidate.clamp(-bound, bound)
            worse = self.network(matrix, candidate, t) > energy
            candidate[worse] = y[worse]
            y = candidate.detach()
        return y

    def update_average(self) -> None:
        """Copy the weights, later move 1 - d of the way to them, after step 1 and each tenth from there."""
        if self.steps % EMA_EVERY:
            return
        age = self.steps - EMA_COPY_UNTIL
        decay = min(EMA_DECAY, 1 - (1 + age) ** (-2 / 3)) if age > 0 else 0.0
        with torch.no_grad():
            for kept, new in zip(self.average.parameters(), self.network.parameters(), strict=True):
                kept.lerp_(new, 1 - decay)

    def normal_like(self, like: Tensor) -> Tensor:
        """Return standard normal numbers in the shape of ``like``."""
        return torch.randn(like.shape, generator=self.generator, device=self.device)
