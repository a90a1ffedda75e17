from __future__ import annotations

import os
import pickle
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ired_diag.errors import DiagError, UnreadableFile, WrongCheckpoint
from ired_diag.finding import Finding
from ired_diag.inverse.architecture import Architecture, initial_parameters, parameter_shapes
from ired_diag.inverse.checkpoint import NetworkCheckpoint, read_network
from ired_diag.inverse.head import Head
from ired_diag.model.schedule import cosine_schedule, schedule_from_betas
from ired_diag.runs.checkpoint import read_checkpoint

SMALL = Architecture(rank=3, width=8)

State = dict[str, Tensor]


def tensors(seed: int = 0, head: Head = "vector") -> State:
    architecture = Architecture(rank=SMALL.rank, width=SMALL.width, head=head)
    return initial_parameters(architecture, generator=torch.Generator().manual_seed(seed))


def fc4(seed: int = 0) -> State:
    return {name: p for name, p in tensors(seed).items() if name.startswith("fc4.")}


def under(prefix: str, state: Mapping[str, Tensor]) -> State:
    return {f"{prefix}{name}": p for name, p in state.items()}


def diffusion(state: Mapping[str, Tensor], levels: int = 10) -> State:
    """Return a state as ``GaussianDiffusion1D`` holds it: the network's tensors and the constants."""
    return cosine_schedule(levels).buffers() | under("model.ebm.", state)


def trainer1d(raw: State, ema: State) -> dict[str, Any]:
    """Return a checkpoint as ``Trainer1D`` writes it with ``ema_pytorch``."""
    wrapped: State = {"initted": torch.tensor(True), "step": torch.tensor(400)}
    wrapped |= under("online_model.", diffusion(raw)) | under("ema_model.", diffusion(ema))
    return {"step": 400, "model": diffusion(raw), "opt": {"state": {}}, "ema": wrapped, "scaler": None}


def saved(folder: Path, content: object, name: str = "model-1.pt") -> Path:
    path = folder / name
    torch.save(content, path)
    return path


def read(folder: Path, content: object, name: str = "model-1.pt") -> NetworkCheckpoint:
    return read_network(saved(folder, content, name))


def refusal(folder: Path, content: object, kind: type[DiagError] = WrongCheckpoint) -> str:
    path = saved(folder, content)
    with pytest.raises(kind) as caught:
        read_network(path)
    assert str(caught.value).startswith(str(path))
    return str(caught.value)


