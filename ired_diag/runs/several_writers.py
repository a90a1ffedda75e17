"""Many things written by several threads.

A file that is flushed to the disk keeps its writer waiting for milliseconds, and a disk flushes several files
in the time of one. So the waiting is shared; what is computed still takes its turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TypeVar

WRITERS = 8
FEWEST = 16  # things: fewer are written one after another

Thing = TypeVar("Thing")


def write_each(
    things: Sequence[Thing],
    write: Callable[[Thing], object],
    count_whole: Callable[[int], object],
) -> None:
    """Write each of some things.

    Where one cannot be written, those that were begun are brought to an end, no further one is begun, and the
    first error, in the order of the things, is raised.

    Args:
        things: What to write.
        write: Writes one of them; called from several threads.
        count_whole: Called, from the caller's thread, with the number of things that are written so far.
    """
    if len(things) < FEWEST:
        for number, thing in enumerate(things, start=1):
            write(thing)
            count_whole(number)
        return
    with ThreadPoolExecutor(WRITERS) as pool:
        writes = [pool.submit(write, thing) for thing in things]
        try:
            for number, done in enumerate(as_completed(writes), start=1):
                done.result()
                count_whole(number)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            count_whole(sum(map(_is_whole, writes)))
            for done in writes:
                if not done.cancelled():
                    done.result()
            raise  # an interrupt: nothing that was begun has failed


def _is_whole(done: Future[object]) -> bool:
    return not done.cancelled() and done.exception() is None
