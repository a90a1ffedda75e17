"""Pieces of work in threads: the same numbers as one by one, each with a single thread of torch."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from ired_diag.side_by_side import inner_threads, side_by_side


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def walk(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(250, 64, generator=generator)
    weight = torch.randn(64, 64, generator=generator)
    for _ in range(20):
        x = torch.tanh(x @ weight)
    return x


def test_results_are_those_of_one_thread_to_the_last_bit_and_in_order(two_threads: None) -> None:
    together = list(side_by_side(walk, range(9)))
    torch.set_num_threads(1)
    alone = [walk(seed) for seed in range(9)]
    assert all(torch.equal(a, b) for a, b in zip(together, alone, strict=True))


def test_each_piece_has_the_threads_it_is_given_and_the_callers_come_back(two_threads: None) -> None:
    def seen(_: int) -> tuple[int, int]:
        return torch.get_num_threads(), threading.get_ident()

    found = list(side_by_side(seen, range(8)))
    assert {threads for threads, _ in found} == {1}
    assert threading.get_ident() not in {thread for _, thread in found}
    assert torch.get_num_threads() == 2
    assert list(side_by_side(seen, range(2), at_once=False)) == [(2, threading.get_ident())] * 2


def test_two_pieces_are_really_at_work_at_once(two_threads: None) -> None:
    meeting = threading.Barrier(2, timeout=60)

    def meet(_: int) -> int:
        return meeting.wait()

    assert sorted(side_by_side(meet, range(2))) == [0, 1]


def test_an_error_of_a_piece_is_raised_and_the_callers_threads_come_back(two_threads: None) -> None:
    def fail(number: int) -> int:
        if number == 3:
            raise ValueError("piece 3")
        return number

    with pytest.raises(ValueError, match="piece 3"):
        list(side_by_side(fail, range(50)))
    assert torch.get_num_threads() == 2


def test_pieces_are_made_as_their_turn_comes(two_threads: None) -> None:
    made = 0

    def pieces() -> Iterator[int]:
        nonlocal made
        for number in range(1000):
            made += 1
            yield number

    results = side_by_side(lambda number: number, pieces())
    assert next(results) == 0
    assert made < 20
    results.close()  # type: ignore[attr-defined]
    assert torch.get_num_threads() == 2


def test_gradients_are_recorded_where_the_caller_records_them(two_threads: None) -> None:
    def records(_: int) -> bool:
        return torch.is_grad_enabled()

    with torch.no_grad():
        assert not any(side_by_side(records, range(4)))
    assert all(side_by_side(records, range(4)))


def test_few_pieces_leave_no_core_over(two_threads: None) -> None:
    assert inner_threads(1) == 2
    assert inner_threads(2) == 1
    assert inner_threads(0) == 2
