"""The training on digits as the trainer sees it: batches of images, cross-entropy, two parts of the data.

A batch is drawn afresh at each step, no image twice in it. Where ``batch_size`` is the size of the training
data or more, each step sees all of them.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ired_diag.digits.config import DigitsConfig
from ired_diag.digits.data import digits
from ired_diag.digits.network import logits
from ired_diag.precision import DTYPES
from ired_diag.streams import Streams
from ired_diag.task import Losses
from ired_diag.tensors import Tensors


def splits(config: DigitsConfig, device: torch.device) -> dict[str, dict[str, Tensor]]:
    """Return all items of the training and of the test data, as batches ``train`` and ``test``."""
    return digits(config.test_share, config.split_seed, DTYPES[config.precision], device)


def draw_batch(config: DigitsConfig, streams: Streams, step: int) -> dict[str, Tensor]:
    """Return ``pixels`` of shape (batch, 64) and ``label`` of shape (batch,)."""
    device = streams.data.device
    train = splits(config, device)["train"]
    order = torch.randperm(len(train["label"]), generator=streams.data, device=device)
    chosen = order[: config.batch_size]
    return {name: values[chosen] for name, values in train.items()}


def losses(config: DigitsConfig, tensors: Tensors, batch: Tensors) -> Losses:
    """Return the cross-entropy of each seed, and log the share of images that are recognised."""
    scores, labels = logits(config, tensors, batch["pixels"]), batch["label"]
    flat_scores, flat_labels = scores.flatten(0, 1), labels.flatten()
    each = cross_entropy(flat_scores, flat_labels, reduction="none")
    entropy = each.view(labels.shape).mean(1)
    is_right = scores.argmax(-1) == labels
    accuracy = is_right.to(scores.dtype).mean(1)
    return Losses({"cross_entropy": entropy}, {"accuracy": accuracy})


@torch.no_grad()
def evaluate(
    config: DigitsConfig, tensors: Tensors, batch: Tensors, generator: torch.Generator
) -> dict[str, float]:
    """Return loss and accuracy of the same weights on all training and all test images, after the step."""
    stacked = {name: tensor[None] for name, tensor in tensors.items()}
    values = {}
    for name, part in splits(config, batch["label"].device).items():
        on_axis = {key: value[None] for key, value in part.items()}
        measured = losses(config, stacked, on_axis)
        where = "test" if name == "test" else "train_set"
        values[f"{where}/loss"] = float(measured.terms["cross_entropy"])
        values[f"{where}/accuracy"] = float(measured.logged["accuracy"])
    return values
