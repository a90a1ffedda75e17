"""Whether a file has changed: its size, its time of change and its inode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ired_diag.runs.find import may_be_run
from ired_diag.runs.links import walk


class Fingerprint(NamedTuple):
    """What a file's entry says: size in bytes, time of change in ns, inode."""

    size: int
    changed: int
    inode: int


def fingerprint(path: Path) -> Fingerprint | None:
    """Return a file's fingerprint, None where there is none."""
    try:
        told = path.stat()
    except OSError:
        return None
    return Fingerprint(told.st_size, told.st_mtime_ns, told.st_ino)


def fingerprints(paths: Iterable[Path]) -> tuple[tuple[str, Fingerprint | None], ...]:
    """Return the fingerprints of several files, by path."""
    return tuple((str(path), fingerprint(path)) for path in paths)


def tree(root: Path) -> dict[str, Fingerprint]:
    """Return the fingerprint of every file at or under a path, but for hidden ones."""
    if root.is_file():
        files: Iterable[Path] = [root]
    else:
        files = _files(root)
    return {str(path): told for path in files if (told := fingerprint(path)) is not None}


def _files(root: Path) -> Iterator[Path]:
    for folder, _, names in walk(root, may_be_run=may_be_run):
        yield from (Path(folder, name) for name in names if not name.startswith("."))
