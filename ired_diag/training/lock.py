"""One trainer a run folder: a lock that the operating system lets go of when its owner dies."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ired_diag.errors import CannotWrite

LOCK = "lock"


@contextmanager
def locked(folder: Path, *, doing: str = "trained") -> Iterator[None]:
    """Hold a folder's lock.

    Args:
        folder: A run folder.
        doing: What is done to it by whoever holds the lock, for the message.

    Raises:
        CannotWrite: Another process trains this run, or the folder cannot be written.
    """
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        raise CannotWrite(f"{path}: cannot be written: {error.strerror or error}.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            owner = file.read().strip() or "another process"
            raise CannotWrite(f"{folder}: is being {doing} by {owner}. Wait for it, or stop it.") from error
        try:
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
            file.flush()
        except OSError as error:
            raise CannotWrite(f"{path}: cannot be written: {error.strerror or error}.") from error
        try:
            yield
        finally:
            file.truncate(0)  # the file stays: removing it would let two processes lock two files


def holder(folder: Path) -> str | None:
    """Return who holds a folder's lock; None where nobody does."""
    try:
        file = (folder / LOCK).open()
    except OSError:
        return None
    with file:
        owner = file.read().strip()
        if not owner:
            return None  # to try the lock now could turn away a trainer that is about to take it
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return owner
    return None  # its owner was killed
