from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from ired_diag.errors import CannotWrite, UnreadableFile, WrongCheckpoint
from ired_diag.inverse.architecture import Architecture, initial_parameters
from ired_diag.inverse.checkpoint import read_network
from ired_diag.runs.weights_file import read_weights, write_weights

SMALL = Architecture(rank=3, width=8)
CONFIGURATION = {"experiment_name": "q900_synthetic", "diffusion_steps": 7, "adam_betas": [0.9, 0.99]}
METADATA = {"ired_diag_format": "1", "step": "5", "configuration": "{}"}


def tensors(seed: int) -> dict[str, Tensor]:
    return initial_parameters(SMALL, generator=torch.Generator().manual_seed(seed))


def written(folder: Path) -> Path:
    path = folder / "checkpoints" / "step-000000005.safetensors"
    write_weights(path, step=5, configuration=CONFIGURATION, raw=tensors(1), ema=tensors(2))
    return path


def foreign(folder: Path, state: dict[str, Tensor], metadata: dict[str, str] | None = None) -> Path:
    path = folder / "weights.safetensors"
    save_file(state, path, metadata)
    return path


def same(found: Any, expected: dict[str, Tensor]) -> bool:
    return found.keys() == expected.keys() and all(torch.equal(found[n], expected[n]) for n in expected)


def test_what_is_written_is_read_again_to_the_last_bit(tmp_path: Path) -> None:
    content = read_weights(written(tmp_path))
    assert (content["step"], content["configuration"]) == (5, CONFIGURATION)
    assert same(content["raw"], tensors(1))
    assert same(content["ema"], tensors(2))


def test_equal_content_makes_equal_bytes(tmp_path: Path) -> None:
    """The library's own order of three metadata changes from call to call: seldom are 20 alike."""
    contents = {written(tmp_path).read_bytes() for _ in range(20)}
    assert len(contents) == 1
    (content,) = contents
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert list(header["__metadata__"]) == sorted(METADATA)


def test_a_weights_file_opens_as_a_checkpoint_with_both_kinds(tmp_path: Path) -> None:
    checkpoint = read_network(written(tmp_path))
    assert (checkpoint.layout, checkpoint.step) == ("ired_diag", 5)
    assert checkpoint.configuration == CONFIGURATION
    assert (checkpoint.architecture.rank, checkpoint.architecture.levels) == (3, 7)
    assert same(checkpoint.network("raw").parameters, tensors(1))
    assert same(checkpoint.network("ema").parameters, tensors(2))
    assert checkpoint.findings == ()


def test_the_names_and_the_format_stand_in_the_file(tmp_path: Path) -> None:
    with safe_open(written(tmp_path), framework="pt") as file:
        assert set(file.keys()) == {f"{kind}.{name}" for kind in ("raw", "ema") for name in tensors(0)}
        metadata = file.metadata()
    assert (metadata["ired_diag_format"], metadata["step"]) == ("1", "5")
    assert json.loads(metadata["configuration"]) == CONFIGURATION


def test_tensors_with_gradients_and_strides_are_written(tmp_path: Path) -> None:
    raw = {name: p.requires_grad_() for name, p in tensors(1).items()}
    raw["fc2.weight"] = tensors(1)["fc2.weight"].T
    write_weights(tmp_path / "w.safetensors", step=0, configuration={}, raw=raw, ema=tensors(2))
    read = read_weights(tmp_path / "w.safetensors")["raw"]
    assert torch.equal(read["fc2.weight"], tensors(1)["fc2.weight"].T)
    assert not read["fc1.weight"].requires_grad


def test_writing_again_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = written(tmp_path)
    write_weights(path, step=6, configuration={}, raw=tensors(3), ema=tensors(4))
    assert read_weights(path)["step"] == 6
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_weights_cannot_be_written_under_a_file(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").touch()
    with pytest.raises(CannotWrite, match="cannot be written"):
        written(tmp_path)


@pytest.mark.parametrize("prefix", ["", "model.", "module."])
def test_a_foreign_file_is_read_as_one_state(tmp_path: Path, prefix: str) -> None:
    path = foreign(tmp_path, {f"{prefix}{name}": p for name, p in tensors(1).items()}, {"format": "pt"})
    checkpoint = read_network(path)
    assert (checkpoint.layout, checkpoint.step, checkpoint.configuration) == ("state_dict", None, None)
    assert list(checkpoint.states) == ["raw"]
    assert same(checkpoint.states["raw"], tensors(1))


def test_a_foreign_file_of_another_architecture_is_refused(tmp_path: Path) -> None:
    path = foreign(tmp_path, torch.nn.Linear(3, 2).state_dict())
    with pytest.raises(WrongCheckpoint, match=r"found bias, weight\. It is a checkpoint of another"):
        read_network(path)


def test_a_newer_format_is_refused_by_name(tmp_path: Path) -> None:
    path = foreign(tmp_path, tensors(1), METADATA | {"ired_diag_format": "2"})
    with pytest.raises(UnreadableFile, match="is of format 2; this version of ired-diag reads up to 1"):
        read_weights(path)


@pytest.mark.parametrize(
    "metadata",
    [
        {"ired_diag_format": "one"},
        {"ired_diag_format": "0"},
        {"step": "many"},
        {"configuration": "{torn"},
    ],
)
def test_damaged_metadata_are_unreadable(tmp_path: Path, metadata: dict[str, str]) -> None:
    path = foreign(tmp_path, {f"raw.{name}": p for name, p in tensors(1).items()}, METADATA | metadata)
    with pytest.raises(UnreadableFile, match=r"metadata is damaged|expected a format version"):
        read_weights(path)


@pytest.mark.parametrize("lacking", ["step", "configuration"])
def test_metadata_that_are_not_all_there_are_unreadable(tmp_path: Path, lacking: str) -> None:
    metadata = {key: value for key, value in METADATA.items() if key != lacking}
    path = foreign(tmp_path, {"raw.fc1.bias": torch.zeros(8)}, metadata)
    with pytest.raises(UnreadableFile, match=f"metadata is damaged .*{lacking}"):
        read_weights(path)


def test_a_tensor_of_no_kind_is_named(tmp_path: Path) -> None:
    path = foreign(tmp_path, {"best.fc1.bias": torch.zeros(8)}, METADATA)
    with pytest.raises(
        UnreadableFile, match=r"expected tensors named raw\.… and ema\.…, found .best\.fc1\.bias"
    ):
        read_weights(path)


def test_a_truncated_file_is_unreadable_at_every_length(tmp_path: Path) -> None:
    content = written(tmp_path).read_bytes()
    torn = tmp_path / "torn.safetensors"
    for length in [*range(0, 40), *range(40, len(content), len(content) // 60), len(content) - 1]:
        torn.write_bytes(content[:length])
        with pytest.raises(UnreadableFile, match=r"torn\.safetensors: is not a whole safetensors file"):
            read_network(torn)


def test_text_a_torch_file_and_nothing_are_not_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    with pytest.raises(UnreadableFile, match="found nothing"):
        read_network(path)
    path.write_text("not weights\n" * 9)
    with pytest.raises(UnreadableFile, match="is not a whole safetensors file"):
        read_network(path)
    torch.save(tensors(1), path)
    with pytest.raises(UnreadableFile, match="is not a whole safetensors file"):
        read_network(path)
