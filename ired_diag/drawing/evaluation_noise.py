"""Evaluation noise: what part of the spread between seeds is only that of single evaluations?

On the plateau evaluation j of seed i is vᵢⱼ = μ + sᵢ + eᵢⱼ (``stats.noise_split``). For each group the first
panel shows three standard deviations with their intervals (``stats.noise_intervals``): that of one
evaluation, σ_e; what is left of it in a seed's mean over the plateau, σ_e / √k_eff, where its k evaluations
are worth k_eff independent ones; and that of the seeds themselves, σ_s, 0 where seeds differ less than
evaluations alone would make them. The second shows the
intraclass correlation

    ICC = σ_s² / (σ_s² + σ_e²)

with its 95% interval: the share of one evaluation's variance that the seed makes. Its rest, 1 - ICC, is
evaluation noise.

Reference: Shrout & Fleiss (1979), Intraclass correlations, case 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ired_diag.comparison import Comparison, Group
from ired_diag.drawing.comparison_words import names_of, with_room_for_names
from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.drawing.named_places import ends_of_places, interval_at, named_places
from ired_diag.errors import DiagError
from ired_diag.stats.noise_intervals import evaluation_sd_interval, seed_sd_interval
from ired_diag.stats.noise_split import NoiseSplit

WIDE, APART = 0.7, 0.14  # of the place between columns: what all groups take, and at most two neighbours
COLUMNS = ("evaluation", "plateau mean", "seeds")


def evaluation_noise(comparison: Comparison, order: Sequence[str] = ()) -> FigureData:
    """Return how the seeds' spread splits in each group.

    Args:
        comparison: A comparison of groups with a plateau in common.
        order: Names of groups in the order in which they are drawn. Default: that of the comparison.

    Raises:
        DiagError: The spread of no group can be split.
    """
    groups, lost = _split_or_lost(_in_order(comparison.groups, order))
    if not groups:
        raise DiagError(_refusal(lost))
    plateau = "plateau"
    if comparison.plateau_step is not None:
        plateau += f" from step {comparison.plateau_step:.0f} on"
    counts = _counts(groups)
    method = (
        f"Scatter of {comparison.shown_metric} on the {plateau} ({counts}). First panel: standard "
        "deviations, with approximate 95% intervals, of one evaluation around the mean of its seed, of this "
        "noise in a plateau mean, and of the seeds without it (0 where the estimate is negative). Second "
        "panel: intraclass correlation (ICC), the share of one evaluation's variance due to the "
        f"seed, with its 95% interval; the rest is evaluation noise.{_worths(groups)}"
    )
    note = f"{plateau}, {counts}; 95% intervals"
    if lost:
        left_out = "; ".join(f"{group.name} left out: {group.noise.split.reason}" for group in lost)
        method += f" {left_out}."
        note += f"; {left_out}"
    return FigureData(
        name="evaluation_noise",
        title="How much of the spread between seeds is evaluation noise",
        x_label="",
        panels=(_spreads(groups, comparison.shown_metric), _correlations(groups)),
        method=method,
        note=note,
        summary=" ".join(map(_sentence, groups)),
        order=names_of(comparison),
    )


def _in_order(groups: Sequence[Group], order: Sequence[str]) -> list[Group]:
    """Return groups in an order; those that it does not name come last."""
    places = {name: place for place, name in enumerate(order)}
    return sorted(groups, key=lambda group: places.get(group.name, len(places)))


def _split_or_lost(groups: Sequence[Group]) -> tuple[list[Group], list[Group]]:
    """Return the groups whose spread can be split, and those whose cannot."""
    split: list[Group] = []
    lost: list[Group] = []
    for group in groups:
        can_be_split = math.isfinite(group.noise.split.evaluation_sd)
        (split if can_be_split else lost).append(group)
    return split, lost


def _refusal(groups: Sequence[Group]) -> str:
    names = ", ".join(group.name for group in groups)
    if all(group.folds for group in groups):
        return f"{names}: the spread of folds is not split from evaluation noise: they share training data."
    reasons = dict.fromkeys(group.noise.split.reason for group in groups)
    return (
        f"{names}: the spread of seeds cannot be split from evaluation noise: {'; '.join(reasons)}. It needs "
        "2 seeds of a group, with 3 evaluations each on a plateau that all groups share: leave out what has "
        "none, or train it longer."
    )


def _spreads(groups: Sequence[Group], metric: str) -> Panel:
    step = min(APART, WIDE / len(groups))
    middle = (len(groups) - 1) / 2
    columns = np.arange(len(COLUMNS))
    lines = []
    for place, group in enumerate(groups):
        split = group.noise.split
        gain = math.sqrt(_worth(split))
        low, high = evaluation_sd_interval(split)
        seeds_low, seeds_high = seed_sd_interval(split)
        shift = step * (place - middle)
        line = Line(
            name=group.name,
            x=columns + shift,
            y=np.array([split.evaluation_sd, split.evaluation_sd / gain, split.seed_sd]),
            low=np.array([low, low / gain, seeds_low]),
            high=np.array([high, high / gain, seeds_high]),
            drawn="points",
        )
        lines.append(line)
    return Panel(
        y_label=f"standard deviation ({metric})",
        lines=tuple(lines),
        x_label="what scatters",
        y_from_zero=True,
        x_ticks=named_places(COLUMNS),
        x_range=ends_of_places(len(COLUMNS)),
    )


def _correlations(groups: Sequence[Group]) -> Panel:
    lines = []
    for place, group in enumerate(groups):
        split = group.noise.split
        line = interval_at(
            group.name,
            float(place),
            mean=split.icc,
            low=split.low,
            high=split.high,
        )
        lines.append(line)
    panel = Panel(
        y_label="ICC (share of seeds)",
        lines=tuple(lines),
        x_label="group",
        x_ticks=named_places(group.name for group in groups),
        x_range=ends_of_places(len(groups)),
        guides=(Guide(0.0, "all noise"), Guide(1.0, "no noise")),
    )
    return with_room_for_names(panel)


def _worth(split: NoiseSplit) -> float:
    """Return how many independent evaluations a run's are worth; all of them where there is no noise."""
    if math.isnan(split.effective_evaluations):
        return split.evaluations
    return split.effective_evaluations


