"""What a picture of learning curves says of itself: axis label, note and summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag import tasks
from ired_diag.drawing.curve_marks import Curve, first_onset, median_best
from ired_diag.drawing.data import Mark
from ired_diag.drawing.over_seeds import (
    BANDS_IN_BRIEF,
    Band,
    OverSeeds,
    has_several_seeds,
    last_finite,
)
from ired_diag.drawing.seeds_panel import n_in_brief
from ired_diag.runs.direction import Direction


@dataclass(frozen=True)
class Shown:
    """What is drawn, and how.

    Attributes:
        metric: The metric, as it is logged.
        label: What it is called.
        direction: The direction in which it improves.
        means: Mean and band over seeds, by group.
        band: The kind of band.
        smooth: Number of evaluations of the running median; None without one.
        most_marks: Number of marks from which on some kinds are left out; None where all are drawn.
    """

    metric: str
    label: str
    direction: Direction
    means: Mapping[str, OverSeeds]
    band: Band
    smooth: int | None
    most_marks: int | None = None


def axis_label(shown: Shown) -> str:
    """Return the axis' label; a log does not state a unit, a task may."""
    units = [task.metric.unit for task in tasks.judged_by(shown.metric)]
    unit = units[0] if units else ""
    words = [unit] if unit else []
    if not shown.direction.lower_is_better:
        words.append("higher is better")
    if not words:
        return shown.label
    return f"{shown.label} ({', '.join(words)})"


def best_word(direction: Direction) -> str:
    """Return which value is the best."""
    return "lowest" if direction.lower_is_better else "highest"


def worse_word(direction: Direction) -> str:
    """Return the word for a turn for the worse."""
    return "rise" if direction.lower_is_better else "fall"


def drawn_singly(curve: OverSeeds, band: Band) -> bool:
    """Say whether a group is drawn as its two seeds: two are too few for a t interval."""
    return band == "t interval" and int(curve.n.max(initial=0)) == 2


def note_of(shown: Shown, marks: Sequence[Mark]) -> str:
    """Return the caption in a few words; ``marks`` are those of all panels."""
    several = has_several_seeds(shown.means)
    line = "one seed"
    if several:
        line = f"mean and {BANDS_IN_BRIEF[shown.band]}"
    line += f", {n_in_brief(shown.means)}"
    if several or shown.smooth:
        line += "; thin: seeds"
    if shown.smooth:
        line += f"; running median of {shown.smooth}"
    shapes = {mark.shape for mark in marks}
    if "circle" in shapes:
        line += f"; circle: best ({best_word(shown.direction)})"
    if "diamond" in shapes:
        line += "; diamond: onset"
    if "square" in shapes:
        line += "; square: early stop"
    return line


def sentence_of(name: str, curves: Sequence[Curve], shown: Shown) -> str:
    """Return where a group's mean ends, and its best and onset, in a sentence."""
    seeds = "1 seed" if len(curves) == 1 else f"{len(curves)} seeds"
    parts = [f"{name}, {seeds}: {_end_in_words(shown.means[name], shown.band)}"]
    best = median_best(curves)
    if best is not None:
        verdict = best.verdict
        lucky = ", explained by noise" if verdict.best_is_luck else ""
        parts.append(f"median best {verdict.best:.4g} at step {verdict.best_step:.0f}{lucky}")
    rising = first_onset(curves)
    if rising is not None:
        count = sum(curve.verdict.onset is not None for curve in curves)
        turns = f"{count} of {len(curves)} {worse_word(shown.direction)} for good"
        parts.append(f"{turns}, first at step {rising.verdict.onset:.0f}")
    return f"{'; '.join(parts)}."


def _end_in_words(curve: OverSeeds, band: Band) -> str:
    """Return where a mean ends, and its band there."""
    end = last_finite(curve)
    if end is None:
        return "no mean is finite"
    value = f"{curve.mean[end]:.4g} at step {curve.steps[end]}"
    n = curve.n[end]
    if n <= 1:
        return value
    low, high = curve.low[end], curve.high[end]
    if not np.isfinite(low):
        return f"{value} (mean of n = {n}, too few for an interval)"
    return f"{value} ({low:.4g} to {high:.4g}, {band}, n = {n})"
