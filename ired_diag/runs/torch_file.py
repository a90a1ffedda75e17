"""PyTorch files, read without running what is in them.

A ``.pt`` file is a pickle, and a pickle can hold code. ``weights_only=True`` builds tensors and plain
containers and refuses all else; there is no switch to turn that off.
"""

from __future__ import annotations

import pickle
import re
import struct
import warnings
from pathlib import Path
from typing import Any

import torch

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.runs.files import MAY_NOT_BE_READ, check_lookup, exists, is_file
from ired_diag.runs.size_bounds import check_archive, check_tensors

# What the reader is known to raise on bytes that are not a PyTorch file, or only the first part of one.
BROKEN = (
    pickle.UnpicklingError,
    struct.error,
    RuntimeError,
    EOFError,
    OSError,
    MemoryError,
    OverflowError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


def read_torch_file(path: Path, *, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Return the dictionary in a PyTorch file, its tensors on ``device``.

    Raises:
        UnreadableFile: The file is missing, empty, truncated, not PyTorch's, holds code, or asks for far more
            memory than it has bytes.
        NotReadable: It may not be read.
    """
    check_lookup(path)
    if not is_file(path):
        what_is_there = "a folder" if exists(path) else "nothing"
        raise UnreadableFile(f"{path}: expected a checkpoint file, found {what_is_there}.")
    if path.stat().st_size == 0:
        raise UnreadableFile(f"{path}: is empty: the job may have died while saving. Use another one.")
    check_archive(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pickle protocols other than 2 are warned of, and read
            content = torch.load(path, map_location=device, weights_only=True)
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno in MAY_NOT_BE_READ:
            raise unreadable(path, error) from error
        raise UnreadableFile(f"{path}: {_reason(error)}") from error
    check_tensors(content, path)
    if not isinstance(content, dict):
        raise UnreadableFile(
            f"{path}: expected a dictionary of tensors, found a {type(content).__name__}. "
            "Save the state: torch.save(model.state_dict(), …)."
        )
    return content


def _reason(error: BaseException) -> str:
    text = str(error)
    if named := re.search(r"GLOBAL (\S+)", text):
        return (
            f"holds {named[1]}, not only tensors: loading it would run code, which is never done. "
            "Save the state dictionary alone: torch.save(model.state_dict(), …)."
        )
    return (
        "is not a whole PyTorch file: it is truncated (a job that died while saving?) or of another format. "
        "Use an earlier checkpoint."
    )
