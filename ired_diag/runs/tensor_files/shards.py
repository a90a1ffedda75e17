"""Weights in several files with an index: ``weight_map`` in a JSON file names the file of each tensor.

``model.safetensors.index.json`` and ``pytorch_model.bin.index.json`` are of this kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.json_object import read_json_object
from ired_diag.runs.files import is_file
from ired_diag.runs.tensor_files.safetensors_container import read_safetensors
from ired_diag.runs.tensor_files.tensor_file import TensorFile
from ired_diag.runs.tensor_files.torch_content import open_torch_file

SHARD = re.compile(r"(.+)-(\d{5,})-of-(\d{5,})(\.safetensors|\.bin|\.pt|\.pth)")
MOST_NAMED = 3


def note_on_shard(path: Path) -> list[str]:
    """Return a note where a file is only one of several shards."""
    if match := SHARD.fullmatch(path.name):
        name, number, count, suffix = match.groups()
        whole = f"{name}{suffix}.index.json"
        return [f"It is shard {int(number)} of {int(count)}. All tensors: open {whole}."]
    return []


@contextmanager
def open_shards(path: Path) -> Iterator[TensorFile]:
    """Open all shards that an index names, as one.

    Raises:
        UnreadableFile: The index is damaged, or names files outside of its folder.
        NotReadable: It may not be read.
    """
    places = _places(path)
    names = list(dict.fromkeys(places.values()))
    whole = TensorFile(where=str(path), kind=f"{len(names)} shards with an index", content={})
    with ExitStack() as stack:
        for name in names:
            expected = {tensor for tensor, file in places.items() if file == name}
            try:
                shard = _open_shard(path.parent / name, stack)
            except DiagError as error:
                whole.damage.append(f"{str(error).rstrip('.')} ({len(expected)} tensors are missing).")
                continue
            _add(shard, name, expected, whole)
        yield whole


def _open_shard(path: Path, stack: ExitStack) -> TensorFile:
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    if not is_file(path):
        raise UnreadableFile(f"{path}: expected a checkpoint file, found nothing.")
    return stack.enter_context(open_torch_file(path))


def _add(shard: TensorFile, name: str, expected: set[str], whole: TensorFile) -> None:
    """Add the tensors of a shard, and say what is not as the index says."""
    content: Mapping[str, Any] = shard.content if isinstance(shard.content, Mapping) else {}
    whole.content.update(content)
    whole.skipped += shard.skipped
    if missing := sorted(expected - content.keys()):
        whole.damage.append(f"{name}: lacks {_listed(missing)}, which the index says it holds.")
    if extra := sorted(str(key) for key in content.keys() - expected):
        whole.notes.append(f"{name} holds {_listed(extra)}, which the index does not list.")


def _listed(names: list[str]) -> str:
    listed = ", ".join(names[:MOST_NAMED])
    if len(names) > MOST_NAMED:
        return f"{listed} and {len(names) - MOST_NAMED} more"
    return listed


def _places(path: Path) -> dict[str, str]:
    """Return the file of each tensor."""
    places = read_json_object(path).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise UnreadableFile(f"{path}: expected an index of shards with a weight_map, found none.")
    for name in places.values():
        if not isinstance(name, str) or Path(name).name != name or name in ("", ".", ".."):
            raise UnreadableFile(f"{path}: expected names of files next to it, found {str(name)[:80]!r}.")
    return places
