"""Intervals of two standard deviations: scipy's chi-square, closed ends, coverage of planted noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.noise_intervals import evaluation_sd_interval, seed_sd_interval
from ired_diag.stats.noise_split import NoiseSplit, split_noise


def test_the_interval_of_one_evaluation_is_that_of_a_normal_standard_deviation() -> None:
    split = NoiseSplit(seeds=5, evaluations=20, evaluation_sd=2.0, effective_evaluations=20.0)
    low, high = evaluation_sd_interval(split)
    assert low == pytest.approx(2.0 * math.sqrt(95 / stats.chi2.ppf(0.975, 95)))
    assert high == pytest.approx(2.0 * math.sqrt(95 / stats.chi2.ppf(0.025, 95)))


def test_the_ends_of_the_seeds_are_those_of_the_correlation() -> None:
    split = NoiseSplit(seeds=5, evaluations=20, evaluation_sd=2.0, icc=0.5, low=-0.1, high=0.8)
    assert seed_sd_interval(split) == pytest.approx((0.0, 4.0))
    certain = NoiseSplit(seeds=5, evaluations=20, evaluation_sd=2.0, icc=1.0, low=0.5, high=1.0)
    assert seed_sd_interval(certain) == pytest.approx((2.0, math.inf))


def test_what_is_unknown_has_no_interval() -> None:
    unknown = NoiseSplit(seeds=3, evaluations=20)
    assert all(map(math.isnan, (*evaluation_sd_interval(unknown), *seed_sd_interval(unknown))))


def test_intervals_hold_as_often_as_they_say() -> None:
    rng = np.random.default_rng(11)
    trials, seeds, evaluations = 400, 5, 30
    covered = np.zeros(2)
    for _ in range(trials):
        own = 0.7 * rng.standard_normal((seeds, 1))
        split = split_noise(own + rng.standard_normal((seeds, evaluations)))
        for place, (ends, truth) in enumerate(
            ((evaluation_sd_interval(split), 1.0), (seed_sd_interval(split), 0.7))
        ):
            covered[place] += ends[0] <= truth <= ends[1]
    # Of 400 intervals of 95%, four standard errors are 4.4%.
    assert (np.abs(covered / trials - 0.95) < 0.045).all(), covered / trials
