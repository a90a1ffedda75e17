"""CRC32C of many stretches of bytes at once, masked as in TFRecord files.

A CRC is linear over GF(2). With R the register after a message, started from 0, and S_n the map that n zero
bytes make of a register,

    R(a b) = S_n R(a) ^ R(b),    n = len(b),

so zeros in front change nothing, and a long message is cut into lanes that are run side by side and folded
in pairs. A register started from 2³²-1, as CRC32C's is, is one started from 0 whose first four bytes are
inverted. Messages are padded in front to a power of two and run together, a table look-up for each column.
The mask makes the CRC of bytes that hold CRCs harmless: rotate right by 15 bits, add 0xa282ead8.

References: Castagnoli, Bräuer & Herrmann (1993), Optimization of cyclic redundancy-check codes; RFC 3720,
appendix B.4 (examples); TensorFlow, core/lib/hash/crc32c.h (the mask).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

POLYNOMIAL = 0x82F63B78  # Castagnoli's, lowest bit first
MASK = 0xA282EAD8
LANE = 64  # bytes
BATCH = 1 << 22  # bytes padded at once

Bytes = NDArray[np.uint8]
Registers = NDArray[np.uint32]


def masked_crcs(content: Bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Registers:
    """Return the masked CRC32C of each stretch.

    Args:
        content: A file, of shape (bytes,).
        starts: First byte of each stretch, of shape (n,).
        lengths: Bytes of each stretch, of shape (n,).

    >>> digits = np.frombuffer(b"123456789", np.uint8)
    >>> hex(unmasked(masked_crcs(digits, np.array([0]), np.array([9])))[0])
    '0xe3069283'
    """
    crcs = np.zeros(len(starts), dtype=np.uint32)
    exponents = np.ceil(np.log2(np.maximum(lengths, LANE))).astype(np.int64)
    for exponent in np.unique(exponents).tolist():
        rows = np.flatnonzero(exponents == exponent)
        size = max(1, BATCH >> exponent)
        for first in range(0, len(rows), size):
            batch = rows[first : first + size]
            padded = _padded(content, starts[batch], lengths[batch], 1 << exponent)
            crcs[batch] = _crcs(padded)
    # What is left of the start where a message is too short to take it up.
    bits_taken_up = (8 * np.minimum(lengths, 4)).astype(np.uint64)
    rest_of_start = np.uint64(0xFFFFFFFF) >> bits_taken_up
    crcs ^= rest_of_start.astype(np.uint32)
    return masked(~crcs)


def masked_crc(message: bytes) -> int:
    """Return the masked CRC32C of one short message."""
    table = _byte_list()
    register = 0xFFFFFFFF
    for byte in message:
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    crc = register ^ 0xFFFFFFFF
    rotated = (crc >> 15) | (crc << 17)
    return (rotated + MASK) & 0xFFFFFFFF


def masked(crcs: Registers) -> Registers:
    """Return CRCs as TFRecord files store them."""
    rotated = (crcs >> np.uint32(15)) | (crcs << np.uint32(17))
    return rotated + np.uint32(MASK)


def unmasked(stored: Registers) -> Registers:
    """Return the CRCs that are stored."""
    rotated = stored - np.uint32(MASK)
    high = rotated >> np.uint32(17)
    low = rotated << np.uint32(15)
    return high | low


def crcs_of_windows(content: Bytes, width: int) -> Registers:
    """Return the masked CRC32C of the ``width`` bytes from every offset, of shape (bytes - width + 1,)."""
    n = len(content) - width + 1
    register = np.full(n, 0xFFFFFFFF, dtype=np.uint32)
    for j in range(width):
        register = _step(register, content[j : j + n])
    return masked(~register)


def _padded(content: Bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64], width: int) -> Bytes:
    """Return stretches with zeros in front and their first four bytes inverted, of shape (n, width)."""
    padded = np.zeros((len(starts), width), dtype=np.uint8)
    for row, start, length in zip(padded, starts.tolist(), lengths.tolist(), strict=True):
        end = start + length
        row[width - length :] = content[start:end]
    for j in range(4):
        longer = np.flatnonzero(lengths > j)
        places = width - lengths[longer] + j
        padded[longer, places] ^= 0xFF
    return padded


def _crcs(padded: Bytes) -> Registers:
    """Return the registers, started from 0, after each row: lanes side by side, then folded in pairs."""
    columns = np.ascontiguousarray(padded.reshape(-1, LANE).T)
    register = np.zeros(columns.shape[1], dtype=np.uint32)
    for column in columns:
        register = _step(register, column)
    lanes = register.reshape(len(padded), -1)
    zeros = LANE
    while lanes.shape[1] > 1:
        left = lanes[:, 0::2]
        right = lanes[:, 1::2]
        lanes = _after_zeros(left, zeros) ^ right
        zeros *= 2
    return lanes[:, 0]


def _step(register: Registers, byte: Bytes) -> Registers:
    """Return registers after a further byte."""
    looked_up = _byte_table()[(register ^ byte) & 0xFF]
    after: Registers = looked_up ^ (register >> np.uint32(8))
    return after


def _after_zeros(register: Registers, count: int) -> Registers:
    """Return registers after ``count`` zero bytes; the count is LANE times a power of two."""
    after = np.zeros_like(register)
    for k, table in enumerate(_zeros_table(count)):
        byte = (register >> np.uint32(8 * k)) & 0xFF
        after ^= table[byte]
    return after


@cache
def _byte_table() -> Registers:
    """Return what each byte makes of an empty register, of shape (256,)."""
    table: Registers = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        lowest_bit = table & np.uint32(1)
        shifted = table >> np.uint32(1)
        table = shifted ^ (lowest_bit * np.uint32(POLYNOMIAL))
    return table


@cache
def _byte_list() -> list[int]:
    return [int(entry) for entry in _byte_table()]


@cache
def _zeros_table(count: int) -> Registers:
    """Return what ``count`` zero bytes make of each byte of a register, of shape (4, 256)."""
    if count > LANE:
        half = count // 2
        return _after_zeros(_zeros_table(half), half)
    values = np.arange(256, dtype=np.uint32)
    shifts = 8 * np.arange(4, dtype=np.uint32)
    table = values << shifts[:, None]
    zero = np.zeros(1, dtype=np.uint8)
    for _ in range(count):
        table = _step(table, zero)
    return table
