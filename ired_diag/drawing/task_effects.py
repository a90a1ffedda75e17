"""Effect on each task (forest plot): where does a change help, where does it hurt, and what is open?

A row is a task, the last one the mean over tasks. The thick line is the 95% interval of the task by itself,
the thin one holds together with those of all tasks (Bonferroni). A task counts as better or worse after
Holm's correction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

from ired_diag.comparison.across import Across, NewAgainstOld
from ired_diag.comparison.across_amounts import displayed, ends_of, is_lower_better
from ired_diag.comparison.across_words import decided_of, sentence_of
from ired_diag.drawing.across_caption import effect_in_words
from ired_diag.drawing.across_rows import (
    Row,
    beyond_in_words,
    counts_of,
    has_intervals,
    missing_in_words,
    panel_of,
    range_without_outliers,
)
from ired_diag.drawing.data import FigureData

MEAN = "mean over tasks"


def task_effects(across: Across) -> FigureData:
    """Return the effect on each task, a panel for each group against the old one."""
    rows = [_rows(across, pair) for pair in across.pairs]
    has_mean = any(math.isfinite(row.value) for of_pair in rows for row in of_pair if row.name == MEAN)
    panels = []
    beyond = ""
    for pair, of_pair in zip(across.pairs, rows, strict=True):
        ends = range_without_outliers(of_pair, 0.0)
        beyond += beyond_in_words(of_pair, ends)
        panels.append(panel_of(of_pair, x_label=_label(across, pair), line_at=0.0, x_range=ends))
    intervals = ""
    if any(map(has_intervals, rows)):
        intervals = "thick: 95% of a task; thin: 95% of all tasks together; "
    sentences = []
    new = across.pairs[0].new if len(across.pairs) == 1 else "each group"
    for pair in across.pairs:
        sentences += [sentence_of(across, pair), decided_of(across, pair)]
    return FigureData(
        name="task-effects",
        title=f"Effect on each task: {new} against {across.old}",
        x_label="effect",
        panels=tuple(panels),
        method=(
            f"Points: effect on a task.{_intervals_in_words(rows)} Vertical line: no difference. "
            f"{effect_in_words(across, has_mean=has_mean)} {counts_of(across)}."
            f"{beyond}{missing_in_words(list(chain(*rows)))}"
        ),
        note=f"{intervals}{counts_of(across)}",
        summary=" ".join(sentences),
        order=tuple(across.groups),
        stacked=True,
    )


def _intervals_in_words(rows: Sequence[Sequence[Row]]) -> str:
    """Return what the intervals are, where any is drawn."""
    if not any(map(has_intervals, rows)):
        return ""
    return " Thick: its 95% interval; thin: 95% intervals that hold for all tasks together (Bonferroni)."


def _rows(across: Across, pair: NewAgainstOld) -> list[Row]:
    rows = []
    for task, effect in zip(
        across.tasks,
        pair.result.tasks,
        strict=True,
    ):
        low, high = ends_of(
            across,
            effect.test.low,
            effect.test.high,
        )
        row = Row(
            name=task.name,
            of=pair.new,
            value=displayed(across, effect.difference),
            low=low,
            high=high,
            wide=ends_of(across, effect.low, effect.high),
            reason=effect.test.reason,
        )
        rows.append(row)
    mean = pair.result
    low, high = ends_of(
        across,
        mean.test.low,
        mean.test.high,
    )
    rows.append(
        Row(
            name=MEAN,
            of=pair.new,
            value=displayed(across, mean.difference),
            low=low,
            high=high,
            reason=mean.test.reason,
        )
    )
    return rows


def _label(across: Across, pair: NewAgainstOld) -> str:
    units = {
        "relative": "%",
        "spread": f"sd of {pair.old}",
        "reference": "share of the reference range",
        "raw": across.tasks[0].metric,
    }
    direction = "left is better" if is_lower_better(across) else "right is better"
    return f"{pair.new} against {pair.old} ({units[across.scale.name]}; {direction})"
