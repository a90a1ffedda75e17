"""The wire format of protocol buffers: a message is a row of (key, content).

    key = number · 8 + wire type;    wire type 0 a varint, 1 eight bytes, 2 a length and its bytes, 5 four

A varint holds seven bits a byte, the lowest first; the highest bit says that more follow. A negative whole
number is written as its 64-bit complement, in ten bytes.

Reference: protobuf.dev, Encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5
WORD = 2**64

FLOAT, DOUBLE = struct.Struct("<f"), struct.Struct("<d")

Field = tuple[int, int, int]  # key; a varint and 0, or the first byte and the byte after the last


class Malformed(ValueError):
    """Bytes that are not a message."""


def fields(content: bytes, start: int, end: int) -> Iterator[Field]:
    """Yield the fields of the message in ``content[start:end]``, in order.

    Raises:
        Malformed: A field has no end, or ends after the message.
    """
    position = start
    while position < end:
        key = content[position]  # most keys and lengths are one byte: decoded here, for speed
        position += 1
        if key >= 0x80:
            key, position = varint(content, position - 1, end)
        if key < 8:
            raise Malformed("a field without a number")
        wire = key & 7
        if wire == VARINT:
            number, position = varint(content, position, end)
            yield key, number, 0
            continue
        if wire == BYTES:
            length = content[position] if position < end else 0x80
            position += 1
            if length >= 0x80:
                length, position = varint(content, position - 1, end)
        elif wire in (EIGHT, FOUR):
            length = 8 if wire == EIGHT else 4
        else:
            raise Malformed(f"a field of the unknown wire type {wire}")
        first, position = position, position + length
        if position > end:
            raise Malformed("a field that runs over the end of its message")
        yield key, first, position


def varint(content: bytes, position: int, end: int) -> tuple[int, int]:
    r"""Return the number at a position, and the position after it.

    >>> varint(b"\xac\x02", 0, 2)
    (300, 2)
    """
    number = shift = 0
    while position < end and shift < 70:
        byte = content[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number % WORD, position
        shift += 7
    raise Malformed("a number without an end")


def signed(number: int) -> int:
    """Return the whole number, maybe negative, in a varint of 64 bits."""
    return number - WORD if number >= WORD // 2 else number
