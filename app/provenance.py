"""Where a picture or a report came from: command, files with their sums, versions."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ired_diag.drawing.paper_files import Provenance
from ired_diag.errors import unreadable
from ired_diag.runs.code_version import code_commit
from ired_diag.runs.find import METRICS
from ired_diag.runs.run import Run

LIBRARIES = ("ired-diag", "numpy", "scipy", "matplotlib", "plotly")


def provenance_of(command: Sequence[str], runs: Iterable[Run], further: Iterable[Path] = ()) -> Provenance:
    """Return all that is needed to make a figure of runs again.

    Args:
        command: Words of the command line.
        runs: Runs whose histories were read.
        further: Other files that were read, such as probe tables.

    Raises:
        UnreadableFile: A file is gone or cannot be read.
    """
    files = set(further)
    for run in runs:
        files.update(_files(run))
    sources = [_source(path) for path in sorted(files)]
    return Provenance(shlex.join(command), sources, versions())


@cache
def versions() -> dict[str, str]:
    """Return the versions of this program and of the libraries that compute and draw."""
    installed = {}
    for name in LIBRARIES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            installed[name] = "not installed"
    commit = code_commit()
    if commit:
        installed["commit"] = commit
    return installed


def _files(run: Run) -> list[Path]:
    """Return the files from which the history of a run was read."""
    if run.path.is_file():
        errors = run.path.with_suffix(".err")
        if errors.is_file() and errors != run.path:
            return [run.path, errors]
        return [run.path]
    metrics = run.path / METRICS
    if run.ending.state != "unreadable" and metrics.is_file():
        return [metrics]
    return []


def _source(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    return {
        "path": str(path),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
