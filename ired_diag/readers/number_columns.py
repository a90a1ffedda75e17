"""Printed numbers as an array, by arrow: four times as fast as ``float``, and equal to the bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

FEWEST = 16  # numbers: of fewer, the call takes longer than what it saves


def numbers_of(texts: Sequence[bytes]) -> NDArray[np.float64]:
    """Return texts as numbers, of shape (n,).

    Raises:
        ValueError: One is not a number to Python.

    >>> numbers_of([b"0.25", b"-1e3", b"nan"]).tolist()
    [0.25, -1000.0, nan]
    """
    if len(texts) >= FEWEST:
        together = b"".join(texts)
        # Only in these characters both read the same numbers: arrow also reads "nan(1)".
        if not together.translate(None, b"0123456789.-eE"):
            numbers = _by_arrow(texts, together)
            if numbers is not None:
                return numbers
    return np.fromiter(map(float, texts), np.float64, len(texts))


def _by_arrow(texts: Sequence[bytes], together: bytes) -> NDArray[np.float64] | None:
    # Of buffers, because pa.array imports pandas.
    offsets = np.zeros(len(texts) + 1, dtype=np.int32)
    np.cumsum(np.fromiter(map(len, texts), np.int32, len(texts)), out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(together)]
    column = pa.Array.from_buffers(pa.string(), len(texts), buffers)
    try:
        numbers = column.cast(pa.float64())
    except pa.ArrowInvalid:  # "-" is not a number, and float says so
        return None
    return np.frombuffer(numbers.buffers()[1], dtype=np.float64, count=len(texts))
