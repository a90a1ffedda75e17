"""The folder of this program in the user's cache directory, and how files there are kept within a size."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

OFF = "IRED_DIAG_NO_CACHE"  # in the environment: nothing is kept and nothing is given again

_in_use: ContextVar[bool] = ContextVar("caches_in_use", default=False)


@contextmanager
def caches_in_use() -> Iterator[None]:
    """Let what is opened meanwhile be kept in the user's cache directory, unless the user says otherwise."""
    token = _in_use.set(not os.environ.get(OFF))
    try:
        yield
    finally:
        _in_use.reset(token)


def are_caches_in_use() -> bool:
    """Say whether what is opened may be kept in the user's cache directory."""
    return _in_use.get()


def user_cache(kind: str) -> Path:
    """Return the folder for one kind of files in the user's cache directory; it need not exist.

    Args:
        kind: What the files are: ``histories``, ``verdicts``, ``answers``.
    """
    caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not caches.is_absolute():
        caches = Path.home() / ".cache"
    return caches / "ired-diag" / kind


def shrink(folder: Path, pattern: str, *, most_bytes: int) -> None:
    """Remove what was unused for the longest, until the rest is within a limit.

    Args:
        folder: The folder.
        pattern: Which of its files count.
        most_bytes: Largest size of all files together.
    """
    with contextlib.suppress(OSError):
        files = [(path.stat(), path) for path in folder.glob(pattern)]
        files.sort(key=lambda file: file[0].st_mtime)
        total = sum(status.st_size for status, _ in files)
        for status, path in files:
            if total <= most_bytes:
                return
            path.unlink(missing_ok=True)
            total -= status.st_size
