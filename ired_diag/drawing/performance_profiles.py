"""Performance profiles: which share of runs, and of tasks, scores above τ, for each τ?

A group whose profile lies above another's everywhere is better at every level; where two cross, the answer
depends on what is asked. Bands hold for all τ together (``stats.performance_profile``); the share of tasks
has none.

Reference: Agarwal et al. (2021), section 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ired_diag.comparison.across import Across
from ired_diag.drawing.across_caption import left_out_of_axis, score_in_words
from ired_diag.drawing.across_rows import counts_of
from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.stats.arrays import Array
from ired_diag.stats.performance_profile import DRAWS, profile
from ired_diag.stats.score_aggregates import defect_of_scores

THRESHOLDS = 201
ENDS = (0.01, 0.99)  # quantiles of all scores: a run that diverged would squeeze all others
MARGIN = 0.05  # of the range, beyond these


def performance_profiles(across: Across) -> FigureData:
    """Return the profiles of runs and of tasks, a line for each group."""
    thresholds = _thresholds(across)
    panels = []
    for of_tasks, label in ((False, "share of runs above"), (True, "share of tasks above")):
        lines = [_line(across, group, thresholds, of_tasks=of_tasks) for group in across.groups]
        panel = Panel(
            y_label=label,
            lines=tuple(lines),
            x_range=(float(thresholds[0]), float(thresholds[-1])),
            y_range=(-0.02, 1.02),
        )
        panels.append(panel)
    beyond = left_out_of_axis(across, (float(thresholds[0]), float(thresholds[-1])))
    words = [f"{group}: {_above(across, group)}" for group in across.groups]
    return FigureData(
        name="performance-profiles",
        title="Performance profiles",
        x_label="score",
        panels=tuple(panels),
        method=(
            "Share of runs whose score is above that on the x axis (top), and share of tasks whose mean "
            f"score is (bottom): a higher line is better. {_bands_in_words(across, panels[0])} "
            f"{score_in_words(across)}{beyond} {counts_of(across)}."
        ),
        note=f"bands: 95%, for all scores together; {counts_of(across)}",
        summary=f"Median score of all runs: {'; '.join(words)}.",
        order=tuple(across.groups),
        stacked=True,
    )


def _bands_in_words(across: Across, runs: Panel) -> str:
    """Return what the bands of the share of runs are, where there are any."""
    bare = [line.name for line in runs.lines if line.low is None]
    if len(bare) == len(runs.lines):
        return f"There are no bands{_why(across, bare)}."
    lacking = f"; nor has {', '.join(bare)}{_why(across, bare)}" if bare else ""
    return (
        "Bands: 95% confidence for all scores together, by bootstrap widened for few seeds; the share of "
        f"tasks has none{lacking}."
    )


def _why(across: Across, groups: Sequence[str]) -> str:
    """Return why groups have no band, in brackets."""
    reasons = {defect_of_scores(across.scores[group]): None for group in groups}
    listed = "; ".join(filter(None, reasons))
    return f" ({listed})" if listed else ""


def _thresholds(across: Across) -> Array:
    pooled = np.concatenate([scores[np.isfinite(scores)] for scores in across.scores.values()])
    low, high = np.quantile(pooled, ENDS)
    margin = MARGIN * (high - low)
    return np.linspace(low - margin, high + margin, THRESHOLDS)


def _line(across: Across, group: str, thresholds: Array, *, of_tasks: bool) -> Line:
    resampling = replace(across.resampling, draws=DRAWS)
    found = profile(across.scores[group], thresholds, resampling=resampling, of_tasks=of_tasks)
    has_band = not found.reason
    return Line(
        name=group,
        x=thresholds,
        y=found.share,
        low=found.low if has_band else None,
        high=found.high if has_band else None,
        drawn="steps",
        spread="band",
    )


def _above(across: Across, group: str) -> str:
    scores = across.scores[group]
    return f"{float(np.nanmedian(scores)):.3f}"
