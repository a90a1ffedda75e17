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
    there = is_file(path)
    logged = _logged_steps(path) if there else np.array([], dtype=np.int64)
    missing = np.setdiff1d(_due_steps(config, began, step), logged)
    beyond = logged[logged > step]
    findings = [_missing(missing, step, there=there)] if len(missing) else []
    return findings + ([_beyond(beyond, step, config.checkpoint_every)] if len(beyond) else [])


def with_history(news: Sequence[Finding], of_history: Sequence[Finding]) -> list[Finding]:
    """Return what is new about a resumed run; why a history goes beyond an older step file is said once."""
    if not news:
        return list(of_history)
    again = " ".join(finding.statement for finding in of_history if finding.rule == BEYOND)
    first = replace(news[0], statement=f"{news[0].statement} {again}".rstrip())
    return [first, *news[1:], *(finding for finding in of_history if finding.rule != BEYOND)]


def joined_findings(before: Sequence[Finding], news: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return all findings of a run, each once; of notes that it was killed, the last, with their number."""
    joined = list(before)
    for finding in news:
        if finding.rule == BEYOND and finding.severity == "note":
            same = [f for f in joined if (f.rule, f.severity) == (BEYOND, "note")]
            times = 1 + sum(_times(f) for f in same)
            joined = [f for f in joined if f not in same]
            finding = replace(finding, evidence={**finding.evidence, "times": times})
        if finding not in joined:
            joined.append(finding)
    return tuple(joined)


def _times(finding: Finding) -> int:
    times = finding.evidence.get("times")
    return times if isinstance(times, int) else 1


def _logged_steps(path: Path) -> NDArray[np.int64]:
    series = read_history(path).series.values()
    return np.unique(np.concatenate([np.array([], dtype=np.int64), *(one.steps for one in series)]))


def _due_steps(config: TrainingConfig, began: int, step: int) -> NDArray[np.int64]:
    """Return the steps after ``began``, up to ``step``, at which a row is written."""
    end = min(step, config.train_steps)
    multiples = [np.arange(0, end + 1, every) for every in (config.log_every, config.validate_every)]
    due = np.unique(np.concatenate([*multiples, [config.train_steps]])).astype(np.int64)
    return due[(due > began) & (due <= end)]


def _missing(steps: NDArray[np.int64], at: int, *, there: bool) -> Finding:
    what = f"lacks {len(steps)} logged steps ({_range(steps)})" if there else "is missing"
    return Finding(
        MISSING,
        "warning",
        f"{METRICS} {what}: what was logged before the checkpoint of step {at} is lost there.",
        {"missing": len(steps), "first": int(steps[0]), "last": int(steps[-1]), "step": at},
    )


def _beyond(steps: NDArray[np.int64], at: int, checkpoint_every: int) -> Finding:
    source = (
        f"beyond the checkpoint of step {at} that the run goes on from"
        if at
        else "and no checkpoint is there"
    )
    statement = f"{METRICS} holds {_range(steps)}, {source}: these steps are trained and logged again."
    old = int(steps[-1]) - at > checkpoint_every
    if old:
        statement += f" A checkpoint is written every {checkpoint_every} steps: this one may be an old copy."
    evidence = {"first": int(steps[0]), "last": int(steps[-1]), "step": at}
    return Finding(BEYOND, "warning" if old else "note", statement, evidence)


def _range(steps: NDArray[np.int64]) -> str:
    return f"step {steps[0]}" if len(steps) == 1 else f"steps {steps[0]} to {steps[-1]}"
