"""PyTorch's distributed checkpoints: a folder with ``.metadata``, a pickle, and parts in ``*.distcp`` files.

The metadata says for each tensor its shape, its chunks, and in which file and at which bytes each chunk is; a
chunk is a PyTorch file of its own within the ``.distcp`` file. PyTorch's reader runs what the metadata names;
here it is read as data. ``planner_data`` gives the nested place of each name in the state that was saved.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.pickled.machine import Machine
from ired_diag.pickled.plain_constructors import PLAIN_CONSTRUCTORS
from ired_diag.pickled.values import DamagedPickle, Foreign, Name
from ired_diag.runs.files import is_file
from ired_diag.runs.size_bounds import SMALL
from ired_diag.runs.tensor_files.recognition import METADATA
from ired_diag.runs.tensor_files.safetensors_container import bytes_at, row_major
from ired_diag.runs.tensor_files.stored import DamagedTensors, Storage, StoredTensor, counts
from ired_diag.runs.tensor_files.tensor_file import TensorFile, not_built
from ired_diag.runs.tensor_files.torch_constructors import TYPES
from ired_diag.runs.tensor_files.torch_content import as_unreadable, read_torch_content


@dataclass(frozen=True)
class _Part:
    """Where a chunk is: a file, its bytes in it, and the place of its first number in the tensor."""

    path: Path
    start: int
    size: int
    corner: tuple[int, ...]


@contextmanager
def open_distributed(folder: Path) -> Iterator[TensorFile]:
    """Open a distributed checkpoint.

    Raises:
        UnreadableFile: Its metadata is damaged.
        NotReadable: It may not be read.
    """
    path = folder / METADATA
    try:
        with path.open("rb") as file, as_unreadable(str(path)):
            metadata = Machine(PLAIN_CONSTRUCTORS).read(file)
    except OSError as error:
        raise unreadable(path, error) from error
    with as_unreadable(str(folder)):
        yield _tensor_file(folder, _attributes(metadata))


def _tensor_file(folder: Path, metadata: Mapping[str, Any]) -> TensorFile:
    entries, parts = metadata.get("state_dict_metadata"), _parts(folder, metadata.get("storage_data"))
    if not isinstance(entries, Mapping):
        raise UnreadableFile(f"{folder / METADATA}: expected the metadata of tensors, found none.")
    _check_sizes(folder, parts)
    places = metadata.get("planner_data")
    whole = TensorFile(where=str(folder), kind="distributed checkpoint", content={})
    for name, entry in entries.items():
        place = places.get(name) if isinstance(places, Mapping) else None
        if not isinstance(place, tuple) or not place:
            place = (name,)
        try:
            value = _value(str(name), _attributes(entry), parts.get(str(name), []))
        except (DamagedPickle, OSError) as error:
            whole.damage.append(f"{name}: {str(error)[:200]}.")
            continue
        _store(whole.content, place, value)
    whole.skipped = not_built(whole.values)
    return whole


def _check_sizes(folder: Path, parts: Mapping[str, list[_Part]]) -> None:
    """Refuse parts that together are far larger than the files: the same bytes many times over.

    Raises:
        DamagedTensors: They are.
    """
    every = [part for of_name in parts.values() for part in of_name]
    files = {part.path for part in every if is_file(part.path)}
    stored = sum(path.stat().st_size for path in files)
    if sum(part.size for part in every) > 2 * stored + SMALL and len(files) == len({p.path for p in every}):
        raise DamagedTensors("states more parts than its files hold")


def _store(content: dict[Any, Any], place: tuple[Any, ...], value: Any) -> None:
    """Store a value at its nested place; where that is taken, under its dotted name."""
    target = content
    for key in map(str, place[:-1]):
        inner = target.setdefault(key, {})
        if not isinstance(inner, dict):
            content[".".join(map(str, place))] = value
            return
        target = inner
    target[str(place[-1])] = value


def _parts(folder: Path, storage_data: Any) -> dict[str, list[_Part]]:
    """Return the chunks of each name."""
    parts: dict[str, list[_Part]] = {}
    if not isinstance(storage_data, Mapping):
        return parts
    for index, information in storage_data.items():
        key, place = _attributes(index), _attributes(information)
        name, start, size = place.get("relative_path"), place.get("offset"), place.get("length")
        corner = key.get("offset") or ()
        if not isinstance(name, str) or Path(name).name != name:
            raise DamagedTensors("names a file outside of its folder")
        if type(start) is not int or type(size) is not int or min(start, size) < 0:
            raise DamagedTensors("has a part without a place")
        if place.get("transform_descriptors"):
            raise DamagedTensors("has compressed or encrypted parts, which are not read")
        parts.setdefault(str(key.get("fqn")), []).append(_Part(folder / name, start, size, counts(corner)))
    return parts


def _attributes(value: Any) -> Mapping[str, Any]:
    return value.attributes if isinstance(value, Foreign) else {}


def _value(name: str, entry: Mapping[str, Any], parts: list[_Part]) -> Any:
    """Return what stands under a name: a tensor's description, or a value of another kind, read."""
    if not parts:
        raise DamagedTensors("has no part in any file")
    for part in parts:
        if not is_file(part.path) or part.path.stat().st_size < part.start + part.size:
            raise DamagedTensors(f"{part.path.name} is missing or cut off")
    if "size" not in entry:
        return _content_of(parts[0])
    shape, type_ = counts(entry["size"]), _type_of(entry.get("properties"))
    count = math.prod(shape)
    held = {(part.path, part.start): part.size for part in parts}
    if count * type_.itemsize > sum(held.values()):
        raise DamagedTensors(f"states a shape {shape} that is larger than its parts")
    read = partial(_assembled, shape, type_, parts)
    storage = Storage(name, type_, count * type_.itemsize, count, read)
    return StoredTensor(storage, type_, shape, row_major(shape), 0)


