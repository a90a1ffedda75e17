"""Imported runs whose log is gone: it was removed or renamed after an earlier import.

A run folder records which log it was imported from. Where an import looks through a folder again and that log
is not there any more, the run is as old as the earlier import, and nothing will bring it up to date. It is
never removed without being asked to: the log may be gone because the disk was full. Logs that lie elsewhere
say nothing: the runs may come from another machine.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.runs.store import find_runs, imported_sources


@dataclass(frozen=True)
class GoneSource:
    """A run whose log is gone.

    Attributes:
        folder: The folder of the run.
        log: Where its log was.
    """

    folder: Path
    log: Path


def gone_sources(runs: Path, sources: Sequence[Path], written: Collection[Path]) -> list[GoneSource]:
    """Return the runs of earlier imports whose log was in a place that is imported now, and is gone.

    Args:
        runs: The runs folder.
        sources: The logs and folders of logs that are imported.
        written: The run folders that this import wrote.
    """
    places = [source.resolve() if source.is_dir() else source.resolve().parent for source in sources]
    gone = []
    for folder in find_runs(runs):
        log = None if folder in written else _last_log(folder)
        if log is None or log.exists():
            continue
        if any(log.is_relative_to(place) for place in places):
            gone.append(GoneSource(folder, log))
    return gone


def _last_log(folder: Path) -> Path | None:
    """Return the log that a run stands for; None of a run that was trained here or cannot be read."""
    try:
        logs = imported_sources(folder)
    except UnreadableFile:
        return None
    return Path(logs[0]) if logs else None
