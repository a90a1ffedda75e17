"""Digits: real images in two parts, PyTorch's own network, other weights of the same function."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ired_diag as ird
from ired_diag import tasks
from ired_diag.digits import data
from ired_diag.digits.config import DigitsConfig
from ired_diag.digits.network import initial_weights, logits, rescaled
from ired_diag.errors import DiagError, WrongConfiguration
from ired_diag.streams import make_streams
from ired_diag.training.trainer import train

DIGITS = tasks.load("digits")


def config_of(**knobs: Any) -> DigitsConfig:
    config = tasks.settings_of(DIGITS, {"experiment_name": "x", "precision": "fp64", **knobs})
    assert isinstance(config, DigitsConfig)
    return config


def stacked(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor[None] for name, tensor in tensors.items()}


@pytest.fixture
def images() -> None:
    pytest.importorskip("sklearn")


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
@pytest.mark.parametrize("hidden", [[], [7], [9, 5]])
def test_the_network_is_that_of_pytorch(activation: str, hidden: list[int]) -> None:
    config = config_of(hidden=hidden, activation=activation)
    weights = initial_weights(config, torch.Generator().manual_seed(1))
    kind = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "gelu": torch.nn.GELU}[activation]
    signal = pixels = torch.rand(4, 64, dtype=torch.float64)
    for k in range(1, len(hidden) + 2):
        weight, bias = weights[f"layer{k}.weight"], weights[f"layer{k}.bias"]
        signal = torch.nn.functional.linear(signal, weight, bias)
        if k <= len(hidden):
            signal = kind()(signal)
    torch.testing.assert_close(logits(config, stacked(weights), pixels[None])[0], signal)


def test_the_gradient_of_logistic_regression_is_that_of_its_formula(images: None) -> None:
    """Without a hidden layer, ∂L/∂W = (softmax(Wx + b) - y) xᵀ, in the mean over the batch."""
    config = config_of(hidden=[])
    weights = initial_weights(config, torch.Generator().manual_seed(2))
    leaf = weights["layer1.weight"].requires_grad_()
    batch = DIGITS.draw_batch(config, make_streams(0, "cpu"), 0)
    losses = DIGITS.loss(config, stacked({**weights, "layer1.weight": leaf}), stacked(dict(batch)))
    (gradient,) = torch.autograd.grad(losses.terms["cross_entropy"].sum(), leaf)
    x, label = batch["pixels"].numpy(), batch["label"].numpy()
    scores = x @ leaf.detach().numpy().T
    share = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    share[np.arange(len(label)), label] -= 1
    assert gradient.numpy() == pytest.approx(share.T @ x / len(label), rel=1e-10)


def test_rescaled_weights_compute_the_same_function_where_there_are_any() -> None:
    config = config_of(hidden=[12, 8])
    weights = initial_weights(config, torch.Generator().manual_seed(3))
    other = rescaled(config, weights, 4.0)
    assert other is not None
    pixels = torch.rand(1, 20, 64, dtype=torch.float64)
    before, after = (logits(config, stacked(w), pixels) for w in (weights, other))
    torch.testing.assert_close(after, before, rtol=1e-12, atol=1e-12)
    assert not torch.equal(other["layer1.weight"], weights["layer1.weight"])
    assert rescaled(config_of(activation="tanh"), weights, 4.0) is None
    assert rescaled(config_of(hidden=[]), weights, 4.0) is None


def test_the_parts_share_no_image_and_are_those_of_the_split_seed(images: None) -> None:
    assert DIGITS.splits is not None
    device = torch.device("cpu")
    parts = DIGITS.splits(config_of(), device)
    assert [len(parts[name]["label"]) for name in ("train", "test")] == [1348, 449]
    together = torch.cat([parts["train"]["pixels"], parts["test"]["pixels"]])
    assert len(np.unique(together, axis=0)) == len(together) == 1797  # no two of its images are equal
    assert together.min() == 0
    assert together.max() == 1
    of_seed = DIGITS.splits(config_of(seed=5), device)
    torch.testing.assert_close(of_seed["test"]["label"], parts["test"]["label"])
    of_split = DIGITS.splits(config_of(split_seed=5), device)
    assert not torch.equal(of_split["test"]["label"], parts["test"]["label"])


def test_a_batch_holds_no_image_twice_and_at_most_the_training_data(images: None) -> None:
    batch = DIGITS.draw_batch(config_of(batch_size=100_000), make_streams(0, "cpu"), 0)
    assert batch["pixels"].shape == (1348, 64)
    assert len(np.unique(batch["pixels"], axis=0)) == 1348


def test_a_training_learns_and_logs_both_parts_with_their_directions(images: None, tmp_path: Path) -> None:
    knobs = {"train_steps": 300, "log_every": 100, "validate_every": 100, "checkpoint_every": 300}
    config = config_of(precision="fp32", learning_rate=0.01, **knobs)
    folder = train(DIGITS, config, tmp_path / "digits" / "seed0")
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert {"train/loss", "train/accuracy", "train_set/loss", "test/loss", "test/accuracy"} <= set(rows[-1])
    assert rows[-1]["test/accuracy"] > 0.93
    assert rows[-1]["train_set/loss"] < rows[0]["train_set/loss"] < np.log(10)
    run = ird.open_run(folder)
    assert run.evaluated is not None
    assert run.evaluated[0] == "test/accuracy"
    assert not run.direction.lower_is_better


def test_without_scikit_learn_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    data._images.cache_clear()
    with pytest.raises(DiagError, match=r"needs scikit-learn.*pip install scikit-learn"):
        data.digits(0.25, 0, torch.float64, torch.device("meta"))
    folder = tmp_path / "digits" / "seed0"
    with pytest.raises(DiagError, match="needs scikit-learn"):
        train(DIGITS, config_of(test_share=0.123), folder)
    assert not (folder / "config.json").exists()  # nothing is left that would have to be resumed


@pytest.mark.parametrize(("value", "widths"), [(32, (32,)), ([32, 16], (32, 16)), ("none", ()), ([], ())])
def test_widths_are_read_as_a_command_line_gives_them(value: object, widths: tuple[int, ...]) -> None:
    assert config_of(hidden=value).hidden == widths


@pytest.mark.parametrize("value", [[0], [-3], ["wide"], 2.5])
def test_widths_that_are_none_are_refused(value: object) -> None:
    with pytest.raises(WrongConfiguration, match="hidden"):
        config_of(hidden=value)
