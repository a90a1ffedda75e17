"""The file that opens the dashboard: the key stands in it, and not in the browser's command line.

Every user of a machine can read the command lines of its processes. So the browser is given the name of a
file that only its owner may read, whose page leads to the address with the key. The file goes when the server
ends.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

from app.dashboard.history_cache import cache_folder

PAGE = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={address}">'
    '<title>ired-diag</title><p><a href="{address}">Open the dashboard</a></p>\n'
)


@contextmanager
def opening_file(address: str) -> Iterator[Path]:
    """Give a file, readable by its owner alone, whose page leads to an address; it is removed at the end.

    Args:
        address: Address of the dashboard, with the key.

    Raises:
        OSError: No file can be written in the user's cache directory.
    """
    folder = cache_folder().parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    number, name = tempfile.mkstemp(prefix="open-", suffix=".html", dir=folder)  # of mode 0600
    path = Path(name)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(PAGE.format(address=escape(address)))
        yield path
    finally:
        path.unlink(missing_ok=True)
