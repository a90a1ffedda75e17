"""What a picture of learning curves says of itself: axis label, caption, note and summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag import tasks
from ired_diag.drawing.curve_marks import Curve, first_onset, median_best
from ired_diag.drawing.data import Line
from ired_diag.drawing.over_seeds import (
    BANDS,
    BANDS_IN_BRIEF,
    MEANT,
    Band,
    OverSeeds,
    has_several_seeds,
    last_finite,
)
from ired_diag.drawing.seeds_panel import n_in_brief, n_is_constant, seeds_in_words
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
    """

    metric: str
    label: str
    direction: Direction
    means: Mapping[str, OverSeeds]
    band: Band
    smooth: int | None


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


def _best(direction: Direction) -> str:
    """Return which value is the best."""
    return "lowest" if direction.lower_is_better else "highest"


def _worse(direction: Direction) -> str:
    """Return the word for a turn for the worse."""
    return "rise" if direction.lower_is_better else "fall"


def method_of(shown: Shown) -> str:
    """Return the caption, without floors and what is left out."""
    metric = shown.label
    direction = shown.direction
    several = has_several_seeds(shown.means)
    if several:
        line = f"Mean of {metric} over seeds at each step"
    else:
        line = f"{metric} of one seed at each step"
    if shown.smooth:
        line += (
            f", then a centred running median of {shown.smooth} evaluations (the band is of the raw values)"
        )
    else:
        line += ", not smoothed"
    if several:
        line += f"; band: {BANDS[shown.band]}, at each step by itself"
        if any(_is_pair(curve) for curve in shown.means.values()):
            line += ", of three seeds or more"
    if any(drawn_singly(curve, shown.band) for curve in shown.means.values()):
        line += "; groups of two seeds: their single curves"
    if several or shown.smooth:
        line += "; thin: single seeds as logged"
    meant = MEANT
    if not n_is_constant(shown.means):
        meant += "; where N falls, seeds ended or are not finite, and the mean is of the others"
    return (
        f"{line}. {seeds_in_words(shown.means)}. {meant}. "
        f"Circle: best ({_best(direction)}) evaluation of the seed whose best is the group's median; "
        f'"noise": explained by noise around one level. Diamond: first onset of a lasting '
        f"{_worse(direction)} among a group's seeds. {metric}: {direction.words}."
    )


def drawn_singly(curve: OverSeeds, band: Band) -> bool:
    """Say whether a group is drawn as its two seeds: two are too few for a t interval."""
    return band == "t interval" and int(curve.n.max(initial=0)) == 2


def bands_left_out(shown: Shown, lines: Sequence[Line]) -> str:
    """Return which groups have no band because theirs often reaches 0; empty where all have theirs."""
    names = []
    for line in lines:
        mean = shown.means.get(line.name)
        if mean is not None and not line.faint and line.low is None and np.isfinite(mean.low).any():
            names.append(f"{line.name} (n = {int(mean.n.max())})")
    if not names:
        return ""
    return (
        f" Without a band, because theirs reaches 0 at several steps, which this axis cannot show: "
        f"{', '.join(names)}."
    )


def _is_pair(curve: OverSeeds) -> bool:
    """Say whether a mean is of two seeds at any step."""
    return bool((curve.n == 2).any())


def stops_in_words(groups: Mapping[str, Sequence[Curve]]) -> str:
    """Return what the squares are; empty where early stopping ended no run."""
    parts = []
    for name, curves in groups.items():
        stops = sorted(curve.stopped for curve in curves if curve.stopped is not None)
        if not stops:
            continue
        at = f"step {stops[0]}" if stops[0] == stops[-1] else f"steps {stops[0]} to {stops[-1]}"
        parts.append(f"{name} {len(stops)} of {len(curves)} seeds, at {at}")
    if not parts:
        return ""
    return (
        " Square: last evaluation of the run whose early stop is the group's median; early stopping ended "
        f"{'; '.join(parts)}."
    )


def left_out(metric: str, missing: Sequence[str]) -> str:
    """Return which runs did not log the metric; empty where all did."""
    if not missing:
        return ""
    return f" Without {metric}, left out: {', '.join(missing)}."


def note_of(shown: Shown) -> str:
    """Return the caption in a few words."""
    several = has_several_seeds(shown.means)
    line = "one seed"
    if several:
        line = f"mean and {BANDS_IN_BRIEF[shown.band]}"
    line += f", {n_in_brief(shown.means)}"
    if several or shown.smooth:
        line += "; thin: seeds"
    if shown.smooth:
        line += f"; running median of {shown.smooth}"
    return f"{line}; circle: best ({_best(shown.direction)}); diamond: onset"


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
        turns = f"{count} of {len(curves)} {_worse(shown.direction)} for good"
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
