"""A run in MLflow's file store, ``mlruns/<experiment id>/<run id>``: a folder for each run.

    meta.yaml          run_id, run_name, status (3 finished, 4 failed, 5 killed, 1 running), lifecycle_stage
    metrics/<name>     a line for each value: time (ms), value, step; a name with slashes makes folders
    params/<name>      the value
    tags/<name>        the value
    ../meta.yaml       of the experiment: name

A last line without a newline is half written and left out.

Reference: MLflow 3.17, store/tracking/file_store.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.readers.mlflow_values import MlflowRun, log_of_run, number_of_mlflow
from ired_diag.readers.plain_yaml import NotPlain, read_plain_yaml
from ired_diag.readers.scalar_log import Damage, ScalarLog
from ired_diag.readers.step_key import number_in, step_in
from ired_diag.readers.store_names import invented_names

READS_FOLDERS = True
META = "meta.yaml"
METRICS, PARAMS, TAGS, ARTIFACTS = "metrics", "params", "tags", "artifacts"
INSIDE = (METRICS, PARAMS, TAGS, ARTIFACTS)
DEEPEST = 8  # folders that a metric's name may be spread over
STATUSES = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
MOST_BYTES = 1 << 16  # of meta.yaml, of a parameter, of a tag
SIBLINGS = 64  # runs whose names are looked at

Timed = tuple[int, int, str, float]  # time, step, name, value


def accepts(path: Path) -> bool:
    """Say whether ``path`` is the folder of a run."""
    return path.is_dir() and (path / META).is_file() and (path / METRICS).is_dir()


def run_folder_of(path: Path) -> Path | None:
    """Return the folder of the run that a file is part of; None where it is part of no run."""
    if path.name == META and accepts(path.parent):
        return path.parent
    for above in list(path.parents)[:DEEPEST]:
        if above.name in INSIDE and accepts(above.parent):
            return above.parent
    return None


def is_experiment(path: Path) -> bool:
    """Say whether a file is the description of an experiment, which states no run."""
    if path.name != META or not path.is_file():
        return False
    return "artifact_location" in _meta(path)


def files_of_run(folder: Path) -> list[Path]:
    """Return the files of a run's metrics."""
    return sorted(file for file in (folder / METRICS).rglob("*") if file.is_file())


def read(path: Path, *, allow_torn_tail: bool = False) -> ScalarLog:
    """Return the metrics of a run.

    Args:
        path: The folder of the run.
        allow_torn_tail: Leave out the half-written last lines of metrics.

    Raises:
        UnreadableFile: No metric was logged, the run was deleted, or a last line is half written.
    """
    meta = _meta(path / META)
    if meta.get("lifecycle_stage") == "deleted":
        raise UnreadableFile(f"{path}: is a run that was deleted in MLflow.")
    metrics = _Metrics(path)
    for file in files_of_run(path):
        metrics.add(file)
    if metrics.torn and not allow_torn_tail:
        raise UnreadableFile(f"{path}: the last line of {metrics.torn[0]} is half written.")
    if not metrics.values:
        raise UnreadableFile(f"{path}: is a run of MLflow that logged no metric.")
    experiment = _meta(path.parent / META)
    run = MlflowRun(
        id=str(meta.get("run_id") or meta.get("run_uuid") or path.name),
        name=str(meta.get("run_name") or ""),
        experiment=str(experiment.get("name") or ""),
        status=_status(meta.get("status")),
        values=[(name, step, value) for _, step, name, value in sorted(metrics.values, key=_time_and_step)],
        params=_texts(path / PARAMS),
        tags=_texts(path / TAGS),
        damaged=metrics.damaged,
    )
    log = log_of_run(run, invented=_is_invented(run.label, path))
    return replace(log, torn_tail=bool(metrics.torn), unit="line")


@dataclass
class _Metrics:
    """The values of all metrics of a run, file by file."""

    folder: Path
    values: list[Timed] = field(default_factory=list)
    damaged: list[Damage] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)

    def add(self, file: Path) -> None:
        name = file.relative_to(self.folder / METRICS).as_posix()
        try:
            lines = file.read_bytes().decode("utf-8", "replace").split("\n")
        except OSError as error:
            raise unreadable(file, error) from error
        if lines.pop().strip():
            self.torn.append(name)
        for number, line in enumerate(lines, start=1):
            try:
                if line.strip():
                    self.values.append(_value(line, name))
            except ValueError as error:
                self.damaged.append(Damage(number, f"not a time, a value and a step ({error})", name))


def _value(line: str, name: str) -> Timed:
    cells = line.split(" ")
    if len(cells) < 2:
        raise ValueError(f"found {line[:40]!r}")
    step = step_in(cells[2]) if len(cells) > 2 else 0
    return step_in(cells[0]), step, name, number_of_mlflow(number_in(cells[1]))


def _time_and_step(value: Timed) -> tuple[int, int]:
    return value[:2]


def _status(stated: Any) -> str:
    return STATUSES.get(stated, "") if isinstance(stated, int) else str(stated or "")


def _meta(path: Path) -> dict[str, Any]:
    """Return what a meta.yaml states; nothing where it is missing or damaged."""
    text = _text(path)
    if text is None:
        return {}
    try:
        return read_plain_yaml(text)
    except NotPlain as error:
        return error.salvaged


def _texts(folder: Path) -> dict[str, str]:
    """Return the text of each file under a folder, by its path there."""
    texts = {}
    for file in sorted(folder.rglob("*")):
        text = _text(file)
        if text is not None:
            texts[file.relative_to(folder).as_posix()] = text.rstrip("\n")
    return texts


def _text(path: Path) -> str | None:
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it went away, or may not be read: then nothing is known of it
        return None


def _is_invented(name: str, folder: Path) -> bool:
    """Say whether MLflow invented the name of a run; names of siblings tell."""
    return invented_names([name, *_names_of_siblings(folder)])[0]


def _names_of_siblings(folder: Path) -> Iterator[str]:
    for sibling in islice(folder.parent.iterdir(), SIBLINGS):
        if sibling != folder:
            name = _text(sibling / TAGS / "mlflow.runName")
            if name:
                yield name.strip()
