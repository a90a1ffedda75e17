"""PyTorch's zip format: ``<name>/data.pkl`` holds the structure, ``<name>/data/<key>`` each storage.

``torch.load`` compares no checksum (2.13): a storage with a flipped bit is loaded without a word. Here each
part is compared with its checksum where one is stored (``set_crc32_options(False)`` stores 0).
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from typing import IO, Any

from ired_diag.pickled.values import Foreign
from ired_diag.runs.tensor_files.stored import DamagedTensors, Storage
from ired_diag.runs.tensor_files.torch_constructors import type_of_storage

BROKEN_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    LookupError,
    ValueError,
)


class ZipContainer:
    """An archive, opened.

    Attributes:
        kind: What the container is called.
        pickle: The structure.
    """

    def __init__(self, file: IO[bytes]) -> None:
        try:
            self._archive = zipfile.ZipFile(file)
        except BROKEN_ARCHIVE as error:
            raise DamagedTensors(f"is not a whole archive ({error})") from error
        self._entries = {entry.filename: entry for entry in self._archive.infolist()}
        self._storages: dict[tuple[str, str], Storage] = {}
        self._folder = self._folder_of_data()
        self.kind = "TorchScript archive" if self._is_script() else "PyTorch zip file"
        self._check_byte_order()

    @property
    def unfolded(self) -> int:
        """How many bytes its parts take together."""
        return sum(entry.file_size for entry in self._entries.values())

    def pickle(self) -> IO[bytes]:
        """Return the pickle of the structure."""
        return io.BytesIO(self._read(f"{self._folder}data.pkl"))

    def storage(self, identifier: Any) -> Any:
        """Return the storage that an identifier in the pickle means; a placeholder for other numbers."""
        _, kind, key, _, count = identifier[:5]
        type_ = type_of_storage(kind)
        if type_ is None:
            return Foreign(str(kind))
        if type(count) is not int or count < 0:
            raise DamagedTensors(f"storage {key} states no size")
        place = (str(key), str(type_))
        if place not in self._storages:
            self._storages[place] = self._new_storage(str(key), type_, count)
        return self._storages[place]

    def _new_storage(self, key: str, type_: Any, count: int) -> Storage:
        name = f"{self._folder}data/{key}"
        entry = self._entries.get(name)
        size = entry.file_size if entry else 0
        return Storage(key, type_, size, count, lambda: self._read(name))

    def _read(self, name: str) -> bytes:
        entry = self._entries.get(name)
        if entry is None:
            raise DamagedTensors(f"has no part {name}")
        stored_checksum = entry.CRC
        try:
            with self._archive.open(entry) as part:
                part._expected_crc = None  # type: ignore[attr-defined]  # compared below, where one is stored
                content = part.read()
        except BROKEN_ARCHIVE as error:
            raise DamagedTensors(f"its part {name} cannot be read ({error})") from error
        if stored_checksum and zlib.crc32(content) != stored_checksum:
            raise DamagedTensors(f"its part {name} is not what its checksum says: the file is damaged")
        if len(content) != entry.file_size:
            raise DamagedTensors(f"its part {name} is cut off")
        return content

    def _folder_of_data(self) -> str:
        for name in self._entries:
            if name == "data.pkl" or name.endswith("/data.pkl"):
                return name.removesuffix("data.pkl")
        raise DamagedTensors("is an archive without the data.pkl of a PyTorch file")

    def _is_script(self) -> bool:
        return any(name.startswith(f"{self._folder}code/") for name in self._entries)

    def _check_byte_order(self) -> None:
        name = f"{self._folder}byteorder"
        if name in self._entries and self._read(name) == b"big":
            raise DamagedTensors("was written on a big-endian machine, which is not supported")
