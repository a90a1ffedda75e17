"""Checkpoints that libraries wrote: every tensor is what the library's own reader returns."""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ired_diag.errors import UnreadableFile, WrongCheckpoint
from ired_diag.pickled.walk import walk
from ired_diag.runs.checkpoint import read_checkpoint
from ired_diag.runs.checkpoint_contents import checkpoint_contents
from ired_diag.runs.tensor_files.opening import open_tensor_file
from ired_diag.runs.tensor_files.recognition import is_checkpoint
from ired_diag.runs.tensor_files.stored import StoredTensor

FORMATS = Path(__file__).parent / "formats"
KEPT = FORMATS / "checkpoints"
EXPECTED = json.loads((KEPT / "expected.json").read_text(encoding="utf-8"))
LIBRARIES = {
    "make_torch": "torch",
    "make_lightning": "pytorch_lightning",
    "make_omegaconf": "omegaconf",
    "make_shards": "accelerate",
    "make_distributed": "torch",
    "make_distributed_of_two": "torch",
    "make_deepspeed": "deepspeed",
}


def tensors_at(path: Path) -> dict[str, Tensor]:
    """Return every tensor at a path by the last part of its place: the names of the library's reader."""
    tensors = {}
    with open_tensor_file(path) as file:
        for name, value in walk(file.content):
            if isinstance(value, StoredTensor):
                tensors[name] = file.tensor(value)
    return tensors


def assert_as_expected(path: Path, expected: Mapping[str, Any]) -> None:
    tensors = tensors_at(path)
    for name, stated in expected.items():
        (tensor,) = [found for place, found in tensors.items() if in_weights(place, name)]
        numbers = torch.tensor([float(number) for number in stated["numbers"]], dtype=torch.float64)
        assert (str(tensor.dtype), list(tensor.shape)) == (stated["type"], stated["shape"])
        assert torch.equal(tensor.double().flatten().nan_to_num(nan=7e77), numbers.nan_to_num(nan=7e77))


def in_weights(place: str, name: str) -> bool:
    weights = (f"{key}.{name}" for key in ("state_dict", "model", "module"))
    return place == name or place in weights


@pytest.mark.parametrize("name", EXPECTED)
def test_every_tensor_is_what_the_library_reads(name: str) -> None:
    assert_as_expected(KEPT / name, EXPECTED[name])


@pytest.mark.parametrize("maker", LIBRARIES)
def test_a_file_that_the_library_writes_now_is_read_as_the_library_reads_it(
    tmp_path: Path, maker: str
) -> None:
    if importlib.util.find_spec(LIBRARIES[maker]) is None:
        pytest.skip(f"{LIBRARIES[maker]} is not installed: pip install ired-diag[formats]")
    folder = tmp_path / "made"
    command = [sys.executable, str(FORMATS / "make_checkpoints.py"), str(folder), maker]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    for name, expected in json.loads((folder / "expected.json").read_text(encoding="utf-8")).items():
        assert_as_expected(folder / name, expected)


@pytest.mark.parametrize(
    ("name", "step", "source"),
    [
        ("trainer.pth", 1234, "global_step"),
        ("before_1_6.pth", 1234, "global_step"),
        ("plain.pkl", None, ""),
        ("lightning.ckpt", 12, "global_step"),
        ("omegaconf.pt", 7, "epoch"),
        ("distributed", 42, "step"),
        ("distributed_2", 6, "step"),
        ("deepspeed_0", 3, "global_steps"),
        ("shards_bin", None, ""),
    ],
)
def test_the_step_is_read_and_said_from_where(name: str, step: int | None, source: str) -> None:
    checkpoint = read_checkpoint(KEPT / name)
    assert (checkpoint.step, checkpoint.step_source) == (step, source)


def test_what_was_not_built_is_counted_and_its_plain_values_are_read() -> None:
    contents = checkpoint_contents(KEPT / "trainer.pth")
    assert contents.skipped["argparse.Namespace"] == 1
    assert contents.skipped["functools.partial"] == 1
    assert contents.settings == {
        "args.rate": 0.1,
        "args.out": "a/b",
        "args.mode": "__main__.Mode(1)",
    }
    weights = [tensor for tensor in contents.tensors if tensor.name.startswith("state_dict.")]
    assert sum(tensor.not_finite or 0 for tensor in weights) == 3
    assert contents.parameters == {"raw": 4 * 3 + 3 + 3 * 2 + 2}
    assert checkpoint_contents(KEPT / "omegaconf.pt").settings == {
        "cfg.rate": 0.1,
        "cfg.model.widths.0": 4,
        "cfg.model.widths.1": 3,
        "cfg.model.activation": "tanh",
    }
    assert checkpoint_contents(KEPT / "lightning.ckpt").settings == {
        "hyper_parameters.rate": 0.1,
        "hyper_parameters.model.width": 4,
    }


def test_a_model_and_its_average_in_one_state_dictionary_are_distinguished() -> None:
    checkpoint = read_checkpoint(KEPT / "lightning.ckpt")
    stored = EXPECTED["lightning.ckpt"]
    for kind, prefix in (("raw", "model."), ("ema", "ema.ema_model.")):
        state = checkpoint.tensors(kind)  # type: ignore[arg-type]
        assert set(state) == {"weight", "bias"}
        for name, tensor in state.items():
            assert tensor.flatten().tolist() == stored[f"{prefix}{name}"]["numbers"]
    assert any("ema.ema_model. (2 names)" in note for note in checkpoint.notes)
    assert any("plain weights once more" in note for note in checkpoint.notes)


