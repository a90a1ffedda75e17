"""Fields that hold large arrays: what exceeds a bound on memory lies in a temporary file until it is read.

Twenty histories of a million rows and three metrics are a gigabyte, and few commands look at more than one
array at a time. So an array of at least ``SMALLEST`` bytes is counted, and where those that are held exceed
``MOST_HELD`` together, the next is written to a file without a name and mapped when it is read: it takes
memory while somebody holds it. Equal arrays lie there once: metrics that are logged at the same steps share
these.

The file is in the folder for temporary files (``TMPDIR``) and goes with the process. Where it cannot be
written, arrays stay in memory.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import tempfile
import threading
import weakref
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

SMALLEST = 1 << 15  # bytes
MOST_HELD = 1 << 27  # bytes: 128 MiB
PART = 1 << 21  # bytes of a growing array that are placed together

Number = TypeVar("Number", bound=np.generic)


class LargeArray(Generic[Number]):
    """A field of a dataclass that takes an array and gives an array that is equal to it, for reading only."""

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the field's name."""
        self.name = name

    @overload
    def __get__(self, holder: None, owner: type) -> LargeArray[Number]: ...

    @overload
    def __get__(self, holder: object, owner: type) -> NDArray[Number]: ...

    def __get__(self, holder: object | None, owner: type) -> LargeArray[Number] | NDArray[Number]:
        """Return the array, mapped where it lies in the file.

        Raises:
            AttributeError: Of the class itself, which has no array: so a dataclass sees no default.
        """
        if holder is None:
            raise AttributeError(self.name)
        array: Any = holder.__dict__[self.name]
        if isinstance(array, Placed):
            array = array.mapped()
        return array  # type: ignore[no-any-return]

    def __set__(self, holder: object, array: NDArray[Number]) -> None:
        """Keep the array, in memory or in the file."""
        if getattr(array, "nbytes", 0) >= SMALLEST:
            holder.__dict__[self.name] = _MEMORY.kept(array)
        else:
            holder.__dict__[self.name] = array


class LargeArrays(Mapping[str, NDArray[Any]]):
    """Arrays by name, kept as those of ``LargeArray`` are."""

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Keep the arrays.

        Args:
            arrays: By name; it is emptied, so that one after the other may be let go of.
        """
        self._kept: dict[str, _Holder] = {}
        for name in list(arrays):
            self._kept[name] = _Holder(arrays.pop(name))

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._kept[name].array

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)


class GrowingArray:
    """An array that grows at its end, in parts that are kept as those of ``LargeArray`` are."""

    def __init__(self) -> None:
        """Begin without a number."""
        self._length = 0
        self._parts: list[_Holder] = []
        self._latest: list[NDArray[Any]] = []
        self._bytes = 0

    def __len__(self) -> int:
        return self._length

    def append(self, array: NDArray[Any]) -> None:
        """Add numbers at the end."""
        self._latest.append(array)
        self._length += len(array)
        self._bytes += array.nbytes
        if self._bytes >= PART:
            self._join_latest()

    def whole(self) -> NDArray[Any]:
        """Return all numbers; the parts are let go of on the way."""
        self._join_latest()
        if len(self._parts) == 1:
            return self._parts.pop().array
        kind = np.result_type(*(part.array.dtype for part in self._parts))
        array = np.empty(self._length, dtype=kind)
        start = 0
        for part in self.parts():
            array[start : start + len(part)] = part
            start += len(part)
        return array

    def parts(self) -> Iterator[NDArray[Any]]:
        """Yield all numbers in parts, for reading only; each is let go of. Equal lengths have equal parts."""
        self._join_latest()
        self._parts.reverse()
        while self._parts:
            yield self._parts.pop().array

    def _join_latest(self) -> None:
        if self._latest:
            self._parts.append(_Holder(np.concatenate(self._latest)))
            self._latest = []
            self._bytes = 0


class ArrayMemory:
    """Counts the large arrays that are held, and places further ones in a file.

    Attributes:
        most_held: Bytes of arrays that may be held in memory.
        held: Bytes of arrays that are.
    """

    def __init__(self, most_held: int = MOST_HELD) -> None:
        """Hold nothing yet.

        Args:
            most_held: Bytes of arrays that may be held in memory.
        """
        self.most_held = most_held
        self.held = 0
        self._lock = threading.RLock()  # an array may go while another is placed
        self._counted: dict[int, int] = {}
        self._file: ArrayFile | None = None
        self._is_broken = False

    def kept(self, array: NDArray[Any]) -> NDArray[Any] | Placed:
        """Return an array as it is, or where it was placed."""
        placed = _place_of(array)
        if placed is not None:
            return placed
        with self._lock:
            if id(array) in self._counted:
                return array
            if self.held + array.nbytes <= self.most_held:
                self._count(array)
                return array
            return self._placed(array)

    def begin_again(self) -> None:
        """Write to a file of its own, in a process that was forked: the other's is still written to."""
        self._lock = threading.RLock()
        self._file = None

    def _count(self, array: NDArray[Any]) -> None:
        self._counted[id(array)] = array.nbytes
        self.held += array.nbytes
        weakref.finalize(array, self._forget, id(array)).atexit = False

    def _forget(self, identity: int) -> None:
        with self._lock:
            self.held -= self._counted.pop(identity)

    def _placed(self, array: NDArray[Any]) -> NDArray[Any] | Placed:
        if self._is_broken or array.dtype.hasobject or array.ndim != 1:
            return array
        try:
            if self._file is None:
                self._file = ArrayFile()
            return self._file.place(array)
        except OSError:  # no folder for temporary files, or a full disk
            self._is_broken = True
            return array


