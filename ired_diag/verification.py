"""Verification: can the numbers be trusted on this machine?

A reference file holds inputs (matrices, inverses, levels, noise) and what another implementation computed
from them with a given checkpoint. Every quantity is computed again here from the inputs alone, and
compared as ‖a - b‖ / ‖b‖ with a bound.

Where the inner optimisation is on, whether a step is kept can hang on the last bit of two energies, so
that equally right implementations part for single samples. There the median over samples is bounded
tightly and the maximum loosely.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.finding import Finding
from ired_diag.model.network import EnergyNetwork, GradientNormalization
from ired_diag.model.recomputation import INPUTS, MissingInput, Recomputation
from ired_diag.runs.checkpoint import Checkpoint, Weights

ROUNDING = 1e-5
CANCELLATION = 1e-4  # the NCE loss is a difference of energies of some hundreds
TIE_MEDIAN = 2e-2
TIE_MAXIMUM = 0.1
TIE_MEDIAN_LAST = 1e-3

GRADIENT_PREFIX = "denoise_grad."


@dataclass(frozen=True)
class Check:
    """One quantity compared with its reference.

    Attributes:
        quantity: Its key in the reference file, with what was measured of it where that is not the whole.
        error: The relative error ‖a - b‖ / ‖b‖.
        bound: The largest error that is let pass.
        note: Where the largest error is, for a quantity of several parts.
    """

    quantity: str
    error: float
    bound: float
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the error is within its bound; NaN is not."""
        return self.error <= self.bound


@dataclass(frozen=True)
class Verification:
    """All quantities of a reference file.

    Attributes:
        checks: Every comparison made.
        not_compared: Keys of the file that were not compared, each with the reason.
        findings: What is odd about the checkpoint.
    """

    checks: tuple[Check, ...]
    not_compared: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every comparison is within its bound."""
        return all(check.holds for check in self.checks)


def verify(
    checkpoint: Checkpoint,
    reference: Path | str,
    *,
    weights: Weights = "raw",
    device: torch.device | str = "cpu",
) -> Verification:
    """Return how well this machine reproduces a reference file.

    Args:
        checkpoint: The checkpoint that the reference was computed from.
        reference: A NumPy ``.npz`` file.
        weights: Which of the checkpoint's weights the reference was computed from.
        device: Where to compute.

    Raises:
        UnreadableFile: The reference file is missing, damaged, or holds nothing to compare.
        WrongCheckpoint: The checkpoint lacks these weights.
        DiagError: The reference is of another problem size.
    """
    arrays = read_reference(Path(reference), device)
    normalization = _normalization(arrays.pop("gradient_normalization", None))
    network = checkpoint.network(weights, gradient_normalization=normalization).to(device)
    schedule = checkpoint.schedule.to(device)
    _check_sizes(arrays, network, Path(reference))
    inputs = {name: arrays[name] for name in INPUTS if name in arrays}
    computed = Recomputation(network, schedule, inputs)
    checks: list[Check] = []
    skipped: dict[str, str] = {}
    for key in (k for k in arrays if not k.startswith(GRADIENT_PREFIX)):
        if key in ("matrix", "inverse", "t", "noise", "sampler_start"):
            continue
        try:
            checks.extend(_compare(key, computed.quantity(key), arrays[key]))
        except MissingInput as missing:
            skipped[key] = str(missing)
    gradients = {k: v for k, v in arrays.items() if k.startswith(GRADIENT_PREFIX)}
    if gradients:
        checks.append(_compare_gradients(computed.denoise_gradients(), gradients))
    checks.extend(_compare_stored_buffers(checkpoint))
    if not checks:
        raise UnreadableFile(f"{reference}: holds nothing to compare. Its keys: {', '.join(arrays)}.")
    return Verification(tuple(checks), skipped, checkpoint.findings)


def read_reference(path: Path, device: torch.device | str = "cpu") -> dict[str, Tensor]:
    """Return the arrays of a ``.npz`` file as tensors, floating ones in float32.

    Raises:
        UnreadableFile: The file is missing or not a ``.npz`` file of numbers.
    """
    if not path.is_file():
        raise UnreadableFile(f"{path}: expected a NumPy .npz file, found nothing.")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: torch.from_numpy(np.asarray(file[name])) for name in file.files}
    except (OSError, ValueError, TypeError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise UnreadableFile(f"{path}: is not a whole NumPy .npz file of numbers ({error}).") from error
    return {k: a.to(device).float() if a.is_floating_point() else a.to(device) for k, a in arrays.items()}


def relative_error(a: Tensor, b: Tensor) -> float:
    """Return ‖a - b‖ / ‖b‖ over all entries; 0 where both are zero.

    >>> relative_error(torch.tensor([3.0, 4.5]), torch.tensor([3.0, 4.0]))
    0.1
    """
    difference = (a.double() - b.double()).norm()
    return 0.0 if difference == 0 else float(difference / b.double().norm())


def _compare(key: str, computed: Tensor, reference: Tensor) -> list[Check]:
    if computed.numel() != reference.numel():
        expected, found = tuple(computed.shape), tuple(reference.shape)
        raise DiagError(f"{key}: expected shape {expected} in the reference file, found {found}.")
    computed = computed.detach().reshape(reference.shape)
    if key == "sampler_trajectory":
        return _compare_with_ties(key, computed, reference)
    bound = CANCELLATION if key == "nce_loss" else ROUNDING
    return [Check(key, relative_error(computed, reference), bound)]


def _compare_with_ties(key: str, computed: Tensor, reference: Tensor) -> list[Check]:
    """Compare a sampler's estimates, of shape (levels, batch, dim), level by level over samples."""
    difference = (computed.double() - reference.double()).norm(dim=-1)
    error = difference / reference.double().norm(dim=-1)
    error = torch.where(difference == 0, 0.0, error)
    medians, maxima = error.median(dim=1).values, error.max(dim=1).values
    return [
        Check(f"{key}, median", float(medians.max()), TIE_MEDIAN, "over samples, worst level"),
        Check(f"{key}, maximum", float(maxima.max()), TIE_MAXIMUM, "over samples and levels"),
        Check(f"{key}, median at the last level", float(medians[-1]), TIE_MEDIAN_LAST, "over samples"),
    ]


