"""The pictures of a comparison, by the names that ``ired-diag figures`` knows them by.

The dashboard compares every group with its baseline, which is the last group of its comparison: a difference
is a group minus the baseline, in percent of the baseline's mean, in the verdicts and in each picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ired_diag.comparison import Comparison
from ired_diag.drawing.critical_difference import critical_difference
from ired_diag.drawing.data import FigureData
from ired_diag.drawing.evaluation_noise import evaluation_noise
from ired_diag.drawing.fold_words import with_noun
from ired_diag.drawing.paired_differences import paired_differences
from ired_diag.drawing.rank_map import rank_map
from ired_diag.drawing.readouts import readout_forest

FIGURES: Mapping[str, Callable[[Comparison], FigureData]] = {
    "evaluation-noise": evaluation_noise,
    "rank-map": rank_map,
    "critical-difference": critical_difference,
}


def figure_of(picture: str, comparison: Comparison) -> FigureData:
    """Return a picture of a comparison.

    Args:
        picture: ``paired-differences``, ``readouts`` or one of ``FIGURES``.
        comparison: What is drawn.
    """
    figure = _figure_of(picture, comparison)
    if comparison.has_folds and comparison.run_noun != "seed":
        return with_noun(figure, comparison.run_noun)
    return figure


def _figure_of(picture: str, comparison: Comparison) -> FigureData:
    baseline = comparison.groups[-1].name
    if picture == "paired-differences":
        return paired_differences(comparison, baseline)
    if picture == "readouts":
        return readout_forest(comparison, baseline)
    return FIGURES[picture](comparison)
