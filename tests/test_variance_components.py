"""Variance components: closed forms, the loop of a textbook, another library, coverage, and advice."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from ired_diag.comparison.source_variance import precision_of
from ired_diag.stats.crossed_design import crossed_design
from ired_diag.stats.long_run import effective_count
from ired_diag.stats.purchases import MORE_EVALUATIONS, SEEDS, advise, extended, squared_error_weights
from ired_diag.stats.variance_components import (
    EVALUATIONS,
    REST,
    draw_components,
    estimates,
    variance_components,
)

Array = NDArray[np.float64]


def crossed(a: int, b: int, repeats: int = 1) -> dict[str, list[int]]:
    rows = list(itertools.product(range(a), range(b), range(repeats)))
    return {"init": [row[0] for row in rows], "data": [row[1] for row in rows]}


def test_two_crossed_factors_are_the_textbook_analysis_of_variance() -> None:
    """Searle, Casella & McCulloch (1992), section 4.3: sums of squares by loops over cells."""
    a, b = 4, 6
    y = np.random.default_rng(0).normal(5, 1, (a, b))
    grand = y.mean()
    square_a = b * sum((y[i].mean() - grand) ** 2 for i in range(a)) / (a - 1)
    square_b = a * sum((y[:, j].mean() - grand) ** 2 for j in range(b)) / (b - 1)
    square_e = 0.0
    for i, j in itertools.product(range(a), range(b)):
        square_e += (y[i, j] - y[i].mean() - y[:, j].mean() + grand) ** 2
    square_e /= (a - 1) * (b - 1)
    found = estimates(y.ravel(), crossed_design(crossed(a, b), a * b))
    assert found["init",] == pytest.approx((square_a - square_e) / b, abs=1e-10)
    assert found["data",] == pytest.approx((square_b - square_e) / a, abs=1e-10)
    assert found[REST] == pytest.approx(square_e, abs=1e-10)


def test_repeats_tell_the_interaction_apart() -> None:
    a, b, r = 3, 4, 5
    y = np.random.default_rng(1).normal(0, 1, (a, b, r))
    cells, grand = y.mean(axis=2), y.mean()
    rows, columns = cells.mean(axis=1), cells.mean(axis=0)
    square_e = ((y - cells[..., None]) ** 2).sum() / (a * b * (r - 1))
    residues = cells - rows[:, None] - columns[None] + grand
    square_ab = r * (residues**2).sum() / ((a - 1) * (b - 1))
    square_a = b * r * ((rows - grand) ** 2).sum() / (a - 1)
    found = estimates(y.ravel(), crossed_design(crossed(a, b, r), a * b * r))
    assert found["init", "data"] == pytest.approx((square_ab - square_e) / r, abs=1e-10)
    assert found["init",] == pytest.approx((square_a - square_ab) / (b * r), abs=1e-10)
    assert found[REST] == pytest.approx(square_e, abs=1e-10)


def test_three_factors_by_moebius_inversion() -> None:
    """σ_S² = Σ_{T ⊇ S} (-1)^|T - S| MS_T / (levels outside S), with means over every set of axes."""
    shape = (3, 4, 5)
    names = ("init", "data", "eval")
    y = np.random.default_rng(2).normal(0, 1, shape)

    def mean_square(kept: tuple[int, ...]) -> float:
        effect = np.zeros(shape)
        for size in range(len(kept) + 1):
            for subset in itertools.combinations(kept, size):
                others = tuple(axis for axis in range(3) if axis not in subset)
                effect = effect + (-1) ** (len(kept) - size) * y.mean(axis=others, keepdims=True)
        df = math.prod(shape[axis] - 1 for axis in kept)
        return float((effect**2).sum()) / df

    indices = np.indices(shape)
    levels = {name: indices[axis].ravel().tolist() for axis, name in enumerate(names)}
    found = estimates(y.ravel(), crossed_design(levels, y.size))
    for size in (1, 2):
        for subset in itertools.combinations(range(3), size):
            expected = 0.0
            for larger in range(size, 4):
                for superset in itertools.combinations(range(3), larger):
                    if set(subset) <= set(superset):
                        expected += (-1) ** (larger - size) * mean_square(superset)
            outside = math.prod(shape[axis] for axis in range(3) if axis not in subset)
            term = tuple(names[axis] for axis in subset)
            assert found[term] == pytest.approx(expected / outside, abs=1e-10)
    assert found[REST] == pytest.approx(mean_square((0, 1, 2)), abs=1e-10)


def test_with_missing_runs_estimates_are_unbiased() -> None:
    """E y'Qy = tr(QV) of a quadratic form: exact, without drawing anything."""
    levels = crossed(4, 3)
    kept = [0, 1, 2, 3, 5, 6, 7, 8, 10, 11]
    levels = {name: [column[i] for i in kept] for name, column in levels.items()}
    design = crossed_design(levels, len(kept))
    assert not design.is_balanced
    truth = {("init",): 2.0, ("data",): 0.5, REST: 1.5}
    covariance = truth[REST] * np.eye(len(kept))
    for name in ("init", "data"):
        indicators = np.eye(4)[np.array(levels[name])]
        covariance += truth[name,] * indicators @ indicators.T
    root = np.linalg.cholesky(covariance)
    # The estimates are quadratic forms: their expectation is the sum over the columns of a root of V.
    expected = dict.fromkeys(truth, 0.0)
    for column in root.T:
        for term, value in _without_mean(column, design).items():
            expected[term] += value
    for term, value in truth.items():
        assert expected[term] == pytest.approx(value, abs=1e-10)


