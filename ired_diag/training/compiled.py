"""The training loss as one function of tensors, compiled where that pays.

Where a loss is ordinary forward operations with one ordinary backward pass, ``torch.compile`` can fuse what
lies between the large products: on a processor with bfloat16 units they are most of a step.
Compiling takes a minute or less, once for all seeds, and needs a C++ compiler on a processor, or a GPU.

What is compiled and what is not rounds differently. A run keeps to its first choice when it is resumed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch._dynamo.exc import TorchDynamoException

from ired_diag.config import TrainingConfig
from ired_diag.errors import DiagError
from ired_diag.own_task import check_losses
from ired_diag.precision import DTYPES
from ired_diag.task import Losses, Task
from ired_diag.tensors import Tensors
from ired_diag.training.seed_axis import seed_slice, stacked

Compile = Literal["auto", "on", "off"]

# Samples x steps x weights above which some tens of seconds of compiling are won back on two cores.
WORTH_COMPILING = 2048 * 4000 * 1_000_000


@dataclass(frozen=True)
class StepLoss:
    """The loss of a step, seed by seed: each tensor of shape (seeds,).

    Attributes:
        total: The sum of the trained terms; carries the graph.
        logged: What the history gets of it, by name.
    """

    total: Tensor
    logged: Mapping[str, Tensor]


LossFunction = Callable[[Mapping[str, Tensor], Tensors], StepLoss]


def loss_function(
    task: Task,
    config: TrainingConfig,
    constants: Tensors,
    *,
    device: torch.device | str = "cpu",
    compiled: bool,
) -> LossFunction:
    """Return the loss of a configuration as a function of weights (a leading axis of seeds) and batch.

    Args:
        task: What is trained.
        config: Its settings.
        constants: Tensors of the model that are not trained.
        device: Where the constants and the weights are.
        compiled: Compile it at its first call.
    """
    dtype = DTYPES[config.precision]

    def loss(weights: Mapping[str, Tensor], batch: Tensors) -> StepLoss:
        cast = {name: weight.to(dtype) for name, weight in weights.items()}
        if task.stacked:
            return _in_total(task, task.loss(config, {**constants, **cast}, batch))
        losses = []
        for k in range(_count_of_seeds(cast)):
            tensors = {**constants, **seed_slice(cast, k)}
            losses.append(_in_total(task, task.loss(config, tensors, seed_slice(batch, k))))
        return _stacked(losses)

    if not compiled:
        return loss
    on_gpu = torch.device(device).type == "cuda"
    # On a GPU "reduce-overhead" records the kernels of a step in a CUDA graph.
    mode = "reduce-overhead" if on_gpu else "default"
    fused: LossFunction = torch.compile(loss, dynamic=False, mode=mode)

    def guarded(weights: Mapping[str, Tensor], batch: Tensors) -> StepLoss:
        """Return the loss, or say that it cannot be compiled here."""
        if on_gpu:
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        try:
            return fused(weights, batch)
        except TorchDynamoException as error:
            reason = str(error).strip().splitlines()[0]
            raise DiagError(
                f"The loss cannot be compiled here ({reason}). Train with --compile off (and "
                "--resume, if it had begun)."
            ) from error

    return guarded


def _count_of_seeds(tensors: Tensors) -> int:
    return len(next(iter(tensors.values())))


def _in_total(task: Task, losses: Losses) -> StepLoss:
    """Return the sum of the trained terms, in the order of the task, and what is logged."""
    if not torch.compiler.is_compiling():
        check_losses(task, losses)
    trained = [losses.terms[name] for name in task.trained_terms if name in losses.terms]
    total = trained[0]
    for term in trained[1:]:
        total = total + term
    logged: dict[str, Tensor] = {"loss": total}
    if task.reports_other_loss:
        reported = [losses.terms[name] for name in task.reported_terms if name in losses.terms]
        logged["reported_loss"] = torch.stack(reported).sum(0).detach()
    for name, value in (losses.logged or losses.terms).items():
        logged[name] = value.detach().clone()  # a view of the weights would move with the step
    return StepLoss(total, logged)


def _stacked(losses: list[StepLoss]) -> StepLoss:
    """Return the losses of several seeds as one, the seeds on a leading axis."""
    logged = stacked([loss.logged for loss in losses])
    total = torch.stack([loss.total for loss in losses])
    return StepLoss(total, logged)


def should_compile(
    config: TrainingConfig, weights: Tensors, device: torch.device, wish: Compile = "auto"
) -> bool:
    """Return whether to compile: as the user wishes, else where the run is long and there is a compiler.

    Raises:
        DiagError: The user wishes it, and there is no compiler.
    """
    if wish == "on" and not can_compile(device):
        raise DiagError(
            "--compile on: needs a C++ compiler, g++ or what CXX names, and found none. Install one, or "
            "train with --compile off."
        )
    if wish != "auto":
        return wish == "on"
    size = sum(p.numel() for p in weights.values())
    if config.batch_size * config.train_steps * size < WORTH_COMPILING:
        return False
    return can_compile(device)


def can_compile(device: torch.device) -> bool:
    """Say whether there is what compiling needs: for a processor, a C++ compiler."""
    return device.type == "cuda" or shutil.which(os.environ.get("CXX", "g++")) is not None
