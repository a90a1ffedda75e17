"""The noise schedule: how much of the answer is left at each level, and how long a mining step is.

With β_t the noise added at level t, α_t = 1 - β_t and ᾱ_t = α_0 … α_t, the noisy answer is

    q_sample(y, t, ε) = √ᾱ_t y + √(1 - ᾱ_t) ε,

and a step of the inner optimisation has the length η_t = β_t / √(1 - ᾱ_t). The cosine schedule sets
ᾱ proportional to cos²(π/2 · (t/T + s)/(1 + s)), s = 0.008, with β capped at 0.999.

References: Ho, Jain, Abbeel (2020), Denoising Diffusion Probabilistic Models, equation 4 (q_sample);
Nichol & Dhariwal (2021), Improved DDPM, equation 17 (cosine); the public code of Du et al. (2024) (η_t).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

MAX_BETA = 0.999
COSINE_OFFSET = 0.008
LOG_VARIANCE_FLOOR = 1e-20  # the posterior variance at level 0 is 0, and its logarithm must be finite


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The constants of a schedule with T levels, each of shape (T,), under the public code's names."""

    betas: Tensor
    alphas_cumprod: Tensor
    alphas_cumprod_prev: Tensor
    sqrt_alphas_cumprod: Tensor
    sqrt_one_minus_alphas_cumprod: Tensor
    log_one_minus_alphas_cumprod: Tensor
    sqrt_recip_alphas_cumprod: Tensor
    sqrt_recipm1_alphas_cumprod: Tensor
    opt_step_size: Tensor
    posterior_variance: Tensor
    posterior_log_variance_clipped: Tensor
    posterior_mean_coef1: Tensor
    posterior_mean_coef2: Tensor
    loss_weight: Tensor

    @property
    def levels(self) -> int:
        """Number of noise levels T."""
        return len(self.betas)

    @property
    def is_clean(self) -> bool:
        """Whether it has a single level, without noise: the schedule of an energy without noise levels."""
        return self.levels == 1 and not bool(self.betas.any())

    def buffers(self) -> dict[str, Tensor]:
        """Return every constant by its name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Schedule:
        """Return the same schedule on a device, and in a dtype if one is given."""
        constants = {}
        for name, constant in self.buffers().items():
            constants[name] = constant.to(device=device, dtype=dtype)
        return Schedule(**constants)

    def q_sample(self, x0: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """Return √ᾱ_t x₀ + √(1 - ᾱ_t) ε.

        Args:
            x0: Clean answers, of shape (batch, dim).
            t: Noise level of each, of shape (batch,), integers.
            noise: ε, of the shape of ``x0``.
        """
        signal = self.sqrt_alphas_cumprod[t]
        sigma = self.sqrt_one_minus_alphas_cumprod[t]
        return signal[..., None] * x0 + sigma[..., None] * noise

    def to_x0(self, y: Tensor, t: Tensor) -> Tensor:
        """Return y / √ᾱ_t: what a point of level t is in the space of clean answers."""
        scale = self.sqrt_recip_alphas_cumprod[t]
        return scale[..., None] * y

    def predict_x0(self, y: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """Return the clean answer that y and a prediction of its noise imply, (y - √(1-ᾱ_t) ε) / √ᾱ_t."""
        sigma = self.sqrt_recipm1_alphas_cumprod[t]
        return self.to_x0(y, t) - sigma[..., None] * noise


def cosine_schedule(levels: int, *, dtype: torch.dtype = torch.float32) -> Schedule:
    """Return the cosine schedule of ``levels`` noise levels.

    It is computed in float64 and rounded once, as the public code does.
    """
    grid = torch.linspace(0, levels, levels + 1, dtype=torch.float64)
    progress = (grid / levels + COSINE_OFFSET) / (1 + COSINE_OFFSET)
    signal = torch.cos(progress * math.pi * 0.5) ** 2
    signal = signal / signal[0]
    alphas = signal[1:] / signal[:-1]
    betas = torch.clip(1 - alphas, 0, MAX_BETA)
    return schedule_from_betas(betas, dtype=dtype)


def clean_schedule(*, dtype: torch.dtype = torch.float32) -> Schedule:
    """Return a schedule of one level without noise: √ᾱ = 1, and q_sample leaves the answer as it is.

    There is no inner optimisation either: its step length is NaN.
    """
    floor = math.log(LOG_VARIANCE_FLOOR)
    zeros, ones = torch.zeros(1, dtype=dtype), torch.ones(1, dtype=dtype)
    return Schedule(
        betas=zeros,
        alphas_cumprod=ones,
        alphas_cumprod_prev=ones,
        sqrt_alphas_cumprod=ones,
        sqrt_one_minus_alphas_cumprod=zeros,
        log_one_minus_alphas_cumprod=torch.full((1,), floor, dtype=dtype),
        sqrt_recip_alphas_cumprod=ones,
        sqrt_recipm1_alphas_cumprod=zeros,
        opt_step_size=torch.full((1,), math.nan, dtype=dtype),
        posterior_variance=zeros,
        posterior_log_variance_clipped=torch.full((1,), floor, dtype=dtype),
        posterior_mean_coef1=ones,
        posterior_mean_coef2=zeros,
        loss_weight=ones,
    )


def schedule_from_betas(betas: Tensor, *, dtype: torch.dtype = torch.float32) -> Schedule:
    """Return the schedule that follows from its betas.

    Args:
        betas: β_t, of shape (levels,).
        dtype: Type of the constants; they are computed in float64.
    """
    beta = betas.detach().to("cpu", torch.float64)
    alpha = 1.0 - beta
    signal = torch.cumprod(alpha, dim=0)
    start = torch.ones(1, dtype=torch.float64)
    signal_prev = torch.cat([start, signal[:-1]])
    variance = beta * (1 - signal_prev) / (1 - signal)
    floored_variance = variance.clamp(min=LOG_VARIANCE_FLOOR)
    constants = {
        "betas": beta,
        "alphas_cumprod": signal,
        "alphas_cumprod_prev": signal_prev,
        "sqrt_alphas_cumprod": signal.sqrt(),
        "sqrt_one_minus_alphas_cumprod": (1 - signal).sqrt(),
        "log_one_minus_alphas_cumprod": (1 - signal).log(),
        "sqrt_recip_alphas_cumprod": (1 / signal).sqrt(),
        "sqrt_recipm1_alphas_cumprod": (1 / signal - 1).sqrt(),
        "opt_step_size": beta / (1 - signal).sqrt(),
        "posterior_variance": variance,
        "posterior_log_variance_clipped": floored_variance.log(),
        "posterior_mean_coef1": beta * signal_prev.sqrt() / (1 - signal),
        "posterior_mean_coef2": (1 - signal_prev) * alpha.sqrt() / (1 - signal),
        "loss_weight": torch.ones_like(beta),
    }
    rounded = {name: constant.to(dtype) for name, constant in constants.items()}
    return Schedule(**rounded)
