"""A checkpoint may ask for about as much memory as it has bytes; all inputs here stay small."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ired_diag.errors import UnreadableFile, WrongCheckpoint
from ired_diag.inverse.architecture import Architecture, initial_parameters
from ired_diag.inverse.checkpoint import MOST_LEVELS, read_network
from ired_diag.runs.checkpoint import read_checkpoint
from ired_diag.runs.size_bounds import SMALL
from ired_diag.runs.torch_file import read_torch_file
from ired_diag.runs.weights_file import read_weights, write_weights


def weights() -> dict[str, Tensor]:
    small = Architecture(rank=3, width=8)
    return initial_parameters(small, generator=torch.Generator().manual_seed(0))


def saved(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "state.pt"
    torch.save(content, path)
    return path


def unfolding(path: Path, padding: int) -> None:
    """Write the file again as an archive that is compressed, with an entry of zeros."""
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    top = next(iter(entries)).split("/")[0]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**entries, f"{top}/zeros": bytes(padding)}.items():
            archive.writestr(name, content)


def test_an_archive_that_unfolds_beyond_its_size_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, weights())
    unfolding(path, SMALL // 2)
    assert read_torch_file(path).keys() == weights().keys()
    unfolding(path, 2 * SMALL)
    with pytest.raises(UnreadableFile, match=r"state\.pt: its parts unfold into 2\.\d MiB"):
        read_torch_file(path)


@pytest.mark.parametrize("shape", [(SMALL // 4,), (2, SMALL // 8)])
def test_a_tensor_that_repeats_one_number_may_be_as_large_as_the_file(tmp_path: Path, shape: Any) -> None:
    repeated = torch.zeros(1).expand(shape)
    assert read_torch_file(saved(tmp_path, {"a": repeated}))["a"].shape == torch.Size(shape)
    larger = torch.zeros(1).expand(2 * shape[0], *shape[1:])
    with pytest.raises(UnreadableFile, match=r"found inner\.0\.a of shape \(.*, 2\.0 MiB\. Save it with"):
        read_torch_file(saved(tmp_path, {"inner": [{"a": larger}]}))


def test_many_repeated_tensors_are_bounded_together(tmp_path: Path) -> None:
    repeated = torch.zeros(1).expand(SMALL // 4)
    assert len(read_torch_file(saved(tmp_path, {str(k): repeated for k in range(8)}))) == 8
    with pytest.raises(UnreadableFile, match="about the size of the file"):
        read_torch_file(saved(tmp_path, {str(k): repeated for k in range(10)}))


def test_names_that_share_one_tensor_are_read(tmp_path: Path) -> None:
    shared = torch.arange(2 * SMALL // 4, dtype=torch.float32)
    assert len(read_torch_file(saved(tmp_path, {str(k): shared for k in range(6)}))) == 6


def test_a_container_that_holds_itself_ends(tmp_path: Path) -> None:
    content: dict[str, Any] = {"a": torch.zeros(1)}
    content["itself"] = [content]
    assert read_torch_file(saved(tmp_path, content))["a"] == 0


@pytest.mark.parametrize("levels", [MOST_LEVELS + 1, 0, True, "10", 2.0])
def test_the_number_of_noise_levels_is_bounded(tmp_path: Path, levels: object) -> None:
    def with_levels(value: object) -> Path:
        return saved(tmp_path, {"ebm_state": weights(), "step": 1, "config": {"diffusion_steps": value}})

    assert read_network(with_levels(MOST_LEVELS)).schedule.levels == MOST_LEVELS
    with pytest.raises(WrongCheckpoint, match="number of levels, 1 to 10000"):
        read_network(with_levels(levels))


@pytest.mark.parametrize("name", ["fc1.weight", "time_mlp.1.weight"])
def test_a_layer_without_outputs_states_no_sizes(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, weights() | {name: torch.zeros(0, 1 << 40)})
    with pytest.raises(WrongCheckpoint):
        read_network(path)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (7, 7),
        (torch.tensor(7), 7),
        (torch.tensor(7.0), 7),
        (2**63, None),
        (-1, None),
        (True, None),
        (float("inf"), None),
        (torch.tensor(float("nan")), None),
        ("7", None),
        (torch.zeros(2), None),
    ],
)
def test_a_step_is_a_count_or_unknown(tmp_path: Path, step: object, expected: int | None) -> None:
    path = saved(tmp_path, {"model": weights(), "step": step})
    assert read_checkpoint(path).step == expected


def test_the_step_in_our_own_weights_is_a_count(tmp_path: Path) -> None:
    path = tmp_path / "step-1.safetensors"
    for step in (-1, 2**63):
        write_weights(path, step=step, configuration={}, raw=weights(), ema=weights())
        with pytest.raises(UnreadableFile, match="no number of steps"):
            read_weights(path)