def _compare_gradients(computed: Mapping[str, Tensor], reference: Mapping[str, Tensor]) -> Check:
    errors: dict[str, float] = {}
    for key, expected in reference.items():
        name = key.removeprefix(GRADIENT_PREFIX).removeprefix("model.ebm.")
        if name not in computed or computed[name].shape != expected.shape:
            raise DiagError(f"{key}: the checkpoint has no tensor {name!r} of shape {tuple(expected.shape)}.")
        errors[name] = relative_error(computed[name], expected)
    # max() would pass over a NaN, and a NaN is the worst there is.
    worst = max(errors, key=lambda name: np.inf if np.isnan(errors[name]) else errors[name])
    note = f"worst of {len(errors)}: {worst}"
    return Check(f"{GRADIENT_PREFIX}*", errors[worst], ROUNDING, note)


def _compare_stored_buffers(checkpoint: Checkpoint) -> list[Check]:
    """Compare the schedule's constants stored in a checkpoint with those that its betas imply."""
    if not checkpoint.buffers:
        return []
    implied = checkpoint.schedule.buffers()
    errors = {
        name: relative_error(stored.reshape(-1), implied[name].to(stored.device))
        for name, stored in checkpoint.buffers.items()
        if name != "betas" and stored.numel() == implied[name].numel()
    }
    if not errors:
        return []
    worst = max(errors, key=lambda name: np.inf if np.isnan(errors[name]) else errors[name])
    note = f"as stored in the checkpoint; worst of {len(errors)}: {worst}"
    return [Check("schedule constants", errors[worst], ROUNDING, note)]


def _normalization(stored: Tensor | None) -> GradientNormalization:
    """Return a reference file's gradient normalization: a number (0 or NaN for none)."""
    if stored is None:
        return None
    value = float(stored)
    return value if value > 0 else None


def _check_sizes(arrays: Mapping[str, Tensor], network: EnergyNetwork, path: Path) -> None:
    dim = network.architecture.dim
    for name in INPUTS:
        if name in arrays and name != "t" and arrays[name].shape[-1] != dim:
            raise DiagError(
                f"{path}: {name} has {arrays[name].shape[-1]} numbers a sample; the checkpoint's network "
                f"takes {dim} (rank {network.architecture.rank}). It is a reference for another checkpoint."
            )
    t = arrays.get("t")
    if t is not None and len(t) and not 0 <= int(t.min()) <= int(t.max()) < network.levels:
        raise DiagError(
            f"{path}: t runs from {int(t.min())} to {int(t.max())}; the checkpoint has levels 0 to "
            f"{network.levels - 1}."
        )
