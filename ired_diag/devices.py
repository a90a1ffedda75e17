"""The device to compute on: a GPU where there is one, else the processor."""

from __future__ import annotations

import torch

from ired_diag.errors import DiagError

EXPECTED = "expected auto, cpu, cuda or cuda:<n>"


def choose_device(name: str = "auto") -> torch.device:
    """Return the device that a name means.

    Args:
        name: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:<n>``.

    Raises:
        DiagError: The name means nothing, or the device is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DiagError(f"--device {name!r}: {EXPECTED}.") from error
    if device.type not in ("cpu", "cuda"):
        raise DiagError(f"--device {name!r}: {EXPECTED}.")
    if device.type == "cpu":
        return torch.device("cpu")
    # A driver may list devices that PyTorch cannot use.
    gpus = 0
    if torch.cuda.is_available():
        gpus = torch.cuda.device_count()
    if (device.index or 0) >= gpus:
        raise DiagError(f"--device {name!r}: this machine has {_count_of(gpus)}. Use --device auto or cpu.")
    return device


def _count_of(gpus: int) -> str:
    if not gpus:
        return "no GPU that PyTorch can use"
    if gpus == 1:
        return "1 GPU"
    return f"{gpus} GPUs"
