"""The folder of this program in the user's cache directory, and how files there are kept within a size."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


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
