"""Safetensors files: a JSON header of names, types, shapes and places, then the numbers.

The library checks the header (places that do not overlap and fill the file); it is read again here for the
descriptions, because the library gives no place in the file.

Reference: https://github.com/huggingface/safetensors, section Format.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from ired_diag.errors import UnreadableFile
from ired_diag.runs.tensor_files.stored import Storage, StoredTensor
from ired_diag.runs.tensor_files.tensor_file import TensorFile
from ired_diag.runs.tensor_files.torch_content import check_file

LENGTH = 8  # bytes of the header's length

TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E4M3": torch.float8_e4m3fn,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U64": torch.uint64,
    "U32": torch.uint32,
    "U16": torch.uint16,
    "U8": torch.uint8,
    "BOOL": torch.bool,
    "C64": torch.complex64,
}


def read_safetensors(path: Path) -> TensorFile:
    """Return what a safetensors file holds.

    Raises:
        UnreadableFile: The file is missing, empty or damaged.
        NotReadable: It may not be read.
    """
    check_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        with path.open("rb") as raw:
            length = int.from_bytes(raw.read(LENGTH), "little")
            header = json.loads(raw.read(length))
    except (SafetensorError, OSError, ValueError) as error:
        raise UnreadableFile(
            f"{path}: is not a whole safetensors file ({error}). Use an earlier checkpoint."
        ) from error
    header.pop("__metadata__", None)
    content: dict[str, StoredTensor] = {}
    skipped: Counter[str] = Counter()
    for name, entry in header.items():
        if entry["dtype"] in TYPES:
            content[name] = _stored(path, name, entry, start=LENGTH + length)
        else:
            skipped[f"safetensors numbers of type {entry['dtype']}"] += 1
    return TensorFile(
        where=str(path),
        kind="safetensors",
        content=content,
        skipped=skipped,
        metadata=metadata,
    )


def _stored(path: Path, name: str, entry: dict[str, Any], *, start: int) -> StoredTensor:
    type_ = TYPES[entry["dtype"]]
    shape = tuple(entry["shape"])
    first, end = entry["data_offsets"]
    read = partial(bytes_at, path, start + first, end - first)
    storage = Storage(name, type_, end - first, math.prod(shape), read)
    return StoredTensor(storage, type_, shape, row_major(shape), 0)


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of a tensor whose numbers stand in order.

    >>> row_major((2, 3, 4))
    (12, 4, 1)
    """
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.insert(0, step)
        step *= max(size, 1)
    return tuple(strides)


def bytes_at(path: Path, start: int, size: int) -> bytes:
    """Return a part of a file; less where the file ends before."""
    with path.open("rb") as file:
        file.seek(start)
        return file.read(size)
