"""Our own weights files: raw and EMA tensors of one step in one safetensors file.

Tensors are named ``raw.<name>`` and ``ema.<name>``; the metadata holds the format version, the step and
the configuration. What else training needs to go on from that step stands in the same file under
``training.<…>``: the optimiser's memory and the random streams. Code that only looks at weights does not
read it. Equal content makes equal bytes. A safetensors file of somebody else (no ``ired_diag_format``) is
read as one state.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ired_diag.errors import NotReadable, UnreadableFile
from ired_diag.json_text import parse_json
from ired_diag.runs.files import FORMAT, check_format, check_lookup, exists, is_file, write_atomically

TRAINING = "training."
KINDS = ("raw", "ema", "training")

Tensors = dict[str, Tensor]  # by name


def write_weights(
    path: Path,
    *,
    step: int,
    configuration: Mapping[str, Any],
    raw: Mapping[str, Tensor],
    ema: Mapping[str, Tensor],
    training: Mapping[str, Tensor] | None = None,
) -> None:
    """Write the weights of one step.

    Args:
        path: A file to be, ``checkpoints/step-000100000.safetensors`` by convention.
        step: Training steps taken.
        configuration: The run's configuration, as JSON can hold it.
        raw: The optimiser's tensors, under the energy network's names.
        ema: Their exponential moving average, likewise.
        training: What else training needs to go on from here, by names of the caller's.

    Raises:
        CannotWrite: The folder cannot be written, or the disk is full.
    """
    tensors = {
        **_under_prefix("raw.", raw),
        **_under_prefix("ema.", ema),
        **_under_prefix(TRAINING, training or {}),
    }
    metadata = {
        "ired_diag_format": str(FORMAT),
        "step": str(step),
        "configuration": json.dumps(dict(configuration)),
    }
    write_atomically(path, _with_sorted_metadata(save(tensors, metadata)))


def _under_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    """Return copies of tensors as a file holds them, a prefix before each name."""
    copies: Tensors = {}
    for name, tensor in tensors.items():
        copy = tensor.detach().clone()
        copies[f"{prefix}{name}"] = copy.contiguous()
    return copies


def _with_sorted_metadata(content: bytes) -> bytes:
    """Return a safetensors file with its metadata in the order of their names.

    The library takes them from a hash table whose order changes from call to call, and the file's checksum
    with it. The header stands behind its length in 8 bytes, and ends with spaces (a multiple of 8 bytes).
    """
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    length = len(text).to_bytes(8, "little")
    return length + text + content[start:]


def read_weights(
    path: Path,
    *,
    device: torch.device | str = "cpu",
    with_training: bool = False,
) -> dict[str, Any]:
    """Return ``step``, ``configuration`` and the states of a safetensors file.

    The states stand under ``raw`` and ``ema``; a foreign file has one, under ``raw``.

    Args:
        path: The file.
        device: Where the tensors go.
        with_training: Return what training needs to go on too, under ``training``.

    Raises:
        UnreadableFile: The file is missing, empty, truncated, or of a newer format.
        NotReadable: It may not be read.
    """
    _check_file(path)
    metadata, tensors = _read_safetensors(path, device, with_training=with_training)
    if "ired_diag_format" not in metadata:
        return {"step": None, "configuration": None, "raw": tensors}
    try:
        check_format(int(metadata["ired_diag_format"]), str(path))
        step = int(metadata["step"])
        configuration = parse_json(metadata["configuration"])
        is_step = 0 <= step < 2**63
        if not isinstance(configuration, dict) or not tensors or not is_step:
            raise ValueError("no configuration, no tensors, or no number of steps")
    except (KeyError, ValueError) as error:
        raise UnreadableFile(f"{path}: its metadata is damaged ({error}).") from error
    return {"step": step, "configuration": configuration, **_states(tensors, path)}


def is_ours(path: Path) -> bool:
    """Say whether a safetensors file is ours; a damaged one is taken for ours, and reading it says why.

    Raises:
        UnreadableFile: It is missing or damaged.
        NotReadable: It may not be read.
    """
    _check_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            return "ired_diag_format" in (file.metadata() or {})
    except (SafetensorError, OSError):
        return True


def _check_file(path: Path) -> None:
    check_lookup(path)
    if not is_file(path):
        what_is_there = "a folder" if exists(path) else "nothing"
        raise UnreadableFile(f"{path}: expected a checkpoint file, found {what_is_there}.")
    if not os.access(path, os.R_OK):
        reason = os.strerror(errno.EACCES)
        raise NotReadable(f"{path}: not readable: {reason}.")


def _read_safetensors(
    path: Path,
    device: torch.device | str,
    *,
    with_training: bool,
) -> tuple[dict[str, str], Tensors]:
    """Return the metadata and the tensors of a safetensors file."""
    tensors: Tensors = {}
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            metadata = file.metadata() or {}
            for key in file.keys():
                if with_training or not key.startswith(TRAINING):
                    tensors[key] = file.get_tensor(key)
    except (SafetensorError, OSError) as error:
        raise UnreadableFile(
            f"{path}: is not a whole safetensors file ({error}). Use an earlier checkpoint."
        ) from error
    return metadata, tensors


def _states(tensors: Tensors, path: Path) -> dict[str, Tensors]:
    """Return the tensors of each kind that a file of ours holds, by their names within it."""
    states: dict[str, Tensors] = {}
    for key, tensor in tensors.items():
        kind, _, name = key.partition(".")
        if kind not in KINDS:
            raise UnreadableFile(f"{path}: expected tensors named raw.… and ema.…, found {key!r}.")
        states.setdefault(kind, {})[name] = tensor
    return states