def assert_same(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def finding(checkpoint: NetworkCheckpoint, rule: str) -> Finding:
    (found,) = (f for f in checkpoint.findings if f.rule == rule)
    return found


def test_a_trainer1d_checkpoint_tells_raw_weights_from_ema_weights(tmp_path: Path) -> None:
    raw, ema = tensors(1), tensors(2)
    checkpoint = read(tmp_path, trainer1d(raw, ema))
    assert (checkpoint.layout, checkpoint.step, checkpoint.architecture) == ("trainer1d", 400, SMALL)
    assert_same(checkpoint.states["raw"], raw)
    assert_same(checkpoint.states["ema"], ema)
    assert_same(checkpoint.network("raw").parameters, raw)
    assert_same(checkpoint.network("ema").parameters, ema)
    assert_same(checkpoint.network().parameters, ema)
    assert_same(checkpoint.buffers, cosine_schedule(10).buffers())
    assert checkpoint.findings == ()


def test_a_trainer1d_checkpoint_without_ema_has_raw_weights_only(tmp_path: Path) -> None:
    checkpoint = read(tmp_path, {"step": 3, "model": diffusion(tensors())})
    assert list(checkpoint.states) == ["raw"]
    with pytest.raises(WrongCheckpoint, match=r"has no 'ema' weights, only 'raw'.*--weights"):
        checkpoint.network("ema")


@pytest.mark.parametrize("step", [7, torch.tensor(7), torch.tensor([7])])
def test_the_step_is_read_from_a_number_and_from_a_tensor(tmp_path: Path, step: object) -> None:
    assert read(tmp_path, {"step": step, "model": diffusion(tensors())}).step == 7


@pytest.mark.parametrize(
    "prefix", ["", "module.", "_orig_mod.", "model.", "ebm.", "model.ebm.", "module._orig_mod.model.ebm."]
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_state_dictionary_is_read_under_every_prefix(tmp_path: Path, prefix: str, wrapped: bool) -> None:
    state = tensors()
    content = under(prefix, state)
    checkpoint = read(tmp_path, {"state_dict": content, "epoch": 3} if wrapped else content)
    assert (checkpoint.layout, checkpoint.architecture) == ("state_dict", SMALL)
    assert checkpoint.step == (3 if wrapped else None)  # its epoch, where it counts nothing else
    assert list(checkpoint.states) == ["raw"]
    assert_same(checkpoint.states["raw"], state)


def test_a_state_dictionary_of_an_ema_model_alone_holds_ema_weights(tmp_path: Path) -> None:
    checkpoint = read(tmp_path, under("ema_model.", tensors()))
    assert list(checkpoint.states) == ["ema"]
    assert_same(checkpoint.states["ema"], tensors())


def test_the_state_of_an_ema_wrapper_holds_both_kinds(tmp_path: Path) -> None:
    checkpoint = read(tmp_path, trainer1d(tensors(1), tensors(2))["ema"])
    assert checkpoint.layout == "state_dict"
    assert_same(checkpoint.states["raw"], tensors(1))
    assert_same(checkpoint.states["ema"], tensors(2))


def test_the_forks_final_model_is_read_with_its_step_and_configuration(tmp_path: Path) -> None:
    config = {"use_scalar_energy": True, "diffusion_steps": 7}
    state = tensors(head="scalar")
    content = {"ebm_state": under("ebm.", state), "step": 9, "mining_strategy": "none", "config": config}
    checkpoint = read(tmp_path, content, "final_model.pt")
    assert (checkpoint.layout, checkpoint.step, checkpoint.configuration) == ("final_model", 9, config)
    assert (checkpoint.architecture.head, checkpoint.architecture.levels) == ("scalar", 7)
    assert_same(checkpoint.states["raw"], state)
    assert checkpoint.findings == ()


@pytest.mark.parametrize(("head", "flag"), [("vector", True), ("scalar", False)])
def test_a_flag_that_disagrees_with_the_tensors_is_a_finding(tmp_path: Path, head: Head, flag: bool) -> None:
    config = {"use_scalar_energy": flag, "diffusion_steps": 10}
    checkpoint = read(tmp_path, {"ebm_state": tensors(head=head), "step": 9, "config": config})
    odd = finding(checkpoint, "flag_disagrees_with_tensors")
    assert checkpoint.architecture.head == head
    assert (odd.severity, odd.evidence) == ("warning", {"use_scalar_energy": flag, "head": head})


@pytest.mark.parametrize(
    ("beside", "named"),
    [
        (["model-9.pt", "model-100.pt", "model-20.pt"], "The weights are in model-100.pt, next to it."),
        (["model-best.pt"], "model-<n>.pt of the same run"),
        ([], "model-<n>.pt of the same run"),
    ],
)
def test_an_empty_final_model_names_the_latest_checkpoint_beside_it(
    tmp_path: Path, beside: list[str], named: str
) -> None:
    for name in beside:
        (tmp_path / name).touch()
    path = saved(tmp_path, {"ebm_state": {}, "step": 9, "config": {}}, "final_model.pt")
    with pytest.raises(WrongCheckpoint) as caught:
        read_network(path)
    assert "ebm_state is empty" in str(caught.value)
    assert named in str(caught.value)


def test_a_scalar_head_is_told_by_its_tensors_and_makes_no_use_of_fc4(
    tmp_path: Path, generator: torch.Generator
) -> None:
    scalar = tensors(head="scalar")
    alone = read(tmp_path, diffusion(scalar), "alone.pt")
    with_fc4 = read(tmp_path, diffusion(scalar | fc4()), "with_fc4.pt")
    assert alone.architecture == with_fc4.architecture
    assert alone.architecture.head == "scalar"
    assert alone.findings == ()
    assert finding(with_fc4, "unused_fc4").severity == "note"
    assert_same(with_fc4.network("raw").parameters, scalar)
    x, y = torch.randn(2, 5, 9, generator=generator)
    t = torch.arange(5)
    one, other = (c.network("raw").landscape(x, t).energy(y) for c in (alone, with_fc4))
    assert torch.equal(one, other)


def test_half_precision_weights_are_read_in_single_precision(tmp_path: Path) -> None:
    for kind in (torch.float16, torch.bfloat16, torch.float64):
        stored = {name: p.to(kind) for name, p in tensors().items()}
        checkpoint = read(tmp_path, stored)
        assert_same(checkpoint.states["raw"], {name: p.float() for name, p in stored.items()})
        assert checkpoint.network("raw").dtype == torch.float32


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_a_finding_that_counts_them(tmp_path: Path, value: float) -> None:
    ema = tensors(2)
    ema["fc2.bias"][1:3] = value
    odd = finding(read(tmp_path, trainer1d(tensors(1), ema)), "weights_not_finite")
    assert (odd.severity, odd.evidence) == ("error", {"ema.fc2.bias": 2})


def test_another_schedule_of_noise_is_a_finding_and_is_used(tmp_path: Path) -> None:
    betas = torch.linspace(1e-4, 0.2, 10)
    buffers = schedule_from_betas(betas).buffers()
    checkpoint = read(tmp_path, {"model": under("model.ebm.", tensors()) | buffers})
    odd = finding(checkpoint, "other_schedule")
    off = float((betas - cosine_schedule(10).betas).abs().max())
    assert odd.evidence["largest_difference_of_beta"] == pytest.approx(off, rel=1e-6)
    survived = torch.cumprod(1 - betas.double(), 0)
    torch.testing.assert_close(checkpoint.schedule.alphas_cumprod.double(), survived, rtol=1e-6, atol=0)


def test_the_number_of_levels_comes_from_the_betas(tmp_path: Path) -> None:
    checkpoint = read(tmp_path, diffusion(tensors(), levels=7))
    assert checkpoint.architecture.levels == checkpoint.schedule.levels == 7
    assert_same(checkpoint.schedule.buffers(), cosine_schedule(7).buffers())
    assert checkpoint.findings == ()


def test_the_number_of_levels_is_assumed_aloud_where_the_file_does_not_tell(tmp_path: Path) -> None:
    checkpoint = read(tmp_path, tensors())
    assert checkpoint.architecture.levels == 10
    assert finding(checkpoint, "levels_assumed").evidence == {"levels": 10}


@pytest.mark.parametrize("betas", [torch.zeros(2, 5), torch.zeros(0), torch.tensor(0.5)])
def test_betas_that_are_no_list_are_refused(tmp_path: Path, betas: Tensor) -> None:
    assert "one beta a noise level" in refusal(tmp_path, tensors() | {"betas": betas})


def test_a_first_layer_that_fits_no_rank_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, tensors() | {"fc1.weight": torch.zeros(8, 20)})
    assert "expected fc1.weight to take 2 rank² numbers" in message
    assert "found 20" in message


@pytest.mark.parametrize("name", parameter_shapes(SMALL))
def test_each_tensor_that_is_missing_or_of_wrong_shape_is_named(tmp_path: Path, name: str) -> None:
    state = tensors()
    lacking = {other: p for other, p in state.items() if other != name}
    assert name in refusal(tmp_path, lacking)
    longer = torch.zeros(state[name].shape[0] + 1, *state[name].shape[1:])
    message = refusal(tmp_path, state | {name: longer})
    if name not in ("fc1.weight", "time_mlp.1.weight"):
        assert f"of wrong shape: {name} {tuple(longer.shape)} where {tuple(state[name].shape)}" in message


def test_unused_tensors_are_named_and_counted(tmp_path: Path) -> None:
    message = refusal(tmp_path, tensors() | {f"fc{n}.weight": torch.zeros(1) for n in range(5, 10)})
    assert "unused fc5.weight, fc6.weight, fc7.weight, fc8.weight and 1 more" in message


def test_a_model_that_two_modules_share_is_read_once(tmp_path: Path) -> None:
    state = tensors()
    checkpoint = read(tmp_path, {"state_dict": under("model.", state) | under("diffusion.model.", state)})
    assert_same(checkpoint.states["raw"], state)


@pytest.mark.parametrize("keys", [("model.fc1.bias", "fc1.bias"), ("module.fc1.bias", "model.ebm.fc1.bias")])
def test_different_tensors_of_one_name_are_refused(tmp_path: Path, keys: tuple[str, str]) -> None:
    state = tensors()
    twice = {**state, **{key: state["fc1.bias"] + 1 for key in keys}}
    assert "are both the tensor 'fc1.bias'" in refusal(tmp_path, twice)


def test_raw_and_ema_weights_of_different_width_are_refused(tmp_path: Path) -> None:
    wide = Architecture(rank=3, width=16)
    ema = initial_parameters(wide, generator=torch.Generator().manual_seed(0))
    assert "raw and EMA weights are of different arch" in refusal(tmp_path, trainer1d(tensors(), ema))


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"model": s}, lambda s: {"state_dict": s}])
def test_the_state_of_another_architecture_is_refused_naming_its_tensors(tmp_path: Path, wrap: Any) -> None:
    message = refusal(tmp_path, wrap(torch.nn.Linear(3, 2).state_dict()))
    assert "found bias, weight. It is a checkpoint of another architecture" in message


