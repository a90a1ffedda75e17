"""Many logs, read by several processes.

A log is read by itself, so that a folder of them can be shared out: processes of our own each read some logs
and send the runs back, and this process reads along. What a process cannot read is left out of the answer and
read again here: errors are raised where they are expected, with their own traceback. The order of the logs is
the caller's, who asks for the runs of one path after another.

The processes are new ones and not forks: a fork of a process with threads (of torch, of a server) may hang.
They import no file of the user, so that a script needs no ``if __name__ == "__main__"``. There are as many as
the machine and the user allow (``processes_allowed``), and none for a few small logs: to start one takes as
long as to read 20 MB.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from ired_diag.errors import DiagError
from ired_diag.readers.own_readers import own_readers
from ired_diag.runs.files import is_special
from ired_diag.runs.run import Run

SUFFIXES = frozenset((".out", ".log", ".txt", ".csv", ".tsv", ".jsonl", ".ndjson"))
FEWEST_FILES, FEWEST_BYTES = 400, 24 << 20
FILES_OF_PART, BYTES_OF_PART = 32, 1 << 20  # of what a process reads at once: all end at about the same time
MOST_PROCESSES = 8
AHEAD = 2  # parts that a process has been told of, so that it never waits for the next
LENGTH = 8  # bytes
ROOT = Path(__file__).resolve().parents[2]
# The package is found where this one is, and the folder is not left on the path for others to be found in.
PACKAGE = "import sys; sys.path.insert(0, sys.argv[1]); import ired_diag; sys.path.pop(0); "
PROGRAM = f"{PACKAGE}from ired_diag.readers.reading_ahead import serve; serve()"
QUOTA = Path("/sys/fs/cgroup/cpu.max")

Read = Callable[[Path], Sequence[Run]]
Thing = TypeVar("Thing")


def processes_allowed() -> int:
    """Return how many processes may compute, by the CPUs, a container's quota and OMP_NUM_THREADS."""
    limits = [os.cpu_count() or 1, MOST_PROCESSES]
    if hasattr(os, "sched_getaffinity"):
        limits.append(len(os.sched_getaffinity(0)))
    threads = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if threads.isdigit():
        limits.append(int(threads))
    limits.append(_quota() or MOST_PROCESSES)
    return max(1, min(limits))


