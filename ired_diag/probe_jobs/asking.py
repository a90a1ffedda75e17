"""Whether a job is done: its receipt says where the rows should be, and the tables are asked.

A receipt does not count where the job says something else now, a checkpoint is another file than the one that
was measured or could not be read, a picture is gone, or a table has lost rows. Tables are read by their
metadata alone, once each.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ired_diag.errors import DiagError
from ired_diag.probe_jobs.job import Job, RunPart
from ired_diag.probe_jobs.receipt import (
    CheckpointReceipt,
    Receipt,
    RowKey,
    file_state,
    read_receipt,
)
from ired_diag.runs.files import is_file
from ired_diag.table import read_columns


class Tables:
    """The rows that tables hold, each table read once."""

    def __init__(self) -> None:
        self._keys: dict[Path, frozenset[RowKey]] = {}

    def keys(self, path: Path) -> frozenset[RowKey]:
        """Return what selects the rows of each answer; none of a table that is missing or damaged."""
        if path not in self._keys:
            self._keys[path] = _keys(path)
        return self._keys[path]


def _keys(path: Path) -> frozenset[RowKey]:
    if not is_file(path):
        return frozenset()
    try:
        _, metadata = read_columns(path)
        answers = metadata.get("answers", [])
        return frozenset(map(_key_of, answers))
    except (DiagError, KeyError, TypeError):
        return frozenset()  # the job meets the same table, and says what is wrong with it


def _key_of(answer: Mapping[str, Any]) -> RowKey:
    return answer["step"], answer["weights"], answer["settings"]


def valid_receipt(job: Job, path: Path, tables: Tables) -> Receipt | None:
    """Return the receipt of a job that is done; None where something of it is to be measured.

    Args:
        job: The job.
        path: Its receipt.
        tables: Who reads the tables.
    """
    receipt = read_receipt(path)
    if receipt is None or receipt.job != job.digest:
        return None
    by_path = {checkpoint.path: checkpoint for checkpoint in receipt.checkpoints}
    for part in job.parts:
        for file in part.checkpoints:
            checkpoint = by_path.get(file)
            if checkpoint is None or not _is_held(checkpoint, part, tables):
                return None
    return receipt


def _is_held(checkpoint: CheckpointReceipt, part: RunPart, tables: Tables) -> bool:
    """Say whether all that was measured of a checkpoint is there."""
    if not checkpoint.is_read:
        return False
    if (checkpoint.size, checkpoint.changed) != file_state(Path(checkpoint.path)):
        return False
    for entry in checkpoint.entries:
        if entry.key not in tables.keys(Path(part.folder) / f"{entry.probe}.parquet"):
            return False
        if not all(is_file(Path(figure)) for figure in entry.figures):
            return False
    return True
