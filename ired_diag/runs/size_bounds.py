"""How much memory a PyTorch file may ask for: about as much as it has bytes.

A file states sizes, and a few bytes can state any: an archive entry that unfolds, a tensor that repeats one
number along every axis, a tensor without a stored value. Memory is taken when such values are first touched,
so sizes are checked before:

- the entries of the archive together are not larger than the file: PyTorch stores them as they are;
- no tensor is larger than the file, and all together at most ``SHARED`` times as large, because several
  names may share one tensor.

``SMALL`` bytes more are always allowed, for small files with repeated numbers.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ired_diag.errors import UnreadableFile

SMALL = 1 << 20
SHARED = 8
CONTAINERS = (Mapping, list, tuple, set)


def check_archive(path: Path) -> None:
    """Refuse an archive whose entries unfold into more than the file's own size.

    Raises:
        UnreadableFile: They do.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unfolded = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return  # not an archive, damaged, or not readable: the code that reads it says so
    stored = path.stat().st_size
    if unfolded > stored + SMALL:
        raise UnreadableFile(
            f"{path}: its parts unfold into {_size(unfolded)}, more than the file holds "
            f"({_size(stored)}). PyTorch stores parts as they are: save it with torch.save."
        )


def check_tensors(content: object, path: Path) -> None:
    """Refuse tensors that are larger than the file that they come from, before a value is touched.

    Raises:
        UnreadableFile: One tensor is, or all together are many times as large.
    """
    stored = path.stat().st_size + SMALL
    total = 0
    for name, tensor in _tensors(content):
        size = tensor.numel() * tensor.element_size()
        total += size
        if size > stored or total > SHARED * stored:
            raise UnreadableFile(
                f"{path}: expected tensors of about the size of the file, found {name} of shape "
                f"{tuple(tensor.shape)}, {_size(size)}. Save it with the values that it stands for: "
                "tensor.contiguous()."
            )


def _tensors(content: object) -> Iterator[tuple[str, Tensor]]:
    """Yield each tensor in nested containers with its name; a container that holds itself is entered once."""
    left: list[tuple[str, object]] = [("the content", content)]
    entered: set[int] = set()
    while left:
        name, value = left.pop()
        if isinstance(value, Tensor):
            yield name, value
        elif isinstance(value, CONTAINERS) and id(value) not in entered:
            entered.add(id(value))
            left.extend(_named_items(name, value))


def _named_items(name: str, container: Iterable[Any]) -> Iterator[tuple[str, object]]:
    """Yield what a container holds, by its keys or, in a list, by the name of the list."""
    if isinstance(container, Mapping):
        for key, item in container.items():
            yield str(key), item
    else:
        for item in container:
            yield name, item


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"
