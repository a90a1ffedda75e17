"""A curriculum of negatives: one setting of mining moves from an easy value to its own in training.

With s the ``curriculum_start``, v the setting's own value, w the ``warm_start_steps`` and L the
``curriculum_steps``, the step after k steps mines with

    v(k) = s + (v - s) · min(1, max(0, k - w) / L),

for ``opt_steps`` rounded down to a whole number. Longer steps, more steps and a start nearer to the right
answer make a negative harder; a start s on the hard side of v is the opposite order, a control.

Reference: Bengio et al. (2009), Curriculum Learning, section 3: easy examples first,
their share or difficulty rising until training is on the target.
"""

from __future__ import annotations

import math
from typing import TypeVar

from ired_diag.energy_config import EnergyConfig

SomeEnergyConfig = TypeVar("SomeEnergyConfig", bound=EnergyConfig)


def setting_of(config: EnergyConfig) -> str | None:
    """Return the name of the setting that the curriculum moves; None without a curriculum."""
    if config.mining_curriculum == "none":
        return None
    return f"mining_{config.mining_curriculum}"


def value_after(config: EnergyConfig, step: int) -> float | None:
    """Return what the moved setting is at the step after ``step`` steps; None without a curriculum."""
    setting, start = setting_of(config), config.curriculum_start
    if setting is None or start is None:
        return None
    end = float(getattr(config, setting))
    progress = min(1.0, max(0, step - config.warm_start_steps) / config.curriculum_steps)
    value = start + (end - start) * progress
    if progress == 1:  # exactly, whatever rounding made of the sum
        value = end
    if config.mining_curriculum == "opt_steps":
        return float(math.floor(value))
    return value


def config_after(config: SomeEnergyConfig, step: int | None) -> SomeEnergyConfig:
    """Return the configuration that mines, at every step, as this one does after ``step`` steps.

    Args:
        config: With a curriculum or without.
        step: Steps taken; None, where it is unknown: as at the end of the curriculum.
    """
    setting = setting_of(config)
    if setting is None:
        return config
    changes: dict[str, object] = {"mining_curriculum": "none", "curriculum_start": None}
    value = None if step is None else value_after(config, step)
    if value is not None:
        changes[setting] = int(value) if config.mining_curriculum == "opt_steps" else value
    return config.model_copy(update=changes)
