"""Matrix inversion is one task: the files that import its mathematics are listed; the list only shrinks."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
OWN = ("ired_diag/inverse/", "ired_diag/tasks/", "ired_diag/experiments/", "probes/inverse/")
KNOWN = {"app/cli/verify.py"}  # the command that recomputes a checkpoint of this task


def imports_inverse(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ired_diag.inverse"):
            return True
        if isinstance(node, ast.Import) and any(a.name.startswith("ired_diag.inverse") for a in node.names):
            return True
    return False


def test_only_these_files_import_the_mathematics_of_matrix_inversion() -> None:
    importers = set()
    for package in ("app", "probes", "ired_diag"):
        for path in (ROOT / package).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(OWN) and imports_inverse(path):
                importers.add(name)
    assert importers == KNOWN
