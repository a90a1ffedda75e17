"""Metrics under the names that the user gives them.

A program calls the energy of right answers ``energy_data``; pictures and rules look for ``energy/positive``.
The user says that these are one: ``--map energy_data=energy/positive``. Values stay as they are.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ired_diag.errors import DiagError
from ired_diag.runs.history import History, Series
from ired_diag.runs.run import Run

OPTION = "--map"
MOST_NAMES = 12


def with_metric_names(run: Run, names: Mapping[str, str]) -> Run:
    """Return a run, and its earlier attempts, with metrics renamed.

    Args:
        run: The run.
        names: The new name of a metric, by the name that the log gives it.

    Raises:
        DiagError: The run has a metric of the new name already.
    """
    recorded = run.recorded_metric
    if recorded is not None:
        recorded = replace(recorded, name=names.get(recorded.name, recorded.name))
    return replace(
        run,
        history=_renamed(run.history, names, run),
        attempts=tuple(with_metric_names(attempt, names) for attempt in run.attempts),
        recorded_metric=recorded,
    )


def _renamed(history: History, names: Mapping[str, str], run: Run) -> History:
    if not any(name in history.series for name in names):
        return history
    series: dict[str, Series] = {}
    for name in history.series:
        new = names.get(name, name)
        if new in series or (new != name and new in history.series and new not in names):
            raise DiagError(
                f"{OPTION} {name}={new}: {run.label} has a metric {new} already. Give {name} another name."
            )
        series[new] = history.series[name]
    return replace(history, series=series)


def check_metric_names(names: Mapping[str, str], runs: Sequence[Run]) -> None:
    """Refuse to rename a metric that no run logged.

    Args:
        names: The new name of a metric, by the name that the log gives it.
        runs: All runs, with metrics renamed.

    Raises:
        DiagError: There is none.
    """
    logged: dict[str, None] = {}
    for run in runs:
        logged.update(dict.fromkeys(run.history.series))
    for name, new in names.items():
        if runs and new not in logged:
            raise DiagError(f"{OPTION} {name}={new}: {_not_logged(name, list(logged))}")


def _not_logged(name: str, logged: Sequence[str]) -> str:
    """Return that no run logged a metric, and what they logged."""
    message = f"no run logged {name!r}."
    for near in difflib.get_close_matches(name, logged, n=1):
        message += f" Did you mean {near!r}?"
    shown = [*logged[:MOST_NAMES], "…"] if len(logged) > MOST_NAMES else logged
    return f"{message} There are: {', '.join(shown) or 'no metrics'}."
