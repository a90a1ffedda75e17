"""TFRecord framing: where the intact records of a file are, what is damaged, and whether its tail is torn.

    length 8 bytes | masked CRC32C of length 4 | data | masked CRC32C of data 4      (little-endian)

A record whose data do not fit their CRC is skipped; its length is sound, so the next record is known. Where
the length does not fit its CRC, the next record is the next place where a length does and the record ends
within the file: among 2³² random offsets one is wrong. A record that runs over the end of the file is torn,
if none follows: the writer was stopped, or still writes. So are zeros up to the end: space that a file
system gave and nobody wrote.

Reference: TensorFlow, core/lib/io/record_writer.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.readers.masked_crc import Bytes, crcs_of_windows, masked_crc
from ired_diag.readers.scalar_log import Damage

HEAD = struct.Struct("<QI")  # length, its CRC
CHECKSUM = struct.Struct("<I")  # of the data, behind them
TAIL = CHECKSUM.size
FIRST_WINDOW, LARGEST_WINDOW = 1 << 12, 1 << 20  # bytes searched at once


@dataclass(frozen=True)
class Records:
    """The records of a file.

    Attributes:
        starts: First byte of the data of each intact record, of shape (n,).
        lengths: Bytes of its data, of shape (n,).
        damaged: Records that do not fit their CRC, and stretches without a record, by byte.
        torn_at: First byte of a half-written end.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    damaged: tuple[Damage, ...]
    torn_at: int | None


def starts_with_record(head: bytes) -> bool:
    """Say whether a file begins with a record, by its first 12 bytes."""
    if len(head) < HEAD.size:
        return False
    _, crc = HEAD.unpack_from(head)
    return bool(crc == masked_crc(head[:8]))


def find_records(content: bytes) -> Records:
    """Return where the intact records of a file are."""
    places, damaged, torn_at = _walk(content)
    intact: list[tuple[int, int]] = []
    for start, length in places:
        end = start + length
        (stored,) = CHECKSUM.unpack_from(content, end)
        if masked_crc(content[start:end]) == stored:
            intact.append((start, length))
        else:
            damaged.append(Damage(start - HEAD.size, "a record whose data do not fit their checksum"))
    damaged.sort(key=lambda damage: damage.where)
    starts, lengths = np.array(intact, dtype=np.int64).reshape(-1, 2).T
    return Records(
        starts=starts,
        lengths=lengths,
        damaged=tuple(damaged),
        torn_at=torn_at,
    )


def _walk(content: bytes) -> tuple[list[tuple[int, int]], list[Damage], int | None]:
    """Return (start, length) of the data of each record, damaged stretches, and where the end is torn."""
    places: list[tuple[int, int]] = []
    damaged: list[Damage] = []
    crcs: dict[int, int] = {}  # by length: a log has few lengths
    position = 0
    size = len(content)
    while size - position >= HEAD.size:
        length, crc = HEAD.unpack_from(content, position)
        if length not in crcs:
            crcs[length] = masked_crc(content[position : position + 8])
        is_sound = crc == crcs[length]
        start = position + HEAD.size
        end = start + length + TAIL
        if is_sound and end <= size:
            places.append((start, length))
            position = end
            continue
        following = _next_record(content, position + 1, whole=True)
        if following is not None:
            damaged.append(Damage(position, "no record where one should begin"))
            position = following
            continue
        if is_sound or _are_zeros(content, position):
            return places, damaged, position
        damaged.append(Damage(position, "no record where one should begin"))
        return places, damaged, _next_record(content, position + 1, whole=False)
    torn_at = position if position < size else None
    return places, damaged, torn_at


def _are_zeros(content: bytes, start: int) -> bool:
    return not content[start:].strip(b"\0")


def _next_record(content: bytes, start: int, *, whole: bool) -> int | None:
    """Return the next offset where a length fits its CRC and, with ``whole``, the record fits the file."""
    for first, window in _windows(content, start):
        crcs = crcs_of_windows(window[: -HEAD.size + 8], 8)
        stored = _numbers_at(window, np.arange(8, len(window) - 3))
        fitting = first + np.flatnonzero(crcs == stored)
        for offset in fitting.tolist():
            (length,) = struct.unpack_from("<Q", content, offset)
            end = offset + HEAD.size + length + TAIL
            if not whole or end <= len(content):
                return int(offset)
    return None


def _windows(content: bytes, start: int) -> Iterator[tuple[int, Bytes]]:
    """Yield stretches that overlap by a head, larger and larger, with their first byte."""
    view = np.frombuffer(content, dtype=np.uint8)
    size = FIRST_WINDOW
    while len(view) - start >= HEAD.size:
        yield start, view[start : start + size]
        start += size - HEAD.size + 1
        size = min(2 * size, LARGEST_WINDOW)


def _numbers_at(view: Bytes, offsets: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return the little-endian 32-bit number at each offset."""
    numbers = np.zeros(len(offsets), dtype=np.uint32)
    for k in range(4):
        byte = view[offsets + k].astype(np.uint32)
        numbers |= byte << np.uint32(8 * k)
    return numbers
