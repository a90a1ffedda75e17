"""PyTorch's format before 1.6: five pickles (magic number, version, machine, structure, keys), then storages.

Each storage is its count of numbers in 8 bytes and the numbers themselves, in the order of the keys. A plain
pickle of a dictionary of tensors is read here too: it keeps each storage as such a file in its own bytes.
"""

from __future__ import annotations

import os
from typing import IO, Any

from ired_diag.pickled.machine import Machine
from ired_diag.pickled.values import DamagedPickle, Foreign
from ired_diag.runs.tensor_files.recognition import MAGIC
from ired_diag.runs.tensor_files.stored import DamagedTensors, Storage
from ired_diag.runs.tensor_files.torch_constructors import type_of_storage

COUNT_BYTES = 8


class LegacyContainer:
    """A file in the old format, or a plain pickle, opened."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._size = file.seek(0, os.SEEK_END)
        file.seek(0)
        self._storages: dict[str, Storage] = {}
        self._is_torch = MAGIC in file.read(len(MAGIC) + 2)
        self.kind = "PyTorch file of before 1.6" if self._is_torch else "pickle"
        file.seek(0)

    @property
    def unfolded(self) -> int:
        """How many bytes its parts take together."""
        return self._size

    def pickle(self) -> IO[bytes]:
        """Return the file at the pickle of the structure."""
        self._file.seek(0)
        if self._is_torch:
            for _ in range(2):
                Machine({}).read(self._file)
            machine = Machine({}).read(self._file)
            if isinstance(machine, dict) and machine.get("little_endian") is False:
                raise DamagedTensors("was written on a big-endian machine, which is not supported")
        return self._file

    def storage(self, identifier: Any) -> Any:
        """Return the storage that an identifier in the pickle means, or the class of a module."""
        if identifier[0] == "module":  # with the source text of its class
            return identifier[1]
        if not self._is_torch:
            raise DamagedPickle("refers to what is outside of it")
        _, kind, key, _, count = identifier[:5]
        if type(count) is not int or count < 0:
            raise DamagedTensors(f"storage {key} states no size")
        type_ = type_of_storage(kind)
        if type_ is None:
            return Foreign(str(kind))
        storage = self._storages.setdefault(str(key), Storage(str(key), type_, None, count))
        view = identifier[5] if len(identifier) > 5 else None
        return storage if view is None else self._view(storage, view)

    def _view(self, storage: Storage, view: Any) -> Storage:
        """Return a part of a storage, as the oldest files keep it: (key, first number, count)."""
        key, first, count = view
        if type(first) is not int or type(count) is not int or not 0 <= first <= first + count:
            raise DamagedTensors(f"storage {key} is a part without a place")
        if first + count > storage.claimed:
            raise DamagedTensors(f"storage {key} is a part of a smaller one")
        width = storage.type.itemsize
        start, end = first * width, (first + count) * width
        return Storage(str(key), storage.type, None, count, lambda: _bytes_of(storage)[start:end])

    def locate(self) -> None:
        """Find the storages behind the pickle of the structure, where the file is now.

        Raises:
            DamagedTensors: One is cut off, or of another size than the structure says.
        """
        if not self._is_torch:
            return
        keys = Machine({}).read(self._file)
        if not isinstance(keys, list):
            raise DamagedTensors("has no list of its storages")
        place = self._file.tell()
        for key in keys:
            storage = self._storages.get(str(key))
            if storage is None:
                raise DamagedTensors(f"has a storage {key} that nothing refers to")
            place = self._place(storage, place)
        for key, storage in self._storages.items():
            if storage.read is None:
                raise DamagedTensors(f"lacks the storage {key}")

    def _place(self, storage: Storage, place: int) -> int:
        """Note where the numbers of a storage are, and return where they end."""
        self._file.seek(place)
        count = int.from_bytes(self._file.read(COUNT_BYTES), "little")
        start, size = place + COUNT_BYTES, count * storage.type.itemsize
        if count != storage.claimed or start + size > self._size:
            raise DamagedTensors(f"storage {storage.key} is cut off or of another size than it states")
        storage.size = size
        storage.read = lambda: self._bytes_at(start, size)
        return start + size

    def _bytes_at(self, start: int, size: int) -> bytes:
        self._file.seek(start)
        return self._file.read(size)


def _bytes_of(storage: Storage) -> bytes:
    return storage.read() if storage.read else b""
