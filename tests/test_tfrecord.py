"""TFRecord framing: damage costs its record and is counted, a torn end is told apart from it."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ired_diag.readers.masked_crc import masked_crc
from ired_diag.readers.tfrecord import FIRST_WINDOW, Records, find_records, starts_with_record


def framed(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return b"".join(
        [length, struct.pack("<I", masked_crc(length)), data, struct.pack("<I", masked_crc(data))]
    )


def data_of(content: bytes, records: Records) -> list[bytes]:
    places = zip(records.starts.tolist(), records.lengths.tolist(), strict=True)
    return [content[start : start + length] for start, length in places]


DATA = [b"first", b"", b"the third", bytes(300), b"last"]
WHOLE = b"".join(framed(data) for data in DATA)
STARTS = np.cumsum([0, *(len(framed(data)) for data in DATA)]).tolist()


def flipped(content: bytes, at: int, to: int = 0xFF) -> bytes:
    return content[:at] + bytes([content[at] ^ to]) + content[at + 1 :]


def test_every_record_of_a_sound_file_is_found() -> None:
    records = find_records(WHOLE)
    assert data_of(WHOLE, records) == DATA
    assert (records.damaged, records.torn_at) == ((), None)


def test_an_empty_file_has_no_record_and_no_damage() -> None:
    records = find_records(b"")
    assert (len(records.starts), records.damaged, records.torn_at) == (0, (), None)


@pytest.mark.parametrize("at", range(STARTS[2], STARTS[3]))
def test_a_wrong_byte_anywhere_in_a_record_costs_that_record(at: int) -> None:
    content = flipped(WHOLE, at)
    records = find_records(content)
    assert data_of(content, records) == DATA[:2] + DATA[3:]
    assert [damage.where for damage in records.damaged] == [STARTS[2]]
    assert records.torn_at is None


@pytest.mark.parametrize("gap", [b"x", b"garbage of some length", bytes(5000), bytes(range(256)) * 40])
def test_bytes_between_records_are_one_damaged_place(gap: bytes) -> None:
    content = WHOLE[: STARTS[2]] + gap + WHOLE[STARTS[2] :]
    records = find_records(content)
    assert data_of(content, records) == DATA
    assert [damage.where for damage in records.damaged] == [STARTS[2]]


@pytest.mark.parametrize("cut", range(len(WHOLE)))
def test_a_file_cut_anywhere_is_torn_and_never_damaged(cut: int) -> None:
    content = WHOLE[:cut]
    records = find_records(content)
    whole = max(i for i, start in enumerate(STARTS) if start <= cut)
    assert data_of(content, records) == DATA[:whole]
    assert records.damaged == ()
    assert records.torn_at == (None if cut in STARTS else STARTS[whole])


def test_zeros_up_to_the_end_were_never_written() -> None:
    records = find_records(WHOLE + bytes(4096))
    assert (records.damaged, records.torn_at) == ((), len(WHOLE))


def test_a_file_cut_and_then_appended_to_is_damaged_and_not_torn() -> None:
    content = WHOLE[: STARTS[3] + 20] + WHOLE
    records = find_records(content)
    assert data_of(content, records)[:3] == DATA[:3]
    assert data_of(content, records)[-1] == DATA[-1]
    assert records.damaged
    assert records.torn_at is None


def test_damage_before_a_torn_end_is_told_apart_from_it() -> None:
    content = flipped(WHOLE, STARTS[3] + 1)[:-2]
    records = find_records(content)
    assert [damage.where for damage in records.damaged] == [STARTS[3]]
    assert records.torn_at == STARTS[4]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(1, 255)), min_size=1, max_size=6))
def test_what_is_found_was_written_and_what_is_lost_is_counted(flips: list[tuple[int, int]]) -> None:
    content = WHOLE
    for at, to in flips:
        content = flipped(content, at, to)
    records = find_records(content)
    found = data_of(content, records)
    assert set(found) <= set(DATA)
    if content != WHOLE:
        assert records.damaged or records.torn_at is not None
    hit = {max(i for i, start in enumerate(STARTS) if start <= at) for at, _ in flips}
    assert len(found) >= len(DATA) - len(hit)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_hold_no_record(content: bytes) -> None:
    records = find_records(content)
    assert len(records.starts) == 0
    assert bool(records.damaged) or records.torn_at is not None or not content
    assert not starts_with_record(content[:12])


def test_many_false_heads_do_not_slow_the_search() -> None:
    length = struct.pack("<Q", 2**40)  # sound, and longer than the file
    head = length + struct.pack("<I", masked_crc(length))
    records = find_records(head * 20000)
    assert (len(records.starts), records.torn_at) == (0, 0)


def test_a_record_is_found_again_wherever_a_searched_window_ends() -> None:
    record = framed(b"found again")
    for gap in range(FIRST_WINDOW - 16, FIRST_WINDOW + 4):
        content = framed(b"first") + b"?" * gap + record
        assert data_of(content, find_records(content)) == [b"first", b"found again"]
