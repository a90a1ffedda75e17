r"""Logs of gigabytes, without the progress bars that repeat each other.

A bar is drawn a million times with other numbers, and what a job died of stands in none of these lines. So of
the bars in each megabyte of a long log, those that differ in digits alone are kept twice, at their first and
at their last place; every other line, and the beginning and the end of the log, are kept as they are. The
numbers in the bars are read from the file itself (``progress_series``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ired_diag.readers.wording import AS_ZEROS

LONG = 1 << 26  # bytes: a shorter log is read as it is
PIECE = 1 << 20
ENDS = 1 << 20  # bytes at the beginning and at the end that are kept whole
BAR = re.compile(rb"[^|\n]*0%\|[^|\n]*\| *0+/0+ \[[^\n\]]*\](?:\x1b\[[0-9;]*[A-Za-z])*")


def read_log_bytes(path: Path, *, long: int = LONG) -> bytes:
    """Return the bytes of a log; those of a long one without the bars that repeat each other.

    Args:
        path: The log.
        long: Number of bytes from which on a log is a long one.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        if size < max(long, 2 * ENDS):
            return file.read()
        head = file.read(ENDS)
        middle = b"".join(map(_without_repeats, _pieces(file, size - 2 * ENDS)))
        return head + middle + file.read()


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the next bytes of a file, cut before a line's separator where there is one."""
    rest = b""
    left = size
    while left > 0:
        content = file.read(min(PIECE, left))
        if not content:  # it became shorter meanwhile
            break
        left -= len(content)
        piece = rest + content
        cut = max(piece.rfind(b"\n"), piece.rfind(b"\r"), 0)
        yield piece[:cut]
        rest = piece[cut:]
    yield rest


def _without_repeats(piece: bytes) -> bytes:
    """Return lines without the bars of which an earlier and a later one differ in digits alone."""
    starts = _line_starts(piece)
    if len(starts) < 2:
        return piece
    wordings = piece.translate(AS_ZEROS).split(b"\n")
    if starts[0] > 0 or piece[:1] not in (b"\n", b"\r"):
        starts = np.append(0, starts)
    else:
        wordings = wordings[1:]  # nothing stands before the first separator
    places = range(len(wordings))
    last = dict(zip(wordings, places, strict=True))
    first = dict(zip(reversed(wordings), reversed(places), strict=True))
    bars = {wording for wording in first if BAR.fullmatch(wording)}
    kept = {first[wording] for wording in bars} | {last[wording] for wording in bars}
    if len(bars) < len(first):
        kept.update(place for place, wording in enumerate(wordings) if wording not in bars)
    ends = np.append(starts[1:], len(piece))
    return b"".join(piece[starts[place] : ends[place]] for place in sorted(kept))


def _line_starts(piece: bytes) -> NDArray[np.intp]:
    """Return the places of the separators, each of which begins a line."""
    codes = np.frombuffer(piece, dtype=np.uint8)
    return np.flatnonzero((codes == ord("\n")) | (codes == ord("\r")))