def _worths(groups: Sequence[Group]) -> str:
    """Return how many independent evaluations a plateau mean is worth, where it is fewer than it has."""
    words = []
    for group in groups:
        split = group.noise.split
        worth = _worth(split)
        if worth < split.evaluations:
            words.append(f"{group.name} {worth:.3g} of {split.evaluations:.3g}")
    if not words:
        return ""
    return f" Evaluations that resemble their neighbours count for fewer: {', '.join(words)}."


def _counts(groups: Sequence[Group]) -> str:
    first = groups[0].noise.split
    counts = set()
    words = []
    for group in groups:
        split = group.noise.split
        counts.add((split.seeds, split.evaluations))
        words.append(f"{group.name} n = {split.seeds} seeds of {split.evaluations:.3g} evaluations")
    if len(counts) == 1:
        return f"n = {first.seeds} seeds of {first.evaluations:g} evaluations each"
    return ", ".join(words)


def _sentence(group: Group) -> str:
    split = group.noise.split
    lead = (
        f"{group.name}: evaluations of one seed scatter by {split.evaluation_sd:.2g}, seeds, without that "
        f"noise, by {split.seed_sd:.2g}"
    )
    if math.isnan(split.icc):
        return f"{lead} ({split.reason})."
    noise = _noise_percent(split.icc)
    least = _noise_percent(split.high)
    most = _noise_percent(split.low)
    return (
        f"{lead}; at one evaluation {noise:.0f}% ({least:.0f} to {most:.0f}%) of the variance between seeds "
        "is evaluation noise."
    )


def _noise_percent(icc: float) -> float:
    share_of_seeds = min(1.0, max(0.0, icc))
    return 100 * (1 - share_of_seeds)
