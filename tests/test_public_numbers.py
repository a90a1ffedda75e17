"""Numbers that the public code of IRED computed of a tiny model, kept next to the tests.

``public_numbers/rank3.npz`` was computed by ``models.EBM``, ``DiffusionWrapper`` and ``GaussianDiffusion1D``
of github.com/yilundu/ired_code_release (commit 3d74b85, MIT licence), in float32, of ten matrices of rank 3,
one at each noise level. The weights are drawn, not stored: ``weights`` draws the same ones here. The keys are
those of the reference files that ``ired-diag verify`` reads; of the parameter gradients four biases are kept.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ired_diag.inverse.architecture import Architecture, parameter_shapes
from ired_diag.inverse.checkpoint import read_network
from ired_diag.inverse.verification import Verification, verify

REFERENCE = Path(__file__).parent / "public_numbers" / "rank3.npz"
SEED = 20261129
GAIN = 2.0  # of the weights: with those of an untrained network the energy is nearly flat


def weights() -> dict[str, Tensor]:
    """Return the weights of the tiny model, each entry U(-2, 2)/√fan_in."""
    rng = np.random.default_rng(SEED)
    shapes = parameter_shapes(Architecture(rank=3))
    state = {}
    for name, shape in shapes.items():
        fan_in = shapes[name.replace(".bias", ".weight")][1]
        values = GAIN * rng.uniform(-1, 1, shape) / np.sqrt(fan_in)
        state[name] = torch.from_numpy(values.astype(np.float32))
    return state


def verified(state: dict[str, Tensor], folder: Path, reference: Path = REFERENCE) -> Verification:
    path = folder / "final_model.pt"
    torch.save({"ebm_state": {f"model.ebm.{name}": tensor for name, tensor in state.items()}}, path)
    return verify(read_network(path), reference)


def test_every_number_of_the_public_code_is_reproduced(tmp_path: Path) -> None:
    result = verified(weights(), tmp_path)
    assert [(check.quantity, check.error) for check in result.checks if not check.holds] == []
    assert not result.not_compared
    compared = {check.quantity.split(",")[0] for check in result.checks}
    assert {
        "energy",
        "energy_gradient",
        "opt_step_1_mixed_t",
        "opt_step_2_mixed_t",
        "opt_step_5_t4",
        "energy_negative",
        "nce_loss",
        "denoise_loss",
        "sampler_trajectory",
        "sampler_trajectory_no_opt",
        "denoise_grad.*",
    } <= compared


def test_mining_moved_the_points_of_the_reference() -> None:
    with np.load(REFERENCE) as stored:
        start, once, twice = (
            stored[name] for name in ("negative_init", "opt_step_1_mixed_t", "opt_step_2_mixed_t")
        )
        energies = stored["energy"]
    assert np.ptp(energies) > 1
    assert np.any(once != start, axis=1).mean() >= 0.5
    assert np.any(twice != once, axis=1).mean() >= 0.5


@pytest.mark.parametrize("name", ["fc1.weight", "fc3.bias", "t_map_fc2.weight", "time_mlp.3.bias"])
def test_a_changed_tensor_is_seen(tmp_path: Path, name: str) -> None:
    state = weights()
    state[name] = 1.01 * state[name]
    held = {check.quantity: check.holds for check in verified(state, tmp_path).checks}
    assert not held["energy"]
    assert not held["energy_gradient"]
