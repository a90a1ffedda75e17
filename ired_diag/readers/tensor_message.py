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
        Malformed: The bytes are no tensor, or not as many values as its shape says.
    """
    kind, raw = 0, b""
    shape: tuple[int, int] | None = None
    lists: list[tuple[int, int, int]] = []
    for key, a, b in fields(content, start, end):
        if key == 8 * 1 + VARINT:
            kind = a
        elif key == 8 * 2 + BYTES:
            shape = (a, b)
        elif key == 8 * 4 + BYTES:
            raw = content[a:b]
        else:
            lists.append((key, a, b))
    if kind not in TYPES or (shape and not _is_one(content, *shape)):
        return None
    if raw:
        return _from_bytes(raw, kind)
    values = [value for key, a, b in lists for value in _listed(content, key, a, b, kind)]
    if len(values) > 1:
        raise Malformed(f"{len(values)} values in a tensor of one number")
    return values[0] if values else 0.0


def _is_one(content: bytes, start: int, end: int) -> bool:
    """Say whether a shape is that of one number: its rank is known and every extent is 1."""
    for key, a, b in fields(content, start, end):
        if key == 8 * 2 + BYTES:
            sizes = [size for inner, size, _ in fields(content, a, b) if inner == 8 * 1 + VARINT]
            if sizes[-1:] != [1]:
                return False
        elif key == 8 * 3 + VARINT and a:
            return False
    return True


def _from_bytes(raw: bytes, kind: int) -> float:
    layout = TYPES[kind][0]
    if len(raw) != struct.calcsize(layout):
        raise Malformed("a tensor's content that is not as long as its type")
    (number,) = struct.unpack(layout, raw)
    return _from_pattern(number, kind) if kind == BFLOAT16 else float(number)


def _listed(content: bytes, key: int, start: int, end: int, kind: int) -> Iterator[float]:
    """Yield the values in a field, if it is the one that lists values of this kind."""
    _, number, wire = TYPES[kind]
    if key == 8 * number + wire:
        yield _value(content, start, kind, wire)
    elif key == 8 * number + BYTES:
        size = {FOUR: 4, EIGHT: 8}.get(wire)
        if size and (end - start) % size:
            raise Malformed("packed numbers that end in the middle of one")
        position = start
        while position < end:
            at, position = (position, position + size) if size else varint(content, position, end)
            yield _value(content, at, kind, wire)


def _value(content: bytes, at: int, kind: int, wire: int) -> float:
    """Return a value: ``at`` is where it stands, or of a varint the number itself."""
    if wire != VARINT:
        return float((FLOAT if wire == FOUR else DOUBLE).unpack_from(content, at)[0])
    if kind in (BFLOAT16, HALF):
        return _from_pattern(at, kind)
    return float(at if kind == UINT64 else signed(at))


def _from_pattern(bits: int, kind: int) -> float:
    """Return the number that sixteen bits are; a bfloat16 is the upper half of a float."""
    if bits >> 16:
        raise Malformed("more than sixteen bits in a half")
    packed = struct.pack("<H", bits)
    return float(struct.unpack("<e", packed)[0] if kind == HALF else FLOAT.unpack(b"\0\0" + packed)[0])
