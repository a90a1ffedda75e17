"""One unit for tasks of different units."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.over_tasks import over_tasks
from ired_diag.stats.score_scale import raw_scale, reference_scale, relative_scale, skewed_tasks, spread_scale


def test_the_old_groups_mean_scores_one_whatever_the_direction() -> None:
    old = np.array([[10.0, 0.2], [12.0, 0.4]])
    scale = relative_scale(old, np.array([1.0, -1.0]))
    assert scale.scores(old).mean(axis=0).tolist() == pytest.approx([1.0, 1.0])
    better = np.array([[12.1, 0.27]])  # 10% more of the one, 10% less of the other
    assert scale.scores(better)[0].tolist() == pytest.approx([1.1, 1.1])


def test_a_relative_effect_is_the_logarithm_of_the_ratio_of_means(rng: np.random.Generator) -> None:
    new = rng.uniform(1, 2, size=(5, 3))
    old = rng.uniform(3, 4, size=(6, 3))
    sign = np.array([1.0, -1.0, 1.0])
    scale = relative_scale(old, sign)
    effects = scale.for_effects(new).mean(axis=0) - scale.for_effects(old).mean(axis=0)
    assert effects == pytest.approx(sign * np.log(new.mean(axis=0) / old.mean(axis=0)), rel=1e-12)


def test_swapping_the_groups_only_changes_the_sign_of_a_relative_effect(rng: np.random.Generator) -> None:
    a = rng.uniform(1, 2, size=(5, 3))
    b = rng.uniform(1, 2, size=(5, 3))
    sign = np.ones(3)
    there = relative_scale(b, sign)
    back = relative_scale(a, sign)
    forward = over_tasks(there.for_effects(a), there.for_effects(b), paired=False, separate=False)
    reverse = over_tasks(back.for_effects(b), back.for_effects(a), paired=False, separate=False)
    assert forward.difference == pytest.approx(-reverse.difference)
    assert forward.test.p == pytest.approx(reverse.test.p)


def test_units_of_single_tasks_change_no_relative_effect(rng: np.random.Generator) -> None:
    a = rng.uniform(1, 2, size=(4, 2))
    b = rng.uniform(1, 2, size=(4, 2))
    units = np.array([1000.0, 1e-3])
    sign = np.ones(2)
    plain, scaled = relative_scale(b, sign), relative_scale(units * b, sign)
    one = over_tasks(plain.for_effects(a), plain.for_effects(b), paired=True, separate=False)
    other = over_tasks(
        scaled.for_effects(units * a), scaled.for_effects(units * b), paired=True, separate=False
    )
    assert one.difference == pytest.approx(other.difference)
    assert one.test.p == pytest.approx(other.test.p)


def test_the_spread_scale_counts_in_standard_deviations_of_the_old_group(rng: np.random.Generator) -> None:
    old = rng.normal(size=(10, 2)) * [1.0, 50.0]
    scale = spread_scale(old, np.array([1.0, -1.0]))
    scores = scale.scores(old)
    assert scores.mean(axis=0) == pytest.approx(0.0, abs=1e-12)
    assert scores.std(axis=0, ddof=1) == pytest.approx(1.0)
    assert scale.inflation == pytest.approx(9 / 7)


def test_the_inflation_is_the_mean_of_the_inverse_chi_square() -> None:
    df = 9
    expected = stats.chi2.expect(lambda x: df / x, args=(df,))
    assert df / (df - 2) == pytest.approx(expected, rel=1e-6)


def test_references_are_zero_and_one_and_say_the_direction() -> None:
    scale = reference_scale(np.array([-20.0, 5.0]), np.array([20.0, 1.0]))
    assert scale.scores(np.array([[0.0, 3.0]]))[0].tolist() == pytest.approx([0.5, 0.5])
    assert scale.target == 1.0


def test_raw_numbers_turn_where_lower_is_better() -> None:
    scale = raw_scale(np.array([1.0, -1.0]))
    assert scale.scores(np.array([[2.0, 3.0]])).tolist() == [[2.0, -3.0]]
    assert math.isnan(scale.target)


def test_skewed_tasks_are_counted() -> None:
    assert skewed_tasks(np.array([[1.0, 10.0], [3.0, 11.0], [5.0, 12.0]])) == 1
