"""Effect on each task (forest plot): where does a change help, where does it hurt, and what is open?

A row is a task, the last one the mean over tasks. The thick line is the 95% interval of the task by itself,
the thin one holds together with those of all tasks (Bonferroni). A task counts as better or worse after
Holm's correction.
"""

from __future__ import annotations

from ired_diag.comparison.across import Across, NewAgainstOld
from ired_diag.comparison.across_amounts import displayed, ends_of, is_lower_better
from ired_diag.comparison.across_words import decided_of, sentence_of
from ired_diag.drawing.across_caption import effect_in_words
from ired_diag.drawing.across_rows import Row, counts_of, panel_of
from ired_diag.drawing.data import FigureData, Panel

MEAN = "mean over tasks"


def task_effects(across: Across) -> FigureData:
    """Return the effect on each task, a panel for each group against the old one."""
    panels = tuple(_panel(across, pair) for pair in across.pairs)
    sentences = []
    new = across.pairs[0].new if len(across.pairs) == 1 else "each group"
    for pair in across.pairs:
        sentences += [sentence_of(across, pair), decided_of(across, pair)]
    return FigureData(
        name="task-effects",
        title=f"Effect on each task: {new} against {across.old}",
        x_label="effect",
        panels=panels,
        method=(
            "Points: effect on a task. Thick: its 95% interval; thin: 95% intervals that hold for all tasks "
            f"together (Bonferroni). Vertical line: no difference. {effect_in_words(across)} "
            f"{counts_of(across)}."
        ),
        note=f"thick: 95% of a task; thin: 95% of all tasks together; {counts_of(across)}",
        summary=" ".join(sentences),
        order=tuple(across.groups),
        stacked=True,
    )


def _panel(across: Across, pair: NewAgainstOld) -> Panel:
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
        )
    )
    return panel_of(rows, x_label=_label(across, pair), line_at=0.0)


def _label(across: Across, pair: NewAgainstOld) -> str:
    units = {
        "relative": "%",
        "spread": f"sd of {pair.old}",
        "reference": "share of the reference range",
        "raw": across.tasks[0].metric,
    }
    direction = "left is better" if is_lower_better(across) else "right is better"
    return f"{pair.new} against {pair.old} ({units[across.scale.name]}; {direction})"
