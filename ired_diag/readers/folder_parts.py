"""Files that are part of a run which is read from somewhere else: from its folder, or from its main file.

MLflow and DVCLive spread a run over a folder of small files. Weights & Biases writes a description, a
summary and logs of its own next to a run's file.
"""

from __future__ import annotations

import re
from pathlib import Path

from ired_diag.readers import dvclive_folder, mlflow_files

WANDB_FOLDER = re.compile(r"(?:offline-)?run-\d{8}_\d{6}-.+|latest-run")
OF_WANDB = re.compile(
    r"wandb-(?:metadata|summary)\.json|config\.yaml|requirements\.txt|conda-environment\.yaml|output\.log"
    r"|diff.*\.patch|debug(?:-internal|-core)?\.log"
)
DESCRIBING = re.compile(
    r"wandb-metadata\.json|requirements\.txt|debug(?:-internal|-core)?\.log|diff.*\.patch"
)


def run_folder_of(path: Path) -> Path | None:
    """Return the folder that is read as the run which a file is part of; None where there is none."""
    return mlflow_files.run_folder_of(path) or dvclive_folder.run_folder_of(path)


def is_read_with_run(path: Path) -> bool:
    """Say whether a file only describes a run, or repeats what the run's main file holds."""
    if path.name == mlflow_files.META:
        return mlflow_files.is_experiment(path)
    if not OF_WANDB.fullmatch(path.name):
        return False
    folder = path.parent
    if folder.name == "wandb":
        return path.name.startswith("debug")
    if folder.name in ("files", "logs"):
        folder = folder.parent
    if not WANDB_FOLDER.fullmatch(folder.name):
        return False
    return bool(DESCRIBING.fullmatch(path.name)) or any(folder.glob("*.wandb"))
