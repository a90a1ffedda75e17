"""Exponential moving average of the weights, on the public code's calendar.

After step k the average moves only if k - 1 is a multiple of 10 (steps 1, 11, 21, …). Up to step 101 it is
a copy of the weights. From then on, with n = k - 101,

    w̄ ← d w̄ + (1 - d) w,    d = min(decay, 1 - (1 + n)^(-2/3)),

so that it lags far behind early in training: at step 1000 d is 0.989 an update, a memory of a thousand
steps. With a decay of 0 nothing is averaged: w̄ is w after every step.

Reference: the package ema_pytorch with its defaults (update_after_step 100, power 2/3), as the public code of
the default task uses it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

UPDATE_EVERY = 10
UPDATE_AFTER = 100
POWER = 2 / 3


def decay_after(step: int, decay: float) -> float | None:
    """Return d of the update after a step, None where there is none.

    >>> [decay_after(k, 0.995) for k in (1, 2, 101, 102)]
    [0.0, None, 0.0, None]
    >>> decay_after(2, 0.0)
    0.0
    >>> round(decay_after(111, 0.995), 6), decay_after(100_001, 0.995)
    (0.79782, 0.995)
    """
    if decay == 0:
        return 0.0
    if (step - 1) % UPDATE_EVERY:
        return None
    n = max(0, step - 1 - UPDATE_AFTER)
    return min(decay, 1 - math.pow(1 + n, -POWER))


@torch.no_grad()
def update_average(
    average: Mapping[str, Tensor], weights: Mapping[str, Tensor], step: int, decay: float
) -> None:
    """Move the average, in place, as it moves after a step.

    Args:
        average: w̄, tensors by name.
        weights: w, of the same names and shapes.
        step: Steps taken, this one included.
        decay: The largest d.
    """
    d = decay_after(step, decay)
    if d is None:
        return
    for name, mean in average.items():
        weight = weights[name].detach()
        if d:
            mean.lerp_(weight, 1 - d)
        else:
            # Not lerp with weight 1: what is infinite in the average would stay as NaN.
            mean.copy_(weight)
