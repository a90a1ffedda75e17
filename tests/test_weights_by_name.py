"""Weights under the prefixes that programs put before them: the same network, whoever wrote the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ired_diag.errors import WrongCheckpoint
from ired_diag.inverse.architecture import Architecture, initial_parameters
from ired_diag.inverse.checkpoint import read_network
from ired_diag.model.schedule import cosine_schedule
from ired_diag.open import open_run
from ired_diag.probing.targets import open_subject
from ired_diag.runs.checkpoint import read_checkpoint

SMALL = Architecture(rank=3, width=8)
State = dict[str, Tensor]


def network(seed: int = 0) -> State:
    return initial_parameters(SMALL, generator=torch.Generator().manual_seed(seed))


def under(prefix: str, state: Mapping[str, Tensor]) -> State:
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


def diffusion(seed: int = 0) -> State:
    return cosine_schedule(10).buffers() | under("model.ebm.", network(seed))


def saved(folder: Path, content: object, name: str = "model.ckpt") -> Path:
    torch.save(content, folder / name)
    return folder / name


def assert_same(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], expected[name]) for name in expected)


PREFIXES = [
    "diffusion.",
    "model.",
    "module.",
    "_orig_mod.",
    "module._orig_mod.diffusion.",
    "_forward_module.",
    "denoiser.",  # of no list: found by the network's first layer
    "system.inner.net.",
]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_lightning_checkpoint_opens_like_the_plain_one(tmp_path: Path, prefix: str) -> None:
    plain = saved(tmp_path, diffusion(), "plain.pt")
    lightning = {
        "state_dict": under(prefix, diffusion()),
        "global_step": 9000,
        "epoch": 3,
        "pytorch-lightning_version": "2.6.6",
    }
    path = saved(tmp_path, lightning)
    assert read_checkpoint(path).step == 9000
    x, y = torch.randn(2, 5, 9, generator=torch.Generator().manual_seed(1))
    t = torch.arange(5)
    energies = []
    for file in (plain, path):
        subject = open_subject(file, weights="raw")
        assert subject.schedule.levels == 10
        energies.append(subject.energy.landscape(x, t).energy(y))
    assert torch.equal(*energies)


def test_a_case_of_lightning_opens_with_its_step(shared: Path) -> None:
    path = shared / "cases" / "ck" / "i_lightning.ckpt"
    checkpoint = read_network(path)
    assert (checkpoint.step, checkpoint.architecture.rank, checkpoint.architecture.levels) == (9000, 8, 10)
    assert open_run(path).checkpoints == (path,)


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (lambda r, e: {"model": r, "ema": e}, "both"),
        (lambda r, e: {"model_state_dict": r, "ema_state_dict": e}, "both"),
        (lambda r, e: {"params": r, "params_ema": e}, "both"),
        (lambda r, e: {"net": r, "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}}}, "raw"),
        (lambda r, e: {"state_dict": under("model.", r) | under("ema_model.", e)}, "both"),
        (lambda r, e: {"state_dict": under("ema.ema_model.", e) | under("ema.online_model.", r)}, "both"),
        (lambda r, e: {"my_network": r, "optimizer": {"exp_avg": torch.ones(3)}, "epoch": 3}, "raw"),
        (lambda r, e: r | {"step": torch.tensor(3), "epoch": 1}, "raw"),
        (lambda r, e: {"model": r, "ema": {"decay": 0.9, "num_updates": 3, "shadow": e}}, "both"),
        (lambda r, e: {"model": r, "ema": {"decay": 0.9, "shadow_params": list(e.values())}}, "raw"),
        (lambda r, e: {"my_net": r, "my_opt": {"exp_avg": torch.ones(3)}, "ema_state_dict": e}, "both"),
        (lambda r, e: {"model": r, "ema": {"n_averaged": torch.tensor(2)} | under("module.", e)}, "both"),
        (lambda r, e: {"state_dict": under("model.", r) | without_dots(e)}, "both"),
    ],
)
def test_raw_weights_and_averages_are_found_under_the_keys_of_many_programs(
    tmp_path: Path, content: Any, kinds: str
) -> None:
    path = saved(tmp_path, content(network(1), network(2)))
    states = read_checkpoint(path).states
    assert set(states) == ({"raw", "ema"} if kinds == "both" else {"raw"})
    assert_same(states["raw"], network(1))
    if kinds == "both":
        assert_same(states["ema"], network(2))


def without_dots(state: State) -> State:
    """Return an average as latent diffusion names it: buffers, whose names may hold no dots."""
    buffers = {f"model_ema.{name.replace('.', '')}": tensor for name, tensor in state.items()}
    return buffers | {"model_ema.decay": torch.tensor(0.99), "model_ema.num_updates": torch.tensor(5)}


def test_wrappers_in_the_middle_of_names_are_taken_out(tmp_path: Path) -> None:
    state = {name.replace(".", "._fsdp_wrapped_module.", 1): p for name, p in network().items()}
    assert_same(read_checkpoint(saved(tmp_path, {"model": state})).states["raw"], network())


def test_an_average_without_any_prefix_of_averages_is_one(tmp_path: Path) -> None:
    model = torch.optim.swa_utils.AveragedModel(nn.Linear(2, 2))
    states = read_checkpoint(saved(tmp_path, model.state_dict())).states
    assert_same(states["ema"], model.module.state_dict())
    assert set(states) == {"ema"}


def test_tensors_that_are_not_the_networks_are_left_out_and_named(tmp_path: Path) -> None:
    state = under("model.", diffusion()) | {"loss.weight": torch.ones(2), "metric.total": torch.zeros(1)}
    checkpoint = read_network(saved(tmp_path, {"state_dict": state}))
    assert checkpoint.architecture == Architecture(rank=3, width=8)
    (note,) = [finding for finding in checkpoint.findings if finding.rule == "tensors_left_out"]
    assert "loss.weight, metric.total" in note.statement


def test_prefixes_that_were_taken_off_are_said(tmp_path: Path) -> None:
    notes = read_checkpoint(saved(tmp_path, {"state_dict": under("diffusion.model.", network())})).notes
    assert f"Prefixes were taken off: diffusion.model. ({len(network())} names)." in notes


@pytest.mark.parametrize(
    ("content", "step", "source"),
    [
        ({"global_step": 7, "epoch": 2}, 7, "global_step"),
        ({"iteration": torch.tensor(8)}, 8, "iteration"),
        ({"meta": {"iter": 9, "epoch": 1}}, 9, "meta.iter"),
        ({"epoch": 4}, 4, "epoch"),
        ({"epoch": -1, "step": True}, None, ""),
        ({"step": torch.tensor(2048.0, dtype=torch.float16)}, 2048, "step"),
        ({"step": torch.tensor(2050.0, dtype=torch.float16)}, None, ""),  # may have been 2051
        ({}, None, ""),
    ],
)
def test_the_step_is_the_first_count_of_steps(
    tmp_path: Path, content: dict[str, Any], step: int | None, source: str
) -> None:
    checkpoint = read_checkpoint(saved(tmp_path, {"state_dict": network(), **content}))
    assert (checkpoint.step, checkpoint.step_source) == (step, source)


def test_a_name_states_the_step_where_the_file_does_not(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(saved(tmp_path, {"state_dict": network()}, "epoch=3-step=500.ckpt"))
    assert (checkpoint.step, checkpoint.step_source) == (500, "the name epoch=3-step=500.ckpt")
    (tmp_path / "trainer_state.json").write_text(json.dumps({"global_step": 77}), encoding="utf-8")
    checkpoint = read_checkpoint(saved(tmp_path, {"state_dict": network()}, "model.ckpt"))
    assert (checkpoint.step, checkpoint.step_source) == (77, "trainer_state.json")


@pytest.mark.parametrize("odd", [torch.eye(2).to_sparse(), torch.ones(1, dtype=torch.complex64)])
def test_weights_that_are_no_dense_real_tensors_are_refused_by_name(tmp_path: Path, odd: Tensor) -> None:
    path = saved(tmp_path, {"model": network() | {"odd": odd}})
    with pytest.raises(WrongCheckpoint, match="what is not a dense real tensor: 'odd'"):
        read_checkpoint(path)


def test_a_file_with_another_suffix_is_opened_by_its_content(tmp_path: Path) -> None:
    for name, zipped in (("checkpoint.pth.tar", True), ("pytorch_model.bin", False), ("weights", True)):
        torch.save({"model": network()}, tmp_path / name, _use_new_zipfile_serialization=zipped)
        assert open_run(tmp_path / name).checkpoints == (tmp_path / name,)
        assert_same(read_checkpoint(tmp_path / name).states["raw"], network())
