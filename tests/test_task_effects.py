"""Effects over several tasks: the mixed model, its closed forms and its levels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.task_effects import (
    heterogeneity,
    independent_tasks,
    mean_effect,
    source_of,
    welch_df,
)


def t_of(mean: object) -> tuple[float, float]:
    return float(mean.value / np.sqrt(mean.variance)), float(mean.df)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("seeds", "tasks"), [(2, 2), (3, 20), (7, 1), (10, 5)])
def test_on_complete_pairs_it_is_the_paired_t_test_of_per_seed_means(
    seeds: int, tasks: int, rng: np.random.Generator
) -> None:
    a = rng.normal(size=(seeds, tasks))
    b = rng.normal(size=(seeds, tasks))
    source = source_of(a - b)
    t, df = t_of(mean_effect(source.means, [source]))
    expected = stats.ttest_rel(a.mean(axis=1), b.mean(axis=1))
    assert t == pytest.approx(expected.statistic, rel=1e-7)
    assert df == pytest.approx(expected.df, rel=1e-7)


def test_on_two_complete_groups_it_is_welchs_test_of_per_seed_means(rng: np.random.Generator) -> None:
    a = 3 * rng.normal(size=(9, 4))
    b = rng.normal(size=(6, 4))
    of_a, of_b = source_of(a), source_of(b)
    t, df = t_of(mean_effect(of_a.means - of_b.means, [of_a, of_b]))
    expected = stats.ttest_ind(a.mean(axis=1), b.mean(axis=1), equal_var=False)
    assert t == pytest.approx(expected.statistic, rel=1e-7)
    assert df == pytest.approx(expected.df, rel=1e-7)


def test_the_covariance_of_complete_seeds_is_the_sample_covariance(rng: np.random.Generator) -> None:
    numbers = rng.normal(size=(6, 3))
    expected = np.cov(numbers, rowvar=False, ddof=1) / 6
    assert source_of(numbers).covariance == pytest.approx(expected, rel=1e-12)


def naive_cluster_variance(numbers: np.ndarray) -> tuple[float, float]:
    """CR2 of Bell & McCaffrey by its matrices, for task means and independent tasks of their own spread.

    Returns the variance of the mean over tasks, before any correction, and Satterthwaite's df.
    """
    cells = np.argwhere(np.isfinite(numbers))
    seed, task = cells.T
    y = numbers[seed, task]
    tasks = numbers.shape[1]
    design = (task[:, None] == np.arange(tasks)).astype(float)
    inverse = np.linalg.inv(design.T @ design)
    annihilator = np.eye(len(y)) - design @ inverse @ design.T
    weights = np.full(tasks, 1 / tasks) @ inverse @ design.T  # of each number in the estimate
    rows = []
    for s in np.unique(seed):
        own = seed == s
        block = annihilator[np.ix_(own, own)]
        values, vectors = np.linalg.eigh(block)
        adjust = vectors @ np.diag(values**-0.5) @ vectors.T
        rows.append(weights[own] @ adjust @ annihilator[own])
    contrasts = np.array(rows)
    variance = float(np.sum((contrasts @ y) ** 2))
    spreads = np.nanvar(numbers, axis=0, ddof=1)[task]
    form = contrasts @ np.diag(spreads) @ contrasts.T
    return variance, float(np.trace(form) ** 2 / np.sum(form**2))


def test_with_missing_cells_it_is_bell_and_mccaffreys_variance(rng: np.random.Generator) -> None:
    """A naive twin with the matrices of the paper."""
    numbers = rng.normal(size=(6, 4)) * [1.0, 2.0, 5.0, 0.5]
    for place in ((0, 1), (0, 3), (2, 0), (5, 2)):
        numbers[place] = math.nan
    expected, df_of_independent = naive_cluster_variance(numbers)
    source = source_of(numbers)
    mean = mean_effect(source.means, [source])
    # The variance is divided by the share that is estimated of perfectly correlated tasks, which is below 1.
    share = expected / float(mean.variance)
    assert 0.8 < share <= 1.0
    assert float(source.df) <= df_of_independent + 1e-9
    assert float(mean.value) == pytest.approx(np.nanmean(numbers, axis=0).mean(), rel=1e-12)


def test_the_variance_with_missing_cells_is_not_too_small_on_average(rng: np.random.Generator) -> None:
    """Unbiased for perfectly correlated tasks, and above the truth for independent ones."""
    present = np.ones((5, 3), dtype=bool)
    present[0, 0] = present[1, 1] = present[4, 2] = False
    counts = present.sum(axis=0)
    shared = np.broadcast_to(rng.normal(size=(20_000, 5, 1)), (20_000, 5, 3))
    numbers = np.where(present, shared, math.nan)
    source = source_of(numbers)
    estimated = float(mean_effect(source.means, [source]).variance.mean())
    loads = (present / counts / 3).sum(axis=1)
    assert estimated == pytest.approx(float(np.sum(loads**2)), rel=0.02)


def test_the_interaction_is_greenhouse_and_geissers_f(rng: np.random.Generator) -> None:
    """A naive twin: repeated measures of differences, with ε by Box's formula."""
    d = rng.normal(size=(8, 4)) * [1.0, 2.0, 1.0, 3.0] + [0.0, 1.0, 2.0, 0.0]
    n, tasks = d.shape
    means = d.mean(axis=0)
    between = n * np.sum((means - means.mean()) ** 2) / (tasks - 1)
    rest = d - d.mean(axis=1, keepdims=True) - means + d.mean()
    within = np.sum(rest**2) / ((n - 1) * (tasks - 1))
    covariance = np.cov(d, rowvar=False)
    centring = np.eye(tasks) - 1 / tasks
    centred = centring @ covariance @ centring
    epsilon = np.trace(centred) ** 2 / ((tasks - 1) * np.sum(centred**2))
    source = source_of(d)
    test = heterogeneity(source.means, [source])
    assert float(test.f) == pytest.approx(between / within, rel=1e-10)
    assert float(test.df_above) == pytest.approx(epsilon * (tasks - 1), rel=1e-10)
    assert float(test.df_below) == pytest.approx(epsilon * (tasks - 1) * (n - 1), rel=1e-10)


