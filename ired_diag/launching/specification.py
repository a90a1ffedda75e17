"""What an array task trains, as it was when it was submitted.

A job may wait for days. The configuration is kept whole, so that editing a JSON file meanwhile does not make
seeds of one experiment differ; of a user's own task the hash of its file is kept, and of a fork the step of
its parent's checkpoint. Where one of these changed, the run is not trained.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ired_diag import tasks
from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.json_object import read_json_object
from ired_diag.runs.checkpoint_choice import step_of
from ired_diag.runs.files import FORMAT, check_format, exists, write_atomically
from ired_diag.runs.find import CONFIG
from ired_diag.task import Task
from ired_diag.training.compiled import Compile
from ired_diag.training.fork import Fork
from ired_diag.training.plan import PlannedRun


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a run is trained, none of which is a knob of it.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:<n>``.
        compile: ``auto``, ``on`` or ``off``.
        stop_on_trouble: End the run at the first trouble that is announced.
    """

    device: str = "auto"
    compile: Compile = "auto"
    stop_on_trouble: bool = False


def check_device(name: str) -> None:
    """Refuse the name of a device that means nothing; whether it is there, the machine of the job knows.

    Raises:
        DiagError: It means nothing.
    """
    if not re.fullmatch(r"auto|cpu|cuda(?::\d{1,3})?", name):
        raise DiagError(f"--device {name!r}: expected auto, cpu, cuda or cuda:<n>.")


def write_specification(path: Path, run: PlannedRun, manner: Manner) -> None:
    """Write what a run trains.

    Raises:
        DiagError: The run trains a task that no file makes, so that no other process can.
        CannotWrite: The file cannot be written.
    """
    content: dict[str, Any] = {
        "format": FORMAT,
        "experiment": run.experiment,
        "variant": run.variant,
        "task": run.task.name,
        "device": manner.device,
        "compile": manner.compile,
        "stop_on_trouble": manner.stop_on_trouble,
        "config": run.config.model_dump(mode="json"),
    }
    if not tasks.is_built_in(run.task.name):
        content |= _own_task(run)
    if run.fork is not None:
        content["fork"] = {
            "checkpoint": str(run.fork.checkpoint.absolute()),
            "parent": run.fork.parent,
            "step": run.fork.step,
            "fresh_optimizer": run.fork.fresh_optimizer,
            "config": run.fork.config.model_dump(mode="json"),
        }
    text = json.dumps(content, indent=2) + "\n"
    write_atomically(path, text.encode())


def _own_task(run: PlannedRun) -> dict[str, str]:
    if run.task_file is None or not run.task_function:
        raise DiagError(
            f"{run.folder}: a job on SLURM trains a task of your own only from a file: "
            "--task FILE.py:FUNCTION."
        )
    return {
        "task_file": str(run.task_file.absolute()),
        "task_function": run.task_function,
        "task_sha256": _hash_of(run.task_file),
    }


def renew_hash(path: Path) -> bool:
    """Take the file of a user's own task as it is now, and return whether it had changed."""
    content = read_json_object(path)
    if "task_file" not in content:
        return False
    now = _hash_of(Path(content["task_file"]))
    if now == content["task_sha256"]:
        return False
    text = json.dumps(content | {"task_sha256": now}, indent=2) + "\n"
    write_atomically(path, text.encode())
    return True


def read_specification(path: Path, folder: Path) -> tuple[PlannedRun, Manner]:
    """Return what a run trains, and how.

    Args:
        path: The file that says so.
        folder: The run folder.

    Raises:
        DiagError: The file is damaged, or what it rests on changed since the run was submitted.
    """
    content = read_json_object(path)
    check_format(content.get("format"), str(path))
    try:
        return _planned(content, path, folder), _manner(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableFile(f"{path}: is not what a launch wrote ({error!r}).") from error


def _manner(content: Mapping[str, Any]) -> Manner:
    return Manner(
        device=str(content["device"]),
        compile=cast(Compile, content["compile"]),
        stop_on_trouble=bool(content["stop_on_trouble"]),
    )


def _planned(content: Mapping[str, Any], path: Path, folder: Path) -> PlannedRun:
    task_file = None
    named = str(content["task"])
    if "task_file" in content:
        task_file = Path(content["task_file"])
        _check_unchanged(task_file, content["task_sha256"])
        named = f"{task_file}:{content['task_function']}"
    task = tasks.load(named)
    resume = exists(folder / CONFIG)
    fork = None
    if "fork" in content:
        fork = _fork(content["fork"], task, path)
        if not resume:
            _check_parent(fork)
    return PlannedRun(
        task=task,
        config=tasks.settings_of(task, content["config"], where=str(path)),
        folder=folder,
        resume=resume,
        variant=content["variant"],
        experiment=content["experiment"],
        fork=fork,
        task_file=task_file,
        task_function=str(content.get("task_function", "")),
    )


def _check_unchanged(task_file: Path, submitted: str) -> None:
    if _hash_of(task_file) != submitted:
        raise DiagError(
            f"{task_file}: changed since this run was submitted, so that it would not train what it was "
            "launched for. Restore the file, or take it as it is now with ired-diag launch resume."
        )


def _fork(content: Mapping[str, Any], task: Task, path: Path) -> Fork:
    return Fork(
        checkpoint=Path(content["checkpoint"]),
        parent=str(content["parent"]),
        step=int(content["step"]),
        config=tasks.settings_of(task, content["config"], where=str(path)),
        task=task,
        fresh_optimizer=bool(content["fresh_optimizer"]),
    )


def _check_parent(fork: Fork) -> None:
    """Refuse to start from a ``last.pt`` whose run went on since."""
    step = step_of(fork.checkpoint)
    if step != fork.step:
        raise DiagError(
            f"{fork.checkpoint}: holds step {step}, and held step {fork.step} when this fork was submitted. "
            f"Name a step that is kept: --from {fork.parent}@STEP."
        )


def _hash_of(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise UnreadableFile(f"{file}: cannot be read: {error.strerror or error}.") from error
