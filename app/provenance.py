"""Where a picture or a report came from: command, files with their sums, versions."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ired_diag.errors import unreadable
from ired_diag.figures.paper_files import Provenance
from ired_diag.runs.code_version import code_commit
from ired_diag.runs.find import METRICS
from ired_diag.runs.run import Run

LIBRARIES = ("ired-diag", "numpy", "scipy", "matplotlib", "plotly")


def provenance_of(command: Sequence[str], runs: Iterable[Run], further: Iterable[Path] = ()) -> Provenance:
    """Return what makes a figure of runs again.

    Args:
        command: The command line's words.
        runs: Whose histories were read.
        further: Other files that were read, such as probe tables.

    Raises:
        UnreadableFile: A file is gone or cannot be read.
    """
    files = sorted({*(path for run in runs for path in _files(run)), *further})
    return Provenance(shlex.join(command), [_source(path) for path in files], versions())


@cache
def versions() -> dict[str, str]:
    """Return the versions of this program and of what computes and draws."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    commit = code_commit()
    return found | ({"commit": commit} if commit else {})


def _files(run: Run) -> list[Path]:
    """Return the files that a run's history was read from."""
    if run.path.is_file():
        beside = run.path.with_suffix(".err")
        return [run.path, beside] if beside.is_file() and beside != run.path else [run.path]
    if run.ending.state == "unreadable":
        return []
    return [path for path in (run.path / METRICS,) if path.is_file()]


def _source(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    return {"path": str(path), "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
