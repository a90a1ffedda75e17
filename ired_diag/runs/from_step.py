"""A run from a step on: what it logged before is left out, as if it had begun there."""

from __future__ import annotations

from dataclasses import replace

from ired_diag.runs.history import Series
from ired_diag.runs.run import Run


def from_step(run: Run, start: float | None) -> Run:
    """Return a run without what it logged before a step; a metric of which nothing is left goes too.

    Args:
        run: The run.
        start: The first step that is kept; None for all.
    """
    if start is None:
        return run
    series: dict[str, Series] = {}
    for name, logged in run.history.series.items():
        is_later = logged.steps >= start
        if is_later.any():
            series[name] = Series(logged.steps[is_later], logged.values[is_later])
    return replace(run, history=replace(run.history, series=series))
