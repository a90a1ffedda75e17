"""Imports go down the list and never back."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Whoever stands earlier may import whoever stands later.
ORDER = (
    "app",
    "probes",
    "ired_diag.importing",
    "ired_diag.writing_runs",
    "ired_diag.journals",
    "ired_diag.plans",
    "ired_diag.claims",
    "ired_diag.seed_table_runs",
    "ired_diag.runs_over_tasks",
    "ired_diag.grouping",
    "ired_diag.name_or_path",
    "ired_diag.final_values",
    "ired_diag.folder_survey",
    "ired_diag.explained_files",
    "ired_diag.named_paths",
    "ired_diag.open",
    "ired_diag.catalogue",
    "ired_diag.probe_jobs",
    "ired_diag.probing",
    "ired_diag.probing.probe",
    "ired_diag.told_training",
    "ired_diag.finding_clusters",
    "ired_diag.touched_runs",
    "ired_diag.folded_labels",
    "ired_diag.drawing",
    "ired_diag.forensics",
    "ired_diag.maps",
    "ired_diag.fork_comparison",
    "ired_diag.verdict",
    "ired_diag.launching",
    "ired_diag.training",
    "ired_diag.comparison",
    "ired_diag.live",
    "ired_diag.curves",
    "ired_diag.experiments",
    "ired_diag.tasks",
    "ired_diag.own_task",
    "ired_diag.inverse",
    "ired_diag.functions",
    "ired_diag.image",
    "ired_diag.digits",
    "ired_diag.own_model",
    "ired_diag.task",
    "ired_diag.tensors",
    "ired_diag.subject",
    "ired_diag.python_file",
    "ired_diag.stats",
    "ired_diag.readers",
    "ired_diag.table_grid",
    "ired_diag.table",
    "ired_diag.runs",
    "ired_diag.model",
    "ired_diag.pickled",
    "ired_diag.side_by_side",
    "ired_diag.devices",
    "ired_diag.precision",
    "ired_diag.kept_memory",
    "ired_diag.streams",
    "ired_diag.curriculum",
    "ired_diag.energy_config",
    "ired_diag.batch_shares",
    "ired_diag.config",
    "ired_diag.config_keys",
    "ired_diag.seed_sources",
    "ired_diag.finding",
    "ired_diag.notebook",
    "ired_diag.python_words",
    "ired_diag.json_object",
    "ired_diag.json_text",
    "ired_diag.latex_text",
    "ired_diag.latex_numbers",
    "ired_diag.visible_text",
    "ired_diag.user_cache",
    "ired_diag.errors",
    "ired_diag.own_packages",
    "ired_diag.waiting",
    "ired_diag.progress_of_parts",
    "ired_diag",  # the package itself: its version, and names that are loaded when used
)


def layer(module: str) -> int:
    owners = [name for name in ORDER if module == name or module.startswith(f"{name}.")]
    return ORDER.index(max(owners, key=len))


def imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in ("app", "probes", "ired_diag")}


def sources() -> dict[str, ast.AST]:
    files = [f for package in ("app", "probes", "ired_diag") for f in (ROOT / package).rglob("*.py")]
    named = {".".join(f.relative_to(ROOT).with_suffix("").parts): f for f in files}
    return {name.removesuffix(".__init__"): ast.parse(f.read_text()) for name, f in named.items()}


def test_no_module_imports_from_a_layer_above_its_own() -> None:
    back = [
        f"{module} imports {name}"
        for module, tree in sources().items()
        for name in imports(tree)
        if layer(name) < layer(module)
    ]
    assert back == []


def test_statistics_know_no_run() -> None:
    for module, tree in sources().items():
        if module.startswith("ired_diag.stats"):
            assert all(name.startswith("ired_diag.stats") for name in imports(tree)), module


def test_every_module_has_a_place_in_the_order() -> None:
    top = ORDER.index("ired_diag")
    assert [m for m in sources() if layer(m) == top and m != "ired_diag"] == []
