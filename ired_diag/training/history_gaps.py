"""What the history of a run that goes on must hold: every step that was logged up to its checkpoint.

A step is logged every ``log_every`` and every ``validate_every`` steps, and at the last; a row is handed to
the operating system before the checkpoint of its step. Of the steps up to the checkpoint none can therefore
be missing, unless the file was lost, cut or edited, or the machine lost power. Steps beyond the checkpoint
are those of an attempt that was killed: up to ``checkpoint_every`` of them are expected. More say that the
checkpoint is older than the history, such as a copy from a backup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import filterfalse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ired_diag.config import TrainingConfig
from ired_diag.finding import Finding
from ired_diag.runs.files import is_file
from ired_diag.runs.find import METRICS
from ired_diag.runs.history import read_history

MISSING, BEYOND = "history_lacks_steps", "history_beyond_checkpoint"


def history_findings(folder: Path, config: TrainingConfig, step: int, *, began: int = 0) -> list[Finding]:
    """Return a warning where logged steps are lost, and what is said of steps beyond the checkpoint.

    Args:
        folder: The run folder.
        config: The run's configuration.
        step: The step of the checkpoint that the run goes on from.
        began: The step that the run started from: its parent's, for a fork.
    """
    path = folder / METRICS
    has_history = is_file(path)
    logged = np.array([], dtype=np.int64)
    if has_history:
        logged = _logged_steps(path)
    missing = np.setdiff1d(_due_steps(config, began, step), logged)
    beyond = logged[logged > step]
    findings = []
    if len(missing):
        findings.append(_missing_steps(missing, step, has_history=has_history))
    if len(beyond):
        findings.append(_steps_beyond(beyond, step, config.checkpoint_every))
    return findings


def with_history(news: Sequence[Finding], of_history: Sequence[Finding]) -> list[Finding]:
    """Return what is new about a resumed run; why a history goes beyond an older step file is said once."""
    if not news:
        return list(of_history)
    first, *others = news
    for finding in of_history:
        if finding.rule == BEYOND:
            first = replace(first, statement=f"{first.statement} {finding.statement}")
        else:
            others.append(finding)
    return [first, *others]


def joined_findings(before: Sequence[Finding], news: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return all findings of a run, each once; of notes that it was killed, the last, with their number."""
    joined = list(before)
    for finding in news:
        if _is_note_of_kill(finding):
            earlier = list(filter(_is_note_of_kill, joined))
            times = 1 + sum(map(_times, earlier))
            joined = list(filterfalse(_is_note_of_kill, joined))
            finding = replace(finding, evidence={**finding.evidence, "times": times})
        if finding not in joined:
            joined.append(finding)
    return tuple(joined)


def _is_note_of_kill(finding: Finding) -> bool:
    return finding.rule == BEYOND and finding.severity == "note"


def _times(finding: Finding) -> int:
    """Return how many kills a note stands for; the first one has no count."""
    times = finding.evidence.get("times")
    return times if isinstance(times, int) else 1


def _logged_steps(path: Path) -> NDArray[np.int64]:
    # An empty array first: a history without a series has no steps, and no array to join.
    steps = [np.array([], dtype=np.int64)]
    for series in read_history(path).series.values():
        steps.append(series.steps)
    return np.unique(np.concatenate(steps))


def _due_steps(config: TrainingConfig, began: int, step: int) -> NDArray[np.int64]:
    """Return the steps after ``began``, up to ``step``, at which a row is written."""
    end = min(step, config.train_steps)
    logged = np.arange(0, end + 1, config.log_every)
    evaluated = np.arange(0, end + 1, config.validate_every)
    due = np.unique(np.concatenate([logged, evaluated, [config.train_steps]])).astype(np.int64)
    return due[(due > began) & (due <= end)]


def _missing_steps(steps: NDArray[np.int64], checkpoint: int, *, has_history: bool) -> Finding:
    """Return the warning on steps that are not logged, up to the step of the checkpoint."""
    lack = "is missing"
    if has_history:
        lack = f"lacks {len(steps)} logged steps ({_range(steps)})"
    return Finding(
        MISSING,
        "warning",
        f"{METRICS} {lack}: what was logged before the checkpoint of step {checkpoint} is lost there.",
        {
            "missing": len(steps),
            "first": int(steps[0]),
            "last": int(steps[-1]),
            "step": checkpoint,
        },
    )


def _steps_beyond(steps: NDArray[np.int64], checkpoint: int, checkpoint_every: int) -> Finding:
    """Return what is said of steps that are logged beyond the step of the checkpoint."""
    place = "and no checkpoint is there"
    if checkpoint:
        place = f"beyond the checkpoint of step {checkpoint} that the run goes on from"
    statement = f"{METRICS} holds {_range(steps)}, {place}: these steps are trained and logged again."
    evidence = {"first": int(steps[0]), "last": int(steps[-1]), "step": checkpoint}
    if int(steps[-1]) - checkpoint <= checkpoint_every:
        return Finding(BEYOND, "note", statement, evidence)
    statement += f" A checkpoint is written every {checkpoint_every} steps: this one may be an old copy."
    return Finding(BEYOND, "warning", statement, evidence)


def _range(steps: NDArray[np.int64]) -> str:
    if len(steps) == 1:
        return f"step {steps[0]}"
    return f"steps {steps[0]} to {steps[-1]}"
