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
    """What an entry says: size in bytes, time of change in ns, inode."""

    size: int
    changed: int
    inode: int


def fingerprint(path: Path) -> Fingerprint | None:
    """Return a file's fingerprint, None where there is none."""
    try:
        told = path.stat()
    except OSError:
        return None
    return Fingerprint(told.st_size, told.st_ctime_ns, told.st_ino)


def fingerprints(paths: Iterable[Path]) -> tuple[tuple[str, Fingerprint | None], ...]:
    """Return the fingerprints of several files, by path."""
    return tuple((str(path), fingerprint(path)) for path in paths)


def tree(root: Path) -> dict[str, Fingerprint]:
    """Return the fingerprint of every file and folder at or under a path, but for hidden files.

    A folder's says only whether it may be read: what is in it, the files say.
    """
    if root.is_file():
        told = fingerprint(root)
        return {} if told is None else {str(root): told}
    prints: dict[str, Fingerprint] = {str(root): _readability(root)}
    for folder, folders, names in walk(root, may_be_run=may_be_run):
        for name in folders:  # also those that the walk cannot enter
            path = Path(folder, name)
            prints[str(path)] = _readability(path)
        shown = (Path(folder, name) for name in names if not name.startswith("."))
        prints.update({str(path): told for path in shown if (told := fingerprint(path)) is not None})
    return prints


def _readability(folder: Path) -> Fingerprint:
    """Return a fingerprint that changes where a folder may be listed or entered, or no longer."""
    return Fingerprint(int(os.access(folder, os.R_OK)), int(os.access(folder, os.X_OK)), 0)
