"""Median, mean and number of distinct values are numpy's to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from ired_diag.curves.order_statistics import distinct, mean, median

SPECIAL = {
    "of one value": [3.0],
    "negative zero": [-0.0],
    "negative zeros": [-0.0, -0.0],
    "infinite": [1.0, np.inf, np.inf],
    "of which one is infinite": [1.0, np.inf],
    "all infinite": [np.inf, np.inf],
    "NaN": [2.0, np.nan, 1.0],
    "largest floats": [1.7e308, 1.6e308, -1e308],
    "smallest floats": [5e-324, 1e-323],
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_values_have_the_median_of_numpy(name: str) -> None:
    values = np.array(SPECIAL[name])
    assert np.array([median(values)]).tobytes() == np.array([np.median(values)]).tobytes()


def test_random_values_have_the_results_of_numpy() -> None:
    rng = np.random.default_rng(0)
    for n in [*range(1, 40), 100, 1001]:
        for scale in (1e-9, 1.0, 1e9):
            values = scale * (rng.normal(size=n) + rng.choice([0.0, 1e3]))
            given = values.copy()
            assert median(values) == np.median(values)
            assert mean(values) == np.mean(values)
            rounded = np.round(values, rng.integers(0, 3))
            assert distinct(rounded) == len(np.unique(rounded))
            assert np.array_equal(values, given)