def test_weights_that_deepspeed_keeps_in_parts_are_refused_with_what_to_do() -> None:
    contents = checkpoint_contents(KEPT / "deepspeed_3")
    assert (contents.step, contents.numbers) == (3, 0)
    with pytest.raises(WrongCheckpoint, match=r"hold no numbers.*zero_to_fp32\.py"):
        read_checkpoint(KEPT / "deepspeed_3")


@pytest.mark.parametrize("name", ["shards_safetensors", "shards_bin"])
def test_a_missing_shard_is_damage_with_the_number_of_tensors(tmp_path: Path, name: str) -> None:
    folder = copied(name, tmp_path)
    (index,) = folder.glob("*.index.json")
    places = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    lost = places["0.weight"]
    (folder / lost).unlink()
    count = list(places.values()).count(lost)
    (damage,) = checkpoint_contents(index).damage
    assert lost in damage and f"({count} tensors are missing)" in damage
    with pytest.raises(UnreadableFile, match="tensors are missing"):
        read_checkpoint(index)


def test_one_shard_alone_says_that_it_is_one_of_several() -> None:
    contents = checkpoint_contents(KEPT / "shards_safetensors" / "model-00001-of-00002.safetensors")
    assert "shard 1 of 2" in contents.notes[0] and "model.safetensors.index.json" in contents.notes[0]


@pytest.mark.parametrize("place", ["../other.bin", "/other.bin", "..", ""])
def test_an_index_names_files_of_its_own_folder_only(tmp_path: Path, place: str) -> None:
    index = tmp_path / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": {"a": place}}), encoding="utf-8")
    with pytest.raises(UnreadableFile, match="expected names of files next to it"):
        checkpoint_contents(index)


def test_a_part_that_a_distributed_checkpoint_lacks_is_damage(tmp_path: Path) -> None:
    folder = copied("distributed", tmp_path)
    (part,) = folder.glob("*.distcp")
    part.write_bytes(part.read_bytes()[:-200])
    damage = checkpoint_contents(folder).damage
    assert damage and all("is missing or cut off" in sentence for sentence in damage)
    with pytest.raises(UnreadableFile, match="is missing or cut off"):
        read_checkpoint(folder)


@pytest.mark.parametrize("log", ["metrics.csv", "checkpoint-5/trainer_state.json", "events.out.tfevents.1.h"])
def test_a_folder_with_logs_is_not_one_checkpoint(tmp_path: Path, log: str) -> None:
    folder = copied("shards_safetensors", tmp_path)
    assert is_checkpoint(folder)
    (folder / log).parent.mkdir(exist_ok=True)
    (folder / log).touch()
    assert not is_checkpoint(folder)
    assert is_checkpoint(folder / "model.safetensors.index.json")


def test_kept_files_are_small_and_free_of_machine_details() -> None:
    for path in KEPT.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert len(content) < 50_000
            assert not any(detail in content for detail in (b"/home/", b"/root/", b"/tmp/", b"/usr/"))


def test_a_flipped_bit_in_a_tensor_is_damage(tmp_path: Path) -> None:
    """PyTorch itself loads such a file without a word."""
    torch.save({"a": torch.arange(1000.0), "b": torch.zeros(3)}, tmp_path / "whole.pt")
    content = bytearray((tmp_path / "whole.pt").read_bytes())
    content[content.index(torch.arange(1000.0).numpy().tobytes()[400:440])] ^= 1
    (tmp_path / "flipped.pt").write_bytes(content)
    contents = checkpoint_contents(tmp_path / "flipped.pt")
    assert [tensor.not_finite for tensor in contents.tensors] == [None, 0]
    assert len(contents.damage) == 1 and "checksum" in contents.damage[0]
    with pytest.raises(UnreadableFile, match="checksum"):
        read_checkpoint(tmp_path / "flipped.pt")


def test_a_file_without_checksums_is_read(tmp_path: Path) -> None:
    torch.serialization.set_crc32_options(False)
    try:
        torch.save({"a": torch.arange(4.0)}, tmp_path / "model.pt")
    finally:
        torch.serialization.set_crc32_options(True)
    assert torch.equal(read_checkpoint(tmp_path / "model.pt").states["raw"]["a"], torch.arange(4.0))


def copied(name: str, folder: Path) -> Path:
    target = folder / name
    target.mkdir()
    for path in (KEPT / name).iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_numbers_that_are_not_finite_are_counted_for_every_type(tmp_path: Path) -> None:
    types = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64)
    state = {str(kind): torch.tensor([1.0, math.nan, math.inf]).to(kind) for kind in types}
    state["float8"] = torch.tensor([1.0, math.nan, math.inf]).to(torch.float8_e5m2)
    state["whole"] = torch.tensor([1, 2])
    torch.save(state, tmp_path / "model.pt")
    counts = {tensor.name: tensor.not_finite for tensor in checkpoint_contents(tmp_path / "model.pt").tensors}
    assert counts == {**{str(kind): 2 for kind in types}, "float8": 2, "whole": 0}
