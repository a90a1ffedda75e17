"""Levels: each problem counts once, with its worst."""

from __future__ import annotations

import numpy as np

from ired_diag.stats.levels import by_level
from ired_diag.stats.share import share_of
from ired_diag.stats.summary import summarise


def test_the_first_row_is_the_worst_of_each_problem_and_the_others_the_levels(
    rng: np.random.Generator,
) -> None:
    values = rng.normal(size=(3, 20))
    for smallest in (False, True):
        found = by_level(values, smallest=smallest)
        worst = [(min if smallest else max)(values[:, i]) for i in range(20)]
        for row, level, some in zip(found, (-1, 0, 1, 2), (worst, *values), strict=True):
            expected = summarise(some)
            assert (row.level, row.mean, row.low, row.high) == (
                level,
                expected.mean,
                expected.low,
                expected.high,
            )


def test_shares_have_the_interval_of_shares_and_what_is_no_number_is_counted_apart() -> None:
    values = np.array([[0.0, 0.0, 1.0, np.nan], [0.0, 1.0, 0.0, 1.0]])
    worst, first, second = by_level(values, share=True)
    assert (worst.mean, worst.n, worst.lost) == (2 / 3, 3, 1)
    assert (first.n, first.lost, second.n, second.lost) == (3, 1, 4, 0)
    assert (second.low, second.high) == (share_of([0, 1, 0, 1]).low, share_of([0, 1, 0, 1]).high)
    nothing = by_level(np.full((1, 2), np.nan))
    assert nothing[0].reason == "no values"
