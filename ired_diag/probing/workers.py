"""Measure and draw here, or in processes of their own.

A small network leaves most of a CPU's cores idle, and so does drawing. Where several checkpoints are looked
at, worker processes measure and draw, each with its share of the threads. The caller's process alone keeps
tables and compares, so that no two write the same file.
"""

from __future__ import annotations

import pickle
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cached_property
from multiprocessing import get_context
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import torch
from threadpoolctl import threadpool_limits

from ired_diag.errors import WorkerLost
from ired_diag.own_packages import find_own_packages_first
from ired_diag.probing.measuring import Measured, Question, measure

AHEAD = 2  # jobs that wait beside those that are measured: their tensors are held meanwhile
MOST = 8  # processes: each holds a copy of torch


class Job(Protocol):
    """Questions about one model with the same weights."""

    @property
    def questions(self) -> Sequence[Question]:
        """Those to be measured."""


SomeJob = TypeVar("SomeJob", bound=Job)
Result = TypeVar("Result")


def processes_for(count: int, device: torch.device) -> int:
    """Return how many processes are of use for ``count`` checkpoints: one on a GPU, which all share."""
    if device.type != "cpu":
        return 1
    return max(1, min(torch.get_num_threads(), count, MOST))


class Workers:
    """Who measures and draws: as many processes as told, or, with one, the caller's own.

    Args:
        processes: How many. More than one needs a main module that can be imported (``if __name__ == …``).
    """

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._running: list[tuple[Future[None], Callable[[], None]]] = []
        self._begun = False

    def __enter__(self) -> Self:
        """Begin; processes start when there is something to do."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Wait until all is done, or, after an error, only for what has begun."""
        try:
            if error is None:
                self._settle(wait=True)
        finally:
            if self._begun:
                self._pool.shutdown(cancel_futures=True)

    def measure(self, jobs: Iterable[SomeJob]) -> Iterator[tuple[SomeJob, Iterable[Measured]]]:
        """Yield each job with what was measured, question by question; in this process, as it is asked for.

        Args:
            jobs: Taken as they are needed, so that few are held in memory.

        Raises:
            WorkerLost: A process was killed.
        """
        if self._processes == 1:
            yield from ((job, measure(job.questions)) for job in jobs)
            return
        waiting: deque[tuple[SomeJob, Future[bytes] | list[Measured]]] = deque()
        for job in jobs:
            content = _pickled(job.questions)
            if content is None:  # functions of a user's own file: they can be called here alone
                waiting.append((job, list(measure(job.questions))))
            else:
                waiting.append((job, self._pool.submit(_measure_there, content)))
            if len(waiting) >= self._processes + AHEAD:
                yield _taken(*waiting.popleft())
        while waiting:
            yield _taken(*waiting.popleft())

    def do(self, work: Callable[..., object], *arguments: Any, then: Callable[[], None]) -> None:
        """Do some work, and ``then`` something in the caller's process; both are done when the block is left.

        Args:
            work: A function of a module.
            arguments: The arguments of the function, which pickle can hold.
            then: What to do when it is done. An error of the work is raised instead.
        """
        if self._processes == 1:
            work(*arguments)
            then()
            return
        future = self._pool.submit(_do_there, work, arguments)
        self._running.append((future, then))
        self._settle(wait=False)

    @cached_property
    def _pool(self) -> ProcessPoolExecutor:
        self._begun = True
        threads = max(1, torch.get_num_threads() // self._processes)
        return ProcessPoolExecutor(self._processes, get_context("spawn"), _begin, (threads,))

    def _settle(self, *, wait: bool) -> None:
        """Follow up what is done."""
        done = [running for running in self._running if wait or running[0].done()]
        self._running = [running for running in self._running if running not in done]
        for future, then in done:
            _result(future)
            then()


def _taken(job: SomeJob, measured: Future[bytes] | list[Measured]) -> tuple[SomeJob, Iterable[Measured]]:
    if isinstance(measured, list):
        return job, measured
    # What a worker of our own sent back: nobody else can write to it.
    return job, pickle.loads(_result(measured))


def _pickled(questions: Sequence[Question]) -> bytes | None:
    """Return questions as a worker can be sent them; None where there are none, or they cannot be sent."""
    if not questions:
        return None
    try:
        return pickle.dumps(questions)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None


def _result(future: Future[Result]) -> Result:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise WorkerLost(
            "A worker process was killed, perhaps for want of memory. What is measured is kept: the same "
            "command goes on from there; on one core (taskset -c 0) it starts no workers."
        ) from error


def _begin(threads: int) -> None:
    """Prepare a worker: a Ctrl-C, which reaches all processes, ends it without a traceback.

    What it is sent names probes, which are those of this project and not of a folder on the user's path. The
    threads of numpy's linear algebra count too: left alone they take each other's cores.
    """
    find_own_packages_first()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    torch.set_num_threads(threads)
    threadpool_limits(threads)


def _measure_there(pickled_questions: bytes) -> bytes:
    """Measure in a worker."""
    # Pickled by hand: torch would send tensors through shared memory.
    questions: Sequence[Question] = pickle.loads(pickled_questions)
    return pickle.dumps(list(measure(questions)))


def _do_there(work: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    work(*arguments)
