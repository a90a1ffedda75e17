"""A PyTorch file as a ``TensorFile``: the formats of today and of before 1.6, and pickles of tensors."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.pickled.machine import Machine
from ired_diag.pickled.values import DamagedPickle
from ired_diag.runs.files import check_lookup, exists, is_file
from ired_diag.runs.size_bounds import check_tensors, check_unfolded
from ired_diag.runs.tensor_files.legacy_container import LegacyContainer
from ired_diag.runs.tensor_files.recognition import ZIP_MAGIC
from ired_diag.runs.tensor_files.stored import DamagedTensors, Storage, StoredTensor
from ired_diag.runs.tensor_files.tensor_file import TensorFile, not_built
from ired_diag.runs.tensor_files.torch_constructors import Finish, torch_constructors
from ired_diag.runs.tensor_files.zip_container import ZipContainer

Container = ZipContainer | LegacyContainer


@contextmanager
def open_torch_file(path: Path) -> Iterator[TensorFile]:
    """Open a PyTorch file or a pickle of tensors, and read its structure.

    Raises:
        UnreadableFile: The file is missing, empty, damaged, not PyTorch's, or asks for far more memory
            than it has bytes.
        NotReadable: It may not be read.
    """
    check_file(path)
    size = path.stat().st_size
    if size == 0:
        raise UnreadableFile(f"{path}: is empty: the job may have died while saving. Use another one.")
    try:
        with path.open("rb") as file, as_unreadable(str(path)):
            yield read_torch_content(file, where=str(path), size=size)
    except OSError as error:
        raise unreadable(path, error) from error


def check_file(path: Path) -> None:
    """Refuse what is not a file.

    Raises:
        UnreadableFile: It is a folder, or there is nothing.
        NotReadable: It may not be looked up.
    """
    check_lookup(path)
    if not is_file(path):
        what_is_there = "a folder" if exists(path) else "nothing"
        raise UnreadableFile(f"{path}: expected a checkpoint file, found {what_is_there}.")


@contextmanager
def as_unreadable(where: str) -> Iterator[None]:
    """Say of damage in which file it is, and what to do.

    Raises:
        UnreadableFile: There was damage.
    """
    try:
        yield
    except DamagedPickle as error:
        raise UnreadableFile(
            f"{where}: is not a whole PyTorch file: it is truncated (a job that died while saving?), damaged "
            f"or of another format: {str(error)[:200]}. Use an earlier checkpoint."
        ) from error


def read_torch_content(file: IO[bytes], *, where: str, size: int) -> TensorFile:
    """Return what a file holds.

    Args:
        file: The file, which stays open for as long as its tensors are read.
        where: What to call it in an error.
        size: Its bytes.

    Raises:
        DamagedPickle: It is not a whole pickle.
        DamagedTensors: Its tensors are not all there.
        UnreadableFile: It asks for far more memory than it has bytes.
    """
    head = file.read(len(ZIP_MAGIC))
    container = ZipContainer(file) if head == ZIP_MAGIC else LegacyContainer(file)
    check_unfolded(container.unfolded, size, where)
    tensors: list[StoredTensor] = []

    def noted(tensor: StoredTensor) -> StoredTensor:
        tensors.append(tensor)
        return tensor

    content = _structure(container, noted)
    if isinstance(container, LegacyContainer):
        container.locate()
    _check_places(tensors)
    whole = TensorFile(
        where=where,
        kind=container.kind,
        content=content,
        rebuild=lambda finish: _structure(container, finish),
    )
    check_tensors(whole.values, size=size, where=where)
    whole.skipped = not_built(whole.values)
    return whole


def _structure(container: Container, finish: Finish) -> Any:
    constructors = torch_constructors(_storage_in_bytes, finish)
    return Machine(constructors, container.storage).read(container.pickle())


def _storage_in_bytes(content: Any) -> Storage:
    """Return a storage that stands in a pickle as the bytes of a file in the old format."""
    if not isinstance(content, bytes):
        raise ValueError("a storage that is not bytes")
    container = LegacyContainer(io.BytesIO(content))
    storage = Machine({}, container.storage).read(container.pickle())
    container.locate()
    if not isinstance(storage, Storage):
        raise DamagedTensors("has a storage that holds something else")
    return storage


def _check_places(tensors: list[StoredTensor]) -> None:
    """Refuse tensors that reach beyond their storages, and storages beyond the file.

    Raises:
        DamagedTensors: One does.
    """
    for tensor in tensors:
        storage = tensor.storage
        held = storage.bytes_claimed if storage.size is None else storage.size
        if storage.bytes_claimed > held or tensor.end > held:
            raise DamagedTensors(
                f"a tensor of shape {tensor.shape} needs more numbers than its storage {storage.key} has"
            )
