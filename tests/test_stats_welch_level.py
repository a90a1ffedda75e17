"""False alarms of Welch's test: the table against a simulation with scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.welch_level import is_too_often_wrong, welch_level

DRAWS = 40_000


@pytest.mark.parametrize(("n_a", "n_b"), [(2, 2), (2, 10), (10, 2), (3, 20), (2, 30), (3, 3)])
def test_the_table_is_what_scipys_test_does(n_a: int, n_b: int) -> None:
    rng = np.random.default_rng(n_a + 100 * n_b)
    a, b = rng.standard_normal((DRAWS, n_a)), rng.standard_normal((DRAWS, n_b))
    share = float((stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue <= 0.05).mean())
    assert welch_level(n_a, n_b) == pytest.approx(share, abs=4 * math.sqrt(0.1 * 0.9 / DRAWS))


def test_only_few_seeds_against_many_are_spoken_of() -> None:
    said = [(n, m) for n in range(2, 11) for m in range(n, 41) if is_too_often_wrong(n, m)]
    assert {n for n, _ in said} == {2, 3}
    assert min(m for n, m in said if n == 2) == 6
    assert min(m for n, m in said if n == 3) == 15
    assert math.isnan(welch_level(5, 10))
