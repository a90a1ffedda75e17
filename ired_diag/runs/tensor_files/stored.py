"""A tensor in a file: its type and shape, and where its numbers are, before any of them is read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ired_diag.pickled.values import DamagedPickle

MOST_AXES = 64
LARGEST = 1 << 60  # of a size

TYPE_OF_STORAGE = {  # the classes of PyTorch's storages, and the type of their numbers
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
    "UntypedStorage": torch.uint8,
    # Quantised numbers as they lie in the file; tensors of them are not built.
    "QInt8Storage": torch.int8,
    "QUInt8Storage": torch.uint8,
    "QInt32Storage": torch.int32,
    "QUInt4x2Storage": torch.uint8,
    "QUInt2x4Storage": torch.uint8,
}


class DamagedTensors(DamagedPickle):
    """Tensors whose numbers are not all in the file."""


@dataclass(eq=False)
class Storage:
    """A block of numbers.

    Attributes:
        key: Its name in the file.
        type: Of its numbers.
        size: Bytes that the file holds of it; None where that is unknown yet.
        claimed: Numbers that the file says it has.
        read: Returns its bytes.
    """

    key: str
    type: torch.dtype
    size: int | None
    claimed: int
    read: Callable[[], bytes] | None = None

    @property
    def bytes_claimed(self) -> int:
        """How many bytes the numbers need that the file says it has."""
        return self.claimed * self.type.itemsize

    def numbers(self) -> Tensor:
        """Return its bytes as a tensor.

        Raises:
            DamagedTensors: They are not all there.
        """
        content = self.read() if self.read else b""
        if len(content) < self.bytes_claimed:
            raise DamagedTensors(
                f"storage {self.key} has {len(content):,} bytes of the {self.bytes_claimed:,} that it states"
            )
        if not content:
            return torch.empty(0, dtype=torch.uint8)
        return torch.frombuffer(bytearray(content), dtype=torch.uint8)


@dataclass(eq=False)
class StoredTensor:
    """A view of a storage.

    Attributes:
        storage: Where its numbers are.
        type: Of its numbers.
        shape: Of the tensor.
        strides: Steps between neighbours along each axis, in numbers.
        offset: Of its first number in the storage.
    """

    storage: Storage
    type: torch.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int

    @property
    def place(self) -> tuple[object, ...]:
        """What tells it from another view of the same storage."""
        return self.type, self.shape, self.strides, self.offset

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """How many bytes its numbers take when each is stored."""
        return self.count * self.type.itemsize

    @property
    def end(self) -> int:
        """The byte of the storage behind its last number."""
        if not self.count:
            return 0
        last = self.offset
        for size, stride in zip(self.shape, self.strides, strict=True):
            last += (size - 1) * stride
        return (last + 1) * self.type.itemsize

    def view_of(self, numbers: Tensor) -> Tensor:
        """Return the tensor, from the bytes of its storage."""
        whole = len(numbers) // self.type.itemsize
        typed = numbers[: whole * self.type.itemsize].view(self.type)
        return typed.as_strided(self.shape, self.strides, self.offset)


def stored_tensor(
    storage: Any,
    offset: Any,
    shape: Any,
    strides: Any,
    *,
    type_: torch.dtype | None = None,
) -> StoredTensor:
    """Return a description of a tensor, from values that a file states.

    Raises:
        ValueError: Its storage is an object that was not built.
        DamagedTensors: They describe no tensor.
    """
    if not isinstance(storage, Storage):
        raise ValueError("a tensor without a storage")
    shape, strides = counts(shape), counts(strides)
    if len(shape) != len(strides):
        raise DamagedTensors("has a tensor whose shape and strides are of different lengths")
    return StoredTensor(storage, type_ or storage.type, shape, strides, *counts((offset,)))


def counts(values: Any) -> tuple[int, ...]:
    """Return sizes that a file states, after checking that they are.

    Raises:
        DamagedTensors: They are not.
    """
    if not isinstance(values, tuple | list) or len(values) > MOST_AXES:
        raise DamagedTensors("has a tensor without a shape")
    for number in values:
        if type(number) is not int or not 0 <= number < LARGEST:
            raise DamagedTensors("has a tensor with a size that is not a count")
    return tuple(values)