def _type_of(properties: Any) -> torch.dtype:
    """Return the type of numbers, which the properties state first, or by name."""
    name = _attributes(properties).get("dtype")
    state = []
    if isinstance(properties, Foreign):
        state = properties.state
    if state and isinstance(state[0], tuple) and state[0]:
        name = state[0][0]
    if not isinstance(name, Name) or name.name not in TYPES:
        raise DamagedTensors("has numbers of an unknown type")
    return TYPES[name.name]


def _content_of(part: _Part) -> Any:
    content = bytes_at(part.path, part.start, part.size)
    return read_torch_content(io.BytesIO(content), where=str(part.path), size=part.size).content


def _assembled(shape: tuple[int, ...], type_: torch.dtype, parts: list[_Part]) -> bytes:
    """Return the bytes of a tensor, from all of its chunks."""
    whole = torch.empty(shape, dtype=type_)
    filled = 0
    for part in parts:
        chunk = _chunk(part)
        if chunk.dtype != type_ or len(chunk.shape) != len(shape):
            raise DamagedTensors(f"{part.path.name} holds a chunk of another type or shape")
        corner = part.corner or (0,) * len(shape)
        target = whole
        for axis, (first, size) in enumerate(zip(corner, chunk.shape, strict=True)):
            if first + size > shape[axis]:
                raise DamagedTensors(f"{part.path.name} holds a chunk that reaches beyond its tensor")
            target = target.narrow(axis, first, size)
        target.copy_(chunk)
        filled += chunk.numel()
    if filled != whole.numel():
        raise DamagedTensors(f"its chunks hold {filled:,} of {whole.numel():,} numbers")
    return whole.contiguous().view(-1).view(torch.uint8).numpy().tobytes()


def _chunk(part: _Part) -> torch.Tensor:
    content = bytes_at(part.path, part.start, part.size)
    file = read_torch_content(io.BytesIO(content), where=str(part.path), size=part.size)
    if not isinstance(file.content, StoredTensor):
        raise DamagedTensors(f"{part.path.name} holds something else in the place of a tensor")
    return file.tensor(file.content)
