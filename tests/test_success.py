"""Success criteria: the rule at and around each threshold, the binomial bound, and what is not known."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from ired_diag.stats.success import Cost, Criterion, success_criteria, unknown_cost


def table(
    change: tuple[float, float] = (-0.2, -0.1),
    residual: tuple[float, float] = (-2.0, -1.0),
    diverged: int = 0,
    runs: int = 10,
    cost: Cost | None = None,
) -> list[Criterion]:
    cost = cost or Cost(ratio=1.5, low=1.4, high=1.6, n=(10, 10))
    return list(success_criteria(change=change, residual=residual, diverged=diverged, runs=runs, cost=cost))


def test_a_remedy_that_meets_all_four_says_yes_four_times() -> None:
    assert [criterion.met for criterion in table()] == ["yes"] * 4


@pytest.mark.parametrize(
    ("change", "met"),
    [
        ((-0.08, -0.0501), "yes"),
        ((-0.08, -0.05), "unknown"),
        ((-0.08, 0.01), "unknown"),
        ((-0.05, -0.01), "no"),
        ((0.0008, 0.004), "no"),
        ((-math.inf, math.inf), "unknown"),
        ((math.nan, math.nan), "unknown"),
    ],
)
def test_mse_is_judged_by_the_whole_interval(change: tuple[float, float], met: str) -> None:
    assert table(change=change)[0].met == met


@pytest.mark.parametrize(
    ("residual", "met"),
    [((-2e-5, -1e-5), "yes"), ((-1e-5, 1e-5), "unknown"), ((0.0, 1e-5), "no"), ((math.nan, 1.0), "unknown")],
)
def test_residual_must_lie_below_zero(residual: tuple[float, float], met: str) -> None:
    assert table(residual=residual)[1].met == met


@pytest.mark.parametrize(("diverged", "runs", "met"), [(0, 10, "yes"), (1, 10, "no"), (0, 0, "unknown")])
def test_one_diverged_run_is_too_many(diverged: int, runs: int, met: str) -> None:
    assert table(diverged=diverged, runs=runs)[2].met == met


@pytest.mark.parametrize("runs", [1, 3, 10])
def test_no_divergence_tells_the_rate_that_it_does_not_exclude(runs: int) -> None:
    bound = stats.binomtest(0, runs, alternative="less").proportion_ci(0.95).high
    assert f"as high as {100 * bound:.2g}%" in table(runs=runs)[2].reason


@pytest.mark.parametrize(
    ("ratio", "low", "high", "met"),
    [
        (1.9, 1.8, 1.99, "yes"),
        (1.9, 1.8, 2.0, "unknown"),
        (1.1, 0.4, 3.0, "unknown"),
        (2.1, 2.0, 2.2, "no"),
        (0.5, 0.4, 0.6, "yes"),
        (1.1, 0.0, math.inf, "unknown"),  # one run each
        (math.nan, 0.0, math.inf, "unknown"),
        (0.0, 0.0, math.inf, "unknown"),
    ],
)
def test_twice_the_cost_is_too_much_where_the_whole_interval_says_so(
    ratio: float, low: float, high: float, met: str
) -> None:
    assert table(cost=Cost(ratio=ratio, low=low, high=high))[3].met == met


def test_an_unknown_cost_says_why() -> None:
    assert table(cost=unknown_cost("the clock stood"))[3].reason == "the cost is not known: the clock stood"
    lone = table(cost=Cost(ratio=1.25, what="a step"))[3]
    assert lone.reason == "a step takes 1.25 times as long; so few runs have no interval (n = 1 and 1)"


def test_reasons_have_the_numbers() -> None:
    reasons = [
        c.reason
        for c in table(
            change=(-0.004, -0.0008),
            residual=(-1e-5, 2e-5),
            diverged=2,
            cost=Cost(ratio=2.5, low=2.4, high=2.6, what="a step", n=(3, 4)),
        )
    ]
    assert reasons == [
        "the 95% interval, -0.4% to -0.08%, does not reach below -5%",
        "the 95% interval, -1e-05 to 2e-05, holds 0",
        "2 of 10 runs diverged",
        "a step takes 2.5 times as long (95% interval 2.4 to 2.6, n = 3 and 4)",
    ]
