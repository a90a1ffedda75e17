"""The knobs of matrix inversion, next to those of an energy: its data, its network, its evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from ired_diag.config import parse_config
from ired_diag.energy_config import EnergyConfig

# Keys of the study's configurations and of its forks that mean something this project lacks.
NOT_IMPLEMENTED = (
    "contrastive_temperature",
    "energy_loss_max_weight",
    "energy_loss_timestep_range",
    "energy_loss_warmup_steps",
    "evaluation_mode",
    "gc_temperature",
    "inference_opt_steps",
    "langevin_grad_clip",
    "langevin_sigma_multiplier",
    "model_checkpoints",
    "num_opt_steps",
    "num_test_samples",
    "pgd_delta",
    "pgd_step_size",
    "recovery_loss_weight",
    "recovery_steps",
    "replay_buffer_buckets",
    "replay_buffer_size",
    "replay_sample_prob",
    "residual_filter_quantile",
    "tam_anchor_step",
    "target_mse_threshold",
    "use_cd_loss",
    "use_energy_schedule",
    "use_gradient_contrastive",
    "use_ired_contrastive_loss",
    "use_langevin",
    "use_recovery_loss",
    "use_replay_buffer",
    "use_residual_filter",
    "use_timestep_range",
)


class InverseConfig(EnergyConfig):
    """Every knob of a run that learns to invert matrices, under the key names of the study's files."""

    not_implemented: ClassVar[tuple[str, ...]] = NOT_IMPLEMENTED

    dataset: Literal["ired", "design"] = "ired"
    rank: int = Field(20, ge=1)
    ood: bool = False

    width: int = Field(512, ge=1)
    time_embedding: int = Field(128, ge=4, multiple_of=2)
    time_width: int = Field(128, ge=1)

    validation_batches: int = Field(22, ge=1)
    validation_batch_size: int = Field(256, ge=1)
    validation_matrices: Literal["fresh", "frozen"] = "fresh"

    @field_validator("dataset", mode="before")
    @classmethod
    def _public_name(cls, value: object) -> object:
        """The public code calls the ``ired`` data set ``inverse``."""
        return "ired" if value == "inverse" else value


def parse_inverse(keys: Mapping[str, Any], *, where: str = "configuration") -> InverseConfig:
    """Return the configuration that ``keys`` say, as ``ired_diag.config.parse_config`` does."""
    return parse_config(keys, InverseConfig, where=where)