def _without_mean(y: Array, design: object) -> dict[tuple[str, ...], float]:
    return estimates(y, design)  # type: ignore[arg-type]


def test_balanced_estimates_are_those_of_restricted_maximum_likelihood() -> None:
    """Both are the same on balanced data, if no estimate is negative; statsmodels searches the maximum."""
    api = pytest.importorskip("statsmodels.regression.mixed_linear_model")
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(5)
    a, b = 6, 5
    y = 3 * rng.standard_normal((a, 1)) + 2 * rng.standard_normal((1, b)) + rng.standard_normal((a, b))
    levels = crossed(a, b)
    frame = pandas.DataFrame({"y": y.ravel(), **levels, "one": 1})
    model = api.MixedLM.from_formula(
        "y ~ 1",
        groups="one",
        vc_formula={"init": "0 + C(init)", "data": "0 + C(data)"},
        data=frame,
    )
    fitted = model.fit(reml=True)
    by_name = dict(zip(model.exog_vc.names, fitted.vcomp, strict=True))
    found = estimates(y.ravel(), crossed_design(levels, a * b))
    assert found["init",] == pytest.approx(by_name["init"], rel=1e-3)
    assert found["data",] == pytest.approx(by_name["data"], rel=1e-3)


def test_an_unbalanced_interval_is_the_balanced_one_where_nothing_is_missing() -> None:
    """The general root and the closed form are one pivot: the same draws of χ² give the same numbers."""
    from ired_diag.stats.variance_components import _balanced, _unbalanced

    rng = np.random.default_rng(3)
    y = rng.normal(0, 1, 20)
    design = crossed_design(crossed(4, 5), 20)
    contrasts = design.contrasts[0]
    u = contrasts.basis.T @ (y - y.mean())
    pivots = rng.chisquare(contrasts.df, 50)
    drawn = {REST: rng.uniform(0.5, 2, 50)}
    closed = _balanced(u, contrasts, pivots, drawn)
    solved = _unbalanced(u, contrasts, pivots, drawn)
    assert solved == pytest.approx(closed, abs=1e-9)


def test_a_negative_estimate_is_kept_and_counts_as_nothing() -> None:
    y = np.array([[1.0, -1.0, 0.0], [-1.0, 0.0, 1.0], [0.0, 1.0, -1.0]])
    components = variance_components(
        y.ravel(), crossed_design(crossed(3, 3), 9), rng=np.random.default_rng(0)
    )
    of_init = components.by_term["init",]
    assert of_init.variance < 0
    assert (of_init.sd, of_init.low, of_init.share) == (0.0, 0.0, 0.0)


def test_scale_and_shift_change_nothing_but_the_unit() -> None:
    y = np.random.default_rng(4).normal(0, 1, 12)
    design = crossed_design(crossed(4, 3), 12)
    plain = variance_components(y, design, rng=np.random.default_rng(0))
    moved = variance_components(1e6 + 1e-3 * y, design, rng=np.random.default_rng(0))
    for one, other in zip(plain.components, moved.components, strict=True):
        assert other.high == pytest.approx(1e-6 * one.high, rel=1e-6)
        assert other.share_high == pytest.approx(one.share_high, rel=1e-6)


def autoregressive(
    rng: np.random.Generator, a: int, b: int, count: int, correlation: float
) -> tuple[Array, Array]:
    """Return evaluations with effects of init (1), of data (0.5) and of each run (0.7), and these effects."""
    effects = rng.standard_normal((a, 1)) + 0.5 * rng.standard_normal((1, b))
    effects = (effects + 0.7 * rng.standard_normal((a, b))).ravel()
    noise = lfilter([1.0], [1.0, -correlation], rng.standard_normal((a * b, count + 100)), axis=1)[:, 100:]
    return effects[:, None] + math.sqrt(1 - correlation**2) * noise, effects


