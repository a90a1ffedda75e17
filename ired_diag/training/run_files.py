"""What the trainer writes into a run folder: configuration, history, checkpoints."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

import ired_diag
from ired_diag.config import Config, read_json_object
from ired_diag.errors import CannotWrite
from ired_diag.runs.attempt import experiment_number
from ired_diag.runs.ending import Ending
from ired_diag.runs.files import FORMAT, write_atomically
from ired_diag.runs.history import Row, to_jsonl
from ired_diag.runs.store import CONFIG, METRICS
from ired_diag.runs.trainer1d import write_torch_file
from ired_diag.runs.weights_file import write_weights
from ired_diag.training.state import TrainingState

CHECKPOINTS = "checkpoints"


def last_checkpoint(folder: Path) -> Path:
    """Return where a run keeps its full state."""
    return folder / CHECKPOINTS / "last.pt"


def write_config(folder: Path, config: Config, device: torch.device, ending: Ending) -> None:
    """Write ``config.json``: every knob, and where the run was made."""
    path = folder / CONFIG
    before = read_json_object(path).get("provenance", {}) if path.is_file() else {}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    content = {
        "format": FORMAT,
        "experiment": experiment_number(config.experiment_name) or config.experiment_name,
        "name": config.experiment_name,
        "variant": None,
        "seed": config.seed,
        "config": config.model_dump(mode="json"),
        "validated": True,
        "ending": asdict(ending),
        "findings": [],
        "provenance": {"started": now, **before, **_machine(device), "ended": now},
    }
    write_atomically(path, (json.dumps(content, indent=2) + "\n").encode())


def append_row(folder: Path, row: Row) -> None:
    """Append one row to the history, and hand it to the operating system.

    Raises:
        CannotWrite: The file cannot be written, or the disk is full.
    """
    path = folder / METRICS
    try:
        with path.open("ab") as file:
            file.write(to_jsonl([row]))
    except OSError as error:
        raise CannotWrite(f"{path}: cannot be written: {error.strerror or error}.") from error


def drop_torn_tail(folder: Path) -> None:
    """Cut a history after its last newline: what follows is the half of a row that a killed trainer left."""
    path = folder / METRICS
    if not path.is_file():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


def write_checkpoint(folder: Path, state: TrainingState, *, keep: bool) -> None:
    """Write the step's weights if they are to be kept, then ``last.pt``.

    In this order: a resumed run starts at ``last.pt``, and would never write the weights of its step again.
    """
    if keep:
        write_weights(
            folder / CHECKPOINTS / f"step-{state.step:09d}.safetensors",
            step=state.step,
            configuration=state.config.model_dump(mode="json"),
            raw={n: p.cpu() for n, p in state.weights.items()},
            ema={n: p.cpu() for n, p in state.average.items()},
        )
    write_torch_file(last_checkpoint(folder), state.to_trainer1d())


def write_best(folder: Path, state: TrainingState) -> None:
    """Write ``best.pt``: the full state at the lowest validation MSE so far."""
    write_torch_file(folder / CHECKPOINTS / "best.pt", state.to_trainer1d())


def _machine(device: torch.device) -> Mapping[str, Any]:
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    told = {
        "host": platform.node(),
        "device": str(device),
        "gpu": gpu,
        "git_commit": _commit(),
        "versions": {
            "ired_diag": ired_diag.__version__,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        },
    }
    return {name: value for name, value in told.items() if value is not None}


def _commit() -> str | None:
    """Return the commit of the code that trains, where it stands in a git checkout."""
    root = Path(ired_diag.__file__).parents[1]
    if not (root / ".git").exists():
        return None
    try:
        told = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
        )
    except OSError:
        return None  # no git here; the version is told all the same
    return told.stdout.strip() or None
