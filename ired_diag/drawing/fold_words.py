"""Pictures of a cross-validation: their words count folds, and say what takes folds as independent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ired_diag.drawing.data import FigureData
from ired_diag.runs.cross_validation import cross_validation_of
from ired_diag.runs.run import Run
from ired_diag.runs.run_nouns import called

# Pictures whose intervals are those of the corrected resampled t test.
CORRECTED = frozenset(("learning_curves", "plateau-curves", "paired_differences", "readouts", "curves_apart"))
OTHERS = " Folds share training data, and this picture takes them as independent: it is too sure."
SAYS_HOW_SURE = re.compile(r"interval|critical difference|\bp =|\bCI\b")


def in_words_of_folds(figure: FigureData, groups: Iterable[Sequence[Run]]) -> FigureData:
    """Return a picture of groups of folds in their words; the same picture where any group is of seeds."""
    folds = [cross_validation_of(runs) for runs in groups]
    if not folds or None in folds:
        return figure
    noun = "run" if any(each is not None and each.is_repeated for each in folds) else "fold"
    return with_noun(figure, noun)


def with_noun(figure: FigureData, noun: str) -> FigureData:
    """Return a picture whose words call the runs of folds so."""
    panels = []
    for panel in figure.panels:
        panels.append(
            replace(panel, x_label=called(panel.x_label, noun), y_label=called(panel.y_label, noun))
        )
    words = f"{figure.method} {figure.summary}"
    is_too_sure = figure.name not in CORRECTED and SAYS_HOW_SURE.search(words) is not None
    return replace(
        figure,
        title=called(figure.title, noun),
        x_label=called(figure.x_label, noun),
        panels=tuple(panels),
        method=called(figure.method, noun) + (OTHERS if is_too_sure else ""),
        note=called(figure.note, noun),
        summary=called(figure.summary, noun),
    )
