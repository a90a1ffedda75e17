"""Readers of foreign logs: one format, one file, ``accepts`` and ``read``.

Readers do not smooth, resample or drop: what a log tells twice is told twice, and what cannot be read is
counted in a finding.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ired_diag.runs.attempt import Attempt


class Reader(Protocol):
    """A module that reads one format."""

    def accepts(self, path: Path) -> bool:
        """Say whether ``path`` is of this format, by its first 4 KiB."""
        ...

    def read(self, path: Path) -> Attempt:
        """Return what the log at ``path`` tells."""
        ...


def readers() -> dict[str, Reader]:
    """Return the reader of each format, by the format's name."""
    from ired_diag.readers import slurm

    return {"slurm": slurm}
