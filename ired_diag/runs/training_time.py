"""How long the runs of a group trained, by the time that they logged: one method may take five times as long.

The number is the median over runs of the logged time at the last step, with the time of all jobs of a run
added (``runs.clock``). Its unit is the log's (``runs.time_unit``), where it says one; numbers of one column
are in one unit only where all runs log it in the same one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.errors import DiagError
from ired_diag.runs.clock import clock_column, time_of_steps
from ired_diag.runs.completion import completion_of
from ired_diag.runs.name_list import counted
from ired_diag.runs.run import Run
from ired_diag.runs.time_unit import unit_of_time

FINISHED = ("complete", "unknown")
MOST_RUNS = 20  # of a group whose times are read
FEWEST_RUNS = 2  # of a group: the time of one run has no range
LEAST_RATIO = 1.05  # of the times of a step: a smaller one is not worth a line


@dataclass(frozen=True)
class TrainingTime:
    """The time that runs of a group took.

    Attributes:
        total: Median over runs of the logged time at the last step.
        per_step: Median over runs of the time of a step.
        fastest: Shortest time of a step among the runs.
        slowest: Longest time of a step among the runs.
        n: How many runs.
    """

    total: float
    per_step: float
    fastest: float
    slowest: float
    n: int

    @property
    def explanation(self) -> str:
        """What the number is of, in a sentence."""
        return (
            f"Median over {counted(self.n, 'run')} of the logged time at the last step, in the unit of the "
            f"log; {self.per_step:.3g} for each step."
        )


def logged_clock(runs: Iterable[Run]) -> str | None:
    """Return the column that tells the time in runs; None where none is known to."""
    try:
        return clock_column({"": list(runs)})
    except DiagError:
        return None


def finished(runs: Iterable[Run]) -> list[Run]:
    """Return the runs that finished, or whose end is unknown."""
    return [run for run in runs if completion_of(run) in FINISHED]


def training_time(runs: Sequence[Run], column: str) -> TrainingTime | None:
    """Return the time that the runs of a group took; None where none logged it.

    Args:
        runs: The runs of the group that finished.
        column: The logged column that tells the time.
    """
    logged = [run for run in runs if column in run.history.series][:MOST_RUNS]
    times = np.array([_total_and_steps(run, column) for run in logged]).reshape(-1, 2)
    times = times[np.isfinite(times).all(axis=1) & (times[:, 1] > 0)]
    if not len(times):
        return None
    total = float(np.median(times[:, 0]))
    steps = times[:, 0] / times[:, 1]
    per_step = float(np.median(steps))
    return TrainingTime(total, per_step, float(steps.min()), float(steps.max()), len(times))


def speeds_of(groups: Mapping[str, Sequence[Run]]) -> str:
    """Return that groups run at different speed, by the clock that they log; empty where none is seen.

    Args:
        groups: The runs that finished, by the name of their group.
    """
    few = {name: runs[:MOST_RUNS] for name, runs in groups.items()}
    column = logged_clock(run for runs in few.values() for run in runs)
    return "" if column is None else speeds_in_words(few, column)


def speeds_in_words(groups: Mapping[str, Sequence[Run]], column: str) -> str:
    """Return that groups run at different speed, by their fastest and slowest; empty where none is seen.

    It is said of two groups of two runs or more, whose times of a step do not overlap.

    Args:
        groups: The runs that finished, by the name of their group.
        column: The logged column that tells the time.
    """
    times: dict[str, TrainingTime] = {}
    for name, runs in groups.items():
        time = training_time(runs, column)
        if time is not None and time.n >= FEWEST_RUNS:
            times[name] = time
    if len(times) < 2:
        return ""
    fast, *_, slow = sorted(times, key=lambda name: times[name].per_step)
    ratio = times[slow].per_step / times[fast].per_step
    if times[fast].slowest >= times[slow].fastest or ratio < LEAST_RATIO:
        return ""
    units = {unit_of_time(groups[name], column) for name in (fast, slow)}
    unit = units.pop() if len(units) == 1 else ""
    source = f"by {column}" if unit else f"as logged in {column} (the unit is unknown)"
    return (
        f"Groups run at different speed: {source}, a step of {slow} takes "
        f"{_step_in_words(times[slow], unit)}, one of {fast} {_step_in_words(times[fast], unit)}: "
        f"{ratio:.2g} times as long. Logged times include the machine that a run was on."
    )


def _step_in_words(time: TrainingTime, unit: str) -> str:
    """Return the time of a step with its range: ``0.032 s (0.03 to 0.033, 10 runs)``."""
    middle = f"{time.per_step:.3g} {unit}".rstrip()
    return f"{middle} ({time.fastest:.3g} to {time.slowest:.3g}, {counted(time.n, 'run')})"


def _total_and_steps(run: Run, column: str) -> tuple[float, float]:
    """Return the logged time at the last step that has one, and that step."""
    series = run.history.series[column]
    steps = series.steps[np.isfinite(series.values)]
    if not len(steps):
        return np.nan, np.nan
    last = steps[-1:].astype(np.float64)
    total, _ = time_of_steps(run, column, last)
    return float(total[0]), float(last[0])
