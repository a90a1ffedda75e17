"""Runs as they were when their training was at a step: everything logged after it is left out.

A training that went on for longer can be compared with a shorter one at the end of the shorter one. A run
that diverged or died later is, up to the step, a run that had not; one that ended before it ended as it did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ired_diag.errors import NotFound
from ired_diag.runs.ending import Ending
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run


def runs_until(groups: Mapping[str, Sequence[Run]], step: float, metric: str) -> dict[str, list[Run]]:
    """Return groups of runs whose curves end at a step.

    Args:
        groups: Runs by the name of their group.
        step: The last step that is kept.
        metric: The metric that is looked at.

    Raises:
        NotFound: A run logged the metric after the step alone: it would seem never to have logged it.
    """
    cut: dict[str, list[Run]] = {}
    for name, runs in groups.items():
        for run in runs:
            series = run.history.series.get(metric)
            if series is not None and len(series) and series.steps[0] > step:
                raise NotFound(
                    f"{name}/{run.seed_label} logged {metric} first at step {series.steps[0]}, after step "
                    f"{step:g}, where curves end by --until (in Python: until). Choose a later step."
                )
        cut[name] = [run_until(run, step) for run in runs]
    return cut


def run_until(run: Run, step: float) -> Run:
    """Return a run whose curves end at a step; a metric that was first logged later is left out."""
    series = {}
    for name, whole in run.history.series.items():
        is_kept = whole.steps <= step
        if is_kept.any():
            series[name] = Series(whole.steps[is_kept], whole.values[is_kept])
    ending = run.ending
    if (run.history.last_step or 0) > step:
        ending = Ending("complete", f"looked at up to step {step:g}", inferred=True)
    return replace(run, ending=ending, history=replace(run.history, series=series))