def test_independent_tasks_add_their_variances() -> None:
    effects = np.array([1.0, 2.0, 3.0])
    variances = np.array([0.1, 0.4, 0.2])
    degrees = np.array([4.0, 3.0, 9.0])
    mean = mean_effect(effects, independent_tasks(effects, variances, degrees))
    assert float(mean.value) == pytest.approx(2.0)
    assert float(mean.variance) == pytest.approx(0.7 / 9)
    assert float(mean.df) == pytest.approx(0.49 / (0.01 / 4 + 0.16 / 3 + 0.04 / 9))


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        ((5.0, 9.0), "satterthwaite"),
        ((2.0, 9.0), "half way"),
        ((1.0, 9.0), "fewest"),
        ((2.0, 2.0), "satterthwaite"),
    ],
)
def test_few_degrees_of_freedom_are_taken_with_caution(degrees: tuple[float, float], expected: str) -> None:
    parts = [np.asarray(1.0), np.asarray(0.5)]
    satterthwaite = 1.5**2 / (1 / degrees[0] + 0.25 / degrees[1])
    fewest = min(degrees)
    choices = {
        "satterthwaite": satterthwaite,
        "half way": (satterthwaite + fewest) / 2,
        "fewest": fewest,
    }
    df = float(welch_df(parts, [np.asarray(degree) for degree in degrees]))
    assert df == pytest.approx(choices[expected])


def test_a_task_of_one_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="2 seeds"):
        source_of(np.array([[1.0, math.nan], [2.0, 3.0]]))


def test_studies_that_lack_different_cells_are_refused() -> None:
    numbers = np.ones((2, 3, 2))
    numbers[0, 0, 0] = math.nan
    with pytest.raises(ValueError, match="same cells"):
        source_of(numbers)


@pytest.mark.parametrize("correlation", [0.0, 0.8])
@pytest.mark.parametrize("design", ["pairs", "unequal groups"])
def test_the_level_holds_with_missing_cells_and_unequal_spreads(
    design: str, correlation: float, rng: np.random.Generator
) -> None:
    studies, tasks = 6000, 4
    spreads = np.array([1.0, 1.0, 4.0, 10.0])

    def group(seeds: int, missing: tuple[tuple[int, int], ...], spread: float = 1.0) -> np.ndarray:
        shared = rng.normal(size=(studies, seeds, 1))
        own = rng.normal(size=(studies, seeds, tasks))
        numbers = spread * spreads * (math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own)
        for seed, task in missing:
            numbers[:, seed, task] = math.nan
        return numbers

    new = source_of(group(4, ((0, 3), (1, 0)), spread=3.0))
    if design == "pairs":
        sources, effects = [new], new.means
    else:
        old = source_of(group(6, ((2, 2),)))
        sources, effects = [new, old], new.means - old.means
    mean = mean_effect(effects, sources)
    p = 2 * stats.t.sf(np.abs(mean.value / np.sqrt(mean.variance)), mean.df)
    test = heterogeneity(effects, sources)
    p_interaction = stats.f.sf(test.f, test.df_above, test.df_below)
    bound = 0.06 + 3 * math.sqrt(0.06 * 0.94 / studies)
    assert np.mean(p < 0.05) <= bound
    assert np.mean(p_interaction < 0.05) <= bound
