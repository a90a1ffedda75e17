"""The optimiser, and the clipping of gradients before it: Adam, AdamW, AMSGrad, RMSProp, SGD with momentum.

The optimisers are PyTorch's, but for one form of AMSGrad (``ired_diag.training.amsgrad``). What they remember
of each tensor (its *moments*) is laid out here, so that one seed's share can be cut out of an ensemble's,
kept in a checkpoint, and put back.

Gradients are clipped seed by seed. With c the limit, g ← g min(1, c/(‖g‖ + 10⁻⁶)), the norm over all
tensors of the seed (``torch.nn.utils.clip_grad_norm_``). A group of weights with a limit of its own
(``ParameterGroup.gradient_clip``) is clipped alike, first. A group's learning rate is the configuration's
times its factor.

``clip_scaled_gradients`` reproduces what the study's fork does. It makes a gradient scaler for half
precision, then computes in float32 and does not unscale before the clip. So the limit meets S g, with S = 2¹⁶
doubled every 2000 steps (a scaler that meets no overflow), and is always far exceeded: what Adam sees after
unscaling is g c/(S‖g‖), shorter with every doubling until it drowns in Adam's ε = 10⁻⁸. The learning rate in
effect falls by half every 2000 steps; after some 10,000 the weights hardly move. The public code does not do
this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ired_diag.config import TrainingConfig
from ired_diag.task import ParameterGroup
from ired_diag.training.amsgrad import CorrectedAmsgrad

Moments = dict[str, dict[str, Tensor]]  # of each tensor by name: each thing remembered by its own name

CLIP_MARGIN = 1e-6
INITIAL_SCALE = 65536.0  # of torch.amp.GradScaler, and after how many steps without overflow it doubles
SCALE_GROWTH_INTERVAL = 2000
MOMENT_NAMES = {
    "adam": ("exp_avg", "exp_avg_sq"),
    "adamw": ("exp_avg", "exp_avg_sq"),
    "amsgrad": ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"),
    "rmsprop": ("square_avg",),
    "sgd": ("momentum_buffer",),
}


def new_moments(config: TrainingConfig, weights: Mapping[str, Tensor]) -> Moments:
    """Return the memory of an optimiser that has seen nothing: zeros."""
    kinds = MOMENT_NAMES[config.optimizer]
    moments: Moments = {}
    for name, weight in weights.items():
        moments[name] = {kind: torch.zeros_like(weight.detach()) for kind in kinds}
    return moments


def make_optimizer(
    config: TrainingConfig,
    weights: Mapping[str, Tensor],
    moments: Moments,
    steps: int,
    *,
    groups: Sequence[ParameterGroup] = (),
) -> torch.optim.Optimizer:
    """Return the optimiser of a configuration over ``weights``, with its memory.

    Args:
        config: Kind, rate and settings of the optimiser.
        weights: The tensors that it moves.
        moments: Its memory; the tensors are used as they are, and change in place.
        steps: Steps that it has taken.
        groups: Groups of weights, with their factors of the learning rate.
    """
    optimizer = _new_optimizer(config, _by_rate(weights, groups))
    for name, tensor in weights.items():
        optimizer.state[tensor].update(moments[name])
        if config.optimizer != "sgd":
            # A fused optimiser counts on the device of its tensors.
            count = torch.tensor(float(steps), device=tensor.device)
            optimizer.state[tensor]["step"] = count
    return optimizer


def _new_optimizer(config: TrainingConfig, tensors: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """Return an optimiser of PyTorch's that remembers nothing yet."""
    rate, decay, betas = config.learning_rate, config.weight_decay, config.adam_betas
    match config.optimizer:
        case "sgd":
            return torch.optim.SGD(
                tensors,
                lr=rate,
                momentum=config.momentum,
                nesterov=config.nesterov,
                weight_decay=decay,
            )
        case "rmsprop":
            return torch.optim.RMSprop(tensors, lr=rate, alpha=config.rmsprop_decay, eps=config.epsilon)
        case "amsgrad" if config.amsgrad_maximum == "corrected":
            return CorrectedAmsgrad(tensors, lr=rate, betas=betas, eps=config.epsilon)
        case "amsgrad":
            return torch.optim.Adam(
                tensors, lr=rate, betas=betas, eps=config.epsilon, amsgrad=True, fused=True
            )
        case "adamw":
            return torch.optim.AdamW(
                tensors, lr=rate, betas=betas, eps=config.epsilon, weight_decay=decay, fused=True
            )
        case _:
            return torch.optim.Adam(tensors, lr=rate, betas=betas, eps=config.epsilon, fused=True)


def optimizer_state(
    config: TrainingConfig, weights: Mapping[str, Tensor], moments: Moments, steps: int
) -> dict[str, Any]:
    """Return the ``state_dict()`` that a lone PyTorch optimiser would have, tensors on the CPU."""
    copied = {name: _copied(kinds) for name, kinds in moments.items()}
    state = make_optimizer(config, _copied(weights), copied, steps).state_dict()
    for group in state["param_groups"]:
        if "fused" in group:
            group["fused"] = None  # how we step is no business of whoever loads it
    return state


