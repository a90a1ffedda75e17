"""Parts of a page are made one after the other, what stands first on the page first."""

from __future__ import annotations

import threading
import time

import pytest

from app.dashboard.turns import Turns


def test_parts_that_wait_have_their_turn_by_their_place_and_one_at_a_time() -> None:
    turns, made, at_work = Turns(), list[int](), list[int]()
    threads = []

    def make(place: int) -> None:
        with turns.at(place):
            at_work.append(place)
            assert at_work == [place]
            made.append(place)
            at_work.remove(place)

    with turns.at(9):  # all of them come meanwhile, the last one first
        for place in (3, 1, 2, 0, 1):
            threads.append(threading.Thread(target=make, args=[place]))
            threads[-1].start()
            while len(turns._waiting) < len(threads):
                time.sleep(0.001)
    for thread in threads:
        thread.join(10)
    assert made == [0, 1, 1, 2, 3]


def test_a_part_that_fails_passes_the_turn_on() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="no picture"), turns.at(0):
        raise ValueError("no picture")
    with turns.at(1):
        pass
