"""Which of a run's checkpoints is meant: the last, the best, all, or that of a step."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ired_diag.errors import DiagError, NotFound
from ired_diag.runs.checkpoint import read_checkpoint
from ired_diag.runs.evaluation_metric import USUAL
from ired_diag.runs.files import is_file
from ired_diag.runs.run import Run
from ired_diag.runs.unreadable_run import check_readable


def choose_checkpoints(run: Run, which: str) -> list[Path]:
    """Return the files that a choice means, the earliest first.

    Args:
        run: The run.
        which: ``last``, ``best`` (by the metric that judges the run, among the steps with a checkpoint),
            ``all``, or a step.

    Raises:
        NotFound: The run has no such checkpoint; the message lists the steps that it has.
        NotReadable: The run, or the folder of its checkpoints, may not be read.
        DiagError: The choice means nothing.
    """
    last = run.path / "checkpoints" / "last.pt"
    if which == "last" and is_file(last):  # newer than any kept step where training was interrupted
        return [last]
    if not run.checkpoints:
        check_readable(run)
        raise NotFound(
            f"{run.path}: has no checkpoint to probe. A log alone has none: join it with "
            "ired-diag import LOGS --checkpoints DIR, or name a checkpoint file."
        )
    match which:
        case "last":
            return [run.checkpoints[-1]]
        case "all":
            return list(run.checkpoints)
        case "best":
            return [_best(run)]
    if not which.isdecimal():
        raise DiagError(f"--checkpoint {which!r}: expected last, best, all or a step.")
    steps = {step_of(path): path for path in run.checkpoints}
    if int(which) not in steps:
        choices = ", ".join(str(step) for step in steps if step is not None)
        raise NotFound(
            f"{run.path}: has no checkpoint of step {which}. There are: {choices or 'none named'}."
        )
    return [steps[int(which)]]


def step_of(path: Path) -> int | None:
    """Return a checkpoint's step: from our file names, else as the file stores it.

    A Trainer1D name, ``model-7.pt``, holds a milestone, and nothing says how many steps that is.

    >>> step_of(Path("step-000100000.safetensors"))
    100000
    """
    if match := re.fullmatch(r"step-(\d+)", path.stem):
        return int(match[1])
    try:
        return read_checkpoint(path).step
    except DiagError:
        return None  # the choice is among the others; to choose this file alone shows what is wrong with it


def _best(run: Run) -> Path:
    best = run.path / "checkpoints" / "best.pt"
    if is_file(best) and run.judging_metric in (None, USUAL) and not run.higher_is_better:
        return best  # of the lowest value of that metric, as our trainer keeps it
    metric, series = run.evaluated or (run.judging_metric or USUAL, None)
    value_at: dict[int | None, float] = {}
    if series:
        value_at.update(zip(series.steps.tolist(), series.values.tolist(), strict=True))
    sign = 1.0 if run.lower_is_better else -1.0
    candidates: list[tuple[float, Path]] = []
    for path in run.checkpoints:
        value = value_at.get(step_of(path), np.nan)
        if np.isfinite(value):
            candidates.append((sign * value, path))
    if not candidates:
        raise NotFound(
            f"{run.path}: no checkpoint's step has a logged {metric}, so none is known to be the best. "
            "Choose --checkpoint last, or a step."
        )
    _, checkpoint = min(candidates)
    return checkpoint
