"""What the trainer writes into a run folder: configuration, history, checkpoints."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import ired_diag
from ired_diag.config import TrainingConfig
from ired_diag.errors import CannotWrite
from ired_diag.finding import Finding
from ired_diag.json_object import read_json_object
from ired_diag.runs.code_version import code_commit
from ired_diag.runs.ending import Ending
from ired_diag.runs.files import ELSEWHERE, FORMAT, write_atomically
from ired_diag.runs.find import CONFIG, METRICS
from ired_diag.runs.history import Row, to_jsonl
from ired_diag.runs.labels import experiment_number
from ired_diag.runs.stored_values import ending_of, findings_of, provenance_of, value_of_type
from ired_diag.runs.trainer1d import write_torch_file
from ired_diag.runs.weights_file import write_weights
from ired_diag.seed_sources import label_of_sources
from ired_diag.training.seed_design import own_seeds
from ired_diag.training.state import TrainingState

CHECKPOINTS = "checkpoints"


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What ``config.json`` says of a run besides its configuration.

    Attributes:
        experiment: Name of its experiment; None for the number in the configuration's name.
        variant: What distinguishes it from other runs of the experiment.
        parent: Where it was forked from, and what was changed; None for a run from scratch.
        attempts: Each start of its training: when, where, with which code.
        findings: What was announced while it trained.
        task: Name of the task that it trains.
        metric: The metric that it is judged by.
        paired_by: Keys that say which data a seed sees.
    """

    experiment: str | None = None
    variant: str | None = None
    parent: Mapping[str, Any] | None = None
    attempts: tuple[Mapping[str, Any], ...] = ()
    findings: tuple[Finding, ...] = ()
    task: str = ""
    metric: Mapping[str, Any] | None = None
    paired_by: tuple[str, ...] = ()


def last_checkpoint(folder: Path) -> Path:
    """Return where a run keeps its full state."""
    return folder / CHECKPOINTS / "last.pt"


def step_checkpoint(folder: Path, step: int) -> Path:
    """Return where a run keeps the state of one step."""
    return folder / CHECKPOINTS / f"step-{step:09d}.safetensors"


def this_attempt(
    number: int,
    device: torch.device,
    *,
    compiled: bool,
    task_file: Path | None = None,
    task_function: str = "",
) -> dict[str, Any]:
    """Return what is recorded of a start of training: when, where, with which code."""
    record = {
        "attempt": number,
        "started": _now(),
        "host": platform.node(),
        "device": str(device),
        "gpu": _gpu_name(device),
        "threads": torch.get_num_threads(),
        "compiled": compiled,
        "git_commit": code_commit(),
        "versions": {
            "ired_diag": ired_diag.__version__,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        },
    }
    if task_file is not None:
        record["task_file"] = str(task_file.resolve())
        if task_function:
            record["task_function"] = task_function
        record["task_sha256"] = hashlib.sha256(task_file.read_bytes()).hexdigest()
    return {name: value for name, value in record.items() if value is not None}


def _gpu_name(device: torch.device) -> str | None:
    if device.type != "cuda":
        return None
    return torch.cuda.get_device_name(device)


def read_record(folder: Path) -> RunRecord:
    """Return what a run's ``config.json`` says of it.

    Raises:
        UnreadableFile: It is missing, or one of its values is of a wrong type.
    """
    path = folder / CONFIG
    content = read_json_object(path)
    provenance = provenance_of(content, path)
    return RunRecord(
        experiment=value_of_type(content, "experiment", str, path),
        variant=value_of_type(content, "variant", str, path),
        parent=provenance.get("parent"),
        attempts=tuple(provenance.get("attempts") or ()),
        findings=tuple(findings_of(content, path)),
        task=value_of_type(content, "task", str, path) or "",
        metric=value_of_type(content, "metric", dict, path),
    )


