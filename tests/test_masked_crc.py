"""CRC32C in batches against the examples of RFC 3720 and the shift register, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ired_diag.readers.masked_crc import (
    LANE,
    crcs_of_windows,
    masked,
    masked_crc,
    masked_crcs,
    unmasked,
)


def crc_bit_by_bit(message: bytes) -> int:
    """The definition: one bit at a time through the register."""
    register = 0xFFFFFFFF
    for byte in message:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def crcs(messages: list[bytes]) -> list[int]:
    content = np.frombuffer(b"?" + b"".join(messages), dtype=np.uint8)
    lengths = np.array([len(m) for m in messages], dtype=np.int64)
    starts = 1 + np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    return [int(crc) for crc in unmasked(masked_crcs(content, starts, lengths))]


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
    assert crcs([message]) == [crc]
    assert crc_bit_by_bit(message) == crc
    assert masked_crc(message) == int(masked(np.array([crc], dtype=np.uint32))[0])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=3 * LANE), min_size=1, max_size=12))
def test_a_batch_gives_what_the_bits_give(messages: list[bytes]) -> None:
    assert crcs(messages) == [crc_bit_by_bit(message) for message in messages]


@pytest.mark.parametrize("size", [LANE - 1, LANE, LANE + 1, 4 * LANE, 4 * LANE + 1, 9001])
def test_long_messages_are_folded_from_lanes_without_a_trace(size: int, rng: np.random.Generator) -> None:
    messages = [rng.bytes(size), rng.bytes(size), bytes(size)]
    assert crcs(messages) == [crc_bit_by_bit(message) for message in messages]


def test_batches_larger_than_the_buffer_are_cut_without_a_trace(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = [rng.bytes(int(size)) for size in rng.integers(0, 300, 50)]
    whole = crcs(messages)
    monkeypatch.setattr("ired_diag.readers.masked_crc.BATCH", 128)
    assert crcs(messages) == whole


def test_every_window_has_its_crc(rng: np.random.Generator) -> None:
    content = rng.bytes(50)
    found = crcs_of_windows(np.frombuffer(content, dtype=np.uint8), 8)
    assert found.tolist() == [masked_crc(content[i : i + 8]) for i in range(43)]


def test_the_mask_is_undone(rng: np.random.Generator) -> None:
    numbers = rng.integers(0, 2**32, 100, dtype=np.uint32)
    assert unmasked(masked(numbers)).tolist() == numbers.tolist()
    assert not np.any(masked(numbers) == numbers)
