"""One writer at a time: who reads a file, adds to it and writes it back must not meet another who does.

Without it the second of two such writers replaces what the first has added. The lock is advisory, belongs to
one folder, and the operating system lets go of it when its holder dies, however that happens.

Reference: flock(2); lost updates: Gray & Reuter (1993), Transaction Processing, section 7.6.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ired_diag.errors import CannotWrite
from ired_diag.runs.files import ELSEWHERE

LOCK = ".lock"  # it stays: removing it would let two writers lock two files


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Wait until no other process writes into a folder in this way, and keep others waiting.

    Args:
        folder: Made if need be.

    Raises:
        CannotWrite: The folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("ab")
    except OSError as error:
        raise CannotWrite(f"{folder}: cannot be written: {error.strerror or error}.{ELSEWHERE}") from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