@pytest.mark.slow
def test_intervals_hold_the_truth_with_evaluations_that_follow_one_another() -> None:
    rng = np.random.default_rng(6)
    studies, count, correlation = 600, 30, 0.8
    truth = {
        ("init",): 1.0,
        ("data",): 0.25,
        REST: 0.49,
        EVALUATIONS: 1 / effective_count(count, correlation),
    }
    design = crossed_design(crossed(5, 4), 20)
    held = dict.fromkeys(truth, 0)
    held_mean = 0
    for _ in range(studies):
        curves, _ = autoregressive(rng, 5, 4, count, correlation)
        components = variance_components(
            curves.mean(axis=1),
            design,
            rng=rng,
            evaluations=curves,
            readout_count=count,
            draws=1000,
        )
        for component in components.components:
            held[component.term] += component.low <= truth[component.term] <= component.high
        precision = precision_of(design, components, rng=rng)
        held_mean += precision.low <= 0 <= precision.high
    least = 0.95 - 3 * math.sqrt(0.95 * 0.05 / studies)
    assert min(held.values()) / studies >= least
    assert held_mean / studies >= least


def test_the_noise_of_evaluations_is_that_of_the_residual_alone() -> None:
    """What all runs, or all runs of one data seed, share along the steps is no noise of a single run."""
    rng = np.random.default_rng(7)
    curves, _ = autoregressive(rng, 5, 4, 40, 0.3)
    shared = 5 * rng.standard_normal(40)
    by_data = 5 * rng.standard_normal((4, 40))
    design = crossed_design(crossed(5, 4), 20)
    disturbed = curves + shared + by_data[np.array(crossed(5, 4)["data"])]
    results = []
    for evaluations in (curves, disturbed):
        components = variance_components(
            curves.mean(axis=1),
            design,
            rng=np.random.default_rng(0),
            evaluations=evaluations,
            readout_count=40,
        )
        results.append(components.by_term[EVALUATIONS].variance)
    assert results[1] == pytest.approx(results[0], rel=1e-9)


def test_pairs_cannot_be_told_apart_and_aliases_are_named() -> None:
    seeds = [0, 0, 1, 1, 2, 2]
    design = crossed_design({"init": seeds, "data": seeds}, 6)
    assert design.terms == (("init",),)
    assert design.aliases["init",] == [("data",), ("init", "data")]
    alone = crossed_design({"init": range(4), "data": range(4)}, 4)
    assert alone.terms == ()
    assert ("init",) in alone.in_residual


def test_too_few_runs_are_refused_with_the_reason() -> None:
    design = crossed_design({"init": [0, 0], "data": [0, 1]}, 2)
    assert "at least 3" in variance_components([1.0, 2.0], design, rng=np.random.default_rng(0)).reason
    equal = variance_components(np.ones(9), crossed_design(crossed(3, 3), 9), rng=np.random.default_rng(0))
    assert "same result" in equal.reason


def test_the_squared_error_of_a_mean_is_that_of_its_covariance() -> None:
    """1'V1 / N² with V written out, for what is bought on top of a grid."""
    design = crossed_design(crossed(3, 4), 12)
    counts = {SEEDS: 2, "init": 3, "data": 5}
    factors = extended(design, counts)
    n = 12 + 10
    variances = {("init",): 1.3, ("data",): 0.4, REST: 0.7}
    covariance = variances[REST] * np.eye(n)
    for name in ("init", "data"):
        same = factors[name][:, None] == factors[name][None]
        covariance += variances[name,] * same
    weights = squared_error_weights(design, counts)
    squared = sum(variance * weights[term] for term, variance in variances.items())
    assert squared == pytest.approx(covariance.sum() / n**2, rel=1e-12)
    more = squared_error_weights(design, {MORE_EVALUATIONS: 10}, evaluations=10, phi=0.0)
    assert more[EVALUATIONS] == pytest.approx(1 / 24)


def test_what_is_not_new_comes_in_turn_with_all_combinations() -> None:
    indices = np.indices((3, 4, 2))
    levels = {name: column.ravel().tolist() for name, column in zip("abc", indices, strict=True)}
    factors = extended(crossed_design(levels, 24), {"a": 16})
    added = list(zip(factors["b"][24:].tolist(), factors["c"][24:].tolist(), strict=True))
    assert sorted(set(added)) == list(itertools.product(range(4), range(2)))
    assert factors["a"][24:].tolist() == list(range(3, 19))


