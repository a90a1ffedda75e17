"""The training loss as one function of tensors, compiled where that pays.

Written out, the loss is ordinary forward operations with one ordinary backward pass, so ``torch.compile`` can
fuse what lies between the matrix products: on a processor with bfloat16 units they are most of a step.
Compiling takes a minute or less, once for all seeds, and needs a C++ compiler on a processor, or a GPU.

What is compiled and what is not rounds differently. A run keeps to its first choice when it is resumed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor
from torch._dynamo.exc import TorchDynamoException

from ired_diag.config import Config
from ired_diag.errors import DiagError
from ired_diag.model.schedule import Schedule
from ired_diag.inverse.configured import DTYPES, network_of
from ired_diag.inverse.draws import Batch
from ired_diag.inverse.objective import Loss, training_loss

Compile = Literal["auto", "on", "off"]

# Samples x steps x hidden units above which some tens of seconds of compiling are won back on two cores.
WORTH_COMPILING = 2048 * 512 * 4000

LossFunction = Callable[[Mapping[str, Tensor], Batch], Loss]


def loss_function(config: Config, schedule: Schedule, *, compiled: bool) -> LossFunction:
    """Return the loss of a configuration as a function of weights (a leading axis of seeds) and batch.

    Args:
        config: All that is constant.
        schedule: The noise schedule, on the device of the weights.
        compiled: Compile it at its first call.
    """
    dtype = DTYPES[config.precision]
    constants = schedule.to(schedule.betas.device, torch.float32)

    def loss(weights: Mapping[str, Tensor], batch: Batch) -> Loss:
        network = network_of(config, {name: p.to(dtype) for name, p in weights.items()})
        return training_loss(network, constants, config, batch.problem, batch.answer, batch.draws)

    if not compiled:
        return loss
    on_gpu = schedule.betas.is_cuda
    # On a GPU "reduce-overhead" records the kernels of a step in a CUDA graph.
    fused: LossFunction = torch.compile(loss, dynamic=False, mode="reduce-overhead" if on_gpu else "default")

    def guarded(weights: Mapping[str, Tensor], batch: Batch) -> Loss:
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


def should_compile(config: Config, device: torch.device, wish: Compile = "auto") -> bool:
    """Return whether to compile: as wished, else where the run is long and a compiler is there.

    Raises:
        DiagError: It is wished, and there is no compiler.
    """
    if wish == "on" and not can_compile(device):
        raise DiagError(
            "--compile on: needs a C++ compiler, g++ or what CXX names, and found none. Install one, or "
            "train with --compile off."
        )
    if wish != "auto":
        return wish == "on"
    if config.batch_size * config.train_steps * config.width < WORTH_COMPILING:
        return False
    return can_compile(device)


def can_compile(device: torch.device) -> bool:
    """Say whether there is what compiling needs: for a processor, a C++ compiler."""
    return device.type == "cuda" or shutil.which(os.environ.get("CXX", "g++")) is not None
