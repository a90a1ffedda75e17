"""How much more processor time one piece of code takes than another, beside it in the same process."""

from __future__ import annotations

import time
from collections.abc import Callable

TURNS = 3


def cpu_ratio(measured: Callable[[], object], reference: Callable[[], object]) -> float:
    """Return the processor time of one call in times of the other, by the fastest of three turns each."""
    times = [(_seconds(measured), _seconds(reference)) for _ in range(TURNS)]
    return min(first for first, _ in times) / min(second for _, second in times)


def _seconds(call: Callable[[], object]) -> float:
    begin = time.process_time()
    call()
    return time.process_time() - begin
