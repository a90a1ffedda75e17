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
    series = {
        name: Series(one.steps[kept], one.values[kept])
        for name, one in run.history.series.items()
        if (kept := one.steps >= start).any()
    }
    return replace(run, history=replace(run.history, series=series))