def _place_of(array: NDArray[Any]) -> Placed | None:
    """Return where an array lies that was mapped; None of any other, and of a part of it."""
    if not isinstance(array.base, memoryview) or not isinstance(array.base.obj, MappedPiece):
        return None
    mapping = array.base.obj
    return mapping.placed if array.nbytes == len(mapping) else None


class ArrayFile:
    """A file without a name that holds arrays; the room of one that nobody needs is used again."""

    def __init__(self) -> None:
        """Make the file.

        Raises:
            OSError: There is no folder that it can be made in.
        """
        self.descriptor, path = tempfile.mkstemp(prefix="ired-diag-")
        os.unlink(path)  # noqa: PTH108 (the file is there until it is closed)
        weakref.finalize(self, os.close, self.descriptor).atexit = False
        self._end = 0
        self._free: dict[int, list[int]] = defaultdict(list)  # beginnings, by their size
        self._placed: weakref.WeakValueDictionary[bytes, Placed] = weakref.WeakValueDictionary()

    def place(self, array: NDArray[Any]) -> Placed:
        """Write an array, and return where it is.

        Raises:
            OSError: The disk is full.
        """
        content = np.ascontiguousarray(array)
        digest = hashlib.blake2b(content.data, digest_size=16, key=content.dtype.str.encode()).digest()
        placed = self._placed.get(digest)
        if placed is not None:
            return placed
        size = -(-content.nbytes // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        if self._free[size]:
            start = self._free[size].pop()
        else:
            start = self._end
            self._end += size
        try:
            self._write(content, start)
        except OSError:
            self._free[size].append(start)
            raise
        placed = Placed(self, start, content)
        weakref.finalize(placed, self._free[size].append, start).atexit = False
        self._placed[digest] = placed
        return placed

    def _write(self, content: NDArray[Any], start: int) -> None:
        left = content.data.cast("B")
        while left:
            written = os.pwrite(self.descriptor, left, start)
            left = left[written:]
            start += written


class Placed:
    """Where an array lies in a file."""

    def __init__(self, file: ArrayFile, start: int, array: NDArray[Any]) -> None:
        """Keep the place.

        Args:
            file: The file.
            start: The array's first byte.
            array: The array, which is not kept.
        """
        self._file = file
        self._start = start
        self._dtype = array.dtype
        self._bytes = array.nbytes
        self._mapped: weakref.ref[NDArray[Any]] | None = None

    def mapped(self) -> NDArray[Any]:
        """Return the array, mapped once for all who hold it."""
        array = self._mapped() if self._mapped is not None else None
        if array is not None:
            return array
        mapping = MappedPiece(self._file.descriptor, self._bytes, access=mmap.ACCESS_READ, offset=self._start)
        mapping.placed = self
        array = np.frombuffer(mapping, dtype=self._dtype)
        self._mapped = weakref.ref(array)
        return array


class MappedPiece(mmap.mmap):
    """A mapped piece of a file; as long as it is held, its place is not given to another array."""

    placed: Placed


@dataclass(frozen=True)
class _Holder:
    array: LargeArray[Any] = LargeArray()


_MEMORY = ArrayMemory()
os.register_at_fork(after_in_child=lambda: _MEMORY.begin_again())
