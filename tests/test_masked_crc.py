"""CRC32C against the examples of RFC 3720 and the shift register, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ired_diag.readers.masked_crc import crcs_of_windows, masked_crc


def masked_bit_by_bit(message: bytes) -> int:
    """The definition: one bit at a time through the register, then the mask."""
    register = 0xFFFFFFFF
    for byte in message:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    return mask(register ^ 0xFFFFFFFF)


def mask(crc: int) -> int:
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


@pytest.mark.parametrize(
    ("message", "crc"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_the_examples_of_the_rfc(message: bytes, crc: int) -> None:
    assert masked_crc(message) == mask(crc) == masked_bit_by_bit(message)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_a_message_gives_what_the_bits_give(message: bytes) -> None:
    assert masked_crc(message) == masked_bit_by_bit(message)


def test_every_window_has_its_crc(rng: np.random.Generator) -> None:
    content = rng.bytes(50)
    windows = crcs_of_windows(np.frombuffer(content, dtype=np.uint8), 8)
    assert windows.tolist() == [masked_crc(content[i : i + 8]) for i in range(43)]
