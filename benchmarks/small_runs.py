"""Runs that train in a second, and what must be the same in two of them: tensors, histories, tables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TINY: dict[str, Any] = {
    "experiment_name": "q700_tiny",
    "rank": 2,
    "width": 4,
    "diffusion_steps": 4,
    "batch_size": 4,
    "train_steps": 60,
    "mining_strategy": "mixed",
    "validate_every": 20,
    "validation_batches": 1,
    "validation_batch_size": 4,
    "checkpoint_every": 5,
    "log_every": 3,
}
TIMED = "time/seconds_per_step"


def write_experiment(folder: Path, **knobs: Any) -> Path:
    """Write an experiment's file into a folder, and return it."""
    path = folder / "tiny.json"
    path.write_text(json.dumps({**TINY, **knobs}))
    return path


def whole_files(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file under a folder, but for hidden files, by its place there."""
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(folder)): digest(path) for path in sorted(paths)}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def logged(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a history as they count, by step: the last attempt's, without the measured time."""
    rows: dict[int, dict[str, Any]] = {}
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        kept = {step: rows[step] for step in rows if step < row["step"]}
        rows = {**kept, row["step"]: {k: v for k, v in row.items() if k not in ("attempt", TIMED)}}
    return list(rows.values())


def differences(run: Path, undisturbed: Path) -> list[str]:
    """Return what differs between a run and the same run undisturbed; nothing where they are bit-equal."""
    differing = _differing(whole_files(run / "checkpoints"), whole_files(undisturbed / "checkpoints"))
    if json.dumps(logged(run)) != json.dumps(logged(undisturbed)):
        differing.append("metrics.jsonl")
    config = json.loads((run / "config.json").read_text())
    if config["ending"]["state"] != "complete":
        differing.append(f"ending {config['ending']}")
    differing += [f"left behind: {path.name}" for path in run.rglob(".*")]
    return differing


def differing_files(folder: Path, undisturbed: Path) -> list[str]:
    """Return the files that differ between two folders, or are in one alone."""
    return _differing(whole_files(folder), whole_files(undisturbed))


def _differing(files: Mapping[str, str], others: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*files, *others} if files.get(name) != others.get(name))
