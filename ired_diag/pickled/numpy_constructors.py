"""Numbers and arrays of numpy in a pickle, built from their bytes: numbers only, no Python objects.

A pickle writes a number as ``scalar(dtype, bytes)``. An array is made empty, ``_reconstruct(…)``, and filled
with (version, shape, dtype, is Fortran order, bytes); protocol 5 writes ``_frombuffer(bytes, dtype, …)``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ired_diag.pickled.machine import Constructor
from ired_diag.pickled.values import DamagedPickle, NumpyArray, NumpyType

NUMBER = re.compile(r"[biufc]\d{1,2}|\?")
MOST_AXES = 32
MODULES = ("numpy.core", "numpy._core")  # before numpy 2, and since


def fill_numpy(target: NumpyArray | NumpyType, state: Any) -> None:
    """Set what a pickle says of an array or of a type of numbers after making it.

    Raises:
        DamagedPickle: The bytes are not as many as the shape and the type need.
    """
    if not isinstance(state, tuple):
        raise DamagedPickle("fills an array with what is not a tuple")
    if isinstance(target, NumpyType):
        if len(state) > 1 and state[1] in ("<", ">", "=", "|"):
            target.order = state[1]
        return
    _, shape, kind, in_fortran_order, content = state[-5:]
    target.values = _array(content, kind, shape, in_fortran_order=in_fortran_order is True)


def _array(content: Any, kind: Any, shape: Any, *, in_fortran_order: bool) -> np.ndarray[Any, Any] | None:
    number = _number_type(kind)
    if number is None:
        return None  # Python objects, texts or dates
    if isinstance(content, str):
        content = content.encode("latin1")  # of Python 2
    if not isinstance(content, bytes | bytearray) or not _is_shape(shape):
        raise DamagedPickle("has an array without bytes or shape")
    if len(content) != math.prod(shape) * number.itemsize:
        raise DamagedPickle(f"has an array of shape {shape} with {len(content)} bytes")
    values = np.frombuffer(content, dtype=number)
    if in_fortran_order:
        return values.reshape(shape[::-1]).T
    return values.reshape(shape)


def _is_shape(shape: Any) -> bool:
    if not isinstance(shape, tuple) or len(shape) > MOST_AXES:
        return False
    return all(type(size) is int and 0 <= size < 1 << 48 for size in shape)


def _number_type(kind: Any) -> np.dtype[Any] | None:
    if not isinstance(kind, NumpyType) or not NUMBER.fullmatch(kind.code):
        return None
    order = kind.order if kind.order in "<>" else ""
    return np.dtype(f"{order}{kind.code}")


def _scalar(kind: Any, content: Any = b"") -> Any:
    """Return a number as Python's own."""
    number = _number_type(kind)
    if number is None:
        raise ValueError("not a number")
    if isinstance(content, str):
        content = content.encode("latin1")
    if len(content) != number.itemsize:
        raise DamagedPickle("has a number of wrong length")
    value = np.frombuffer(content, dtype=number)[0].item()
    return str(value) if isinstance(value, complex) else value


def _type(code: Any, *_: Any) -> NumpyType:
    if not isinstance(code, str):
        raise TypeError("a type of numbers is named by a text")
    return NumpyType(code)


def _empty_array(*_: Any) -> NumpyArray:
    return NumpyArray()


def _from_buffer(content: Any, kind: Any, shape: Any, order: Any, *_: Any) -> NumpyArray:
    return NumpyArray(_array(content, kind, shape, in_fortran_order=order == "F"))


NUMPY_CONSTRUCTORS: Mapping[str, Constructor] = {
    "numpy.dtype": _type,
    **{f"{module}.multiarray.scalar": _scalar for module in MODULES},
    **{f"{module}.multiarray._reconstruct": _empty_array for module in MODULES},
    **{f"{module}.numeric._frombuffer": _from_buffer for module in MODULES},
}
