"""Probe tables for the pages: each file is read once, and again only when it has changed.

Rows are kept up to a number of bytes; those that were not asked for the longest time are let go first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from app.dashboard.fingerprints import Fingerprint, fingerprint
from ired_diag.figures.probe_tables import Found, Reading, find_tables
from ired_diag.runs.run import Run
from ired_diag.table import Table, read_columns, read_table

MOST_BYTES = 2**29  # of rows

Read = TypeVar("Read")


class Tables:
    """What was read of probe tables, while their files are unchanged; safe to ask from several threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Read nothing yet.

        Args:
            most_bytes: How many bytes of rows are kept.
        """
        # pyarrow loads pandas with the first column; plotly, in another thread, would find half of it.
        pa.chunked_array([[0]]).to_numpy()
        self.most_bytes = most_bytes
        self.reads = 0
        self._lock = threading.Lock()
        self._columns: dict[Path, tuple[Fingerprint | None, Any]] = {}
        self._rows: dict[Path, tuple[Fingerprint | None, Any]] = {}
        self._reading = Reading(self._columns_of, self._rows_of)

    def find(self, groups: Mapping[str, Sequence[Run]], probe: str) -> Found:
        """Return a probe's tables of runs, and which run lacks one.

        Raises:
            UnreadableFile: A table is damaged.
        """
        return find_tables(groups, probe, reading=self._reading)

    def state(self, found: Found) -> Hashable:
        """Return what is the same as long as no table has changed, come or gone."""
        return found.groups, tuple(
            (table.label, table.path, fingerprint(table.path)) for table in found.tables
        )

    def _columns_of(self, path: Path) -> tuple[list[str], dict[str, Any]]:
        return self._kept(self._columns, path, read_columns)

    def _rows_of(self, path: Path) -> tuple[Table, dict[str, Any]]:
        return self._kept(self._rows, path, read_table)

    def _kept(
        self, kept: dict[Path, tuple[Fingerprint | None, Any]], path: Path, read: Callable[[Path], Read]
    ) -> Read:
        with self._lock:
            now = fingerprint(path)
            known = kept.pop(path, None)
            if known is None or known[0] != now:
                self.reads += 1
                known = now, read(path)
            kept[path] = known  # last: asked for most recently
            self._let_go()
            told: Read = known[1]
            return told

    def _let_go(self) -> None:
        sizes = {path: _bytes(rows) for path, (_, (rows, _)) in self._rows.items()}
        while sum(sizes.values()) > self.most_bytes and len(sizes) > 1:
            oldest = next(iter(sizes))
            del sizes[oldest], self._rows[oldest]


def _bytes(rows: Table) -> int:
    return sum(values.nbytes for values in rows.values())
