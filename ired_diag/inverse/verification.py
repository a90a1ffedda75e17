"""Verification: can the numbers be trusted on this machine?

A reference file holds inputs (matrices, inverses, levels, noise) and what another implementation computed
from them with a given checkpoint. Every quantity is computed again here from the inputs alone, and
compared as ‖a - b‖ / ‖b‖ with a bound.

Where the inner optimisation is on, whether a step is kept can hang on the last bit of two energies, so
that equally right implementations part for single samples. There the median over samples is bounded
tightly and the maximum loosely.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.finding import Finding
from ired_diag.inverse.checkpoint import NetworkCheckpoint, read_network
from ired_diag.inverse.network import GradientNormalization
from ired_diag.inverse.recomputation import INPUTS, MissingInput, Recomputation
from ired_diag.inverse.reference_file import check_inputs, read_reference
from ired_diag.runs.checkpoint import Weights

ROUNDING = 1e-5
CANCELLATION = 1e-4  # the NCE loss is a difference of energies of some hundreds
TIE_MEDIAN = 2e-2
TIE_MAXIMUM = 0.1
TIE_MEDIAN_LAST = 1e-3

GRADIENT_PREFIX = "denoise_grad."
GIVEN = ("matrix", "inverse", "t", "noise", "sampler_start")  # inputs that no formula gives


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
    checkpoint: NetworkCheckpoint | Path | str,
    reference: Path | str,
    *,
    weights: Weights = "raw",
    device: torch.device | str = "cpu",
) -> Verification:
    """Return how well this machine reproduces a reference file.

    Args:
        checkpoint: The checkpoint that the reference was computed from, or its path.
        reference: A NumPy ``.npz`` file.
        weights: Which of the checkpoint's weights the reference was computed from.
        device: Where to compute.

    Raises:
        UnreadableFile: The reference file is missing, damaged, or holds nothing to compare.
        WrongCheckpoint: The checkpoint lacks these weights.
        DiagError: The reference is of another problem size.
    """
    if isinstance(checkpoint, Path | str):
        checkpoint = read_network(checkpoint, device=device)
    reference = Path(reference)
    arrays = read_reference(reference, device)
    normalization = _normalization(arrays.pop("gradient_normalization", None), reference)
    network = checkpoint.network(weights, gradient_normalization=normalization).to(device)
    schedule = checkpoint.schedule.to(device)
    check_inputs(arrays, network, reference)
    inputs = {name: arrays[name] for name in INPUTS if name in arrays}
    computed = Recomputation(network, schedule, inputs)
    checks: list[Check] = []
    skipped: dict[str, str] = {}
    gradients = {}
    for key, array in arrays.items():
        if key.startswith(GRADIENT_PREFIX):
            gradients[key] = array
            continue
        if key in GIVEN:
            continue
        try:
            quantity = computed.quantity(key)
            checks.extend(_compare(key, quantity, array, reference))
        except MissingInput as missing:
            skipped[key] = str(missing)
    if gradients:
        try:
            computed_gradients = computed.denoise_gradients()
            checks.append(_compare_gradients(computed_gradients, gradients, reference))
        except MissingInput as missing:
            skipped[f"{GRADIENT_PREFIX}*"] = str(missing)
    if not checks:
        keys = ", ".join(arrays) or "none"
        raise UnreadableFile(f"{reference}: holds nothing to compare. Its keys: {keys}.")
    checks.extend(_compare_stored_buffers(checkpoint))
    return Verification(tuple(checks), skipped, checkpoint.findings)


def relative_error(a: Tensor, b: Tensor) -> float:
    """Return ‖a - b‖ / ‖b‖ over all entries; 0 where both are zero.

    >>> relative_error(torch.tensor([3.0, 4.5]), torch.tensor([3.0, 4.0]))
    0.1
    """
    difference = (a.double() - b.double()).norm()
    if difference == 0:
        return 0.0
    return float(difference / b.double().norm())


def _compare(key: str, computed: Tensor, reference: Tensor, path: Path) -> list[Check]:
    if computed.squeeze().shape != reference.squeeze().shape:
        expected, actual = tuple(computed.shape), tuple(reference.shape)
        raise DiagError(f"{path}: {key}: expected shape {expected}, found {actual}.")
    computed, reference = computed.detach(), reference.reshape(computed.shape)
    if key == "sampler_trajectory":
        return _compare_with_ties(key, computed, reference)
    bound = CANCELLATION if key == "nce_loss" else ROUNDING
    return [Check(key, relative_error(computed, reference), bound)]


def _compare_with_ties(key: str, computed: Tensor, reference: Tensor) -> list[Check]:
    """Compare a sampler's estimates, of shape (levels, batch, dim), level by level over samples."""
    difference = (computed.double() - reference.double()).norm(dim=-1)
    error = difference / reference.double().norm(dim=-1)
    error = torch.where(difference == 0, 0.0, error)
    medians = error.median(dim=1).values
    worst_median, last_median = float(medians.max()), float(medians[-1])
    maximum = float(error.max(dim=1).values.max())
    last = f"{key}, median at the last level"
    return [
        Check(f"{key}, median", worst_median, TIE_MEDIAN, "over samples, worst level"),
        Check(f"{key}, maximum", maximum, TIE_MAXIMUM, "over samples and levels"),
        Check(last, last_median, TIE_MEDIAN_LAST, "over samples"),
    ]


def _compare_gradients(computed: Mapping[str, Tensor], reference: Mapping[str, Tensor], path: Path) -> Check:
    errors: dict[str, float] = {}
    for key, expected in reference.items():
        name = key.removeprefix(GRADIENT_PREFIX).removeprefix("model.ebm.")
        if name not in computed or computed[name].shape != expected.shape:
            raise DiagError(
                f"{path}: {key}: the checkpoint has no tensor {name!r} of shape {tuple(expected.shape)}."
            )
        errors[name] = relative_error(computed[name], expected)
    worst = _worst(errors)
    note = f"worst of {len(errors)}: {worst}"
    return Check(f"{GRADIENT_PREFIX}*", errors[worst], ROUNDING, note)


def _worst(errors: Mapping[str, float]) -> str:
    """Return the name of the largest error."""
    # max() would pass over a NaN, and a NaN is the worst there is.
    nan_is_largest = {name: math.inf if math.isnan(error) else error for name, error in errors.items()}
    return max(nan_is_largest, key=nan_is_largest.__getitem__)


def _compare_stored_buffers(checkpoint: NetworkCheckpoint) -> list[Check]:
    """Compare the schedule's constants stored in a checkpoint with those that its betas imply."""
    if not checkpoint.buffers:
        return []
    implied = checkpoint.schedule.buffers()
    errors: dict[str, float] = {}
    for name, stored in checkpoint.buffers.items():
        if name == "betas":
            continue
        errors[name] = math.inf
        if stored.shape == implied[name].shape:
            errors[name] = relative_error(stored, implied[name].to(stored.device))
    if not errors:
        return []
    worst = _worst(errors)
    note = f"as stored in the checkpoint; worst of {len(errors)}: {worst}"
    return [Check("schedule constants", errors[worst], ROUNDING, note)]


def _normalization(stored: Tensor | None, path: Path) -> GradientNormalization:
    """Return the number that a reference file's gradients were divided by."""
    if stored is None:
        return None
    if stored.numel() != 1 or not 0 < float(stored) < math.inf:
        raise DiagError(
            f"{path}: gradient_normalization: expected a number above 0, found {stored.tolist()}."
        )
    return float(stored)
