"""Times to a target: the share of runs that are not there yet, over training (Kaplan & Meier).

A step down is a run that reaches the target; a tick on the line is a run that ended before it did. The dotted
line at one half crosses each curve at its median.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ired_diag.comparison.target_words import ratio_sentence
from ired_diag.drawing.data import FigureData, Guide, Line, Panel, Segment
from ired_diag.errors import NotFound

if TYPE_CHECKING:
    from ired_diag.comparison.reaching import GroupReaching, Reaching
    from ired_diag.comparison.when import When

MARGIN = 0.15  # of the range of crossings, to its left
TICK = 0.03  # half the height of a tick, as a share of runs


def steps_to_target(answer: When) -> FigureData:
    """Return the picture of the times to a target.

    Args:
        answer: What ``comparison.when`` says of two groups.

    Raises:
        NotFound: No target was named, or no run reaches it.
    """
    reached = answer.reaching
    if reached is None:
        raise NotFound("no target was named.")
    groups = (reached.a, reached.b)
    start, end = _range(reached)
    lines = [_line(group, start, end) for group in groups]
    ticks: list[Segment] = []
    for group in groups:
        ticks += _ticks(group)
    counts = " and ".join(
        f"{group.reached} of {len(group.arrivals)} runs of {group.name}" for group in groups
    )
    target = f"{reached.target:.6g}"
    panel = Panel(
        y_label=f"share not yet at {reached.target:.4g}",
        lines=tuple(lines),
        segments=tuple(ticks),
        guides=(Guide(0.5, "half"),),
        x_range=(start, end + 0.02 * (end - start)),
        y_range=(-0.03, 1.05),
    )
    unit = "training step" if answer.axis == "step" else answer.axis
    return FigureData(
        name="steps_to_target",
        title=f"{answer.shown_metric}: runs on their way to {target}",
        x_label=unit,
        panels=(panel,),
        method=f"Kaplan-Meier estimate of the share of runs that have not reached {target}; {counts} reach "
        "it. Ticks: runs that ended first. A run that failed never reaches it.",
        note=f"Kaplan-Meier; {counts} reach it; ticks: runs that ended first",
        summary=ratio_sentence(answer),
        order=(answer.new, answer.old),
    )


def _range(reached: Reaching) -> tuple[float, float]:
    """Return the ends of the x axis: from a little before the first crossing to the last end."""
    arrivals = [*reached.a.arrivals, *reached.b.arrivals]
    end = max(arrival.end for arrival in arrivals)
    times = [arrival.at for arrival in arrivals if np.isfinite(arrival.at)]
    first = min(times, default=0.0)
    start = max(0.0, first - MARGIN * max(end - first, 0.01 * end))
    return start, end


def _line(group: GroupReaching, start: float, end: float) -> Line:
    curve = group.curve
    last = max((arrival.end for arrival in group.arrivals), default=end)
    last_share = float(curve.share[-1]) if len(curve.share) else 1.0
    # Drawn up to the last run's end, not to the last crossing: until there the others were watched.
    x = np.concatenate([[start], curve.times, [max(last, *curve.times, start)]])
    y = np.concatenate([[1.0], curve.share, [last_share]])
    return Line(group.name, x, y, drawn="steps")


def _ticks(group: GroupReaching) -> list[Segment]:
    """Return a tick for each run that ended before it reached the target."""
    curve = group.curve
    shares = np.concatenate([[1.0], curve.share])
    ticks = []
    for arrival in group.arrivals:
        if arrival.state != "not reached":
            continue
        share = float(shares[np.searchsorted(curve.times, arrival.at, side="right")])
        ticks.append(Segment(x=(arrival.at, arrival.at), y=(share - TICK, share + TICK), of=group.name))
    return ticks
