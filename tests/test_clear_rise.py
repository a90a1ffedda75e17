"""A rise at the end of a curve is accused only where correlated noise hardly makes it."""

from __future__ import annotations

import numpy as np
import pytest

from ired_diag.curves.clear_rise import chance_of_rise
from tests.made_runs import findings_of, made_run

Array = np.ndarray


def correlated(size: int, correlation: float, rng: np.random.Generator) -> Array:
    noise = rng.standard_normal(size)
    for i in range(1, size):
        noise[i] = correlation * noise[i - 1] + np.sqrt(1 - correlation**2) * noise[i]
    return noise


def fall(size: int) -> Array:
    return 0.4 + 1.8 * np.exp(-np.arange(size) / 6)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_correlated_noise_without_a_trend_is_rarely_a_warning(correlation: float) -> None:
    rng = np.random.default_rng(5)
    runs = [
        made_run("a", seed, val_loss=fall(50) + 0.012 * correlated(50, correlation, rng))
        for seed in range(60)
    ]
    findings = [f for run in runs for f in findings_of("curve_shape", [run]) if f.severity == "warning"]
    assert len(findings) <= 3


def test_the_chance_of_white_noise_is_no_smaller_than_it_says() -> None:
    rng = np.random.default_rng(6)
    curves = [np.exp(0.01 * rng.standard_normal(40)) for _ in range(200)]
    chances = [chance_of_rise(np.arange(40), y, lower_is_better=True) for y in curves]
    assert np.mean(np.array(chances) <= 0.05) <= 0.08


@pytest.mark.parametrize("higher_is_better", [False, True])
def test_a_rise_of_ten_standard_deviations_is_clear(higher_is_better: bool) -> None:
    rng = np.random.default_rng(7)
    y = fall(50) + 0.005 * correlated(50, 0.5, rng) + 0.05 * (np.arange(50) > 36)
    values = 2.5 - y if higher_is_better else y
    assert chance_of_rise(np.arange(50), values, lower_is_better=not higher_is_better) < 1e-3


def test_an_accuracy_of_fifty_samples_that_ends_two_samples_lower_is_left_alone() -> None:
    accuracy = np.minimum(0.86, 0.3 + 0.02 * np.arange(60))
    accuracy[45:] = np.where(np.arange(15) % 4, 0.82, 0.80)
    assert findings_of("curve_shape", [made_run("gcn", val_acc=accuracy)]) == []
    assert chance_of_rise(np.arange(60), accuracy, lower_is_better=False) == 1.0
