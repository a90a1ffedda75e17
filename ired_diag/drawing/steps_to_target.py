"""Times to a target: the share of runs that are not there yet, over training (Kaplan & Meier).

A step down is a run that reaches the target; a tick on the line is a run that ended before it did. The dotted
line at one half crosses each curve at its median. The band is the interval of ``stats.survival`` at each time
by itself: Greenwood's variance of log S, symmetric in log(-log S). Where S is 1 or 0 that formula has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.target_words import ratio_sentence
from ired_diag.drawing.data import FigureData, Guide, Line, Panel, Segment
from ired_diag.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ired_diag.comparison.reaching import GroupReaching, Reaching
    from ired_diag.comparison.when import When

MARGIN = 0.15  # of the range of crossings, to its left
Array = NDArray[np.float64]
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
    target = f"{reached.target:.4g}"
    panel = Panel(
        y_label=f"share not yet at {target}",
        lines=tuple(lines),
        segments=tuple(ticks),
        guides=(Guide(0.5, "half"),),
        x_range=(start, end + 0.02 * (end - start)),
        y_range=(-0.03, 1.05),
    )
    unit = "training step" if answer.axis == "step" else answer.axis
    return FigureData(
        name="steps_to_target",
        title=f"{'Steps' if answer.axis == 'step' else 'Time'} until {answer.shown_metric} reaches {target}",
        x_label=unit,
        panels=(panel,),
        method=_method(answer, reached, has_ticks=bool(ticks)),
        note=f"Kaplan-Meier with 95% intervals; {_counts(groups)} reach it; ticks: runs that ended first",
        summary=ratio_sentence(answer),
        order=(answer.new, answer.old),
    )


def _counts(groups: Sequence[GroupReaching]) -> str:
    return " and ".join(f"{group.reached} of {len(group.arrivals)} runs of {group.name}" for group in groups)


def _method(answer: When, reached: Reaching, *, has_ticks: bool) -> str:
    groups = (reached.a, reached.b)
    level = ""
    if reached.level is not None:
        level = f", the level at which {answer.old} ends"
    stays = " for good" if reached.stays else ""
    words = (
        f"Share of the runs whose {answer.shown_metric} has not reached {reached.target:.4g}{stays}{level} "
        f"(Kaplan-Meier estimate); {_counts(groups)} reach it. Dotted: one half, which a curve crosses "
        "at its median."
    )
    if any(np.isfinite(_band(group)[0]).any() for group in groups):
        percent = f"{100 * reached.a.curve.confidence:g}%"
        words += (
            f" Shaded: {percent} interval of the share at each place by itself (Greenwood's variance, "
            "log-log scale); where the share is 1 or 0 it has none."
        )
    if has_ticks:
        words += " Upright ticks: runs that ended before they reached it, and need longer."
    if any(arrival.state == "failed" for group in groups for arrival in group.arrivals):
        words += " Runs that failed never reach it."
    return words


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
    low, high = _band(group)
    return Line(group.name, x, y, low, high, drawn="steps", spread="band")


def _band(group: GroupReaching) -> tuple[Array, Array]:
    """Return the interval at each corner of the line; NaN where the share is 1 or 0."""
    curve = group.curve
    is_inside = (curve.share > 0) & (curve.share < 1)
    ends = []
    for end in (curve.low, curve.high):
        inside = np.where(is_inside, end, np.nan)
        ends.append(np.concatenate([[np.nan], inside, inside[-1:] if len(inside) else [np.nan]]))
    low, high = ends
    return low, high


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
