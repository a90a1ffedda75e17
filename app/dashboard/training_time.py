"""How long the runs of a group of the dashboard trained, and which group is slower for a step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.dashboard.group_numbers import FINISHED
from app.dashboard.snapshot import Entry
from ired_diag.runs import training_time as of_runs
from ired_diag.runs.run import Run
from ired_diag.runs.training_time import MOST_RUNS, TrainingTime

__all__ = ["MOST_RUNS", "logged_clock", "speeds_in_words", "speeds_of", "training_time"]


def logged_clock(entries: Iterable[Entry]) -> str | None:
    """Return the column that tells the time in runs; None where none is known to."""
    return of_runs.logged_clock(entry.run for entry in entries)


def training_time(entries: Sequence[Entry], column: str) -> TrainingTime | None:
    """Return the time that the runs of a group took; None where none that finished logged it.

    Args:
        entries: The runs of the group.
        column: The logged column that tells the time.
    """
    return of_runs.training_time(_finished(entries), column)


def speeds_in_words(groups: Mapping[str, Sequence[Entry]], column: str) -> str:
    """Return that groups run at different speed by a column; empty where that is not seen."""
    return of_runs.speeds_in_words({name: _finished(groups[name]) for name in groups}, column)


def speeds_of(groups: Mapping[str, Sequence[Entry]]) -> str:
    """Return that groups run at different speed by the clock that they log; empty where that is not seen."""
    return of_runs.speeds_of({name: _finished(groups[name]) for name in groups})


def _finished(entries: Sequence[Entry]) -> list[Run]:
    return [entry.run for entry in entries if entry.completion in FINISHED]
