"""What a configuration makes: the network, its noise schedule's levels, the data."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ired_diag.inverse.architecture import Architecture
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.head import Head, HeadForm
from ired_diag.inverse.matrices import MatrixData
from ired_diag.inverse.network import EnergyNetwork


def architecture_of(config: InverseConfig) -> Architecture:
    """Return the sizes of the network that a configuration asks for."""
    head: Head = "scalar" if config.use_scalar_energy else "vector"
    return Architecture(
        rank=config.rank,
        width=config.width,
        head=head,
        levels=config.diffusion_steps,
        embedding=config.time_embedding,
        time_width=config.time_width,
    )


def form_of(config: InverseConfig) -> HeadForm:
    """Return what stands before and around the head."""
    return HeadForm(config.head_normalization, config.energy_bound, config.energy_bound_scale)


def network_of(config: InverseConfig, parameters: Mapping[str, Tensor]) -> EnergyNetwork:
    """Return the network of a configuration with the given tensors."""
    return EnergyNetwork(architecture_of(config), parameters, config.gradient_normalization, form_of(config))


def data_of(config: InverseConfig) -> MatrixData:
    """Return the data set that a configuration names."""
    return MatrixData(config.dataset, config.rank, config.ood)
