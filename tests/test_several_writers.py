"""Several threads write, and what they wrote is counted even where one of them fails."""

from __future__ import annotations

import threading
import time

import pytest

from ired_diag.runs.several_writers import FEWEST, write_each

MANY = range(5 * FEWEST)


def test_every_thing_is_written_once_and_counted() -> None:
    written: list[int] = []
    counts: list[int] = []
    write_each(MANY, written.append, counts.append)
    assert sorted(written) == list(MANY)
    assert counts == [number + 1 for number in MANY]


def test_they_are_written_at_the_same_time() -> None:
    both_wait = threading.Barrier(2, timeout=30)
    write_each(MANY, lambda _: both_wait.wait(), lambda _: None)


def test_few_things_are_written_in_their_order_and_none_after_an_error() -> None:
    written: list[int] = []
    counts: list[int] = []

    def write(number: int) -> None:
        if number == 2:
            raise OSError("full")
        written.append(number)

    with pytest.raises(OSError, match="full"):
        write_each(range(FEWEST - 1), write, counts.append)
    assert (written, counts) == ([0, 1], [1, 2])


def test_after_an_error_no_further_one_is_begun_and_the_whole_ones_are_counted() -> None:
    written: list[int] = []
    counts: list[int] = []

    def write(number: int) -> None:
        if number == 3:
            raise OSError("full")
        time.sleep(0.02)  # all of them would take 12 seconds
        written.append(number)

    with pytest.raises(OSError, match="full"):
        write_each(range(5000), write, counts.append)
    assert counts[-1] == len(written) < 4999


def test_of_several_errors_the_first_thing_s_is_raised() -> None:
    all_fail = threading.Barrier(2, timeout=30)

    def write(number: int) -> None:
        if number in (4, 5):
            all_fail.wait()
            raise OSError(f"number {number}")

    with pytest.raises(OSError, match="number 4"):
        write_each(MANY, write, lambda _: None)


def test_an_interrupt_counts_what_is_whole() -> None:
    written: list[int] = []
    counts: list[int] = []

    def count(whole: int) -> None:
        counts.append(whole)
        if len(counts) == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_each(MANY, written.append, count)
    assert counts[-1] == len(written) >= 10
