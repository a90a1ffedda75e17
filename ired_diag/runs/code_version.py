"""Which code runs: the commit of the checkout that it stands in, and whether files there differ from it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import ired_diag


def code_commit() -> str | None:
    """Return the commit of the running code, with ``-dirty`` where tracked files were changed since.

    None outside a git checkout, and where there is no git: the version is recorded all the same.
    """
    root = Path(ired_diag.__file__).parents[1]
    if not (root / ".git").exists():
        return None
    commit = _git(root, "rev-parse", "HEAD")
    if not commit:
        return None
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}-dirty" if changes else commit


def _git(root: Path, *arguments: str) -> str:
    try:
        completed = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return completed.stdout.strip()
