"""Rank map: which group is best in which seed?

One cell for each group (row) and each seed that all groups share (column): the rank of the group's readout
among those of the same seed, 1 the best, ties sharing the mean of their ranks. Rows stand in the order of
their mean ranks. Where seeds agree, each row has one colour; Kendall's W says how far they do, from 0 (by
chance) to 1 (every seed has the same order), and Friedman's test whether chance would do it too.

Reference: Demšar (2006), Statistical Comparisons of Classifiers, section 3.2.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison import Comparison
from ired_diag.comparison.ranking import RankTable, with_failures_last
from ired_diag.figures.comparison_words import PANEL_HEIGHT, agreement, names_of, ranks_of, readout_of
from ired_diag.figures.data import Cells, FigureData, Panel
from ired_diag.stats.ranks import rank_groups

ROW = 0.17  # inches
LEAST_ROWS = 4  # so much room the scale of the colours needs
MOST_TEXTS = 20  # columns: of more, cells are too narrow for numbers
MOST_TICKS = 14  # names of columns that fit below them


def rank_map(comparison: Comparison) -> FigureData:
    """Return the map of ranks, seed by seed.

    Args:
        comparison: Of at least two groups that share a seed.

    Raises:
        DiagError: No seed is shared, or there is one group only.
    """
    ranks = ranks_of(comparison)
    names = sorted(ranks.mean_ranks, key=lambda name: ranks.mean_ranks[name])
    table = _ranks_by_seed(comparison, ranks, names)
    n, told = len(ranks.seeds), readout_of(comparison)
    better = "lowest" if comparison.lower_is_better else "highest"
    return FigureData(
        "rank_map",
        "Ranks of the groups within each seed",
        "seed",
        (_panel(table, ranks, names),),
        f"Rank of each group within each seed that all groups share, by {told}; 1 is best, the {better} "
        f"value; ties share the mean of their ranks. Rows in the order of their mean ranks, in brackets."
        f" N = {n} seeds, {len(names)} groups; {agreement(ranks)}.",
        f"1 is best, mean rank in brackets; {agreement(ranks)}; by {told}",
        f"{_best_told(ranks, names)} {agreement(ranks)}.",
        names_of(comparison),
    )


def _ranks_by_seed(comparison: Comparison, ranks: RankTable, names: list[str]) -> NDArray[np.float64]:
    """Return ranks of shape (groups, seeds)."""
    failed = {
        group.name: [failure.label for failure in group.outcomes.failures if failure.kind != "stopped"]
        for group in comparison.groups
    }
    values = with_failures_last(
        {group.name: group.values for group in comparison.groups},
        failed,
        lower_is_better=comparison.lower_is_better,
    )
    table = [[values[name][seed] for name in names] for seed in ranks.seeds]
    return rank_groups(table, lower_is_better=comparison.lower_is_better).ranks.T


def _panel(table: NDArray[np.float64], ranks: RankTable, names: list[str]) -> Panel:
    rows, columns = table.shape
    written = tuple(tuple(f"{rank:g}" if columns <= MOST_TEXTS else "" for rank in row) for row in table)
    every = -(-columns // MOST_TICKS)
    return Panel(
        "",
        (),
        x_ticks=tuple(
            (float(i), seed.removeprefix("seed")) for i, seed in enumerate(ranks.seeds) if i % every == 0
        ),
        y_ticks=tuple((float(i), f"{name} ({ranks.mean_ranks[name]:.2f})") for i, name in enumerate(names)),
        cells=Cells(table, written, "rank"),
        height=max(rows, LEAST_ROWS) * ROW / PANEL_HEIGHT,
    )


def _best_told(ranks: RankTable, names: list[str]) -> str:
    first, last, n = names[0], names[-1], len(ranks.seeds)
    tied = f", {ranks.ties} seeds with a tie for the best" if ranks.ties else ""
    return (
        f"{first} has the best mean rank ({ranks.mean_ranks[first]:.2f}) and alone is best in "
        f"{ranks.wins[first]} of {n} seeds{tied}; {last} has the worst ({ranks.mean_ranks[last]:.2f})."
    )
