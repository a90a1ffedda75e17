"""Rank correlation against scipy, slow loops, and what ties and NaN must do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.auroc import placements
from ired_diag.stats.rank_correlation import concordance, share_below, spearman


@pytest.mark.parametrize("digits", [1, 9])
def test_spearman_of_each_group_equals_scipys(digits: int, rng: np.random.Generator) -> None:
    x = np.round(rng.normal(size=(7, 20)), digits)
    y = np.round(x + rng.normal(size=(7, 20)), digits)
    expected = [stats.spearmanr(a, b).statistic for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(spearman(x, y), expected, rtol=1e-12)


@pytest.mark.parametrize(("further_than", "closer_than"), [(1.0, math.inf), (1.0, 2.0), (1.4, math.inf)])
def test_concordance_equals_a_loop_over_pairs(
    further_than: float, closer_than: float, rng: np.random.Generator
) -> None:
    x, y = np.round(rng.random((5, 12)), 1), np.round(rng.random((5, 12)), 1) + 0.1
    found_all = concordance(x, y, further_than=further_than, closer_than=closer_than)
    for group, found in enumerate(found_all):
        right = []
        for i in range(12):
            for j in range(i):
                a, b = (x[group, i], x[group, j]), (y[group, i], y[group, j])
                if further_than * min(b) < max(b) <= closer_than * min(b):
                    right.append(0.5 if a[0] == a[1] else float((a[0] > a[1]) == (b[0] > b[1])))
        assert found == pytest.approx(np.mean(right), rel=1e-12)


def test_concordance_with_two_classes_is_the_auroc(rng: np.random.Generator) -> None:
    x, label = rng.normal(size=30), np.arange(30) % 3 == 0
    below, _ = placements(x[label], x[~label])
    assert concordance(x[None], label[None])[0] == pytest.approx(below.mean(), rel=1e-12)


def test_reversed_order_is_minus_one_and_never_right(rng: np.random.Generator) -> None:
    x = rng.random((3, 9))
    assert spearman(x, -x).tolist() == [-1.0] * 3
    assert concordance(x, -x).tolist() == [0.0] * 3


def test_what_has_no_order_is_nan() -> None:
    x, flat, broken = np.arange(4.0), np.ones(4), np.array([0.0, math.nan, 1.0, 2.0])
    assert np.isnan(spearman([x, x, broken], [flat, broken, x])).all()
    assert np.isnan(concordance([x, x, broken], [flat, broken, x])).all()
    assert concordance([flat], [x])[0] == 0.5
    assert concordance([[math.inf, math.inf, 0.0]], [[1.0, 2.0, 0.5]])[0] == pytest.approx(2.5 / 3)
    assert np.isnan(spearman(np.ones((2, 1)), np.ones((2, 1)))).all()


def test_share_below_equals_a_loop_and_leaves_nan_out(rng: np.random.Generator) -> None:
    x, reference = np.round(rng.random((6, 9)), 1), np.round(rng.random((6, 1)), 1)
    expected = [
        np.mean([1.0 if v < r else 0.5 if v == r else 0.0 for v in row])
        for row, (r,) in zip(x, reference, strict=True)
    ]
    np.testing.assert_allclose(share_below(x, reference), expected, rtol=1e-12)
    assert share_below([[math.nan, -math.inf]], [[0.0]])[0] == 1.0
    assert np.isnan(share_below([[1.0, 2.0], [math.nan, math.nan]], [[math.nan], [1.0]])).all()
