"""An encoder of TensorBoard's event files, written from the wire format, bit by bit."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

NAME = "events.out.tfevents.1769000000.node17.1.0"

Encode = Callable[[str, float], bytes]  # a Summary.Value


def varint(number: int) -> bytes:
    digits = f"{number % 2**64:b}"
    digits = digits.zfill(-(-len(digits) // 7) * 7)
    groups = [int(digits[i : i + 7], 2) for i in range(0, len(digits), 7)][::-1]
    return bytes([*(group | 128 for group in groups[:-1]), groups[-1]])


def number(field: int, value: int) -> bytes:
    return varint(8 * field) + varint(value)


def message(field: int, content: bytes) -> bytes:
    return varint(8 * field + 2) + varint(len(content)) + content


def crc(data: bytes) -> bytes:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    plain = register ^ 0xFFFFFFFF
    return struct.pack("<I", ((plain >> 15 | plain << 17) + 0xA282EAD8) % 2**32)


def record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + crc(length) + data + crc(data)


def simple(tag: str, value: float) -> bytes:
    return message(1, tag.encode()) + b"\x15" + struct.pack("<f", value)


def tensor(kind: int, values: bytes, *, shape: bytes | None = b"", plugin: str = "scalars") -> Encode:
    def encode(tag: str, value: float) -> bytes:
        told = number(1, kind) + (message(2, shape) if shape is not None else b"") + values
        return (
            message(1, tag.encode()) + message(8, told) + message(9, message(1, message(1, plugin.encode())))
        )

    return encode


def double(tag: str, value: float) -> bytes:
    return tensor(2, message(4, struct.pack("<d", value)))(tag, value)


def event(step: int | None, *values: bytes, wall_time: float = 1.769e9) -> bytes:
    told = b"" if step is None else number(2, step)
    summary = message(5, b"".join(message(1, value) for value in values)) if values else b""
    return record(b"\x09" + struct.pack("<d", wall_time) + told + summary)


VERSION = record(b"\x09" + struct.pack("<d", 1.769e9) + message(3, b"brain.Event:2"))


def written(folder: Path, *records: bytes, name: str = NAME) -> Path:
    path = folder / name
    path.write_bytes(VERSION + b"".join(records))
    return path
