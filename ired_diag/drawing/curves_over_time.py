"""Learning curves over the time that a run took, for comparing what training costs.

Times are those of a column that the runs logged (``runs.clock``), in the unit of the log; time between
the jobs of a resumed run is not counted. Seeds log at different times, so that each seed is a line of its
own, and no mean is taken. A value logged before the first or after the last logged time has no place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ired_diag.drawing.data import FigureData, Line, Panel, Scale, scale_of_lines
from ired_diag.errors import NotFound
from ired_diag.runs.clock import clock_column, time_of_steps
from ired_diag.runs.judged import shared_direction
from ired_diag.runs.run import Run

FEW = 30  # points: a curve of as many shows each of them

Groups = Mapping[str, Sequence[Run]]


def curves_over_time(
    groups: Groups,
    *,
    metric: str,
    start: float | None = None,
    order: Sequence[str] = (),
) -> FigureData:
    """Return each seed's curve over the time since its training began.

    Args:
        groups: Runs by the name of their group.
        metric: Metric to draw.
        start: Step from which on curves are shown. Default: the whole curves.
        order: All names that may be drawn in other figures next to this one, which fixes their colours.
            Default: the names of ``groups``.

    Raises:
        NotFound: No run logged a time, or none logged the metric and the time.
    """
    column = clock_column(groups)
    lines: list[Line] = []
    missing: list[str] = []
    resumed = 0
    for group, runs in groups.items():
        for run in runs:
            line, count = _line(run, group, metric, column, start)
            resumed += count
            if line is None:
                missing.append(run.label)
            else:
                lines.append(line)
    if not lines:
        raise NotFound(f"No run logged both {metric!r} and {column!r}.")
    scale: Scale = "linear"
    if shared_direction(groups, metric).lower_is_better:
        scale = scale_of_lines(lines)
    method = f"{metric} of each seed as logged, over {column} in the unit of the log; no mean is taken."
    if resumed:
        method += f" Runs were resumed {resumed} times: time between jobs is not counted."
    if missing:
        method += f" Without {metric} or {column}, left out: {', '.join(missing)}."
    return FigureData(
        name="curves_over_time",
        title=f"{metric} over {column}",
        x_label=f"{column} since the start of training, as logged",
        panels=(Panel(y_label=metric, lines=tuple(lines), y_scale=scale),),
        method=method,
        summary=" ".join(_ends(line) for line in lines[:20]),
        order=tuple(order) or tuple(groups),
    )


def _line(run: Run, group: str, metric: str, column: str, start: float | None) -> tuple[Line | None, int]:
    """Return a seed's curve, None where it has no point with a time; and how often the run was resumed."""
    series = run.history.series.get(metric)
    if series is None:
        return None, 0
    if start is not None:
        series = series.since(start)
    times, resumed = time_of_steps(run, column, series.steps.astype(np.float64))
    has_time = np.isfinite(times)
    if not has_time.any():
        return None, resumed
    count = int(has_time.sum())
    line = Line(
        name=f"{group} {run.seed_label}",
        x=times[has_time],
        y=series.values[has_time],
        of=group,
        drawn="both" if count <= FEW else "line",
    )
    return line, resumed


def _ends(line: Line) -> str:
    return f"{line.name} ends at {line.y[-1]:.4g} after {line.x[-1]:.4g}."
