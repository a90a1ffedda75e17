"""Matrix inversion is one task: the few files that import its mathematics or name it are listed here."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from ired_diag.subject import NEEDS

ROOT = Path(__file__).parents[1]
OWN = ("ired_diag/inverse/", "ired_diag/tasks/", "ired_diag/experiments/", "probes/inverse/")
IMPORTERS = {"app/cli/verify.py"}  # the command that recomputes a checkpoint of this task
# ``mse`` and ``matrix`` are words of anybody's log and algebra; these are of this task alone.
OF_THE_TASK = re.compile(
    r"\bIRED\b|(?i:matri(?:x|ces) inver|inverse matri|frozen matri|Newton.Schulz)"
    r"|\bMatrixData\b|\bEnergyNetwork\b|[\"']matrices[\"']"
)
NAMERS = {
    "ired_diag/readers/evaluation_context.py",  # reads the logs of the study's evaluations
    "ired_diag/forensics/idle_keys.py",  # knows the keys of the study's configurations
}


def imports_inverse(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ired_diag.inverse"):
            return True
        if isinstance(node, ast.Import) and any(a.name.startswith("ired_diag.inverse") for a in node.names):
            return True
    return False


def sources() -> dict[str, Path]:
    """Return the Python files outside the task's own folders, by their path."""
    files = {}
    for package in ("app", "probes", "ired_diag"):
        for path in (ROOT / package).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(OWN):
                files[name] = path
    return files


def names_the_task(path: Path) -> bool:
    # The package and its command are called ired_diag and ired-diag: these name no task.
    text = re.sub(r"ired[-_]diag", "", path.read_text(), flags=re.IGNORECASE)
    return OF_THE_TASK.search(text) is not None


def test_only_these_files_import_the_mathematics_of_matrix_inversion() -> None:
    assert {name for name, path in sources().items() if imports_inverse(path)} == IMPORTERS


def test_only_these_files_name_the_task() -> None:
    assert {name for name, path in sources().items() if names_the_task(path)} == NAMERS


def test_what_probes_of_any_task_need_names_no_task() -> None:
    assert set(NEEDS) == {"negatives", "levels", "energy", "training", "splits"}
