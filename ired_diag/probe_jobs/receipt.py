"""A receipt: what a job did, checkpoint by checkpoint, and where the answers are.

It holds no answer. It names the rows (step, weights, hash of the settings) in the table of each probe, and
what the checkpoint's file was like when it was read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile
from ired_diag.finding import Finding
from ired_diag.json_object import read_json_object
from ired_diag.runs.checkpoint import Weights
from ired_diag.runs.files import FORMAT, check_format, write_atomically

RowKey = tuple[int, str, str]  # step, weights, hash of the settings: the first columns of a table


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Rows of a table that answer a probe.

    Attributes:
        probe: Name of the probe.
        step: Of the checkpoint, as it stands in the table.
        weights: Which weights.
        settings: Hash of what decides the numbers.
        known: Whether the rows were there before the job.
        figures: Picture files.
    """

    probe: str
    step: int
    weights: Weights
    settings: str
    known: bool
    figures: tuple[str, ...] = ()

    @property
    def key(self) -> RowKey:
        """What selects its rows."""
        return self.step, self.weights, self.settings


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A probe, or all, that could not be put, and why."""

    probe: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CheckpointReceipt:
    """What was done with one checkpoint.

    Attributes:
        path: The file, absolute.
        size: Its bytes.
        changed: When it was last changed, in nanoseconds.
        entries: The answers.
        refusals: What has no answer.
        notes: What is odd about the checkpoint or its configuration.
    """

    path: str
    size: int
    changed: int
    entries: tuple[Entry, ...]
    refusals: tuple[Refusal, ...]
    notes: tuple[Finding, ...]

    @property
    def is_read(self) -> bool:
        """Whether the checkpoint could be read: else the next command asks again."""
        return all(refusal.probe for refusal in self.refusals)


@dataclass(frozen=True)
class Receipt:
    """What a job did.

    Attributes:
        job: Hash of the job's content.
        checkpoints: One for each checkpoint, in the order of the job.
    """

    job: str
    checkpoints: tuple[CheckpointReceipt, ...]


def file_state(path: Path) -> tuple[int, int]:
    """Return bytes and time of the last change of a file; two zeros where there is none."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def write_receipt(path: Path, receipt: Receipt) -> None:
    """Write a receipt.

    Raises:
        CannotWrite: The file cannot be written.
    """
    content = {"format": FORMAT, **asdict(receipt)}
    text = json.dumps(content, indent=1, default=_as_python_number)
    write_atomically(path, f"{text}\n".encode())


def read_receipt(path: Path) -> Receipt | None:
    """Return a receipt; None where there is none, or where it is not whole: the job is then done again."""
    try:
        content = read_json_object(path)
        check_format(content.get("format"), str(path))
        return Receipt(str(content["job"]), tuple(map(_checkpoint, content["checkpoints"])))
    except (UnreadableFile, KeyError, TypeError):
        return None


def _checkpoint(row: Mapping[str, Any]) -> CheckpointReceipt:
    entries = [Entry(**{**entry, "figures": tuple(entry["figures"])}) for entry in row["entries"]]
    refusals = [Refusal(**refusal) for refusal in row["refusals"]]
    notes = [finding_of(note) for note in row["notes"]]
    parts = {"entries": tuple(entries), "refusals": tuple(refusals), "notes": tuple(notes)}
    return CheckpointReceipt(**{**row, **parts})


def finding_of(content: Mapping[str, Any]) -> Finding:
    """Return a finding from what JSON holds of it."""
    runs: Sequence[str] = content.get("runs", ())
    return Finding(
        rule=content["rule"],
        severity=content["severity"],
        statement=content["statement"],
        evidence=content["evidence"],
        advice=content["advice"],
        runs=tuple(runs),
    )


def _as_python_number(value: Any) -> Any:
    """Return a number of numpy's as Python's."""
    return value.item()