def test_a_run_that_is_new_in_everything_is_never_worse_at_the_same_price() -> None:
    rng = np.random.default_rng(8)
    design = crossed_design(crossed(4, 4), 16)
    for _ in range(20):
        variances = {("init",): rng.exponential(), ("data",): rng.exponential(), REST: rng.exponential()}
        errors = {}
        for name in (SEEDS, "init", "data"):
            weights = squared_error_weights(design, {name: 8})
            errors[name] = sum(variance * weights[term] for term, variance in variances.items())
        assert errors[SEEDS] <= min(errors.values()) + 1e-15


def test_clear_advice_where_one_source_makes_everything() -> None:
    rng = np.random.default_rng(9)
    y = 10 * rng.standard_normal((8, 1)) + 0.1 * rng.standard_normal((8, 8))
    design = crossed_design(crossed(8, 8), 64)
    components = variance_components(y.ravel(), design, rng=rng)
    prices = {SEEDS: 1.0, "init": 0.5, "data": 0.5}
    advice = advise(design, components, prices, budget=20)
    assert advice.is_clear
    assert advice.recommended is not None
    assert advice.recommended.counts == {SEEDS: 0, "init": 40, "data": 0}
    # 8 initialisations of 8 runs and 40 of one: Σ n² / N² = (8 · 64 + 40) / 104², it was 1/8.
    expected = math.sqrt(8 * (8 * 64 + 40)) / 104
    assert advice.recommended.ratio == pytest.approx(expected, rel=1e-3)
    assert advice.recommended.ratio_high == pytest.approx(expected, rel=1e-3)


def test_cannot_tell_where_the_levels_are_too_few() -> None:
    rng = np.random.default_rng(10)
    y = rng.standard_normal((2, 1)) + rng.standard_normal((1, 2)) + rng.standard_normal((2, 2))
    design = crossed_design(crossed(2, 2), 4)
    components = variance_components(y.ravel(), design, rng=rng)
    advice = advise(design, components, {SEEDS: 1.0, "init": 0.5, "data": 0.5}, budget=4)
    assert not advice.is_clear
    assert advice.rival is not None


@pytest.mark.slow
def test_the_recommended_purchase_beats_equal_parts() -> None:
    rng = np.random.default_rng(11)
    design = crossed_design(crossed(5, 4), 20)
    prices = {SEEDS: 1.0, "init": 0.5, "data": 0.5, MORE_EVALUATIONS: 0.02}
    truth = {("init",): 1.0, ("data",): 0.25, REST: 0.49, EVALUATIONS: 1 / effective_count(30, 0.5)}
    gains = []
    for _ in range(60):
        curves, _ = autoregressive(rng, 5, 4, 30, 0.5)
        components = variance_components(
            curves.mean(axis=1),
            design,
            rng=rng,
            evaluations=curves,
            readout_count=30,
            draws=1000,
        )
        advice = advise(design, components, prices, budget=8, evaluations=30)
        assert advice.recommended is not None
        assert advice.equal is not None
        errors = []
        for purchase in (advice.recommended, advice.equal):
            weights = squared_error_weights(design, purchase.counts, evaluations=30, phi=0.5)
            errors.append(math.sqrt(sum(truth[term] * weights[term] for term in truth)))
        gains.append(errors[1] - errors[0])
    assert np.mean(gains) > 3 * np.std(gains, ddof=1) / math.sqrt(len(gains))


@pytest.mark.parametrize(
    ("prices", "budget", "message"),
    [
        ({"gpus": 1.0}, 5.0, "nothing of this name"),
        ({SEEDS: 0.0}, 5.0, "positive"),
        ({SEEDS: 1.0}, -1.0, "--budget"),
        ({SEEDS: 1e-6}, 5.0, "more than 2000 runs"),
    ],
)
def test_prices_and_budgets_are_checked(prices: dict[str, float], budget: float, message: str) -> None:
    design = crossed_design(crossed(3, 3), 9)
    components = variance_components(
        np.random.default_rng(0).normal(size=9), design, rng=np.random.default_rng(0)
    )
    with pytest.raises(ValueError, match=message):
        advise(design, components, prices, budget=budget)


def test_draws_are_those_of_the_pivot() -> None:
    """σ_e²* is SS_e / χ²: its median lies at SS_e over the median of χ²."""
    from scipy.stats import chi2

    y = np.random.default_rng(12).normal(size=20)
    design = crossed_design(crossed(4, 5), 20)
    drawn = draw_components(y, design, rng=np.random.default_rng(0), draws=40_000)
    residual = design.residual.basis.T @ y
    expected = float(residual @ residual) / chi2.median(12)
    assert np.median(drawn[REST]) == pytest.approx(expected, rel=0.02)
