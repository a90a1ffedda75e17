"""Cost: step times as logged, their ratio with Welch's interval, and what may not be compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ired_diag.comparison.cost import cost_of, step_times
from ired_diag.comparison.seeds import Members, Seed
from ired_diag.runs.history import Series

STEP = "time/seconds_per_step"


def series(*values: float) -> Series:
    steps = np.arange(1, len(values) + 1, dtype=np.int64)
    return Series(steps, np.array(values, dtype=np.float64))


def group(times: Sequence[float], **more: Any) -> Members:
    each = {"machine": "A100", "knobs": {"train_steps": 100.0}, "seconds": 1000.0, **more}
    empty = np.empty(0)
    seeds = [Seed(f"seed{k}", empty, empty, step_times={STEP: time}, **each) for k, time in enumerate(times)]
    return Members(name="g", strategy="none", seeds=seeds, settings={})


def test_a_step_takes_its_median_and_a_rate_is_turned_round() -> None:
    logged = {
        STEP: series(0.1, 0.2, 9.0),
        "train/steps_per_second": series(4.0, 5.0, 6.0),
        "train_time": series(7.0),
        "step": series(1.0),
        "samples_per_second": series(3.0),
        "s_per_step": series(math.nan, 0.0),
    }
    assert step_times(logged) == {STEP: 0.2, "train/steps_per_second": 0.2}


def test_the_interval_is_that_of_welch_on_logarithms() -> None:
    a, b = [0.30, 0.33, 0.31, 0.32], [0.20, 0.21, 0.19]
    cost = cost_of(group(a), group(b))
    test = stats.ttest_ind(np.log(a), np.log(b), equal_var=False).confidence_interval()
    assert (cost.low, cost.high) == pytest.approx((math.exp(test.low), math.exp(test.high)), rel=1e-9)
    assert cost.ratio == pytest.approx(stats.gmean(a) / stats.gmean(b), rel=1e-12)
    assert (cost.n, cost.what) == ((4, 3), f"a step ({STEP})")


def test_one_run_each_has_a_ratio_and_no_interval() -> None:
    cost = cost_of(group([0.3]), group([0.2]))
    assert cost.ratio == pytest.approx(1.5)
    assert (cost.low, cost.high) == (0.0, math.inf)


def test_without_step_times_the_whole_time_counts() -> None:
    a = group([0.3, 0.31])
    b = group([0.2, 0.21], knobs={"train_steps": 200.0}, seconds=500.0)
    cost = cost_of(a, b)
    assert cost.what == "training from start to end"
    assert cost.ratio == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"machine": "H100"}, "different machines (A100, H100)"),
        ({"machine": ""}, "different machines (A100, unknown)"),
        ({"together": 4}, "different numbers of runs trained together"),
        ({"knobs": {"train_steps": 7.0}, "seconds": math.nan}, "neither step times nor start and end"),
    ],
)
def test_what_says_nothing_of_the_methods_is_unknown(more: dict[str, Any], words: str) -> None:
    cost = cost_of(group([0.3, 0.3]), group([0.2, 0.2], **more))
    assert math.isnan(cost.ratio)
    assert words in cost.reason
