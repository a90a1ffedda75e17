"""The rule about camps of seeds, and the permutation test behind it."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.stats import f_oneway, permutation_test

from ired_diag.runs.run import Run
from ired_diag.stats.camps import camps_p
from tests.made_runs import falling, findings_of, made_run

RULE = "seed_camps"


def _runs(group: str, offset: float, camps: list[dict[str, Any]], *, rng: Any) -> list[Run]:
    """Return a run for each seed; those of the first camp rest higher by an offset in standard deviations."""
    runs = []
    for seed, camp in enumerate(camps):
        level = 0.1 * (1 + 0.02 * (rng.standard_normal() + (offset if camp == camps[0] else 0)))
        runs.append(
            made_run(group, seed, val_loss=level * falling(40, level=1.0, noise=0.001), provenance=camp)
        )
    return runs


def test_the_p_value_is_the_share_of_all_assignments_in_an_own_count() -> None:
    values, labels = [1.0, 2.0, 4.0, 3.0, 9.0, 7.0, 8.0], "aabbbab"
    codes = np.array([label == "a" for label in labels])

    def between(side: Any) -> float:
        x = np.array(values)
        return float(sum(m.sum() * (x[m].mean() - x.mean()) ** 2 for m in (side, ~side)))

    every = [np.isin(np.arange(7), chosen) for chosen in itertools.combinations(range(7), 3)]
    share = np.mean([between(side) >= between(codes) * (1 - 1e-12) for side in every])
    assert camps_p(values, list(labels)) == pytest.approx(float(share))


def test_three_camps_agree_with_scipys_permutation_of_f() -> None:
    rng = np.random.default_rng(4)
    a, b, c = rng.normal(0, 1, 5), rng.normal(1, 1, 4), rng.normal(0, 1, 4)
    theirs = permutation_test(
        (a, b, c), lambda *x: f_oneway(*x).statistic, n_resamples=4999, alternative="greater", rng=rng
    )
    ours = camps_p([*a, *b, *c], [*"aaaaabbbbcccc"])
    assert ours == pytest.approx(theirs.pvalue, abs=0.03)


def test_a_commit_that_moved_the_seeds_is_a_warning_and_a_day_alike_is_named_with_it() -> None:
    rng = np.random.default_rng(0)
    camps = [{"git_commit": c, "started": f"2026-01-0{d}T10:00:00"} for c, d in [("a1", 1)] * 5]
    camps += [{"git_commit": "b2", "started": "2026-01-02T10:00:00"}] * 5
    (finding,) = findings_of(RULE, _runs("g", 6.0, camps, rng=rng))
    assert (finding.severity, finding.evidence["keys"]) == ("warning", "git_commit, day")
    assert finding.evidence["p"] == pytest.approx(2 / 252)


def test_seeds_that_do_not_depend_on_where_they_ran_are_left_alone() -> None:
    rng, alarms = np.random.default_rng(1), 0
    for _ in range(20):
        camps = [{"host": f"n{int(rng.integers(3))}", "git_commit": f"c{i // 5}"} for i in range(10)]
        alarms += bool(findings_of(RULE, _runs("g", 0.0, camps, rng=rng)))
    assert alarms <= 3
    few = [{"git_commit": "a"}] * 3 + [{"git_commit": "b"}] * 3
    assert findings_of(RULE, _runs("g", 9.0, few, rng=rng)) == []
    single = [{"host": f"n{i}"} for i in range(10)]
    assert findings_of(RULE, _runs("g", 9.0, single, rng=rng)) == []
