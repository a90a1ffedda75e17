"""Reference files: a NumPy archive of inputs, and of what another implementation computed from them."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.recomputation import INPUTS, UNIFORM_LEVEL
from ired_diag.runs.files import is_file

# What NumPy and zipfile are known to raise on archives that are torn, altered or no archives.
BROKEN = (
    OSError,
    ValueError,
    TypeError,
    EOFError,
    KeyError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_reference(path: Path, device: torch.device | str = "cpu") -> dict[str, Tensor]:
    """Return the arrays of a ``.npz`` file as tensors: floating ones in float32, whole ones in int64.

    Raises:
        UnreadableFile: The file is missing or not a ``.npz`` file of real numbers.
    """
    if not is_file(path):
        raise UnreadableFile(f"{path}: expected a NumPy .npz file, found nothing.")
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: np.asarray(file[name]) for name in file.files}
    except BROKEN as error:
        raise UnreadableFile(f"{path}: is not a whole NumPy .npz file of numbers ({error}).") from error
    odd = [name for name, array in arrays.items() if array.dtype.kind not in "fiu"]
    if odd:
        names = ", ".join(odd[:4])
        if len(odd) > 4:
            names += f" and {len(odd) - 4} more"
        raise UnreadableFile(f"{path}: is not a whole NumPy .npz file of numbers: not numbers are {names}.")
    tensors = {}
    for name, array in arrays.items():
        kind = np.float32 if array.dtype.kind == "f" else np.int64
        tensors[name] = torch.from_numpy(array.astype(kind)).to(device)
    return tensors


def check_inputs(arrays: Mapping[str, Tensor], network: EnergyNetwork, path: Path) -> None:
    """Refuse inputs that do not fit the network, or each other.

    Raises:
        DiagError: Naming the array, what was expected of it and what was found.
    """
    dim, batch = network.architecture.dim, None
    for name in (n for n in INPUTS if n in arrays):
        array = arrays[name]
        if name == "t":
            if array.is_floating_point() or array.dim() != 1:
                raise DiagError(f"{path}: t: expected whole numbers, one a sample, found {_found(array)}.")
        elif not array.is_floating_point() or array.dim() != 2 or array.shape[1] != dim:
            raise DiagError(
                f"{path}: {name}: expected {dim} floating numbers a sample (rank "
                f"{network.architecture.rank}), found {_found(array)}. It is a reference for another "
                "checkpoint."
            )
        if batch not in (None, len(array)):
            raise DiagError(f"{path}: {name}: expected {batch} samples, found {len(array)}.")
        batch = len(array)
    t, levels = arrays.get("t"), network.levels
    if t is not None and len(t) and not 0 <= int(t.min()) <= int(t.max()) < levels:
        raise DiagError(
            f"{path}: t runs from {int(t.min())} to {int(t.max())}; the checkpoint has levels 0 to "
            f"{levels - 1}."
        )
    if "opt_step_5_t4" in arrays and levels <= UNIFORM_LEVEL:
        raise DiagError(
            f"{path}: opt_step_5_t4 is of level {UNIFORM_LEVEL}; the checkpoint has levels 0 to {levels - 1}."
        )


def _found(array: Tensor) -> str:
    return f"{str(array.dtype).removeprefix('torch.')} of shape {tuple(array.shape)}"
