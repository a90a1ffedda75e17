"""What a job was: a training, an evaluation of a finished model, or dead before its program started."""

from __future__ import annotations

import re

from ired_diag.runs.ending import Cause
from ired_diag.runs.run import Run

BY_SCRIPT: tuple[Cause, ...] = ("git", "shell", "error")
BY_SCRIPT_OR_PROGRAM: tuple[Cause, ...] = ("file_not_found", "permission")
EXCEPTION = re.compile(r"(?:inferred from [^:]*: )?[\w.]+(?:Error|Exception)\b")


def only_evaluates(run: Run) -> bool:
    """Say whether a job was an evaluation and not a training.

    It logged no step of training, and its configuration asks for an evaluation, its log announces one, or it
    printed what one measured.
    """
    if run.history.series or run.provenance.get("training_started"):
        return False
    configuration = run.configuration or {}
    is_announced = configuration.get("evaluation_mode") or run.provenance.get("evaluation_announced")
    return bool(is_announced) or bool(run.results)


def never_started(run: Run) -> bool:
    """Say whether a job died in its batch script, before the program that trains was started."""
    if run.history.series or run.configuration or run.provenance.get("training_started"):
        return False
    cause = run.ending.cause
    if cause in BY_SCRIPT:
        return True
    return cause in BY_SCRIPT_OR_PROGRAM and not EXCEPTION.match(run.ending.detail)
