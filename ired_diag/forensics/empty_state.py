"""Saved states with nothing in them, found without loading them.

A PyTorch file is a zip archive with one entry ``…/data/<n>`` a tensor; a safetensors file begins with the
length of its header (8 bytes, little-endian) and the header, JSON that names each tensor with its place. Both
directories are read, and no tensor, no pickle. A state is told where

- the file has no bytes, or holds no tensor, or none with a byte in it;
- its tensors have less than 1% of the bytes of the median of the other files of the run: what is left may
  be a counter. A state of one network and one with its average and its optimiser's memory differ by 4 times.

The study's forks wrote such a ``final_model.pt``: the filter by which its keys were chosen matched none.
A file that ends early is told as a warning. Files in PyTorch's format from before 1.6 are not looked into.

References: the comment on the file format in ``torch/serialization.py``; the safetensors specification.
"""

from __future__ import annotations

import re
import statistics
import struct
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.json_text import parse_json
from ired_diag.runs.study import Study

TENSOR = re.compile(r"(?:^|/)data/\d+$")
ZIP = b"PK"
LENGTH = struct.Struct("<Q")
SMALL = 0.01
MOST_OF_HEADER = 100_000_000  # bytes; the limit of the safetensors library


@dataclass(frozen=True)
class Content:
    """What a checkpoint file holds.

    Attributes:
        path: The file.
        size: Its bytes.
        tensors: How many it names; None where it cannot be told.
        payload: Their bytes together.
        damage: Why its directory cannot be read, if it cannot.
    """

    path: Path
    size: int
    tensors: int | None
    payload: int = 0
    damage: str = ""


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group with empty states, and one for each with damaged files."""
    seen: set[Path] = set()
    empty: dict[str, list[Content]] = defaultdict(list)
    damaged: dict[str, list[Content]] = defaultdict(list)
    for run in study.runs:
        contents = [content_of(path) for path in run.checkpoints]
        for content in contents:
            place = content.path.resolve()
            if place in seen:
                continue
            seen.add(place)
            if content.damage:
                damaged[run.group].append(content)
            elif _is_empty(content, contents):
                empty[run.group].append(content)
    for group, found in empty.items():
        yield _empty(group, found)
    for group, found in damaged.items():
        yield _damaged(group, found)


def content_of(path: Path) -> Content:
    """Return what a checkpoint file holds, by its directory alone."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(len(ZIP))
        if size == 0:
            return Content(path, 0, 0)
        if path.suffix == ".safetensors":
            return _safetensors(path, size)
        return _zip(path, size) if start == ZIP else Content(path, size, None)
    except OSError as error:
        return Content(path, 0, None, damage=error.strerror or str(error))


def _zip(path: Path, size: int) -> Content:
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = [entry.file_size for entry in archive.infolist() if TENSOR.search(entry.filename)]
    except (zipfile.BadZipFile, struct.error, NotImplementedError, ValueError):
        return Content(path, size, None, damage="it ends before its directory")
    return Content(path, size, len(sizes), sum(sizes))


def _safetensors(path: Path, size: int) -> Content:
    with path.open("rb") as file:
        start = file.read(LENGTH.size)
        length = LENGTH.unpack(start)[0] if len(start) == LENGTH.size else size
        header = file.read(length) if length <= min(size, MOST_OF_HEADER) else b""
    try:
        told = parse_json(header, most_bytes=MOST_OF_HEADER)
        ends = [int(told[name]["data_offsets"][1]) for name in told if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, IndexError):
        return Content(path, size, None, damage="its header cannot be read")
    payload = max(ends, default=0)
    short = "" if LENGTH.size + length + payload <= size else "it ends before its last tensor"
    return Content(path, size, len(ends), payload, short)


def _is_empty(content: Content, of_run: Sequence[Content]) -> bool:
    if content.tensors is None:
        return False
    others = [other.payload for other in of_run if other.payload and other.path != content.path]
    return not content.payload or bool(others and content.payload < SMALL * statistics.median(others))


def _empty(group: str, found: list[Content]) -> Finding:
    first = found[0]
    statement = (
        f"{group}: {len(found)} saved {'state holds' if len(found) == 1 else 'states hold'} no weights: "
        f"{listed(_told(content) for content in found)}. Nothing of the network was kept."
    )
    evidence: Evidence = {
        "group": group,
        "files": len(found),
        "file": str(first.path),
        "bytes": first.size,
        "tensors": first.tensors,
        "tensor_bytes": first.payload,
    }
    advice = "Use another checkpoint of the run, and look at which keys the code that saves selects."
    return Finding("empty_state", "error", statement, evidence, advice)


def _damaged(group: str, found: list[Content]) -> Finding:
    told = listed(f"{_name(content.path)} ({content.damage})" for content in found)
    statement = (
        f"{group}: {len(found)} saved {'state is' if len(found) == 1 else 'states are'} not whole: {told}."
    )
    evidence: Evidence = {"group": group, "files": len(found), "file": str(found[0].path)}
    evidence["bytes"] = found[0].size
    advice = "A job that died while saving leaves such a file: use the checkpoint before it."
    return Finding("empty_state", "warning", statement, evidence, advice)


def _told(content: Content) -> str:
    tensors = f"{content.tensors} tensor{'s' if content.tensors != 1 else ''} of {content.payload} bytes"
    return f"{_name(content.path)} ({content.size} bytes, {tensors})"


def _name(path: Path) -> str:
    return "/".join(path.parts[-2:])


RULE = Rule(
    "empty_state",
    "Do the saved states hold weights?",
    find,
    consequence="compute",
    refuted_by=(
        "The file is loaded and holds every weight that the model names, or it is meant to hold a counter "
        "alone."
    ),
    near_miss=(
        "A small file next to large ones that hold the optimiser too: weights without the optimiser are a "
        "third of it, not 1%."
    ),
    example=("final_model.pt holds step, strategy and configuration, and no tensor."),
)
