"""A machine that has run out of memory, open files or disk: not a defect of ours, and reported in one line.

Libraries say it in many ways. Python raises ``MemoryError``; PyTorch on a CPU, threads and maps of files a
plain ``RuntimeError``; a library that cannot be loaded an ``ImportError``; the operating system ``OSError``.

Reference: POSIX.1-2017, <errno.h>; getrlimit(), the limits that ``ulimit`` sets.
"""

from __future__ import annotations

import errno
import re

MEMORY = "Memory ran out. Run it where there is more, or raise the limit (ulimit -v)."
DEVICE = "The memory of the device ran out. Run it with fewer samples at once, or with --device cpu."
THREADS = "No further thread can be started. Raise the limits of processes and of memory (ulimit -u, -v)."
FILES = "Too many files are open at once. Raise the limit (ulimit -n)."
DISK = "the disk that the output goes to is full."
SIZE = "A file may not grow any further: a limit is reached (ulimit -f)."
BY_NUMBER = {
    errno.ENOMEM: MEMORY,
    errno.EMFILE: FILES,
    errno.ENFILE: FILES,
    errno.ENOSPC: DISK,
    errno.EDQUOT: DISK,
    errno.EFBIG: SIZE,
}
NO_MEMORY = (
    "can't allocate memory",
    "cannot allocate memory",
    "failed to map segment",
    "out of memory",
)  # in lower case
NO_DEVICE_MEMORY = re.compile(r"(cuda|hip|mps|xpu)\b.*out of memory")
NO_THREAD = "can't start new thread"
TOO_MANY_FILES = "too many open files"


def lack_in_words(error: Exception) -> str | None:
    """Return what ran out, and what to do; None where an error says nothing of that kind.

    >>> lack_in_words(OSError(errno.EMFILE, "Too many open files"))
    'Too many files are open at once. Raise the limit (ulimit -n).'
    >>> lack_in_words(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB."))
    'The memory of the device ran out. Run it with fewer samples at once, or with --device cpu.'
    >>> lack_in_words(RuntimeError("shapes differ")) is None
    True
    """
    if isinstance(error, MemoryError):
        return MEMORY
    if isinstance(error, OSError) and error.errno in BY_NUMBER:
        return BY_NUMBER[error.errno]
    if not isinstance(error, RuntimeError | ImportError | OSError):
        return None
    words = str(error).lower()
    if NO_DEVICE_MEMORY.search(words):
        return DEVICE
    if NO_THREAD in words:
        return THREADS
    if any(lack in words for lack in NO_MEMORY):
        return MEMORY
    if TOO_MANY_FILES in words:
        return FILES
    return None
