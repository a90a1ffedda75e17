"""References that do not fit: refused by name, or listed as not compared, and never said to hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.inverse.architecture import Architecture, initial_parameters
from ired_diag.inverse.checkpoint import NetworkCheckpoint, read_network
from ired_diag.inverse.verification import Verification, verify
from ired_diag.model.schedule import cosine_schedule
from ired_diag.runs.trainer1d import trainer1d_state, write_torch_file


def saved(tmp_path: Path, *, levels: int = 10, **buffers: torch.Tensor) -> NetworkCheckpoint:
    sizes = Architecture(rank=2, width=4, levels=levels)
    weights = initial_parameters(sizes, generator=torch.Generator().manual_seed(3))
    state = trainer1d_state(
        step=1, constants=cosine_schedule(levels).buffers(), raw=weights, ema=weights, optimizer={}, own={}
    )
    state["model"] |= buffers
    write_torch_file(tmp_path / "model-1.pt", state)
    return read_network(tmp_path / "model-1.pt")


def against(checkpoint: NetworkCheckpoint, tmp_path: Path, **arrays: Any) -> Verification:
    np.savez(tmp_path / "reference.npz", **arrays)
    return verify(checkpoint, tmp_path / "reference.npz")


def inputs(**others: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    four = {name: rng.normal(size=(3, 4)) for name in ("matrix", "inverse", "noise")}
    return {**four, "t": np.arange(3), **others}


@pytest.mark.parametrize("arrays", [{}, {"surprise": np.zeros(3)}, {"t": np.arange(3)}])
def test_constants_of_the_checkpoint_alone_prove_nothing(tmp_path: Path, arrays: dict[str, Any]) -> None:
    with pytest.raises(UnreadableFile, match="holds nothing to compare"):
        against(saved(tmp_path), tmp_path, **arrays)


@pytest.mark.parametrize(
    ("arrays", "named"),
    [
        ({"t": np.arange(2)}, "t"),
        ({"t": np.zeros(3)}, "t"),
        ({"t": np.array(1)}, "t"),
        ({"matrix": np.ones((3, 4), dtype=int)}, "matrix"),
        ({"matrix": np.float64(1.0)}, "matrix"),
        ({"sampler_start": np.zeros((5, 4))}, "sampler_start"),
        ({"energy": np.zeros((3, 2))}, "energy"),
        ({"sampler_start": np.zeros((3, 4)), "sampler_trajectory": np.zeros(120)}, "sampler_trajectory"),
        ({"gradient_normalization": np.ones(2)}, "gradient_normalization"),
        ({"gradient_normalization": np.array(-1.0)}, "gradient_normalization"),
        ({"gradient_normalization": np.array(np.inf)}, "gradient_normalization"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path: Path, arrays: dict[str, Any], named: str) -> None:
    given = {"noisy": np.zeros((3, 4)), **inputs(**arrays)}
    with pytest.raises(DiagError, match=rf"reference\.npz: {named}: expected"):
        against(saved(tmp_path), tmp_path, **given)


def test_a_level_that_the_checkpoint_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DiagError, match="levels 0 to 2"):
        against(saved(tmp_path, levels=3), tmp_path, **inputs(opt_step_5_t4=np.zeros((3, 4))))


def test_gradients_without_their_inputs_are_not_compared(tmp_path: Path) -> None:
    arrays = inputs(negative_init=np.zeros((3, 4)), **{"denoise_grad.fc1.weight": np.zeros((4, 8))})
    del arrays["matrix"]
    result = against(saved(tmp_path), tmp_path, **arrays)
    assert "needs matrix" in result.not_compared["denoise_grad.*"]


def test_a_stored_constant_of_wrong_length_does_not_hold(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, opt_step_size=torch.ones(5))
    arrays = inputs()
    arrays["noisy"] = checkpoint.schedule.q_sample(
        *(torch.from_numpy(arrays[n]) for n in ("inverse", "t", "noise"))
    ).numpy()
    result = against(checkpoint, tmp_path, **arrays)
    assert [c.quantity for c in result.checks if not c.holds] == ["schedule constants"]


def test_flipped_bytes_never_escape_as_another_error(tmp_path: Path) -> None:
    checkpoint, path = saved(tmp_path), tmp_path / "reference.npz"
    np.savez_compressed(path, **inputs(energy=np.zeros(3)))
    content = bytearray(path.read_bytes())
    for place in range(0, len(content), 11):
        flipped = content.copy()
        flipped[place] ^= 0xFF
        path.write_bytes(bytes(flipped))
        try:
            verify(checkpoint, path)
        except DiagError:
            continue
