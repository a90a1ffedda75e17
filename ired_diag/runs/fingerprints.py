"""Whether a file or a folder has changed: its size, its time of change and its inode.

The time is that of the last change of the content *or* of the entry itself (``st_ctime``). Unlike the time of
the last write it also moves where only the permissions change, and no program can set it back.

Reference: POSIX.1-2017, <sys/stat.h>, "last file status change timestamp".
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ired_diag.runs.find import may_be_run
from ired_diag.runs.links import walk


class Fingerprint(NamedTuple):
    """Size in bytes, time of change in ns, and inode of an entry."""

    size: int
    changed: int
    inode: int


def fingerprint(path: Path) -> Fingerprint | None:
    """Return the fingerprint of a file; None where there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return Fingerprint(status.st_size, status.st_ctime_ns, status.st_ino)


def fingerprints(paths: Iterable[Path]) -> tuple[tuple[str, Fingerprint | None], ...]:
    """Return the fingerprints of several files, by path."""
    return tuple((str(path), fingerprint(path)) for path in paths)


def tree(root: Path) -> dict[str, Fingerprint]:
    """Return the fingerprint of every file and folder at or under a path, without hidden files.

    That of a folder says only whether it may be read: its files say what is in it.
    """
    prints: dict[str, Fingerprint] = {}
    if root.is_file():
        _add_file(prints, root)
        return prints
    prints[str(root)] = readability(root)
    for folder, folders, names in walk(root, may_be_run=may_be_run):
        for name in folders:  # also those that the walk cannot enter
            path = Path(folder, name)
            prints[str(path)] = readability(path)
        for name in names:
            if not name.startswith("."):
                _add_file(prints, Path(folder, name))
    return prints


def _add_file(prints: dict[str, Fingerprint], path: Path) -> None:
    """Add the fingerprint of a file that is still there."""
    file_print = fingerprint(path)
    if file_print is not None:
        prints[str(path)] = file_print


def readability(folder: Path) -> Fingerprint:
    """Return a fingerprint that changes when the permission to list or to enter a folder changes."""
    return Fingerprint(int(os.access(folder, os.R_OK)), int(os.access(folder, os.X_OK)), 0)