def write_config(folder: Path, config: TrainingConfig, record: RunRecord, ending: Ending) -> None:
    """Write ``config.json``: every knob, how the run ended, and where it was made."""
    name = config.experiment_name
    seeds = own_seeds(config)
    content = {
        "format": FORMAT,
        "experiment": record.experiment or experiment_number(name) or name,
        "name": name,
        "task": record.task,
        "metric": record.metric,
        "paired_by": list(record.paired_by),
        "variant": record.variant,
        # A run whose sources have seeds of their own has no single seed.
        "seed": None if seeds else config.seed,
        "run_name": label_of_sources(seeds),
        "config": config.model_dump(mode="json"),
        "ending": asdict(ending),
        "findings": [asdict(finding) for finding in record.findings],
        "provenance": _provenance(record, ending),
    }
    _write_json(folder / CONFIG, content)


def _provenance(record: RunRecord, ending: Ending) -> dict[str, Any]:
    """Return where and when a run was made: by its last attempt, with all attempts after it."""
    provenance = {**record.attempts[-1], "started": record.attempts[0]["started"]}
    provenance.pop("attempt", None)
    # A run that still trains is cut off until it says otherwise, and has no end.
    if ending.state != "cut_off":
        provenance["ended"] = _now()
    provenance["attempts"] = list(record.attempts)
    if record.parent is not None:
        provenance["parent"] = dict(record.parent)
    return provenance


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=2) + "\n"
    write_atomically(path, text.encode())


def settle(folder: Path, findings: Sequence[Finding], ending: Ending) -> None:
    """Write findings and ending of a run that is at its end, and leave everything else there as it is.

    A run that was killed between its last checkpoint and its ending has the ending written here; when that
    was, nobody knows.
    """
    content = read_json_object(folder / CONFIG)
    settled = {**content, "findings": [asdict(finding) for finding in findings]}
    if ending_of(content, folder / CONFIG).state == "cut_off":
        settled["ending"] = asdict(ending)
    if settled != content:
        _write_json(folder / CONFIG, settled)


def append_rows(folder: Path, rows: Sequence[Row]) -> None:
    """Append rows to the history, and hand them to the operating system.

    Raises:
        CannotWrite: The file cannot be written, or the disk is full.
    """
    path = folder / METRICS
    try:
        with path.open("ab") as file:
            file.write(to_jsonl(rows))
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


def remove_unfinished(folder: Path) -> None:
    """Remove the temporary files that a trainer left which was killed in the middle of a save."""
    checkpoints = folder / CHECKPOINTS
    for path in (
        folder / CONFIG,
        folder / METRICS,
        checkpoints / "last.pt",
        checkpoints / "best.pt",
        checkpoints / "step-*",
    ):
        for temporary in path.parent.glob(f".{path.name}.*"):
            temporary.unlink(missing_ok=True)


def write_checkpoint(folder: Path, state: TrainingState, *, keep: bool) -> None:
    """Write the state of the step if it is to be kept, then ``last.pt``.

    In this order: a resumed run starts at ``last.pt``, and would never write the file of its step again.

    Raises:
        CannotWrite: The folder cannot be written, or the disk is full. The files of before are whole.
    """
    with _saying_what_is_whole(folder, state.step):
        if keep:
            write_weights(
                step_checkpoint(folder, state.step),
                step=state.step,
                configuration=state.config.model_dump(mode="json"),
                raw=_on_cpu(state.weights),
                ema=_on_cpu(state.average),
                training=_on_cpu(state.rest()),
            )
        write_torch_file(last_checkpoint(folder), state.to_trainer1d())


def _on_cpu(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.cpu() for name, tensor in tensors.items()}


def write_best(folder: Path, state: TrainingState) -> None:
    """Write ``best.pt``: the full state at the best value of the task's metric so far.

    Raises:
        CannotWrite: The folder cannot be written, or the disk is full. The files of before are whole.
    """
    with _saying_what_is_whole(folder, state.step):
        write_torch_file(folder / CHECKPOINTS / "best.pt", state.to_trainer1d())


@contextmanager
def _saying_what_is_whole(folder: Path, step: int) -> Iterator[None]:
    """Add to a file that cannot be written what of the run is safe, and how to go on."""
    try:
        yield
    except CannotWrite as error:
        kept = "There is no checkpoint before it"
        if last_checkpoint(folder).is_file():
            kept = "The checkpoint before it is whole"
        # Writing elsewhere is no advice here: the run belongs to its folder.
        reason = str(error).removesuffix(ELSEWHERE)
        raise CannotWrite(
            f"{reason} Step {step} was not saved. {kept}: make room, then go on with --resume."
        ) from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
