"""The step that an optimiser takes once its memory has settled, estimated from independent batches.

With g_1 … g_K the gradients of K batches at the same weights w, η the learning rate, λ the weight decay:

    adam:   u = η m/(√v + ε),   m = mean g_r,  v = mean g_r²  (entry by entry); rmsprop alike
    adamw:  u = η (m/(√v + ε) + λ w)
    sgd:    u = η (m + λ w)/(1 - μ),   μ the momentum, Nesterov's too

AMSGrad divides by the largest v so far, so that adam's u is the most that its step can be.

Adam's first step from fresh moments is η times the signs of the gradient whatever the gradient is, and says
nothing; these are moments of many batches. Adam's own m remembers (1 + β₁)/(1 - β₁) batches, 19 at β₁ = 0.9.
Gradients of pure noise have m²/v = 1/K on average, so that an update of

    η √(entries/K)

is what noise alone makes. v is that of batches of the size given: smaller batches than the run's are noisier,
and their update is nearer to that of noise. The clip is left out: shortening all gradients alike moves Adam's
step by nothing but its ε.

Reference: Kingma & Ba (2015), Adam, algorithm 1; Loshchilov & Hutter (2019), AdamW, algorithm 2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ired_diag.config import TrainingConfig


def squared_updates(config: TrainingConfig, gradients: Tensor, weight: Tensor) -> Tensor:
    """Return |u|² from all batches, then without each in turn, of shape (batches + 1,), in float64.

    Args:
        config: Optimiser and rate; the rate before any schedule.
        gradients: Of shape (batches, entries).
        weight: Of shape (entries,).
    """
    count = len(gradients)
    first = gradients.sum(0, dtype=torch.float64)
    second = torch.zeros_like(first)
    for gradient in gradients:  # one at a time: all of them in float64 would fill the memory
        second += gradient.double().square()
    update = _update(config, first / count, second / count, weight)
    squares = [update.square().sum()]
    for gradient in gradients:
        g = gradient.double()
        m = (first - g) / (count - 1)
        v = (second - g.square()) / (count - 1)
        update = _update(config, m, v, weight)
        squares.append(update.square().sum())
    return torch.stack(squares)


def _update(config: TrainingConfig, m: Tensor, v: Tensor, weight: Tensor) -> Tensor:
    decay = config.weight_decay * weight.double()
    if config.optimizer == "sgd":
        step = m + decay
        return config.learning_rate * step / (1 - config.momentum)
    # What is left of a sum of squares after one is taken away may be below 0 by a rounding.
    spread = v.clamp(min=0).sqrt()
    step = m / (spread + config.epsilon)
    if config.optimizer == "adamw":
        step = step + decay
    return config.learning_rate * step
