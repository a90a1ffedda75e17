"""Mistakes of files: they are made in a copy of the study's folders, which is then read anew."""

from __future__ import annotations

import json
import math
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.planted_fault import Bed, Fault, Planted
from benchmarks.planted_study import any_group
from ired_diag.open import open_study
from ired_diag.runs.ending import Ending
from ired_diag.runs.find import CONFIG, METRICS
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

LENGTH = struct.Struct("<Q")
STATES = ("killed", "out_of_memory", "time_limit", "traceback", "cut_off")
AN_ERROR = "RuntimeError: the results cannot be copied"


def reread(bed: Bed, damage: Callable[[Path, Run], None], runs: list[Run]) -> Study:
    """Return the study read from a copy in which the folder of each of ``runs`` was damaged."""
    hurt = {run.label for run in runs}
    for run in bed.study.runs:
        place = bed.folder / run.experiment / run.seed_label
        place.mkdir(parents=True)
        for name in (CONFIG, METRICS):
            shutil.copyfile(run.path / name, place / name)
        (place / "checkpoints").mkdir()
        for checkpoint in run.checkpoints[-1:]:
            shutil.copyfile(checkpoint, place / "checkpoints" / checkpoint.name)
        if run.label in hurt:
            damage(place, run)
    return open_study(bed.folder)


def _runs_to_change(bed: Bed) -> tuple[str, list[Run]]:
    """Return a group, and as many of its runs as the magnitude says, one at least where it is not 0."""
    group = any_group(bed.study, bed.rng)
    runs = bed.study.groups()[group]
    chosen = bed.rng.permutation(len(runs))[: math.ceil(bed.magnitude * len(runs))]
    return group, [runs[i] for i in chosen]


def _run_to_change(bed: Bed) -> list[Run]:
    return [any_run(bed)]


def any_run(bed: Bed) -> Run:
    """Return a run at random."""
    return bed.study.runs[int(bed.rng.integers(len(bed.study.runs)))]


def _change_config(place: Path, **keys: Any) -> None:
    stored = json.loads((place / CONFIG).read_text())
    (place / CONFIG).write_text(json.dumps({**stored, **keys}))


def _incomplete(bed: Bed) -> Planted:
    group, runs = _runs_to_change(bed)

    def cut(place: Path, run: Run) -> None:
        lines = (place / METRICS).read_bytes().splitlines(keepends=True)
        kept = lines[: int(bed.rng.uniform(0.3, 0.9) * len(lines))]
        (place / METRICS).write_bytes(b"".join(kept))
        _change_config(place, ending={"state": str(bed.rng.choice(STATES))})

    return reread(bed, cut, runs), group


def _damaged(bed: Bed) -> Planted:
    runs = _run_to_change(bed)

    def damage(place: Path, run: Run) -> None:
        lines = (place / METRICS).read_bytes().splitlines()
        bad = bed.rng.permutation(len(lines))[: math.ceil(0.1 * bed.magnitude * len(lines))]
        for number in bad.tolist():
            lines[number] = lines[number][: int(bed.rng.integers(1, len(lines[number]) - 1))]
        (place / METRICS).write_bytes(b"\n".join(lines) + b"\n")

    return reread(bed, damage, runs), runs[0].label


def _torn(bed: Bed) -> Planted:
    runs = _run_to_change(bed)

    def tear(place: Path, run: Run) -> None:
        content = (place / METRICS).read_bytes()
        last = len(content) - content[:-1].rfind(b"\n") - 2
        (place / METRICS).write_bytes(content[: len(content) - round(bed.magnitude * last)])

    return reread(bed, tear, runs), runs[0].label


def _empty(bed: Bed) -> Planted:
    runs = _run_to_change(bed)

    def empty(place: Path, run: Run) -> None:
        without_tensors(place, bed.magnitude)

    return reread(bed, empty, runs), runs[0].group


def without_tensors(place: Path, share: float) -> None:
    """Leave a share of the tensors out of the one checkpoint of a run folder."""
    (checkpoint,) = (place / "checkpoints").iterdir()
    content = checkpoint.read_bytes()
    start = LENGTH.size + LENGTH.unpack(content[: LENGTH.size])[0]
    entries = json.loads(content[LENGTH.size : start])
    names = [name for name in entries if name != "__metadata__"]
    kept = names[round(share * len(names)) :]
    header, data = {"__metadata__": entries.get("__metadata__", {})}, b""
    for name in kept:
        low, high = entries[name]["data_offsets"]
        header[name] = {**entries[name], "data_offsets": [len(data), len(data) + high - low]}
        data += content[start + low : start + high]
    text = json.dumps(header).encode()
    checkpoint.write_bytes(LENGTH.pack(len(text)) + text + data)


def _short(bed: Bed) -> Planted:
    runs = _run_to_change(bed)

    def shorten(place: Path, run: Run) -> None:
        (checkpoint,) = (place / "checkpoints").iterdir()
        content = checkpoint.read_bytes()
        checkpoint.write_bytes(content[: round((1 - 0.9 * bed.magnitude) * len(content))])

    return reread(bed, shorten, runs), runs[0].group


def _failed_afterwards(bed: Bed) -> Planted:
    group, runs = _runs_to_change(bed)

    def fail(place: Path, run: Run) -> None:
        _change_config(place, ending={"state": "complete", "detail": f"then: {AN_ERROR}"})

    return reread(bed, fail, runs), group


def _failed_evaluation(bed: Bed) -> Planted:
    """An evaluation's log, as a reader tells it: it came to its last line, with an error inside."""
    name = "an_evaluation"
    if not bed.magnitude:
        return bed.study, name
    config = {"experiment_name": name, "evaluation_mode": True}
    ending = Ending("complete", AN_ERROR)
    attempt = Run(
        path=Path(f"{name}.out"),
        experiment=name,
        name=name,
        configuration=config,
        ending=ending,
        provenance={"job": "17"},
    )
    return replace(bed.study, evaluations=(attempt,)), name


FAULTS = (
    Fault("incomplete", "0 to 100% of a group's runs cut off, their ends told", "warning", _incomplete),
    Fault("files_read", "0 to 10% of a history's lines half written", "warning", _damaged),
    Fault("files_read", "0 to 100% of the last line missing", "note", _torn),
    Fault("empty_state", "0 to 100% of a checkpoint's tensors left out", "error", _empty),
    Fault("empty_state", "0 to 90% of a checkpoint's bytes missing", "warning", _short),
    Fault("failed_evaluation", "0 to 100% of a group end with an error", "warning", _failed_afterwards),
    Fault("failed_evaluation", "an evaluation holds an error", "error", _failed_evaluation, graded=False),
)
