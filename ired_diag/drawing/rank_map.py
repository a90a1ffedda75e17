"""Rank map: which group is best in which seed?

One cell for each group (row) and each seed that all groups share (column): the rank of the group's readout
among those of the same seed, 1 the best, ties sharing the mean of their ranks. Rows stand in the order of
their mean ranks. Where seeds agree, each row has one colour; Kendall's W says how far they do, from 0 (by
chance) to 1 (every seed has the same order), and Friedman's test whether chance would do it too.

Reference: Demšar (2006), Statistical Comparisons of Classifiers, section 3.2.2.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison import Comparison
from ired_diag.comparison.ranking import RankTable, with_failures_last
from ired_diag.drawing.comparison_words import (
    PANEL_HEIGHT,
    agreement,
    agreement_explained,
    failures_in_words,
    names_of,
    ranks_of,
    readout_of,
)
from ired_diag.drawing.data import Cells, FigureData, Panel
from ired_diag.drawing.named_places import named_places
from ired_diag.stats.ranks import rank_groups

ROW = 0.17  # inches
LEAST_ROWS = 4  # so much room the scale of the colours needs
MOST_TEXTS = 20  # columns: of more, cells are too narrow for numbers
MOST_TICKS = 14  # names of columns that fit below them


def rank_map(comparison: Comparison) -> FigureData:
    """Return the map of ranks, seed by seed.

    Args:
        comparison: A comparison of at least two groups that share a seed.

    Raises:
        DiagError: No seed is shared, or there is one group only.
    """
    ranks = ranks_of(comparison)
    names = sorted(ranks.mean_ranks, key=lambda name: ranks.mean_ranks[name])
    table = _ranks_by_seed(comparison, ranks, names)
    readout = readout_of(comparison)
    order = agreement(ranks)
    best = "lowest" if comparison.lower_is_better else "highest"
    ties = "" if np.all(table == np.rint(table)) else "; ties share the mean of their ranks"
    method = (
        f"Each cell is the rank of a group among all groups of the same seed, by {readout}: 1 is the best "
        f"({best}) value, darker is worse{ties}. Rows stand in the order of their mean ranks, which are in "
        "brackets. "
        f"N = {len(ranks.seeds)} seeds that all {len(names)} groups have."
        f"{failures_in_words(comparison, ranks)} {agreement_explained(ranks)}"
    )
    return FigureData(
        name="rank_map",
        title="Ranks of the groups within each seed",
        x_label="seed",
        panels=(_panel(table, ranks, names),),
        method=method,
        note=f"1 is best, mean rank in brackets; {order}; by {readout}",
        summary=f"{_best_and_worst(ranks, names)} {order}.",
        order=names_of(comparison),
    )


def _ranks_by_seed(comparison: Comparison, ranks: RankTable, names: list[str]) -> NDArray[np.float64]:
    """Return ranks of shape (groups, seeds)."""
    finished = {}
    failed: dict[str, list[str]] = {}
    for group in comparison.groups:
        finished[group.name] = group.values
        failed[group.name] = []
        for failure in group.outcomes.failures:
            if failure.is_of_method:
                failed[group.name].append(failure.label)
    lower_is_better = comparison.lower_is_better
    values = with_failures_last(finished, failed, lower_is_better=lower_is_better)
    table = []
    for seed in ranks.seeds:
        row = [values[name][seed] for name in names]
        table.append(row)
    return rank_groups(table, lower_is_better=lower_is_better).ranks.T


def _panel(table: NDArray[np.float64], ranks: RankTable, names: list[str]) -> Panel:
    rows, columns = table.shape
    seeds = [seed.removeprefix("seed") for seed in ranks.seeds]
    groups = [f"{name} ({ranks.mean_ranks[name]:.2f})" for name in names]
    ticks_apart = math.ceil(columns / MOST_TICKS)
    return Panel(
        y_label="",
        lines=(),
        x_ticks=named_places(seeds)[::ticks_apart],
        y_ticks=named_places(groups),
        cells=Cells(table, _texts(table), "rank"),
        height=max(rows, LEAST_ROWS) * ROW / PANEL_HEIGHT,
    )


def _texts(table: NDArray[np.float64]) -> tuple[tuple[str, ...], ...]:
    """Return the ranks as they are written into the cells; empty where cells are too narrow."""
    columns = int(table.shape[1])
    if columns > MOST_TEXTS:
        empty = ("",) * columns
        return (empty,) * len(table)
    texts: list[tuple[str, ...]] = []
    for row in table.tolist():
        texts.append(tuple(f"{rank:g}" for rank in row))
    return tuple(texts)


def _best_and_worst(ranks: RankTable, names: list[str]) -> str:
    best = names[0]
    worst = names[-1]
    n = len(ranks.seeds)
    tied = f", {ranks.ties} seeds with a tie for the best" if ranks.ties else ""
    return (
        f"{best} has the best mean rank ({ranks.mean_ranks[best]:.2f}) and alone is best in "
        f"{ranks.wins[best]} of {n} seeds{tied}; {worst} has the worst ({ranks.mean_ranks[worst]:.2f})."
    )
