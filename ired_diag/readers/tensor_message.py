"""The number in TensorFlow's message of a tensor that holds one.

    Tensor       dtype 1, shape 2 { dim 2 { size 1 }, unknown_rank 3 }, tensor_content 4, *_val 5 …

The number stands as raw bytes in ``tensor_content``, or in the list that belongs to the type, packed or not.
A half stands in its list as a whole number, its bit pattern. A list without a number means 0.

Reference: TensorFlow, core/framework/{tensor,tensor_shape,types}.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ired_diag.readers.protobuf_wire import (
    BYTES,
    DOUBLE,
    EIGHT,
    FLOAT,
    FOUR,
    VARINT,
    Malformed,
    fields,
    signed,
    varint,
)

BFLOAT16, HALF, UINT64 = 14, 19, 23

# By number of the type: how struct reads its bytes, the field that lists its values, and their wire type.
TYPES: dict[int, tuple[str, int, int]] = {
    1: ("<f", 5, FOUR),  # float
    2: ("<d", 6, EIGHT),  # double
    3: ("<i", 7, VARINT),  # int32
    4: ("<B", 7, VARINT),  # uint8
    5: ("<h", 7, VARINT),  # int16
    6: ("<b", 7, VARINT),  # int8
    9: ("<q", 10, VARINT),  # int64
    10: ("<?", 11, VARINT),  # bool
    BFLOAT16: ("<H", 13, VARINT),
    17: ("<H", 7, VARINT),  # uint16
    HALF: ("<e", 13, VARINT),
    22: ("<I", 16, VARINT),  # uint32
    UINT64: ("<Q", 17, VARINT),
}


def number_in_tensor(content: bytes, start: int, end: int) -> float | None:
    """Return the number in the tensor at ``content[start:end]``; None of a tensor that is not one number.

    Raises:
        Malformed: The bytes are not a tensor, or not as many values as its shape says.
    """
    kind = 0
    raw = b""
    shape: tuple[int, int] | None = None
    lists: list[tuple[int, int, int]] = []
    for key, first, last in fields(content, start, end):
        if key == 8 * 1 + VARINT:
            kind = first
        elif key == 8 * 2 + BYTES:
            shape = (first, last)
        elif key == 8 * 4 + BYTES:
            raw = content[first:last]
        else:
            lists.append((key, first, last))
    if kind not in TYPES or (shape and not _is_one(content, *shape)):
        return None
    if raw:
        return _from_bytes(raw, kind)
    values: list[float] = []
    for key, first, last in lists:
        values.extend(_listed(content, key, first, last, kind=kind))
    if len(values) > 1:
        raise Malformed(f"{len(values)} values in a tensor of one number")
    return values[0] if values else 0.0


def _is_one(content: bytes, start: int, end: int) -> bool:
    """Say whether a shape is that of one number: its rank is stated and every extent is 1."""
    for key, first, last in fields(content, start, end):
        is_unknown_rank = key == 8 * 3 + VARINT and first
        if is_unknown_rank:
            return False
        if key == 8 * 2 + BYTES and _extent(content, first, last) != 1:
            return False
    return True


def _extent(content: bytes, start: int, end: int) -> int | None:
    """Return the size of a dimension, None where it is not stated."""
    extent = None
    for key, size, _ in fields(content, start, end):
        if key == 8 * 1 + VARINT:
            extent = size
    return extent


def _from_bytes(raw: bytes, kind: int) -> float:
    layout = TYPES[kind][0]
    if len(raw) != struct.calcsize(layout):
        raise Malformed("a tensor's content that is not as long as its type")
    (number,) = struct.unpack(layout, raw)
    return _from_pattern(number, kind) if kind == BFLOAT16 else float(number)


def _listed(content: bytes, key: int, start: int, end: int, *, kind: int) -> Iterator[float]:
    """Yield the values in a field, if it is the one that lists values of this kind."""
    _, number, wire = TYPES[kind]
    if key == 8 * number + wire:
        yield _value(content, start, kind, wire)
    elif key == 8 * number + BYTES:
        for at in _packed(content, start, end, wire):
            yield _value(content, at, kind, wire)


def _packed(content: bytes, start: int, end: int, wire: int) -> Iterator[int]:
    """Yield where each packed number stands, or of varints the number itself."""
    if wire == VARINT:
        position = start
        while position < end:
            number, position = varint(content, position, end)
            yield number
        return
    size = 4 if wire == FOUR else 8
    if (end - start) % size:
        raise Malformed("packed numbers that end in the middle of one")
    yield from range(start, end, size)


def _value(content: bytes, at: int, kind: int, wire: int) -> float:
    """Return a value: ``at`` is where it stands, or of a varint the number itself."""
    if wire != VARINT:
        layout = FLOAT if wire == FOUR else DOUBLE
        (number,) = layout.unpack_from(content, at)
        return float(number)
    if kind in (BFLOAT16, HALF):
        return _from_pattern(at, kind)
    return float(at if kind == UINT64 else signed(at))


def _from_pattern(bits: int, kind: int) -> float:
    """Return the number that sixteen bits are; a bfloat16 is the upper half of a float."""
    if bits >> 16:
        raise Malformed("more than sixteen bits in a half")
    packed = struct.pack("<H", bits)
    if kind == HALF:
        (number,) = struct.unpack("<e", packed)
    else:
        (number,) = FLOAT.unpack(b"\0\0" + packed)
    return float(number)
