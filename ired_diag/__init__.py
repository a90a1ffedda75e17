"""Diagnosis of energy-based and diffusion training runs.

``import ired_diag as ird; run = ird.open_run("runs/q103/seed0")``. The names below are loaded when they
are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "open_run": "ired_diag.open",
    "open_study": "ired_diag.open",
    "read_checkpoint": "ired_diag.runs.checkpoint",
    "read_network": "ired_diag.inverse.checkpoint",
    "compare": "app.calls.comparing",
    "gate": "app.calls.gating",
    "when": "app.calls.timing",
    "across": "app.calls.tasks_compared",
    "variance": "app.calls.variance",
    "check_plan": "app.calls.planning",
    "lock_plan": "app.calls.planning",
    "check_journal": "app.calls.journalling",
    "watch": "app.calls.watching",
    "diagnose": "app.calls.diagnosing",
    "check": "app.calls.diagnosing",
    "probe": "app.calls.probing",
    "figures": "app.calls.drawing",
    "report": "app.calls.drawing",
    "train": "app.calls.training",
    "map_basins": "app.calls.maps",
    "map_noise": "app.calls.maps",
    "map_neighbours": "app.calls.maps",
    "import_logs": "app.calls.importing",
    "verify": "ired_diag.inverse.verification",
    "InverseConfig": "ired_diag.inverse.config",
    "Task": "ired_diag.task",
}

__all__ = [
    "InverseConfig",
    "Task",
    "__version__",
    "across",
    "check",
    "check_journal",
    "check_plan",
    "compare",
    "diagnose",
    "figures",
    "gate",
    "import_logs",
    "lock_plan",
    "map_basins",
    "map_neighbours",
    "map_noise",
    "open_run",
    "open_study",
    "probe",
    "read_checkpoint",
    "read_network",
    "report",
    "train",
    "variance",
    "verify",
    "watch",
    "when",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'ired_diag' has no attribute {name!r}")
    from importlib import import_module
    from inspect import isfunction

    value = getattr(import_module(_PUBLIC[name]), name)
    if isfunction(value):
        value = import_module("ired_diag.python_words").speaking_python(value)
    globals()[name] = value  # found there from now on
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
