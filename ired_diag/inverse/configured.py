"""What a configuration makes: the network, its noise schedule's levels, the data."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ired_diag.config import Config
from ired_diag.inverse.architecture import Architecture
from ired_diag.inverse.head import Head, HeadForm
from ired_diag.inverse.matrices import MatrixData
from ired_diag.inverse.network import EnergyNetwork

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def architecture_of(config: Config) -> Architecture:
    """Return the sizes of the network that a configuration asks for."""
    head: Head = "scalar" if config.use_scalar_energy else "vector"
    return Architecture(
        config.rank, config.width, head, config.diffusion_steps, config.time_embedding, config.time_width
    )


def form_of(config: Config) -> HeadForm:
    """Return what stands before and around the head."""
    return HeadForm(config.head_normalization, config.energy_bound, config.energy_bound_scale)


def network_of(config: Config, parameters: Mapping[str, Tensor]) -> EnergyNetwork:
    """Return the network of a configuration with the given tensors."""
    return EnergyNetwork(architecture_of(config), parameters, config.gradient_normalization, form_of(config))


def divisor_of(config: Config) -> float:
    """Return what ∇_yE is divided by in training."""
    match config.gradient_normalization:
        case None:
            return 1.0
        case "batch":
            return float(config.batch_size)
        case number:
            return number


def data_of(config: Config) -> MatrixData:
    """Return the data set that a configuration names."""
    return MatrixData(config.dataset, config.rank, config.ood)
