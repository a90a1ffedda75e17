"""Signals that ask a training to stop: they are noted, and acted on between two steps.

- SIGINT: Ctrl-C. SIGTERM: a scheduler, or ``kill``. A second one of them acts as it would without us.
- SIGHUP: the terminal was closed, as when an ssh session ends. It comes twice, from the shell and from the
  kernel, so that a second one must not cut the save short: it is ignored.
- SIGUSR1, SIGUSR2: the warning that SLURM sends before the time limit (``sbatch --signal=USR1@120``). A
  second one is ignored too.

Where SIGHUP is ignored when the process starts, it stays ignored: that is what ``nohup`` asks for.

Reference: POSIX.1-2017, General Information, section 2.4 (signal concepts); setsid(2), ioctl_tty(2).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

FORCED_BY_A_SECOND = (signal.SIGINT, signal.SIGTERM)
ONLY_A_WISH = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


@dataclass
class Stop:
    """A wish to stop.

    Attributes:
        is_wished: Whether a signal asked for an end.
        signal: The first signal that did.
    """

    is_wished: bool = False
    signal: signal.Signals | None = None


@contextmanager
def signals(heard: Callable[[], None] = lambda: None, stop: Stop | None = None) -> Iterator[Stop]:
    """Turn the first signal that asks for an end into a wish to stop.

    Args:
        heard: Called at the first signal.
        stop: Where the wish is noted. Default: a new one. A caller that listens before the training does
            gives its own, so that no signal is lost in between.
    """
    stop = stop or Stop()
    if threading.current_thread() is not threading.main_thread():
        # Python sets signal handlers in the main thread only.
        yield stop
        return
    before = {number: signal.getsignal(number) for number in (*FORCED_BY_A_SECOND, *ONLY_A_WISH)}
    if before[signal.SIGHUP] is signal.SIG_IGN:
        del before[signal.SIGHUP]

    def ask(number: int, frame: FrameType | None) -> None:
        is_first = not stop.is_wished
        stop.is_wished = True
        if is_first:
            stop.signal = signal.Signals(number)
        if number in FORCED_BY_A_SECOND:
            # The handler from before, so that a second Ctrl-C ends the program at once.
            signal.signal(number, before[signal.Signals(number)])
        if is_first:
            heard()

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
