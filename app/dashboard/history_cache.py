"""Histories as columns, in the user's cache directory: what was parsed once is opened at once.

A file holds a checksum, one line of JSON (what it was made from, names and lengths) and the arrays. Metrics
that were logged at the same steps share one array of steps. It is named by the place of its source and used
while the source's size, time of change and inode are the same. A file that is damaged, of another version
or cannot be written only means that the source is read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ired_diag.errors import CannotWrite
from ired_diag.runs.files import write_atomically
from ired_diag.runs.fingerprints import Fingerprint
from ired_diag.runs.history import History, Series
from ired_diag.user_cache import shrink, user_cache

VERSION = 2  # of the layout; a file of another version is not read
CHECK = 9  # bytes of the first line
ITEM = 8  # bytes of a step or a value
MOST_BYTES = 4 << 30  # 4 GiB
SUFFIX = ".history"


def cache_folder() -> Path:
    """Return the folder of this program in the user's cache directory."""
    return user_cache("histories")


@dataclass(frozen=True)
class ReadFile:
    """A file of JSON lines that was read.

    Attributes:
        fingerprint: Fingerprint of the state that was read.
        history: The history in it.
        whole: Number of bytes up to and with the last newline.
        lines: Number of lines in these bytes.
        ending: The last of these bytes.
    """

    fingerprint: Fingerprint
    history: History
    whole: int
    lines: int
    ending: bytes


@dataclass(frozen=True)
class HistoryCache:
    """Histories in a folder.

    Attributes:
        folder: The folder. It is made when the first history is kept.
        most_bytes: Largest size of all histories together; beyond it, the oldest unused ones are removed.
    """

    folder: Path
    most_bytes: int = MOST_BYTES

    def read(self, source: Path, fingerprint: Fingerprint | None = None) -> ReadFile | None:
        """Return a file as it was read; None where nothing is kept.

        Args:
            source: The file.
            fingerprint: Its state: another one is not returned. None: whichever is kept.
        """
        path = self._path(source)
        try:
            content = path.read_bytes()
            file = unpack(content, fingerprint)
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return None  # absent, torn or of another version: the source is read instead
        with contextlib.suppress(OSError):
            os.utime(path)
        return file

    def keep(self, source: Path, file: ReadFile) -> None:
        """Keep a file that was read; where that cannot be done, nothing happens."""
        with contextlib.suppress(CannotWrite):
            write_atomically(self._path(source), pack(file))

    def shrink(self) -> None:
        """Remove what was unused for the longest, until the rest is within the limit."""
        shrink(self.folder, f"*{SUFFIX}", most_bytes=self.most_bytes)

    def _path(self, source: Path) -> Path:
        name = hashlib.sha256(str(source.resolve()).encode(errors="surrogateescape")).hexdigest()[:32]
        return self.folder / f"{name}{SUFFIX}"


def pack(file: ReadFile) -> bytes:
    """Return a file that was read as the bytes of its cache file."""
    history = file.history
    places: dict[bytes, int] = {}  # of the arrays of steps, in the order of the file
    names: list[tuple[str, int]] = []
    values: list[bytes] = []
    for name, series in history.series.items():
        steps = series.steps.astype("<i8").tobytes()
        names.append((name, places.setdefault(steps, len(places))))
        values.append(series.values.astype("<f8").tobytes())
    head: dict[str, Any] = {
        "version": VERSION,
        "source": list(file.fingerprint),
        "whole": file.whole,
        "lines": file.lines,
        "ending": file.ending.hex(),
        "attempts": history.attempts,
        "bad_lines": history.bad_lines,
        "torn_tail": history.torn_tail,
        "steps": [len(steps) // ITEM for steps in places],
        "series": names,
    }
    body = b"".join([*places, *values])
    content = json.dumps(head).encode() + b"\n" + body
    return b"%08x\n" % zlib.crc32(content) + content


def unpack(content: bytes, fingerprint: Fingerprint | None) -> ReadFile | None:
    """Return the file in the bytes of a cache file; None where its source was in another state.

    Args:
        content: The bytes.
        fingerprint: State of the source. None: any.

    Raises:
        ValueError: The bytes are damaged.
    """
    whole = memoryview(content)[CHECK:]
    if content[:CHECK] != b"%08x\n" % zlib.crc32(whole):
        raise ValueError("damaged")
    end = content.index(b"\n", CHECK)
    head = json.loads(content[CHECK:end])
    source = Fingerprint(*head["source"])
    if head["version"] != VERSION or fingerprint not in (None, source):
        return None
    body = memoryview(content)[end + 1 :]
    start = 0
    steps = []
    for length in head["steps"]:
        steps.append(np.frombuffer(body, "<i8", length, start))
        start += ITEM * length
    series = {}
    for name, place in head["series"]:
        values = np.frombuffer(body, "<f8", len(steps[place]), start)
        series[name] = Series(steps[place], values)
        start += values.nbytes
    history = History(series, head["attempts"], tuple(head["bad_lines"]), head["torn_tail"])
    return ReadFile(source, history, head["whole"], head["lines"], bytes.fromhex(head["ending"]))
