"""Pieces of work on a CPU next to each other, each on one thread from its beginning to its end.

A network of a few hundred units makes products of a millisecond. Where all threads share each product, they
wait for each other after every one, and OpenMP waits by spinning: next to another busy process most of the
processor time goes into waiting. Whole batches need one meeting, at their end, and a thread that has nothing
to do sleeps. A piece is then computed by the same instructions however many threads there are, and its
numbers are the same to the last bit.

There are as many threads as torch would use: those of ``OMP_NUM_THREADS``, of ``torch.set_num_threads`` or of
the machine, in that order of the user's choices.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def side_by_side(
    work: Callable[[Piece], Result],
    pieces: Iterable[Piece],
    *,
    at_once: bool = True,
    inner: int = 1,
) -> Iterator[Result]:
    """Yield what ``work`` makes of each piece, in their order.

    Args:
        work: Called in several threads at once; it may draw no random numbers that pieces share.
        pieces: Taken as their turn comes, so that few are held in memory.
        at_once: Whether pieces may be worked on at once; else they are one by one, each with all threads.
        inner: Threads of torch within a piece: more than one only where there are fewer pieces than cores.
    """
    threads = torch.get_num_threads()
    pools = threads // inner
    if pools <= 1 or not at_once:
        yield from map(work, pieces)
        return
    grad = torch.is_grad_enabled()

    def with_grad_mode(piece: Piece) -> Result:
        # Whether gradients are recorded is a property of each thread.
        with torch.set_grad_enabled(grad):
            return work(piece)

    waiting: deque[Future[Result]] = deque()
    with _threads_of_torch(pools, inner=inner, after=threads) as pool:
        for piece in pieces:
            waiting.append(pool.submit(with_grad_mode, piece))
            if len(waiting) > 2 * pools:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def inner_threads(pieces: int) -> int:
    """Return how many threads of torch each of so many pieces may have, so that no core is left over."""
    return max(1, torch.get_num_threads() // max(1, pieces))


@contextmanager
def _threads_of_torch(count: int, *, inner: int, after: int) -> Iterator[ThreadPoolExecutor]:
    """Yield threads, in each of which torch has ``inner`` of its own; the caller's has one meanwhile."""
    pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(inner,))
    # The caller makes pieces and takes results: threads of its own would wait for cores that are taken.
    torch.set_num_threads(1)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(after)
