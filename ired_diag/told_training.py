"""Which mining a run was trained with, as far as its configuration states it."""

from __future__ import annotations

from ired_diag.config import TrainingConfig
from ired_diag.energy_config import EnergyConfig

UNTOLD = "unknown"


def strategy_of(config: TrainingConfig | None) -> str:
    """Return the mining strategy that a configuration names; a default is no statement."""
    if not isinstance(config, EnergyConfig) or "mining_strategy" not in config.model_fields_set:
        return UNTOLD
    return config.mining_strategy


def negatives_of(config: TrainingConfig | None) -> str:
    """Return the kind of negatives that a run trained with; ``none`` where their loss has no weight."""
    strategy = strategy_of(config)
    if strategy == UNTOLD or not isinstance(config, EnergyConfig):
        return strategy
    if config.energy_loss_weight == 0:
        return "none"
    return strategy


def sentence_on(strategy: str) -> str:
    """Return a sentence, with a space before it, where training did without mined negatives; else nothing.

    >>> sentence_on("adversarial")
    ''
    """
    if strategy in ("none", "random"):
        return f" The run trained without mined negatives (mining_strategy {strategy})."
    return ""
