"""The training on digits as the trainer sees it: batches of images, cross-entropy, two parts of the data.

A batch is drawn afresh at each step, no image twice in it. Where ``batch_size`` is the size of the training
data or more, each step sees all of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ired_diag.digits.config import DigitsConfig
from ired_diag.digits.data import digits
from ired_diag.digits.network import initial_weights as untrained
from ired_diag.digits.network import logits
from ired_diag.precision import DTYPES
from ired_diag.seed_sources import Source
from ired_diag.streams import Streams
from ired_diag.task import Losses
from ired_diag.tensors import Tensors


def splits(config: DigitsConfig, device: torch.device) -> dict[str, dict[str, Tensor]]:
    """Return all items of the training and of the test data, as batches ``train`` and ``test``."""
    return digits(
        config.test_share,
        config.split_seed,
        DTYPES[config.precision],
        device,
    )


def initial_weights(config: DigitsConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """Return untrained weights, once it is known that there are images to train them on.

    Raises:
        DiagError: scikit-learn is not installed; said here, it is said before a run folder is made.
    """
    splits(config, generator.device)
    return untrained(config, generator)


def draw_batch(config: DigitsConfig, streams: Streams, step: int) -> dict[str, Tensor]:
    """Return ``pixels`` of shape (batch, 64) and ``label`` of shape (batch,)."""
    device = streams.data.device
    train = splits(config, device)["train"]
    order = torch.randperm(
        len(train["label"]),
        generator=streams.data,
        device=device,
    )
    chosen = order[: config.batch_size]
    return {
        "pixels": train["pixels"][chosen],
        "label": train["label"][chosen],
    }


def losses(config: DigitsConfig, tensors: Tensors, batch: Tensors) -> Losses:
    """Return the cross-entropy of each seed, and log the share of images that are recognised."""
    labels = batch["label"]
    scores = logits(config, tensors, batch["pixels"])
    # One axis of images, as PyTorch takes them; the axis of seeds comes back below.
    of_images = cross_entropy(
        scores.flatten(0, 1),
        labels.flatten(),
        reduction="none",
    )
    entropy = of_images.view(labels.shape).mean(1)
    is_right = scores.argmax(-1) == labels
    accuracy = is_right.to(scores.dtype).mean(1)
    return Losses(
        terms={"cross_entropy": entropy},
        logged={"accuracy": accuracy},
    )


@torch.no_grad()
def evaluate(
    config: DigitsConfig, tensors: Tensors, batch: Tensors, generator: torch.Generator
) -> dict[str, float]:
    """Return loss and accuracy of the same weights on all training and all test images, after the step."""
    parts = splits(config, batch["label"].device)
    train = _of_one_seed(config, tensors, parts["train"])
    test = _of_one_seed(config, tensors, parts["test"])
    return {
        "train_set/loss": float(train.terms["cross_entropy"]),
        "train_set/accuracy": float(train.logged["accuracy"]),
        "test/loss": float(test.terms["cross_entropy"]),
        "test/accuracy": float(test.logged["accuracy"]),
    }


def absent_sources(config: DigitsConfig) -> Mapping[Source, str]:
    """Return which sources of randomness there are not, and why."""
    absent: dict[Source, str] = {
        "eval": "an evaluation takes all test images and draws nothing; --set split_seed=N draws other ones",
    }
    train = splits(config, torch.device("cpu"))["train"]
    # The same images in another order differ in rounding alone.
    if config.batch_size >= len(train["label"]):
        absent["data"] = "each step sees all training images, because batch_size is not below their number"
    return absent


def _of_one_seed(config: DigitsConfig, tensors: Tensors, part: Tensors) -> Losses:
    """Return what ``losses`` says of one seed, whose tensors have no axis of seeds."""
    return losses(config, _on_axis(tensors), _on_axis(part))


def _on_axis(tensors: Tensors) -> dict[str, Tensor]:
    return {name: tensor[None] for name, tensor in tensors.items()}
