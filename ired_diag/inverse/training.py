"""The training of IRED as the trainer sees it: tensors by name in, named terms out."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ired_diag.curriculum import value_after
from ired_diag.inverse.architecture import initial_parameters
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.configured import architecture_of, network_of
from ired_diag.inverse.draws import Batch, Draws, draw_batch
from ired_diag.inverse.head import HEAD_LAYERS
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.objective import training_loss
from ired_diag.model.schedule import Schedule, cosine_schedule
from ired_diag.seed_sources import Source
from ired_diag.streams import Streams
from ired_diag.task import Losses, ParameterGroup
from ired_diag.tensors import Tensors

SCHEDULE = tuple(Schedule.__dataclass_fields__)


def initial_weights(config: InverseConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """Return the tensors of an untrained network."""
    return initial_parameters(architecture_of(config), generator=generator)


def constants_of(config: InverseConfig) -> dict[str, Tensor]:
    """Return the constants of the noise schedule, under the public code's names."""
    return cosine_schedule(config.diffusion_steps).buffers()


def schedule_in(tensors: Tensors) -> Schedule:
    """Return the noise schedule among a model's tensors."""
    return Schedule(**{name: tensors[name] for name in SCHEDULE})


def network_in(config: InverseConfig, tensors: Tensors) -> EnergyNetwork:
    """Return the energy network that a model's tensors make."""
    return network_of(config, {name: p for name, p in tensors.items() if name not in SCHEDULE})


def batch_tensors(config: InverseConfig, streams: Streams, step: int) -> dict[str, Tensor]:
    """Return the batch of the step after ``step`` steps, and all that is random in its loss, by name."""
    contrast = has_contrast_at(config, step)
    batch = draw_batch(config, streams, contrast=contrast)
    draws = batch.draws
    tensors = {
        "problem": batch.problem,
        "answer": batch.answer,
        "t": draws.t,
        "noise": draws.noise,
        "contrast_noise": draws.contrast_noise,
        "negative": draws.negative,
        "curriculum": None,
    }
    value = value_after(config, step) if contrast else None
    if value is not None:
        tensors["curriculum"] = draws.noise.new_full((1, 1), value)
    return {name: x for name, x in tensors.items() if x is not None}


def has_contrast_at(config: InverseConfig, step: int) -> bool:
    """Say whether the step after ``step`` steps has a contrastive term."""
    return config.mining_strategy != "none" and step >= config.warm_start_steps


def batch_of(tensors: Tensors) -> Batch:
    """Return a batch from its tensors by name."""
    draws = Draws(
        t=tensors["t"],
        noise=tensors["noise"],
        contrast_noise=tensors.get("contrast_noise"),
        negative=tensors.get("negative"),
        curriculum=tensors.get("curriculum"),
    )
    return Batch(tensors["problem"], tensors["answer"], draws)


def losses(config: InverseConfig, tensors: Tensors, batch: Tensors) -> Losses:
    """Return the terms of the loss and what is logged of it, each of shape (seeds,).

    Args:
        config: The weight of each term, and how negatives are mined.
        tensors: The noise schedule, and the network's tensors with a leading axis of seeds.
        batch: As ``batch_tensors`` draws it, with a leading axis of seeds.
    """
    network = network_in(config, tensors)
    parts = batch_of(batch)
    loss = training_loss(
        network,
        schedule_in(tensors),
        config,
        problem=parts.problem,
        answer=parts.answer,
        draws=parts.draws,
    )
    terms = {"denoise": loss.denoise}
    if loss.nce is not None:
        terms["nce"] = config.energy_loss_weight * loss.nce
    if loss.regularizer is not None:
        terms["regularizer"] = config.energy_reg_weight * loss.regularizer
    margin = None
    if loss.energy_negative is not None:
        margin = loss.energy_negative - loss.energy_positive
    logged = {
        "denoise": loss.denoise,
        "nce": loss.nce,
        "regularizer": loss.regularizer,
        "energy_positive": loss.energy_positive,
        "energy_negative": loss.energy_negative,
        "energy_margin": margin,
        "mining_accepted": loss.accepted,
        f"curriculum_{config.mining_curriculum}": _curriculum_of(parts.draws),
        **loss.choice,
    }
    return Losses(terms, {name: value for name, value in logged.items() if value is not None})


def _curriculum_of(draws: Draws) -> Tensor | None:
    """Return the value of the setting that a curriculum moves, of the shape of the leading axes."""
    return None if draws.curriculum is None else draws.curriculum[..., 0, 0]


def head_group(config: InverseConfig) -> tuple[ParameterGroup, ...]:
    """Return the weights of the head, which may have a limit of their own."""
    layer = HEAD_LAYERS["scalar" if config.use_scalar_energy else "vector"] + "."
    return (
        ParameterGroup(
            name="head",
            holds=lambda name: name.startswith(layer),
            gradient_clip=config.head_gradient_clip,
        ),
    )


def absent_sources(config: InverseConfig) -> Mapping[Source, str]:
    """Return which sources of randomness there are not, and why."""
    if config.validation_matrices == "frozen":
        return {"eval": "every evaluation is of the same matrices, because validation_matrices is frozen"}
    return {}
