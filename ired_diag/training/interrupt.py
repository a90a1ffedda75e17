"""Ctrl-C and SIGTERM while training: a wish to stop, heard between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Stop:
    """Whether a signal asked for an end."""

    asked: bool = False


@contextmanager
def signals(heard: Callable[[], None] = lambda: None) -> Iterator[Stop]:
    """Turn the first Ctrl-C or SIGTERM into a wish to stop; a second one acts as ever.

    Args:
        heard: Called at the first.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, frame: FrameType | None) -> None:
        stop.asked = True
        signal.signal(number, before[signal.Signals(number)])
        heard()

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
