"""Evaluation noise: what part of the spread between seeds is only that of single evaluations?

On the plateau evaluation j of seed i is vᵢⱼ = μ + sᵢ + eᵢⱼ (``stats.noise_split``). For each group the first
panel shows three standard deviations: that of one evaluation, σ_e; what is left of it in a seed's mean over
the plateau, σ_e / √k_eff, where its k evaluations are worth k_eff independent ones; and that of the seeds
themselves, σ_s, 0 where seeds differ less than evaluations alone would make them. The second shows the
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
from ired_diag.errors import DiagError
from ired_diag.figures.comparison_words import names_of, with_room_for_names
from ired_diag.figures.data import FigureData, Guide, Line, Panel
from ired_diag.stats.noise_split import NoiseSplit

WIDE, APART = 0.7, 0.14  # of the place between columns: what all groups take, and at most two neighbours
COLUMNS = ("evaluation", "plateau", "seeds")


def evaluation_noise(comparison: Comparison) -> FigureData:
    """Return how the seeds' spread splits in each group.

    Args:
        comparison: With a plateau in common.

    Raises:
        DiagError: The spread of no group can be split.
    """
    groups = [group for group in comparison.groups if math.isfinite(group.noise.split.evaluation_sd)]
    lost = [group for group in comparison.groups if group not in groups]
    if not groups:
        raise DiagError(_refusal(lost))
    left_out = "; ".join(f"{group.name} left out: {group.noise.split.reason}" for group in lost)
    start = "" if comparison.plateau_step is None else f" from step {comparison.plateau_step:.0f} on"
    counts = _counts(groups)
    return FigureData(
        "evaluation_noise",
        "How much of the spread between seeds is evaluation noise",
        "",
        (_spreads(groups, comparison.metric), _correlations(groups)),
        f"On the plateau{start} ({counts}). Standard deviation of one evaluation; what it leaves in a "
        "mean over the plateau, √k_eff times less; and of the seeds, 0 where its estimate is negative. "
        f"{_worths(groups)}. "
        "ICC: share of one evaluation's variance that the seed makes, with its 95% interval (one-way "
        "analysis of variance); the rest is evaluation noise."
        f"{f' {left_out}.' if left_out else ''}",
        f"plateau{start}, {counts}; ICC with 95% interval{f'; {left_out}' if left_out else ''}",
        " ".join(map(_sentence, groups)),
        names_of(comparison),
    )


def _refusal(groups: Sequence[Group]) -> str:
    why = "; ".join(dict.fromkeys(group.noise.split.reason for group in groups))
    return (
        f"{', '.join(group.name for group in groups)}: the spread of seeds cannot be split from evaluation "
        f"noise: {why}. It needs 2 seeds of a group, with 3 evaluations each on a plateau that all groups "
        "share: leave out what has none, or train it longer."
    )


def _spreads(groups: Sequence[Group], metric: str) -> Panel:
    step = min(APART, WIDE / len(groups))
    lines = []
    for place, group in enumerate(groups):
        split = group.noise.split
        of_mean = split.evaluation_sd / math.sqrt(_worth(split))
        values = (split.evaluation_sd, of_mean, split.seed_sd)
        x = np.arange(len(COLUMNS)) + step * (place - (len(groups) - 1) / 2)
        lines.append(Line(group.name, x, np.array(values), drawn="points"))
    return Panel(
        f"standard deviation ({metric})",
        tuple(lines),
        x_label="what scatters",
        x_ticks=tuple((float(i), name) for i, name in enumerate(COLUMNS)),
        x_range=(-0.5, len(COLUMNS) - 0.5),
        guides=(Guide(0.0, ""),),
    )


def _correlations(groups: Sequence[Group]) -> Panel:
    lines = []
    for place, group in enumerate(groups):
        split = group.noise.split
        icc, low, high = (np.array([value]) for value in (split.icc, split.low, split.high))
        lines.append(Line(group.name, np.array([float(place)]), icc, low, high, "points"))
    panel = Panel(
        "ICC (seeds' share)",
        tuple(lines),
        x_label="group",
        x_ticks=tuple((float(place), group.name) for place, group in enumerate(groups)),
        x_range=(-0.5, len(groups) - 0.5),
        guides=(Guide(0.0, "all noise"), Guide(1.0, "no noise")),
    )
    return with_room_for_names(panel)


def _worth(split: NoiseSplit) -> float:
    """Return how many independent evaluations a run's are worth; all of them where there is no noise."""
    effective = split.effective_evaluations
    return split.evaluations if math.isnan(effective) else effective


def _worths(groups: Sequence[Group]) -> str:
    each = "; ".join(f"{group.name} {_worth(group.noise.split):.3g}" for group in groups)
    return f"As successive evaluations may resemble each other, k are worth k_eff independent ones: {each}"


def _counts(groups: Sequence[Group]) -> str:
    told = {(group.noise.split.seeds, group.noise.split.evaluations) for group in groups}
    if len(told) == 1:
        ((n, k),) = told
        return f"n = {n} seeds of k = {k:g} evaluations each"
    return ", ".join(
        f"{g.name} n = {g.noise.split.seeds}, k = {g.noise.split.evaluations:.3g}" for g in groups
    )


def _sentence(group: Group) -> str:
    split = group.noise.split
    lead = f"{group.name}: one evaluation scatters by {split.evaluation_sd:.2g}, seeds by {split.seed_sd:.2g}"
    if math.isnan(split.icc):
        return f"{lead} ({split.reason})."
    noise = [100 * (1 - min(1.0, max(0.0, end))) for end in (split.icc, split.high, split.low)]
    return (
        f"{lead}; at one evaluation {noise[0]:.0f}% ({noise[1]:.0f} to {noise[2]:.0f}%) of the variance "
        "between seeds is evaluation noise."
    )
