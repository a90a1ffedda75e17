"""Probability of improvement: how often is a run of one group better than a run of the old one, on each task?

Ties count half; at 1/2 neither is better more often. The intervals of tasks are those of the Mann-Whitney
probability (``stats.dominance``), that of the mean is by bootstrap (``stats.improvement_over_tasks``).

Reference: Agarwal et al. (2021), section 4.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ired_diag.comparison.across import Across, NewAgainstOld
from ired_diag.comparison.across_words import improvement_of
from ired_diag.drawing.across_rows import Row, counts_of, has_intervals, missing_in_words, panel_of
from ired_diag.drawing.data import FigureData

MEAN = "mean over tasks"


def improvement_probability(across: Across) -> FigureData:
    """Return the probability on each task and on average, a panel for each group."""
    new = across.pairs[0].new if len(across.pairs) == 1 else "the group that its axis names"
    rows: list[Row] = []
    panels = []
    for pair in across.pairs:
        of_pair = _rows(across, pair)
        rows += of_pair
        label = f"P({pair.new} better than {pair.old})"
        panels.append(panel_of(of_pair, x_label=label, line_at=0.5, x_range=(-0.02, 1.02)))
    return FigureData(
        name="improvement-probability",
        title=f"Probability of improvement over {across.old}",
        x_label="probability",
        panels=tuple(panels),
        method=(
            f"Probability that a run of {new} is better than a run of {across.old} on the same task, with "
            "ties counted half (points); vertical line: 1/2, neither is better more often."
            f"{_intervals_in_words(rows)} {counts_of(across)}.{missing_in_words(rows)}"
        ),
        note=f"95% intervals; ties count half; {counts_of(across)}",
        summary=" ".join(improvement_of(pair) for pair in across.pairs),
        order=tuple(across.groups),
        stacked=True,
    )


def _intervals_in_words(rows: Sequence[Row]) -> str:
    """Return what the intervals of tasks and of their mean are, as far as they are drawn."""
    if not has_intervals(rows):
        return ""
    words = " Bars: 95% intervals of the Mann-Whitney probability"
    if any(math.isfinite(row.low) for row in rows if row.name == MEAN):
        words += (
            "; of the mean over tasks, each of equal weight: the wider of a bootstrap interval, widened for "
            "few seeds, and one made of the intervals of the tasks"
        )
    return f"{words}."


def _rows(across: Across, pair: NewAgainstOld) -> list[Row]:
    rows = []
    for task, improvement in zip(across.tasks, pair.improvement.tasks, strict=True):
        row = Row(
            name=task.name,
            of=pair.new,
            value=improvement.probability,
            low=improvement.low,
            high=improvement.high,
            reason=improvement.reason,
        )
        rows.append(row)
    mean = pair.improvement.mean
    rows.append(
        Row(name=MEAN, of=pair.new, value=mean.value, low=mean.low, high=mean.high, reason=mean.reason)
    )
    return rows
