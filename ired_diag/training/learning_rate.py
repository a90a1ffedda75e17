"""The learning rate at each step.

With η the configured rate, k the steps taken so far, N the steps of the run, s the start of the decay and f
its floor (a share of η),

    constant:  η
    cosine:    η for k < s, then  η (f + (1 - f) ½ (1 + cos(π (k - s)/(N - s))))
    step:      η max(f, γ^m),  m = the whole periods since s, γ the factor of each

and, over the first W steps, all of it times (k + 1)/W.

Reference: Loshchilov & Hutter (2017), SGDR, equation 5, without restarts (cosine).
"""

from __future__ import annotations

import math

from ired_diag.config import TrainingConfig


def learning_rate_after(step: int, config: TrainingConfig) -> float:
    """Return the learning rate of the step that is taken after ``step`` steps.

    >>> config = TrainingConfig(experiment_name="x", train_steps=100, learning_rate=1.0, lr_schedule="cosine",
    ...                 lr_decay_start=50, lr_floor=0.1)
    >>> [round(learning_rate_after(k, config), 3) for k in (0, 50, 75, 100)]
    [1.0, 1.0, 0.55, 0.1]
    """
    rate = config.learning_rate * _decay(step, config)
    if step < config.lr_warmup_steps:
        rate *= (step + 1) / config.lr_warmup_steps
    return rate


def _decay(step: int, config: TrainingConfig) -> float:
    since, floor = step - config.lr_decay_start, config.lr_floor
    if config.lr_schedule == "constant" or since < 0:
        return 1.0
    if config.lr_schedule == "cosine":
        # At least one step: a decay may start at the last step of the run.
        steps_of_decay = max(1, config.train_steps - config.lr_decay_start)
        share = min(1.0, since / steps_of_decay)
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * share))
    periods = since // config.lr_step_every
    return max(floor, config.lr_step_factor**periods)
