from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner
from numpy.typing import NDArray
from torch import Tensor

from app.cli import main
from ired_diag.errors import DiagError, UnreadableFile, WrongCheckpoint
from ired_diag.inverse.architecture import Architecture, initial_parameters, parameter_shapes
from ired_diag.inverse.checkpoint import NetworkCheckpoint, read_network
from ired_diag.inverse.head import Head
from ired_diag.inverse.verification import Verification, verify
from ired_diag.model.schedule import Schedule

WEIGHTS = tuple(parameter_shapes(Architecture()))
BUFFERS = tuple(Schedule.__dataclass_fields__)
INPUTS = ("matrix", "inverse", "t", "noise", "sampler_start")
SAMPLES = 12

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Twin:
    """IRED by FACTS section 1, in float64: autograd for the gradient, a loop for every step."""

    p: Mapping[str, Tensor]
    normalization: float = 1.0

    def constants(self) -> tuple[list[float], list[float]]:
        """Return ᾱ_t and β_t of the cosine schedule."""
        signal = [math.cos((k / 10 + 0.008) / 1.008 * math.pi / 2) ** 2 for k in range(11)]
        beta = [min(1 - signal[k + 1] / signal[k], 0.999) for k in range(10)]
        return [math.prod(1 - b for b in beta[: k + 1]) for k in range(10)], beta

    def linear(self, name: str, x: Tensor) -> Tensor:
        return x @ self.p[f"{name}.weight"].T + self.p[f"{name}.bias"]

    def energy(self, x: Tensor, y: Tensor, t: Tensor) -> Tensor:
        frequency = torch.tensor([10000 ** (-k / 63) for k in range(64)], dtype=torch.float64)
        angle = t[:, None] * frequency
        wave = torch.cat([angle.sin(), angle.cos()], dim=1)
        e = self.linear("time_mlp.3", F.gelu(self.linear("time_mlp.1", wave)))
        h = F.silu(self.linear("fc1", torch.cat([x, y], dim=1)))
        for layer in ("fc2", "fc3"):
            gain, bias = self.linear(f"t_map_{layer}", e).chunk(2, dim=1)
            h = F.silu(self.linear(layer, h) * (1 + gain) + bias)
        if "energy_head.weight" in self.p:
            return self.linear("energy_head", h)[:, 0]
        return (self.linear("fc4", h) ** 2).sum(1)

    def gradient(self, x: Tensor, y: Tensor, t: Tensor, *, create_graph: bool = False) -> Tensor:
        y = y.detach().requires_grad_()
        (g,) = torch.autograd.grad(self.energy(x, y, t).sum(), [y], create_graph=create_graph)
        return g / self.normalization

    def q_sample(self, y: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        a = torch.tensor(self.constants()[0], dtype=torch.float64)[t][:, None]
        return a.sqrt() * y + (1 - a).sqrt() * noise

    def opt_step(self, x: Tensor, y: Tensor, t: Tensor, steps: int) -> Tensor:
        signal, beta = self.constants()
        bound, s = 2 * math.sqrt(signal[int(t[0])]), 1.0
        for _ in range(steps):
            g, rows = self.gradient(x, y, t), []
            for i, level in enumerate(t.tolist()):
                eta = beta[level] / math.sqrt(1 - signal[level])
                new = (y[i] - eta * g[i] * s).clamp(-bound, bound)
                one = slice(i, i + 1)
                before, after = (float(self.energy(x[one], z[None], t[one])[0]) for z in (y[i], new))
                rows.append(y[i] if after > before else new)
            y, s = torch.stack(rows), 2.0
        return y

    def sample(self, x: Tensor, y: Tensor, steps: int) -> Tensor:
        signal, estimates = self.constants()[0], []
        for level in range(9, -1, -1):
            t, a = torch.full((len(x),), level), math.sqrt(signal[level])
            noise = self.gradient(x, y, t)
            y = a * ((y - math.sqrt(1 - a**2) * noise) / a).clamp(-2, 2)
            estimates.append(self.opt_step(x, y, t, steps).clamp(-2 * a, 2 * a) / a)
            y = math.sqrt(signal[max(level - 1, 0)]) * estimates[-1]
        return torch.stack(estimates)

    def reference(self, generator: torch.Generator) -> Arrays:
        """Return a reference file's arrays."""
        draw = torch.randn(4, SAMPLES, 9, generator=generator, dtype=torch.float64)
        x, inverse, noise, start = draw.float().double()
        t = torch.arange(SAMPLES) % 10
        noisy, begin = self.q_sample(inverse, t, noise), self.q_sample(inverse, t, 3 * noise)
        signal = torch.tensor(self.constants()[0], dtype=torch.float64)
        negative = (self.opt_step(x, begin, t, 2) / signal[t][:, None].sqrt()).clamp(-2, 2)
        negative_noisy = self.q_sample(negative, t, noise)
        positive_energy, negative_energy = self.energy(x, noisy, t), self.energy(x, negative_noisy, t)
        logits = torch.stack([-positive_energy, -negative_energy], dim=1)
        leaves = {name: p.detach().requires_grad_() for name, p in self.p.items()}
        predicted = Twin(leaves, self.normalization).gradient(x, noisy, t, create_graph=True)
        loss = ((predicted - noise) ** 2).mean(1)
        slopes = torch.autograd.grad(loss.mean(), list(leaves.values()), allow_unused=True)
        computed = {
            "noisy": noisy,
            "negative_init": begin,
            "energy": positive_energy,
            "energy_gradient": self.gradient(x, noisy, t),
            "opt_step_1_mixed_t": self.opt_step(x, begin, t, 1),
            "opt_step_2_mixed_t": self.opt_step(x, begin, t, 2),
            "opt_step_5_t4": self.opt_step(x, begin, torch.full_like(t, 4), 5),
            "negative_rescaled": negative,
            "negative_noisy": negative_noisy,
            "energy_negative": negative_energy,
            "nce_loss": F.cross_entropy(logits, torch.zeros_like(t), reduction="none"),
            "denoise_loss": loss.detach(),
            "sampler_trajectory": self.sample(x, start, 5),
            "sampler_trajectory_no_opt": self.sample(x, start, 0),
            "buffer_alphas_cumprod": signal,
            "buffer_betas": torch.tensor(self.constants()[1]),
        }
        inputs = {"matrix": x, "inverse": inverse, "t": t, "noise": noise, "sampler_start": start}
        gradients = {
            f"denoise_grad.model.ebm.{name}": torch.zeros_like(self.p[name]) if g is None else g
            for name, g in zip(leaves, slopes, strict=True)
        }
        return {k: v.detach().numpy() for k, v in (inputs | computed | gradients).items()}


def parameters(head: Head) -> dict[str, Tensor]:
    drawn = torch.Generator().manual_seed(8)
    return initial_parameters(Architecture(rank=3, width=8, head=head), generator=drawn)


def checkpoint_of(state: Mapping[str, Tensor], folder: Path) -> NetworkCheckpoint:
    path = folder / "model-1.pt"
    torch.save(dict(state), path)
    return read_network(path)


def verified(checkpoint: NetworkCheckpoint, arrays: Arrays, folder: Path, **options: Any) -> Verification:
    path = folder / "reference.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return verify(checkpoint, path, **options)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[NetworkCheckpoint, Arrays]:
    """A checkpoint of rank 3 with a vector head, and its reference by the twin."""
    state = parameters("vector")
    twin = Twin({name: p.double() for name, p in state.items()})
    arrays = twin.reference(torch.Generator().manual_seed(4))
    return checkpoint_of(state, tmp_path_factory.mktemp("small")), arrays


@pytest.fixture(scope="module")
def brief(real: tuple[NetworkCheckpoint, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real reference file without what takes most of the time, the sampler."""
    with np.load(real[1]) as stored:
        arrays = {name: stored[name] for name in stored.files if not name.startswith("sampler")}
    path = tmp_path_factory.mktemp("brief") / "reference.npz"
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="module")
def real(shared: Path) -> tuple[NetworkCheckpoint, Path]:
    """The checkpoint of the public code, and its reference file."""
    folder = shared / "ired_checkpoint"
    return read_network(folder / "model-1.pt"), folder / "reference.npz"


@pytest.mark.parametrize("head", ["vector", "scalar"])
@pytest.mark.parametrize("normalization", [None, 7.0])
def test_every_quantity_of_a_naive_twin_is_reproduced(
    tmp_path: Path, generator: torch.Generator, head: Head, normalization: float | None
) -> None:
    state = parameters(head)
    twin = Twin({name: p.double() for name, p in state.items()}, normalization or 1.0)
    arrays = twin.reference(generator)
    stored = arrays | ({"gradient_normalization": np.array(normalization)} if normalization else {})
    result = verified(checkpoint_of(state, tmp_path), stored, tmp_path)
    failed = [(c.quantity, c.error) for c in result.checks if not c.holds]
    assert failed == []
    assert result.holds and not result.not_compared
    compared = {c.quantity.split(",")[0] for c in result.checks}
    expected = {k for k in arrays if not k.startswith("denoise_grad.")} - set(INPUTS)
    assert compared == expected | {"denoise_grad.*"}


def test_a_reference_of_another_gradient_normalization_does_not_hold(
    tmp_path: Path, small: tuple[NetworkCheckpoint, Arrays]
) -> None:
    checkpoint, arrays = small
    result = verified(checkpoint, arrays | {"gradient_normalization": np.array(7.0)}, tmp_path)
    held = {c.quantity: c.holds for c in result.checks}
    assert held["energy"] and held["noisy"]
    assert not held["energy_gradient"] and not held["opt_step_1_mixed_t"] and not held["denoise_grad.*"]


def test_a_small_error_in_any_quantity_is_found(
    tmp_path: Path, small: tuple[NetworkCheckpoint, Arrays]
) -> None:
    checkpoint, arrays = small
    for key in (k for k in arrays if k not in INPUTS):
        told = {k: v for k, v in arrays.items() if k in INPUTS or k == key}
        assert verified(checkpoint, told, tmp_path).holds, key
        told[key] = 1.01 * told[key]
        assert not verified(checkpoint, told, tmp_path).holds, key


def test_nan_anywhere_in_a_reference_does_not_hold(
    tmp_path: Path, small: tuple[NetworkCheckpoint, Arrays]
) -> None:
    checkpoint, arrays = small
    for key in (k for k in arrays if k != "t"):
        broken = arrays[key].astype(np.float64)
        broken.flat[-1] = math.nan
        whole = key in INPUTS or key.startswith("denoise_grad.")
        told = arrays if whole else {k: arrays[k] for k in INPUTS}
        assert not verified(checkpoint, told | {key: broken}, tmp_path).holds, key


def test_a_quantity_whose_input_is_absent_is_reported_and_the_rest_compared(
    tmp_path: Path, small: tuple[NetworkCheckpoint, Arrays]
) -> None:
    checkpoint, arrays = small
    result = verified(checkpoint, {k: v for k, v in arrays.items() if k != "sampler_start"}, tmp_path)
    assert result.holds
    reason = "needs sampler_start, which the file does not hold"
    trajectories = ("sampler_trajectory", "sampler_trajectory_no_opt")
    assert result.not_compared == dict.fromkeys(trajectories, reason)
    assert "energy_gradient" in {c.quantity for c in result.checks}


def test_a_reference_without_noise_compares_what_stands_without_it(
    tmp_path: Path, small: tuple[NetworkCheckpoint, Arrays]
) -> None:
    checkpoint, arrays = small
    told = {k: arrays[k] for k in ("matrix", "t", "noisy", "energy", "nce_loss", "denoise_loss")}
    result = verified(checkpoint, told, tmp_path)
    assert [c.quantity for c in result.checks] == ["energy"]
    assert set(result.not_compared) == {"noisy", "nce_loss", "denoise_loss"}


def test_an_unknown_key_is_reported(tmp_path: Path, small: tuple[NetworkCheckpoint, Arrays]) -> None:
    checkpoint, arrays = small
    unknown = {"temperature": np.ones(3), "buffer_sigma": np.ones(10)}
    result = verified(checkpoint, arrays | unknown, tmp_path)
    assert result.holds and set(result.not_compared) == set(unknown)


def test_a_gradient_of_an_unknown_tensor_is_refused(
    tmp_path: Path, small: tuple[NetworkCheckpoint, Arrays]
) -> None:
    checkpoint, arrays = small
    with pytest.raises(DiagError, match=r"denoise_grad\.fc9: the checkpoint has no tensor 'fc9'"):
        verified(checkpoint, arrays | {"denoise_grad.fc9": np.zeros(8)}, tmp_path)


@pytest.mark.parametrize("keys", [(), INPUTS])
def test_a_reference_with_nothing_to_compare_is_refused(
    tmp_path: Path, small: tuple[NetworkCheckpoint, Arrays], keys: tuple[str, ...]
) -> None:
    checkpoint, arrays = small
    with pytest.raises(UnreadableFile, match="holds nothing to compare"):
        verified(checkpoint, {k: arrays[k] for k in keys}, tmp_path)


@pytest.mark.parametrize("name", ["matrix", "inverse", "noise", "noisy", "negative_init", "sampler_start"])
def test_a_reference_of_another_size_is_refused(
    tmp_path: Path, small: tuple[NetworkCheckpoint, Arrays], name: str
) -> None:
    checkpoint, arrays = small
    with pytest.raises(DiagError, match=rf"reference\.npz: {name}: expected 9 .*rank 3.*\(12, 16\)"):
        verified(checkpoint, arrays | {name: np.zeros((SAMPLES, 16))}, tmp_path)


def test_a_quantity_of_another_shape_is_refused(
    tmp_path: Path, small: tuple[NetworkCheckpoint, Arrays]
) -> None:
    checkpoint, arrays = small
    with pytest.raises(DiagError, match=r"reference\.npz: energy: expected shape \(12,\), found \(11"):
        verified(checkpoint, arrays | {"energy": arrays["energy"][1:]}, tmp_path)


@pytest.mark.parametrize("level", [-1, 10])
def test_levels_out_of_range_are_refused(
    tmp_path: Path, small: tuple[NetworkCheckpoint, Arrays], level: int
) -> None:
    checkpoint, arrays = small
    t = arrays["t"].copy()
    t[3] = level
    with pytest.raises(DiagError, match=r"t runs from .*; the checkpoint has levels 0 to 9"):
        verified(checkpoint, arrays | {"t": t}, tmp_path)


def test_weights_that_the_checkpoint_lacks_are_refused(
    tmp_path: Path, small: tuple[NetworkCheckpoint, Arrays]
) -> None:
    with pytest.raises(WrongCheckpoint, match="has no 'ema' weights"):
        verified(*small, tmp_path, weights="ema")


# NumPy itself leaves a torn archive open until it is collected.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_truncated_reference_is_unreadable_at_every_length(
    tmp_path: Path, small: tuple[NetworkCheckpoint, Arrays]
) -> None:
    checkpoint, arrays = small
    path = tmp_path / "reference.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    content = path.read_bytes()
    for length in [*range(8), *range(8, len(content), len(content) // 40), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(UnreadableFile, match=r"reference\.npz: is not a whole NumPy \.npz file"):
            verify(checkpoint, path)


def test_a_reference_that_is_no_archive_of_numbers_is_unreadable(
    tmp_path: Path, small: tuple[NetworkCheckpoint, Arrays]
) -> None:
    checkpoint, arrays = small
    path = tmp_path / "reference.npz"
    for odd in (np.array([{"a": 1}], dtype=object), np.array(["text"])):
        with pytest.raises(UnreadableFile, match="is not a whole NumPy"):
            verified(checkpoint, arrays | {"energy": odd}, tmp_path)
    path.write_text("energy 1.0\n" * 9)
    with pytest.raises(UnreadableFile, match="is not a whole NumPy"):
        verify(checkpoint, path)
    with path.open("wb") as file:
        np.save(file, arrays["energy"])
    with pytest.raises(UnreadableFile, match="is not a whole NumPy"):
        verify(checkpoint, path)
    for absent in (tmp_path / "absent.npz", tmp_path):
        with pytest.raises(UnreadableFile, match=r"expected a NumPy \.npz file, found nothing"):
            verify(checkpoint, absent)


def test_raw_weights_reproduce_the_public_code(real: tuple[NetworkCheckpoint, Path]) -> None:
    result = verify(*real)
    assert result.holds and not result.not_compared and not result.findings
    assert len(result.checks) == 23
    assert all(c.bound <= 1e-4 for c in result.checks if "sampler_trajectory," not in c.quantity)


def test_ema_weights_do_not(real: tuple[NetworkCheckpoint, Path]) -> None:
    result = verify(*real, weights="ema")
    failed = {c.quantity for c in result.checks if not c.holds}
    assert {"energy", "energy_gradient", "opt_step_2_mixed_t", "denoise_grad.*"} <= failed
    assert {"noisy", "negative_init", "schedule constants"}.isdisjoint(failed)


def test_the_brief_reference_holds_for_the_checkpoint_itself(
    real: tuple[NetworkCheckpoint, Path], brief: Path
) -> None:
    assert verify(real[0], brief).holds


@pytest.mark.parametrize("name", WEIGHTS)
def test_one_percent_in_one_weight_tensor_does_not_hold(
    real: tuple[NetworkCheckpoint, Path], brief: Path, name: str
) -> None:
    checkpoint, raw = real[0], real[0].states["raw"]
    changed = replace(checkpoint, states={"raw": {**raw, name: 1.01 * raw[name]}})
    assert not verify(changed, brief).holds


@pytest.mark.parametrize("factor", [1.01, math.nan])
@pytest.mark.parametrize("name", BUFFERS)
def test_one_percent_or_nan_in_one_stored_constant_does_not_hold(
    real: tuple[NetworkCheckpoint, Path], brief: Path, tmp_path: Path, name: str, factor: float
) -> None:
    checkpoint = real[0]
    stored = {**checkpoint.states["raw"], **checkpoint.buffers}
    assert set(checkpoint.buffers) == set(BUFFERS)
    assert not verify(checkpoint_of(stored | {name: factor * stored[name]}, tmp_path), brief).holds


@pytest.mark.parametrize(("name", "status"), [(None, 0), ("fc4.bias", 3), ("opt_step_size", 3)])
def test_the_exit_status_says_whether_the_checks_hold(
    real: tuple[NetworkCheckpoint, Path], brief: Path, tmp_path: Path, name: str | None, status: int
) -> None:
    stored = {**real[0].states["raw"], **real[0].buffers}
    changed = checkpoint_of(stored | ({name: 1.01 * stored[name]} if name else {}), tmp_path)
    result = CliRunner().invoke(main, ["verify", str(changed.path), str(brief), "--device", "cpu"])
    assert result.exit_code == status
    assert ("EXCEEDED" in result.stdout) == (status == 3)
    assert ("this machine reproduces the reference" in result.stdout) == (status == 0)