@pytest.mark.parametrize("content", [{}, {"model": {}}, {"lr": 0.1, "weight": 1.0}])
def test_a_dictionary_without_tensors_is_refused(tmp_path: Path, content: dict[str, Any]) -> None:
    assert "expected a dictionary of tensors, and nothing in it is one" in refusal(tmp_path, content)


def test_a_list_in_place_of_the_tensors_is_called_a_list(tmp_path: Path) -> None:
    message = refusal(tmp_path, {"ebm_state": [torch.zeros(1)]})
    assert "expected a dictionary of tensors, found an object of type list." in message


@pytest.mark.parametrize(("content", "found"), [([1, 2], "list"), (torch.zeros(3), "Tensor"), (None, "None")])
def test_a_file_that_holds_no_dictionary_is_unreadable(tmp_path: Path, content: object, found: str) -> None:
    message = refusal(tmp_path, content, UnreadableFile)
    assert f"expected a dictionary of tensors, found a {found}" in message


@pytest.mark.parametrize("zipped", [True, False])
def test_a_truncated_file_is_unreadable_at_every_length(tmp_path: Path, zipped: bool) -> None:
    whole = tmp_path / "whole.pt"
    torch.save(trainer1d(tensors(1), tensors(2)), whole, _use_new_zipfile_serialization=zipped)
    content = whole.read_bytes()
    assert read_network(whole).step == 400
    torn = tmp_path / "torn.pt"
    lengths = [*range(1, 40), *range(40, len(content), len(content) // 60), len(content) - 1]
    for length in lengths:
        torn.write_bytes(content[:length])
        with pytest.raises(UnreadableFile, match=r"torn\.pt: "):
            read_network(torn)


def test_an_empty_file_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "model-1.pt"
    path.touch()
    with pytest.raises(UnreadableFile, match="is empty: the job may have died while saving"):
        read_network(path)


def test_a_text_file_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "model-1.pt"
    path.write_text("version https://git-lfs.example/spec/v1\n" * 9)
    with pytest.raises(UnreadableFile, match=r"model-1\.pt: "):
        read_network(path)


def test_a_folder_and_a_missing_file_are_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="expected a checkpoint file, found a folder"):
        read_network(tmp_path)
    with pytest.raises(UnreadableFile, match="expected a checkpoint file, found nothing"):
        read_network(tmp_path / "absent.pt")


class Trap:
    """An object whose pickle makes a file when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.command = f"touch {shlex.quote(str(marker))}"

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def save_plainly(content: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(content, protocol=2))


def save_zipped(content: object, path: Path) -> None:
    torch.save(content, path)


def save_as_before_the_zip_format(content: object, path: Path) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


SAVERS = [save_plainly, save_zipped, save_as_before_the_zip_format]


@pytest.mark.parametrize("save", SAVERS)
def test_code_next_to_the_weights_is_named_and_never_run(tmp_path: Path, save: Any) -> None:
    path, marker = tmp_path / "model-1.pt", tmp_path / "marker"
    save({"model": tensors(), "opt": Trap(marker)}, path)
    checkpoint = read_checkpoint(path)
    assert_same(checkpoint.states["raw"], tensors())
    (note,) = checkpoint.notes
    assert "nothing of them was run" in note and ".system (1)" in note
    assert not marker.exists()
    assert_works(path, marker, save)


@pytest.mark.parametrize("save", SAVERS)
def test_code_in_the_place_of_weights_is_refused_by_name_and_never_run(tmp_path: Path, save: Any) -> None:
    path, marker = tmp_path / "model-1.pt", tmp_path / "marker"
    save(Trap(marker), path)
    with pytest.raises(UnreadableFile, match=r"expected a dictionary of tensors, found a \w+\.system"):
        read_network(path)
    assert not marker.exists()
    assert_works(path, marker, save)


def assert_works(path: Path, marker: Path, save: Any) -> None:
    """Check that the trap does work where it is let."""
    if save is save_plainly:
        pickle.loads(path.read_bytes())
    else:
        torch.load(path, weights_only=False)
    assert marker.exists()


@pytest.mark.parametrize("save", [save_zipped, save_as_before_the_zip_format])
def test_a_module_saved_whole_is_read_by_its_tensors(tmp_path: Path, save: Any) -> None:
    path = tmp_path / "model-1.pt"
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    save(module, path)
    checkpoint = read_checkpoint(path)
    assert checkpoint.layout == "module"
    assert_same(checkpoint.states["raw"], module.state_dict())
    assert "torch.nn.modules.linear.Linear (1)" in checkpoint.notes[-1]


def test_the_real_checkpoint_is_read_with_both_kinds_of_weights(shared: Path) -> None:
    path = shared / "ired_checkpoint" / "model-1.pt"
    checkpoint = read_network(path)
    stored = torch.load(path, weights_only=True)
    assert (checkpoint.step, checkpoint.architecture, checkpoint.findings) == (400, Architecture(), ())
    for kind, prefix in (("raw", ""), ("ema", "ema_model.")):
        state = stored["model"] if kind == "raw" else stored["ema"]
        expected = {name: state[f"{prefix}model.ebm.{name}"] for name in parameter_shapes(Architecture())}
        assert_same(checkpoint.network(kind).parameters, expected)  # type: ignore[arg-type]
