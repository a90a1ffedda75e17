"""Where to compute."""

from __future__ import annotations

import torch

from ired_diag.errors import DiagError


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
        raise DiagError(f"--device {name!r}: expected auto, cpu, cuda or cuda:<n>.") from error
    if device.type not in ("cpu", "cuda"):
        raise DiagError(f"--device {name!r}: expected auto, cpu, cuda or cuda:<n>.")
    if device.type == "cpu":
        return torch.device("cpu")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (device.index or 0) >= count:
        found = f"{count} GPU{'s' if count != 1 else ''}" if count else "no GPU that PyTorch can use"
        raise DiagError(f"--device {name!r}: this machine has {found}. Use --device auto or cpu.")
    return device
