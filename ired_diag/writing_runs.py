"""Many imported runs, written by several processes.

To write a history, each number becomes text, which keeps one core busy. So processes of our own, as those
that read logs (``readers.reading_ahead``), write some of the runs, and this process writes along. What a
process could not write is written again here: errors are raised where they are expected. A run with a long
history is written here in any case, since its numbers would be in memory twice.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from ired_diag.errors import CannotWrite
from ired_diag.readers.own_readers import own_readers
from ired_diag.readers.reading_ahead import PACKAGE, Helper, Parts, answer_requests, processes_allowed
from ired_diag.runs.run import Run
from ired_diag.runs.several_writers import write_each
from ired_diag.runs.store import write_run

FEWEST_RUNS = 300  # to start a process takes as long as to write some hundreds
MOST_NUMBERS = 1 << 19  # of a run that another process writes
RUNS_OF_PART = 32
PROGRAM = f"{PACKAGE}from ired_diag.writing_runs import serve; serve()"


class Placed(Protocol):
    """A run, the folder that it is written to, and its results folder, if it has one."""

    @property
    def run(self) -> Run:
        """The run."""

    @property
    def folder(self) -> Path:
        """Where it is written to."""

    @property
    def results(self) -> Path | None:
        """Its results folder."""


class Request(NamedTuple):
    """A run that a process is to write, with its number among all."""

    number: int
    run: Run
    folder: Path
    results: Path | None


def write_runs(
    things: Sequence[Placed],
    write: Callable[[Placed], object],
    finish: Callable[[Placed], object],
    count_whole: Callable[[int], object],
    *,
    processes: int | None = None,
) -> None:
    """Write runs; where one cannot be written, no further one is begun (``write_each``).

    Args:
        things: The runs.
        write: Writes one of them and finishes it; called from several threads.
        finish: Does what is left to do for a run that another process wrote.
        count_whole: Called with the number of runs that are whole so far.
        processes: How many processes write, this one included. Default: ``processes_allowed``.
    """
    count = processes_allowed() if processes is None else processes
    left: Sequence[Placed] = things
    whole = 0
    can_share = count > 1 and bool(sys.executable) and not own_readers()  # whose runs may hold anything
    if len(things) >= FEWEST_RUNS and can_share:
        shared = _Shared(things, write, count_whole)
        try:
            shared.write(count - 1)
        finally:
            for number in shared.by_others:
                finish(things[number])
            whole = len(shared.by_others) + len(shared.by_us)
            count_whole(whole)
        left = [
            thing
            for number, thing in enumerate(things)
            if number not in shared.by_others and number not in shared.by_us
        ]
    write_each(left, write, lambda written: count_whole(whole + written))


class _Shared:
    """Runs that several processes write.

    Attributes:
        by_us: Numbers of the runs that this process wrote.
        by_others: Numbers of those that others wrote.
    """

    def __init__(
        self,
        things: Sequence[Placed],
        write: Callable[[Placed], object],
        count_whole: Callable[[int], object],
    ) -> None:
        """Write nothing yet."""
        self.by_us: set[int] = set()
        self.by_others: set[int] = set()
        self._write = write
        self._count_whole = count_whole
        self._things = things

    def write(self, helpers_wanted: int) -> None:
        """Write what can be shared, as far as nothing fails."""
        parts = Parts(_parts_of(self._things))
        helpers = _started(parts, helpers_wanted)
        try:
            while part := parts.take():
                write_each(part, self._write_one, lambda _: self._count_whole(len(self.by_us)))
        finally:
            parts.end()
            for helper in helpers:  # what it has begun is brought to an end
                self.by_others.update(*helper.answers())
                helper.end()

    def _write_one(self, request: Request) -> None:
        self._write(self._things[request.number])
        self.by_us.add(request.number)


def _started(parts: Parts[Request], wanted: int) -> list[Helper]:
    """Return the processes that can be started, as many as are wanted at most."""
    helpers: list[Helper] = []
    with contextlib.suppress(OSError):  # what no other process writes is written here
        for _ in range(wanted):
            helpers.append(Helper(parts, PROGRAM))
    return helpers


def _parts_of(things: Sequence[Placed]) -> Iterator[list[Request]]:
    requests = (
        Request(number, thing.run, thing.folder, thing.results)
        for number, thing in enumerate(things)
        if _numbers_in(thing.run) <= MOST_NUMBERS
    )
    while part := list(itertools.islice(requests, RUNS_OF_PART)):
        yield part


def _numbers_in(run: Run) -> int:
    """Return how many numbers are logged in a run and its attempts."""
    histories = [attempt.history for attempt in (run, *run.attempts)]
    return sum(len(series) for history in histories for series in history.series.values())


def write_part(part: Sequence[Request]) -> list[int]:
    """Write runs, as far as nothing fails; return the numbers of those that are whole."""
    whole: list[int] = []

    def write(request: Request) -> None:
        write_run(request.run, request.folder, results=request.results)
        whole.append(request.number)

    try:
        write_each(part, write, lambda _: None)
    except (CannotWrite, OSError):
        return whole  # the process that asked writes the others again, and reports the error
    return whole


def serve() -> None:
    """Write the parts that come in, until nothing more comes."""
    answer_requests(write_part)
