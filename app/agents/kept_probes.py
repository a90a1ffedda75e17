"""What the tables of probes next to runs say: the answer of each checkpoint, without the rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import probes
from ired_diag.errors import DiagError
from ired_diag.runs.probe_folder import places_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.table import read_columns

ALL = "all"
UNKNOWN_STEP = -1  # in a table: the checkpoint does not record its step
AGED = "their checkpoint may have changed since"


@dataclass(frozen=True, kw_only=True)
class KeptAnswer:
    """What a probe said of one checkpoint.

    Attributes:
        run: Label of the run.
        statement: The run, the step, the probe and its sentence.
        numbers: The numbers behind it.
    """

    run: str
    statement: str
    numbers: dict[str, Any]


def kept_answers(study: Study, name: str) -> tuple[list[KeptAnswer], list[str]]:
    """Return the kept answers of a probe about the runs of a study, and what is to be said of them.

    Args:
        study: The runs.
        name: Name of the probe; ``all``: every one.

    Raises:
        NotFound: No probe has this name.
    """
    if name != ALL:
        probes.load(name)
    answers: list[KeptAnswer] = []
    caveats: list[str] = []
    for run in study.runs:
        for table in _tables(run, name):
            try:
                _, metadata = read_columns(table)
            except DiagError as error:
                caveats.append(str(error))
                continue
            answers += _answers(run, metadata)
            if age := _older_than_checkpoint(table, run):
                caveats.append(age)
    return answers, caveats


def _tables(run: Run, name: str) -> Iterator[Path]:
    """Yield the tables of probes next to a run, each once."""
    pattern = "*.parquet" if name == ALL else f"{name}.parquet"
    seen = set()
    for place in places_of(run):
        for table in sorted(place.glob(pattern)) if place.is_dir() else ():
            if table.resolve() not in seen:
                seen.add(table.resolve())
                yield table


def _answers(run: Run, metadata: dict[str, Any]) -> Iterator[KeptAnswer]:
    for kept in metadata.get("answers") or ():
        step = kept.get("step", UNKNOWN_STEP)
        where = "a checkpoint of unknown step" if step == UNKNOWN_STEP else f"step {step}"
        probe = metadata.get("probe", "")
        weights = kept.get("weights", "")
        yield KeptAnswer(
            run=run.label,
            statement=f"{run.label}, {where}, {weights} weights, {probe}: {kept.get('statement', '')}",
            numbers={
                "run": run.label,
                "probe": probe,
                "step": None if step == UNKNOWN_STEP else step,
                "weights": weights,
                **kept.get("evidence", {}),
            },
        )


def _older_than_checkpoint(table: Path, run: Run) -> str:
    """Return that a table is older than the newest checkpoint of its run; empty where it is not."""
    measured = table.stat().st_mtime
    written = max((path.stat().st_mtime for path in run.checkpoints if path.exists()), default=0.0)
    if written <= measured:
        return ""
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(measured))
    return (
        f"{run.label}: {table.stem} was measured on {day}, before its newest checkpoint was written; {AGED}."
    )
