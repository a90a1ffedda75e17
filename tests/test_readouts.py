"""Readouts: by hand, exact integrals, what is not finite, and the study's conclusions that turn on them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate

from ired_diag.curves.common_plateau import common_plateau
from ired_diag.open import open_study
from ired_diag.stats.readouts import Readout, area_under_curve, best, last, mean_of_last, plateau_mean
from ired_diag.stats.t_tests import welch

STEPS = [10, 20, 30, 50]
VALUES = [8.0, 2.0, 3.0, 4.0]


def test_readouts_by_hand() -> None:
    assert last(STEPS, VALUES) == Readout(4.0, 50.0, 50.0, 1)
    assert best(STEPS, VALUES) == Readout(2.0, 20.0, 20.0, 1)
    assert best(STEPS, VALUES, lower_is_better=False) == Readout(8.0, 10.0, 10.0, 1)
    assert mean_of_last(STEPS, VALUES, 2) == Readout(3.5, 30.0, 50.0, 2)
    assert plateau_mean(STEPS, VALUES, 1) == Readout(3.0, 20.0, 50.0, 3)
    assert area_under_curve(STEPS, VALUES) == Readout((50 + 25 + 70) / 40, 10.0, 50.0, 4)


def test_the_area_of_a_line_is_its_middle_on_any_grid(rng: np.random.Generator) -> None:
    steps = np.cumsum(rng.uniform(0.1, 5, 50))
    told = area_under_curve(steps, 3 * steps - 7)
    assert told.value == pytest.approx(3 * (steps[0] + steps[-1]) / 2 - 7, rel=1e-12)
    curve = np.exp(-steps / 20)
    span = steps[-1] - steps[0]
    assert area_under_curve(steps, curve).value == pytest.approx(integrate.trapezoid(curve, steps) / span)


def test_the_error_of_the_area_falls_with_the_square_of_the_spacing() -> None:
    errors = []
    for n in (11, 21, 41):
        steps = np.linspace(0, 2, n)
        exact = (1 - math.exp(-2)) / 2
        errors.append(area_under_curve(steps, np.exp(-steps)).value - exact)
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.01)
    assert np.log2(errors[1] / errors[2]) == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize("scale", [1000.0, 1e-5])
def test_readouts_are_in_the_unit_of_the_values_whatever_that_of_the_steps(scale: float) -> None:
    scaled, longer = [scale * v for v in VALUES], [1000 * s for s in STEPS]
    for readout in (last, best, area_under_curve):
        assert readout(longer, scaled).value == pytest.approx(scale * readout(STEPS, VALUES).value, rel=1e-12)


def test_an_evaluation_that_is_not_finite_spoils_only_the_readouts_that_use_it() -> None:
    values = [math.nan, 2.0, 3.0, 4.0]
    assert (last(STEPS, values).value, mean_of_last(STEPS, values, 3).value) == (4.0, 3.0)
    assert plateau_mean(STEPS, values, 1).value == 3.0
    for told in (best(STEPS, values), area_under_curve(STEPS, values), plateau_mean(STEPS, values, 0)):
        assert math.isnan(told.value)
        assert told.reason == "1 of 4 evaluations is not finite"
    assert last(STEPS, [1.0, 1.0, 1.0, math.inf]).reason == "1 of 1 evaluations is not finite"


def test_what_cannot_be_read_says_why() -> None:
    assert last([], []).reason == "the curve has 0 of the 1 evaluations needed"
    assert best([], []).reason == "no evaluations"
    assert area_under_curve([], []).reason == "no evaluations"
    assert area_under_curve([5], [1.0]).reason == "one evaluation has no area under it"
    assert mean_of_last(STEPS, VALUES, 5).reason == "the curve has 4 of the 5 evaluations needed"
    assert plateau_mean(STEPS, VALUES, None).reason == "no plateau"


def test_what_a_caller_gets_wrong_is_an_error() -> None:
    with pytest.raises(ValueError, match="k = 0"):
        mean_of_last(STEPS, VALUES, 0)
    with pytest.raises(ValueError, match="one of 4 evaluations, got 4"):
        plateau_mean(STEPS, VALUES, 4)
    with pytest.raises(ValueError, match="must increase"):
        last([1, 1], [2.0, 2.0])
    with pytest.raises(ValueError, match="found 4 and 3"):
        best(STEPS, VALUES[:3])


def test_the_studys_conclusion_turns_on_the_readout(shared: Path) -> None:
    curves = {}
    for name in ("q101", "q102"):
        runs = open_study(sorted((shared / "ired_logs").glob(f"ired_{name}_*"))).select(name)
        series = (run.history.series["validation/mse"] for run in runs)
        curves[name] = [(s.steps, s.values) for s in series]
    none, random = curves["q101"], curves["q102"]
    plateau = common_plateau([*none, *random], groups=[0] * len(none) + [1] * len(random))
    start = plateau.indices[0]
    assert len(set(plateau.indices)) == 1

    p = {
        "last": welch([last(*c).value for c in none], [last(*c).value for c in random]).p,
        "best": welch([best(*c).value for c in none], [best(*c).value for c in random]).p,
        "last 10": welch(
            [mean_of_last(*c, 10).value for c in none], [mean_of_last(*c, 10).value for c in random]
        ).p,
        "plateau": welch(
            [plateau_mean(*c, start).value for c in none], [plateau_mean(*c, start).value for c in random]
        ).p,
    }
    assert p["last"] == pytest.approx(0.098, abs=5e-4)
    assert p["best"] == pytest.approx(0.65, abs=5e-3)
    assert p["last 10"] == pytest.approx(0.011, abs=5e-4)
    assert 0.006 <= p["plateau"] <= 0.012
