"""Columns of arrow as arrays, from their buffers: arrow itself imports pandas, which takes longer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def array_of(column: pa.ChunkedArray) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return a column of numbers, and where it holds one, each of shape (rows,); elsewhere it holds 0."""
    values: list[NDArray[Any]] = []
    is_there: list[NDArray[np.bool_]] = []
    dtype = np.dtype(column.type.to_pandas_dtype())
    for chunk in column.chunks:
        buffer = chunk.buffers()[1]
        numbers = np.zeros(len(chunk), dtype=dtype)
        valid = np.zeros(len(chunk), dtype=np.bool_)
        if buffer is not None:
            stored = np.frombuffer(buffer, dtype=dtype, count=chunk.offset + len(chunk))[chunk.offset :]
            valid = np.from_dlpack(chunk.is_valid().cast(pa.uint8())).astype(np.bool_)
            numbers[valid] = stored[valid]
        values.append(numbers)
        is_there.append(valid)
    if not values:
        return np.zeros(0, dtype=dtype), np.zeros(0, dtype=np.bool_)
    return np.concatenate(values), np.concatenate(is_there)
