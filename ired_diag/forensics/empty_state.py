"""Saved states with nothing in them, found without loading them.

A PyTorch file is a zip archive with one entry ``…/data/<n>`` a tensor; a safetensors file begins with the
length of its header (8 bytes, little-endian) and the header, JSON that names each tensor with its place. Both
directories are read, and no tensor, no pickle. A state is reported where

- the file has no bytes, or holds no tensor, or none with a byte in it;
- its tensors have less than 1% of the bytes of the median of the other files of the run: what is left may
  be a counter. A state of one network and one with its average and its optimiser's memory differ by 4 times.

The study's forks wrote such a ``final_model.pt``: the filter by which its keys were chosen matched none.
A file that ends early is a warning. Files in PyTorch's format from before 1.6 are not looked into.

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
from ired_diag.runs.name_list import counted
from ired_diag.runs.study import Study

TENSOR = re.compile(r"(?:^|/)data/\d+$")
ZIP = b"PK"
LENGTH = struct.Struct("<Q")
SMALL = 0.01  # of the median file: weights alone are a quarter of a full state
MOST_OF_HEADER = 100_000_000  # bytes; the limit of the safetensors library


@dataclass(frozen=True)
class Content:
    """What a checkpoint file holds.

    Attributes:
        path: The file.
        size: Its size in bytes.
        tensors: Number of tensors that it names; None where that is unknown.
        payload: Size of all tensors in bytes.
        damage: Why its directory cannot be read; empty where it can.
    """

    path: Path
    size: int
    tensors: int | None
    payload: int = 0
    damage: str = ""

    @property
    def name(self) -> str:
        """The file with its folder."""
        return "/".join(self.path.parts[-2:])

    @property
    def in_words(self) -> str:
        """The file with its size and its tensors."""
        tensors = counted(self.tensors or 0, "tensor")
        return f"{self.name} ({self.size} bytes, {tensors} of {self.payload} bytes)"


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group with empty states, and one for each with damaged files."""
    empty: dict[str, list[Content]] = defaultdict(list)
    damaged: dict[str, list[Content]] = defaultdict(list)
    for group, content, others in _contents(study):
        if content.damage:
            damaged[group].append(content)
        elif _is_empty(content, others):
            empty[group].append(content)
    for group, contents in empty.items():
        yield _finding_on_empty(group, contents)
    for group, contents in damaged.items():
        yield _finding_on_damaged(group, contents)


def _contents(study: Study) -> Iterator[tuple[str, Content, list[Content]]]:
    """Yield each checkpoint file once: the group of its run, its content, and the other files of the run."""
    places: set[Path] = set()
    for run in study.runs:
        contents = [content_of(path) for path in run.checkpoints]
        for content in contents:
            place = content.path.resolve()
            if place not in places:
                others = [other for other in contents if other.path != content.path]
                yield run.group, content, others
            places.add(place)


def content_of(path: Path) -> Content:
    """Return what a checkpoint file holds, by its directory alone."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(len(ZIP))
        if size == 0:
            return Content(path, size=0, tensors=0)
        if path.suffix == ".safetensors":
            return _content_of_safetensors(path, size)
        if start == ZIP:
            return _content_of_zip(path, size)
    except OSError as error:
        return Content(path, size=0, tensors=None, damage=error.strerror or str(error))
    return Content(path, size, tensors=None)


def _content_of_zip(path: Path, size: int) -> Content:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, struct.error, NotImplementedError, ValueError):
        return Content(path, size, tensors=None, damage="it ends before its directory")
    sizes = [entry.file_size for entry in entries if TENSOR.search(entry.filename)]
    return Content(path, size, tensors=len(sizes), payload=sum(sizes))


def _content_of_safetensors(path: Path, size: int) -> Content:
    length, header = _header_of(path, size)
    try:
        entries = parse_json(header, most_bytes=MOST_OF_HEADER)
        names = [name for name in entries if name != "__metadata__"]
        ends = [int(entries[name]["data_offsets"][1]) for name in names]
    except (ValueError, KeyError, TypeError, IndexError):
        return Content(path, size, tensors=None, damage="its header cannot be read")
    payload = max(ends, default=0)
    damage = ""
    if LENGTH.size + length + payload > size:
        damage = "it ends before its last tensor"
    return Content(path, size, tensors=len(ends), payload=payload, damage=damage)


def _header_of(path: Path, size: int) -> tuple[int, bytes]:
    """Return the length that a file states for its header, and the header.

    The header is empty where the file is cut off, or the length is too large.
    """
    with path.open("rb") as file:
        start = file.read(LENGTH.size)
        if len(start) < LENGTH.size:
            return size, b""
        (length,) = LENGTH.unpack(start)
        if length > min(size, MOST_OF_HEADER):
            return length, b""
        return length, file.read(length)


def _is_empty(content: Content, others: Sequence[Content]) -> bool:
    """Say whether a file holds no tensor with bytes, or far fewer bytes than the other files of its run."""
    if content.tensors is None:
        return False
    if not content.payload:
        return True
    payloads = [other.payload for other in others if other.payload]
    return bool(payloads) and content.payload < SMALL * statistics.median(payloads)


def _finding_on_empty(group: str, contents: list[Content]) -> Finding:
    first = contents[0]
    states = "1 saved state holds"
    if len(contents) > 1:
        states = f"{len(contents)} saved states hold"
    files = listed(content.in_words for content in contents)
    evidence: Evidence = {
        "group": group,
        "files": len(contents),
        "file": str(first.path),
        "bytes": first.size,
        "tensors": first.tensors,
        "tensor_bytes": first.payload,
    }
    return Finding(
        rule="empty_state",
        severity="error",
        statement=f"{group}: {states} no weights: {files}. Nothing of the network was kept.",
        evidence=evidence,
        advice="Use another checkpoint of the run, and look at which keys the code that saves selects.",
    )


def _finding_on_damaged(group: str, contents: list[Content]) -> Finding:
    first = contents[0]
    states = "1 saved state is"
    if len(contents) > 1:
        states = f"{len(contents)} saved states are"
    files = listed(f"{content.name} ({content.damage})" for content in contents)
    evidence: Evidence = {
        "group": group,
        "files": len(contents),
        "file": str(first.path),
        "bytes": first.size,
    }
    return Finding(
        rule="empty_state",
        severity="warning",
        statement=f"{group}: {states} not whole: {files}.",
        evidence=evidence,
        advice="A job that died while saving leaves such a file: use the checkpoint before it.",
    )


RULE = Rule(
    name="empty_state",
    question="Do the saved states hold weights?",
    find=find,
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
