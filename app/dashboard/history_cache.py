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

from app.dashboard.fingerprints import Fingerprint
from ired_diag.errors import CannotWrite
from ired_diag.runs.files import write_atomically
from ired_diag.runs.history import History, Series

VERSION = 2
CHECK = 9  # bytes of the first line
MOST_BYTES = 4 << 30
SUFFIX = ".history"


def cache_folder() -> Path:
    """Return the folder of this program in the user's cache directory."""
    told = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(told) if Path(told).is_absolute() else Path.home() / ".cache") / "ired-diag" / "histories"


@dataclass(frozen=True)
class Known:
    """What is known of a file of JSON lines.

    Attributes:
        fingerprint: Of the state that was read.
        history: What it told.
        whole: Bytes up to and with the last newline.
        lines: Number of lines in them.
        ending: The last of those bytes.
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
        folder: Where they are; made when the first is kept.
        most_bytes: Beyond which those unused for the longest are removed.
    """

    folder: Path
    most_bytes: int = MOST_BYTES

    def read(self, source: Path, fingerprint: Fingerprint) -> Known | None:
        """Return what is known of a file that has not changed since, None where nothing is kept."""
        path = self._path(source)
        try:
            content = path.read_bytes()
            known = unpack(content, fingerprint)
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return None  # absent, torn or of another version: the source tells
        with contextlib.suppress(OSError):
            os.utime(path)
        return known

    def keep(self, source: Path, known: Known) -> None:
        """Keep what is known of a file; where that cannot be done, nothing happens."""
        with contextlib.suppress(CannotWrite):
            write_atomically(self._path(source), pack(known))

    def shrink(self) -> None:
        """Remove what was unused for the longest, until the rest is within the limit."""
        with contextlib.suppress(OSError):
            files = [(path.stat(), path) for path in self.folder.glob(f"*{SUFFIX}")]
            total = sum(stat.st_size for stat, _ in files)
            for stat, path in sorted(files, key=lambda file: file[0].st_mtime):
                if total <= self.most_bytes:
                    return
                path.unlink(missing_ok=True)
                total -= stat.st_size

    def _path(self, source: Path) -> Path:
        name = hashlib.sha256(str(source.resolve()).encode(errors="surrogateescape")).hexdigest()[:32]
        return self.folder / f"{name}{SUFFIX}"


def pack(known: Known) -> bytes:
    """Return what is known as the bytes of a file."""
    history = known.history
    steps: list[bytes] = []
    places: dict[bytes, int] = {}
    told: list[tuple[str, int]] = []
    for name, series in history.series.items():
        raw = series.steps.astype("<i8").tobytes()
        told.append((name, places.setdefault(raw, len(places))))
        if len(places) > len(steps):
            steps.append(raw)
    body = b"".join([*steps, *(s.values.astype("<f8").tobytes() for s in history.series.values())])
    head: dict[str, Any] = {
        "version": VERSION,
        "source": list(known.fingerprint),
        "whole": known.whole,
        "lines": known.lines,
        "ending": known.ending.hex(),
        "attempts": history.attempts,
        "bad_lines": history.bad_lines,
        "torn_tail": history.torn_tail,
        "steps": [len(raw) // 8 for raw in steps],
        "series": told,
    }
    content = json.dumps(head).encode() + b"\n" + body
    return b"%08x\n" % zlib.crc32(content) + content


def unpack(content: bytes, fingerprint: Fingerprint) -> Known | None:
    """Return what the bytes of a file tell, None where they were made from another state of the source.

    Raises:
        ValueError: The bytes are damaged.
    """
    whole = memoryview(content)[CHECK:]
    if content[:CHECK] != b"%08x\n" % zlib.crc32(whole):
        raise ValueError("damaged")
    end = content.index(b"\n", CHECK)
    head = json.loads(content[CHECK:end])
    if head["version"] != VERSION or tuple(head["source"]) != tuple(fingerprint):
        return None
    body = memoryview(content)[end + 1 :]
    starts = np.cumsum([0, *head["steps"]])
    steps = [np.frombuffer(body, "<i8", n, 8 * int(s)) for n, s in zip(head["steps"], starts, strict=False)]
    series, start = {}, 8 * int(starts[-1])
    for name, place in head["series"]:
        values = np.frombuffer(body, "<f8", len(steps[place]), start)
        series[name] = Series(steps[place], values)
        start += values.nbytes
    history = History(series, head["attempts"], tuple(head["bad_lines"]), head["torn_tail"])
    return Known(fingerprint, history, head["whole"], head["lines"], bytes.fromhex(head["ending"]))
