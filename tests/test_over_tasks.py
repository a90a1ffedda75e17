"""Two groups over several tasks: which numbers enter, and what is said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.over_tasks import over_tasks
from ired_diag.stats.partially_paired import partially_paired


def test_complete_pairs_are_the_paired_t_test_of_per_seed_means(rng: np.random.Generator) -> None:
    a = rng.normal(size=(5, 12))
    b = rng.normal(size=(5, 12))
    result = over_tasks(a, b, paired=True, separate=False)
    expected = stats.ttest_rel(a.mean(axis=1), b.mean(axis=1))
    interval = expected.confidence_interval(0.95)
    assert result.method == "paired"
    assert result.test.p == pytest.approx(expected.pvalue, rel=1e-7)
    assert (result.test.low, result.test.high) == pytest.approx((interval.low, interval.high), rel=1e-7)


def test_groups_without_pairs_are_welchs_test_of_per_seed_means(rng: np.random.Generator) -> None:
    a = rng.normal(size=(5, 3))
    b = 4 * rng.normal(size=(7, 3))
    result = over_tasks(a, b, paired=False, separate=False)
    expected = stats.ttest_ind(a.mean(axis=1), b.mean(axis=1), equal_var=False)
    assert result.method == "welch"
    assert result.test.p == pytest.approx(expected.pvalue, rel=1e-7)


def test_partly_shared_seeds_of_a_complete_table_are_those_of_two_groups(rng: np.random.Generator) -> None:
    a = rng.normal(size=(6, 4))
    b = rng.normal(size=(6, 4))
    a[0] = math.nan
    b[5] = math.nan
    result = over_tasks(a, b, paired=True, separate=False)
    means_a, means_b = a.mean(axis=1), b.mean(axis=1)
    expected = partially_paired([means_a[1:5], means_b[1:5]], [means_a[5]], [means_b[0]])
    assert result.method == "partial"
    assert result.test.p == pytest.approx(expected.test.p, rel=1e-9)


def test_a_single_task_column_is_compared_as_two_groups_are(rng: np.random.Generator) -> None:
    a = rng.normal(size=(6, 2))
    b = rng.normal(size=(6, 2))
    result = over_tasks(a, b, paired=True, separate=False)
    for t, task in enumerate(result.tasks):
        assert task.test.p == pytest.approx(stats.ttest_rel(a[:, t], b[:, t]).pvalue, rel=1e-9)


def test_separate_tasks_have_more_degrees_of_freedom(rng: np.random.Generator) -> None:
    a = rng.normal(size=(4, 10))
    b = rng.normal(size=(4, 10))
    shared = over_tasks(a, b, paired=True, separate=False)
    separate = over_tasks(a, b, paired=True, separate=True)
    variances = (a - b).var(axis=0, ddof=1) / 4
    assert shared.test.df == 3
    assert separate.test.df == pytest.approx(variances.sum() ** 2 / np.sum(variances**2 / 3))
    assert separate.difference == pytest.approx(shared.difference)


def test_swapping_the_groups_mirrors_everything(rng: np.random.Generator) -> None:
    a = rng.normal(size=(5, 4)) + 1
    b = rng.normal(size=(6, 4))
    a[2, 1] = math.nan
    there = over_tasks(a, b, paired=False, separate=False)
    back = over_tasks(b, a, paired=False, separate=False)
    assert there.difference == pytest.approx(-back.difference)
    assert there.test.low == pytest.approx(-back.test.high)
    assert there.interaction.p == pytest.approx(back.interaction.p)
    mirrored = {"better": "worse", "worse": "better", "undecided": "undecided"}
    assert [mirrored[task.decision] for task in there.tasks] == [task.decision for task in back.tasks]


def test_numbers_without_a_partner_are_counted_and_left_out(rng: np.random.Generator) -> None:
    a = rng.normal(size=(6, 3))
    b = rng.normal(size=(6, 3))
    a[0, 1] = math.nan
    result = over_tasks(a, b, paired=True, separate=False)
    assert result.method == "pairs with gaps"
    assert (result.unused, result.missing) == (1, 1)
    assert result.difference == pytest.approx(np.nanmean(a - b, axis=0).mean())


def test_too_few_partners_are_compared_without_pairs(rng: np.random.Generator) -> None:
    a = rng.normal(size=(8, 2))
    b = rng.normal(size=(8, 2))
    a[:5, 0] = math.nan
    b[6:, 0] = math.nan
    result = over_tasks(a, b, paired=True, separate=False)
    assert result.method == "welch"
    assert result.unused == 0


def test_the_intervals_of_tasks_hold_together(rng: np.random.Generator) -> None:
    studies, tasks = 500, 6
    together = 0
    for _ in range(studies):
        result = over_tasks(
            rng.normal(size=(5, tasks)), rng.normal(size=(5, tasks)), paired=False, separate=False
        )
        together += all(task.low <= 0 <= task.high for task in result.tasks)
    assert together / studies >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / studies)


def test_a_decision_needs_holms_correction() -> None:
    base = np.array([[-1.0], [0.0], [1.0], [0.5]])
    a = np.hstack([base + 1.9, *[base[::-1]] * 9])
    b = np.hstack([base[::-1] * 0.9, *[base * 0.9] * 9])
    result = over_tasks(a, b, paired=False, separate=False)
    assert result.tasks[0].test.p < 0.05
    assert result.tasks[0].decision == "undecided"


def test_a_task_with_one_seed_has_no_test_and_says_so() -> None:
    a = np.array([[1.0, 2.0], [2.0, math.nan]])
    b = np.array([[1.0, 2.0], [3.0, 4.0]])
    result = over_tasks(a, b, paired=False, separate=False)
    assert "1 of 2 tasks" in result.test.reason
    assert math.isnan(result.test.p)
    assert "1 and 2 seeds" in result.tasks[1].test.reason
    assert math.isfinite(result.tasks[0].test.p)


def test_numbers_without_spread_have_no_test() -> None:
    same = np.ones((4, 3))
    result = over_tasks(same + 1, same, paired=True, separate=True)
    assert result.test.reason
    assert math.isnan(result.test.p)
    assert result.interaction.reason


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("separate", [True, False])
def test_rounding_is_no_spread(paired: bool, separate: bool) -> None:
    """0.1 + 0.2 of each seed: means differ from the numbers in the last bit."""
    a = np.full((7, 3), 0.1 + 0.2)
    b = np.full((7, 3), 0.1)
    a[0, 0] = math.nan
    result = over_tasks(a, b, paired=paired, separate=separate)
    assert result.test.reason
    assert result.interaction.reason


def test_an_estimated_unit_widens_all_intervals(rng: np.random.Generator) -> None:
    a = rng.normal(size=(5, 4))
    b = rng.normal(size=(5, 4))
    plain = over_tasks(a, b, paired=False, separate=False)
    wide = over_tasks(a, b, paired=False, separate=False, inflation=4.0)
    assert wide.test.high - wide.difference == pytest.approx(2 * (plain.test.high - plain.difference))
    assert wide.interaction.f == pytest.approx(plain.interaction.f / 4)


@pytest.mark.parametrize(
    ("a", "b", "word"),
    [(np.ones((2, 3)), np.ones((2, 2)), "same tasks"), (np.ones((2, 1)), np.ones((2, 1)), "2 tasks")],
)
def test_arrays_that_do_not_fit_are_refused(a: np.ndarray, b: np.ndarray, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        over_tasks(a, b, paired=False, separate=False)
