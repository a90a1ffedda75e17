"""The training loss of one batch as a function of the parameters alone, its draws and negatives held.

The gradient of training does not flow through the mining: what a step descends is the loss with the
negatives as they were found. Held so, the loss is one smooth function, and its curvature and its slices are
those of one thing; mined again at every point it would jump where a mining step is accepted here, rejected
there.

A head whose gradient is stopped (``stop_gradient_head``) moves here: without it, the loss of training is a
function, and with it, none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.draws import Draws, draw
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.objective import mine, training_loss
from ired_diag.model.hessian import LossOf
from ired_diag.model.losses import denoising_loss
from ired_diag.model.problems import Problems
from ired_diag.model.schedule import Schedule
from ired_diag.streams import PURPOSES, Streams


def drawn_loss(
    network: EnergyNetwork,
    schedule: Schedule,
    config: InverseConfig | None,
    problems: Problems,
    count: int,
    *,
    generators: Callable[[str], torch.Generator],
) -> LossOf:
    """Return the loss of a batch drawn for it, as a function of the network's tensors.

    Args:
        network: Where the negatives are mined; its other properties count everywhere.
        schedule: The noise schedule.
        config: Of the run; without one, the loss is the denoising loss.
        problems: Where problems and right answers come from.
        count: Size of the batch.
        generators: A stream of random numbers, on the CPU, for each purpose.
    """
    problem, answer = problems.draw(count, generator=generators("problems"))
    if config is None:
        noise = generators("noise")
        t = torch.randint(0, schedule.levels, (count,), generator=noise)
        draws = Draws(t, torch.randn(answer.shape, generator=noise))
    else:
        config = config.model_copy(update={"diffusion_steps": schedule.levels})
        draws = draw(config, answer, Streams(**{purpose: generators(purpose) for purpose in PURPOSES}))

    def moved(tensor: Tensor) -> Tensor:
        return tensor.to(network.device, network.dtype)

    held = Draws(
        draws.t.to(network.device),
        moved(draws.noise),
        None if draws.contrast_noise is None else moved(draws.contrast_noise),
        None if draws.negative is None else moved(draws.negative),
    )
    return held_loss(
        network,
        schedule,
        config,
        problem=moved(problem),
        answer=moved(answer),
        draws=held,
    )


def held_loss(
    network: EnergyNetwork,
    schedule: Schedule,
    config: InverseConfig | None,
    problem: Tensor,
    answer: Tensor,
    draws: Draws,
) -> LossOf:
    """Return the loss as a function of the network's tensors.

    Args:
        network: Where the negatives are mined; its other properties count everywhere.
        schedule: The noise schedule.
        config: Of the run; without one, the loss is the denoising loss.
        problem: Matrices, of shape (batch, dim).
        answer: Their inverses, of the same shape.
        draws: The batch's random numbers.
    """
    if config is None:
        noisy = schedule.q_sample(answer, draws.t, draws.noise)

        def denoising(parameters: Mapping[str, Tensor]) -> Tensor:
            landscape = replace(network, parameters=parameters).landscape(problem, draws.t)
            return denoising_loss(landscape, noisy, draws.noise).mean()

        return denoising
    changes: dict[str, object] = {"stop_gradient_head": False}
    if draws.contrast_noise is not None:
        mined = mine(network.landscape(problem, draws.t), schedule, config, answer, draws)
        draws = replace(draws, negative=mined.negative)
        changes["mining_strategy"] = "random"  # for which the objective takes the negatives it is given
    held = config.model_copy(update=changes)

    def loss(parameters: Mapping[str, Tensor]) -> Tensor:
        moved_network = replace(network, parameters=parameters)
        parts = training_loss(
            moved_network,
            schedule,
            held,
            problem=problem,
            answer=answer,
            draws=draws,
        )
        return parts.total

    return loss