def _quota() -> int:
    """Return how many CPUs the container may use; 0 where it has no limit, or none that is known."""
    try:
        quota, period = QUOTA.read_text().split()
    except (OSError, ValueError):
        return 0
    return max(1, int(quota) // int(period)) if quota.isdigit() else 0


def read_ahead(files: Sequence[Path], read: Read, *, processes: int | None = None) -> dict[Path, list[Run]]:
    """Return the runs of those logs among files that can be read; nothing where the files are few and small.

    Args:
        files: Files of a folder.
        read: Reads a log, and is what the processes call: ``readers.logs.read_log``.
        processes: How many processes read, this one included. Default: ``processes_allowed``.
    """
    count = processes_allowed() if processes is None else processes
    if count < 2 or not sys.executable or own_readers():  # a user's reader may need this very process
        return {}
    sizes = _sizes(files)
    if len(sizes) < FEWEST_FILES and sum(sizes.values()) < FEWEST_BYTES:
        return {}
    parts = Parts(_parts_of(sizes))
    helpers: list[Helper] = []
    try:
        for _ in range(count - 1):
            helpers.append(Helper(parts, PROGRAM))
        runs = _read_along(parts, read)
        for helper in helpers:
            for answer in helper.answers():
                runs.update(answer)
    except OSError:  # no process can be started, and the caller reads alone
        return {}
    finally:
        for helper in helpers:
            helper.end()
    return runs


def _sizes(files: Sequence[Path]) -> dict[Path, int]:
    """Return the sizes of the files that have a log's name and can be opened."""
    sizes = {}
    for path in files:
        if path.suffix in SUFFIXES and not is_special(path):
            try:
                sizes[path] = path.stat().st_size
            except OSError:  # the caller says why
                continue
    return sizes


def _parts_of(sizes: dict[Path, int]) -> Iterator[list[Path]]:
    """Yield the files in parts that take about the same time."""
    part: list[Path] = []
    size = 0
    for path, size_of_file in sizes.items():
        errors = path.with_suffix(".err")  # read with it
        size += size_of_file + (errors.stat().st_size if errors.is_file() else 0)
        part.append(path)
        if len(part) >= FILES_OF_PART or size >= BYTES_OF_PART:
            yield part
            part, size = [], 0
    if part:
        yield part


class Parts(Generic[Thing]):
    """Parts of the work, each of which is taken once, by any thread."""

    def __init__(self, parts: Iterator[list[Thing]]) -> None:
        """Hold all of them."""
        self._parts = deque(parts)

    def take(self) -> list[Thing]:
        """Return a part that nobody has taken; an empty one at the end."""
        try:
            return self._parts.popleft()  # one operation: no lock is needed
        except IndexError:
            return []

    def end(self) -> None:
        """Let nobody take a further one."""
        self._parts.clear()


def _read_along(parts: Parts[Path], read: Read) -> dict[Path, list[Run]]:
    """Return the runs of the parts that are left to this process."""
    runs: dict[Path, list[Run]] = {}
    while part := parts.take():
        runs.update(_read_part(part, read))
    return runs


def _read_part(part: Sequence[Path], read: Read) -> dict[Path, list[Run]]:
    runs = {}
    for path in part:
        try:
            runs[path] = list(read(path))
        except (DiagError, OSError):  # the caller reads it again, and reports it
            continue
    return runs


class Helper:
    """A process that works on parts, and the thread that hands them to it."""

    def __init__(self, parts: Parts[Any], program: str) -> None:
        """Start both.

        Args:
            parts: The work.
            program: What the process runs: it ends in ``answer_requests``.

        Raises:
            OSError: The process cannot be started.
        """
        self._parts = parts
        self._answers: list[bytes] = []
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", program, str(ROOT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._thread = threading.Thread(target=self._share, daemon=True)
        self._thread.start()

    def answers(self) -> list[Any]:
        """Return the answers when there is no further part, without those of a killed process."""
        self._thread.join()
        return list(map(pickle.loads, self._answers))  # a process of our own wrote them

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._thread.join()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                # Closing sends what was not sent yet, and a process that was killed takes no more.
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _share(self) -> None:
        """Hand parts to the process, and keep its answers."""
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:
            return
        waiting = 0
        try:
            while True:
                while waiting < AHEAD and (part := self._parts.take()):
                    _send(requests, pickle.dumps(part))
                    waiting += 1
                if not waiting:
                    return
                answer = _receive(answers)
                if not answer:
                    return
                self._answers.append(answer)
                waiting -= 1
        except (BrokenPipeError, ValueError):  # the process was killed
            return


def _send(pipe: IO[bytes], content: bytes) -> None:
    pipe.write(len(content).to_bytes(LENGTH))
    pipe.write(content)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes:
    """Return what was sent; nothing where the other end is closed or was cut off."""
    length = int.from_bytes(pipe.read(LENGTH))
    content = pipe.read(length)
    return content if len(content) == length else b""


def serve() -> None:
    """Read the parts that come in, and send their runs back, until nothing more comes."""
    from ired_diag.readers.logs import read_log

    answer_requests(lambda part: _read_part(part, read_log))


def answer_requests(work: Callable[[Any], object]) -> None:
    """Work on the parts that come in, and send the answers back, until nothing more comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process ends it
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed must not end up among the answers
    try:
        while request := _receive(requests):
            answer = work(pickle.loads(request))
            _send(answers, pickle.dumps(answer, protocol=pickle.HIGHEST_PROTOCOL))
    except BrokenPipeError:  # nobody waits for the answer any more
        os._exit(0)
