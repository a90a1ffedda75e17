"""One direction for a metric of an unknown measure in all runs of a study.

Where the logs of some runs show it (``direction_by_training``) and those of others do not, because ``Train``
was perfect from the start, it holds for all. Where logs show opposite directions, that of three quarters of
them holds, else none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from ired_diag.runs.direction_by_training import names_only_data
from ired_diag.runs.run import RecordedMetric, Run

MOST = 0.75  # of the logs that show a direction


def with_one_direction(runs: Iterable[Run]) -> list[Run]:
    """Return runs in their order; each metric that only names its data improves in one direction in all."""
    runs = list(runs)
    judged_by: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        if run.judging_metric and names_only_data(run.judging_metric):
            judged_by[run.judging_metric].append(run)
    changed: dict[int, Run] = {}
    for metric, members in judged_by.items():
        undecided = [run for run in members if run.direction.source in ("log", "assumed")]
        shown = [run.lower_is_better for run in undecided if run.direction.source == "log"]
        if not shown:
            continue
        lower = sum(shown) / len(shown)
        recorded = RecordedMetric(metric, higher_is_better=False, source="assumed")
        if max(lower, 1 - lower) >= MOST:
            recorded = RecordedMetric(metric, lower < 0.5, source="log")
        changed |= {id(run): replace(run, recorded_metric=recorded) for run in undecided}
    return [changed.get(id(run), run) for run in runs]
