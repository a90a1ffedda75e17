"""Probe tables for the pages: each file is read once, and again only when it has changed.

Rows are kept up to a number of bytes; those that were unused for the longest are let go first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ired_diag.drawing.probe_tables import Found, Reading, find_tables
from ired_diag.runs.fingerprints import Fingerprint, fingerprint
from ired_diag.runs.run import Run
from ired_diag.table import Table, read_columns, read_table

MOST_BYTES = 2**29  # of rows: 512 MiB

Read = TypeVar("Read")


class Tables:
    """Probe tables that were read, while their files are unchanged; safe to use from several threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Read nothing yet.

        Args:
            most_bytes: Number of bytes of rows that are kept.
        """
        self.most_bytes = most_bytes
        self.reads = 0
        self._lock = threading.Lock()
        self._columns: dict[Path, tuple[Fingerprint | None, Any]] = {}
        self._rows: dict[Path, tuple[Fingerprint | None, Any]] = {}
        self._reading = Reading(self._columns_of, self._rows_of)

    def find(self, groups: Mapping[str, Sequence[Run]], probe: str) -> Found:
        """Return the tables of a probe in runs, and which runs lack a table.

        Raises:
            UnreadableFile: A table is damaged.
        """
        return find_tables(groups, probe, reading=self._reading)

    def state(self, tables: Found) -> Hashable:
        """Return a value that stays the same as long as no table changes, appears or disappears."""
        prints = [(table.label, table.path, fingerprint(table.path)) for table in tables.tables]
        return tables.groups, tuple(prints)

    def _columns_of(self, path: Path) -> tuple[list[str], dict[str, Any]]:
        return self._kept(self._columns, path, read_columns)

    def _rows_of(self, path: Path) -> tuple[Table, dict[str, Any]]:
        return self._kept(self._rows, path, read_table)

    def _kept(
        self, kept: dict[Path, tuple[Fingerprint | None, Any]], path: Path, read: Callable[[Path], Read]
    ) -> Read:
        with self._lock:
            now = fingerprint(path)
            before, content = kept.pop(path, (None, None))
            if content is None or before != now:
                self.reads += 1
                content = read(path)
            kept[path] = now, content  # last, since it is used now
            self._let_go()
            result: Read = content
            return result

    def _let_go(self) -> None:
        """Let go of the rows that were unused for the longest, until the others are small enough."""
        total = sum(_bytes(rows) for _, (rows, _) in self._rows.values())
        while total > self.most_bytes and len(self._rows) > 1:
            oldest = next(iter(self._rows))
            _, (rows, _) = self._rows.pop(oldest)
            total -= _bytes(rows)


def _bytes(rows: Table) -> int:
    return sum(values.nbytes for values in rows.values())
