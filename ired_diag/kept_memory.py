"""Memory that a training step frees is kept for the next step.

A step on a processor allocates and frees the same tensors each time, megabytes each. The C library gives
such memory back to the system when it is freed, and the system hands it out again as pages that it clears
first: 27,000 page faults in a step of batch 2048 and width 512, a fifth of its processor time. Two limits of
glibc's ``malloc`` decide it: blocks above ``M_MMAP_THRESHOLD`` are mapped one by one, and free memory above
``M_TRIM_THRESHOLD`` at the end of the heap is given back. While ``freed_memory_kept`` lasts, both are far
above what a step needs; at its end, what is free is given back.

Where the C library is another one, nothing changes; neither where the user has set these limits.

Reference: mallopt(3), malloc_trim(3).
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # the numbers of M_TRIM_THRESHOLD and M_MMAP_THRESHOLD in malloc.h
ABOVE_ALL_TENSORS = 1 << 30  # bytes
LARGEST_IN_OLD_LIBRARIES = 32 << 20  # bytes: glibc before 2.35 refuses a larger M_MMAP_THRESHOLD
TRIM_AT_REST = 64 << 20  # bytes: as far as glibc raises the limits by itself
OWN_SETTINGS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_", "MALLOC_MMAP_MAX_")


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Let the C library keep what is freed for what is allocated next, until the end of the block."""
    library = _glibc()
    if library is None or has_own_settings(os.environ):
        yield
        return
    if not library.mallopt(MMAP_THRESHOLD, ABOVE_ALL_TENSORS):
        library.mallopt(MMAP_THRESHOLD, LARGEST_IN_OLD_LIBRARIES)
    library.mallopt(TRIM_THRESHOLD, ABOVE_ALL_TENSORS)
    try:
        yield
    finally:
        library.mallopt(MMAP_THRESHOLD, LARGEST_IN_OLD_LIBRARIES)
        library.mallopt(TRIM_THRESHOLD, TRIM_AT_REST)
        library.malloc_trim(0)


def has_own_settings(environment: Mapping[str, str]) -> bool:
    """Say whether the user has set how the C library's ``malloc`` keeps memory.

    >>> has_own_settings({"MALLOC_TRIM_THRESHOLD_": "131072"})
    True
    >>> has_own_settings({"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=131072"})
    True
    >>> has_own_settings({"GLIBC_TUNABLES": "glibc.pthread.rseq=0"})
    False
    """
    if any(name in environment for name in OWN_SETTINGS):
        return True
    return "glibc.malloc." in environment.get("GLIBC_TUNABLES", "")


def _glibc() -> ctypes.CDLL | None:
    """Return the C library of this process, None where it is not glibc."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version") and hasattr(library, "mallopt"):
        return library
    return None