def read_moments(
    state: Mapping[str, Any], config: TrainingConfig, weights: Mapping[str, Tensor]
) -> tuple[Moments, int]:
    """Return the memory that a ``state_dict()`` holds, and the steps that its optimiser had taken.

    An optimiser of another kind than the configuration's, or one that never stepped, has none to give: zeros.

    Raises:
        KeyError: It holds the memory of some tensors only.
        ValueError: Its tensors are of other shapes.
    """
    stored = state["state"]
    kinds = MOMENT_NAMES[config.optimizer]
    if not stored or not set(kinds) <= stored[0].keys():
        return new_moments(config, weights), 0
    moments: Moments = {}
    # The keys of a state_dict are the places of the tensors, from 0.
    for index, (name, weight) in enumerate(weights.items()):
        moments[name] = {}
        for kind in kinds:
            moment = stored[index][kind].to(weight.device, weight.dtype)
            if moment.shape != weight.shape:
                raise ValueError(f"the optimiser's memory of {name} has another shape than the tensor")
            moments[name][kind] = moment
    return moments, int(stored[0].get("step", 0))


def clip_gradients(
    weights: Mapping[str, Tensor],
    config: TrainingConfig,
    step: int = 0,
    *,
    groups: Sequence[ParameterGroup] = (),
) -> tuple[Tensor, Tensor]:
    """Clip the gradients in place, and return each seed's norm before and after, of shape (seeds,).

    Args:
        weights: Tensors with a leading axis of seeds and a gradient each; one without a gradient counts as 0.
        config: The configuration, which has the limit of all gradients.
        step: Steps taken so far, on which a gradient scaler's scale depends.
        groups: Groups of weights; those with a limit of their own are clipped first.
    """
    gradients = {name: weight.grad for name, weight in weights.items() if weight.grad is not None}
    before = _norms(list(gradients.values()))
    after = before
    for group in groups:
        members = [gradient for name, gradient in gradients.items() if group.holds(name)]
        if group.gradient_clip is not None and members:
            _scale(members, _norms(members), group.gradient_clip)
            after = _norms(list(gradients.values()))
    if config.gradient_clip is not None:
        scale = 1.0
        if config.clip_scaled_gradients:
            scale = loss_scale_after(step)
        # The limit over the scale, not the gradients times it: their squares would overflow.
        limit = config.gradient_clip / scale
        after = after * _scale(list(gradients.values()), after, limit, unit=1 / scale)
    return before, after


def loss_scale_after(step: int) -> float:
    """Return the scale of a gradient scaler that met no overflow in ``step`` steps.

    >>> [loss_scale_after(k) for k in (0, 1999, 2000, 4000)]
    [65536.0, 65536.0, 131072.0, 262144.0]
    """
    return INITIAL_SCALE * 2.0 ** (step // SCALE_GROWTH_INTERVAL)


def _by_rate(weights: Mapping[str, Tensor], groups: Sequence[ParameterGroup]) -> list[dict[str, Any]]:
    """Return the weights as PyTorch's optimisers take them: one list for each factor of the learning rate."""
    by_factor: dict[float, list[Tensor]] = {}
    for name, tensor in weights.items():
        by_factor.setdefault(_rate_factor(name, groups), []).append(tensor)
    # A checkpoint of one list is that of the public code, which knows no factor.
    if set(by_factor) <= {1.0}:
        return [{"params": list(weights.values())}]
    return [{"params": tensors, "factor": factor} for factor, tensors in by_factor.items()]


def _rate_factor(name: str, groups: Sequence[ParameterGroup]) -> float:
    """Return what the learning rate of a weight is multiplied by: the first group that holds it says so."""
    for group in groups:
        if group.holds(name):
            return group.learning_rate_factor
    return 1.0


def _copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}


def _norms(gradients: Sequence[Tensor]) -> Tensor:
    """Return the norm of each seed's gradients over all tensors, of shape (seeds,)."""
    by_tensor = [torch.linalg.vector_norm(gradient.flatten(1), dim=1) for gradient in gradients]
    norms: Tensor = torch.linalg.vector_norm(torch.stack(by_tensor), dim=0)
    return norms


def _scale(gradients: Sequence[Tensor], norms: Tensor, limit: float, unit: float = 1.0) -> Tensor:
    """Shorten each seed's gradients to the limit, in place, and return the factor, of shape (seeds,)."""
    factor = (limit / (norms + CLIP_MARGIN * unit)).clamp(max=1.0)
    for gradient in gradients:
        other_axes = [1] * (gradient.dim() - 1)
        gradient.mul_(factor.reshape(-1, *other_axes))
    return factor
