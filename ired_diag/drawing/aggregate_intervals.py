"""Aggregates of scores with their intervals: IQM, median, mean and optimality gap of each group.

The four panels of Agarwal et al. (2021), figure 9. Of the first three a larger number is better, of the gap a
smaller one. An interval is missing where it would hold the truth too rarely, which the caption says.
"""

from __future__ import annotations

import math

from ired_diag.comparison.across import Across
from ired_diag.comparison.across_words import AGGREGATES
from ired_diag.drawing.across_caption import interval_in_caption, score_in_words
from ired_diag.drawing.across_rows import Row, counts_of, panel_of
from ired_diag.drawing.data import FigureData, Panel


def aggregate_intervals(across: Across) -> FigureData:
    """Return the aggregates of each group, a panel for each aggregate."""
    panels = []
    for name, label in AGGREGATES.items():
        panel = _panel(across, name, label)
        if panel is not None:
            panels.append(panel)
    words = []
    for group in across.groups:
        words.append(f"{group}: IQM {across.aggregates[group]['iqm'].value:.3f}")
    return FigureData(
        name="aggregate-intervals",
        title="Aggregate scores over all tasks",
        x_label="score",
        panels=tuple(panels),
        method=f"{_aggregates_in_words(across)} {score_in_words(across)} {interval_in_caption(across)} "
        f"{counts_of(across)}.",
        note=f"95% bootstrap intervals; {counts_of(across)}",
        summary=f"{'; '.join(words)}.",
        order=tuple(across.groups),
        stacked=True,
    )


def _aggregates_in_words(across: Across) -> str:
    """Return what each aggregate is."""
    words = (
        "Points: all runs of a group in one number. IQM: interquartile mean, that of the middle half of all "
        "scores; median and mean: of the mean scores of the tasks"
    )
    if not math.isfinite(across.target):
        return f"{words}."
    return f"{words}; optimality gap: average shortfall of scores below {across.target:g}."


def _panel(across: Across, name: str, label: str) -> Panel | None:
    """Return the panel of an aggregate; None where no group has it."""
    rows = []
    for group in across.groups:
        aggregate = across.aggregates[group][name]
        row = Row(
            name=group,
            of=group,
            value=aggregate.value,
            low=aggregate.low,
            high=aggregate.high,
        )
        rows.append(row)
    if all(row.value != row.value for row in rows):  # NaN: no target is known
        return None
    direction = "lower is better" if name == "optimality_gap" else "higher is better"
    return panel_of(rows, x_label=f"{label} ({direction})")
