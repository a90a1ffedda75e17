"""Counts of runs by how they ended, held against what became of the runs."""

from __future__ import annotations

import math

import pytest

from ired_diag.runs.study import Study
from tests.claims_studies import SAC, accused, outcomes, run_of, study_of

FALLING = [2.0, 1.0, 0.5, 0.3, 0.22, 0.21, 0.205, 0.2, 0.2, 0.2]
RISING = [2.0, 1.0, 0.5, 0.4, 0.9, 2.0, 5.0, 7.0, 7.3, 7.4]


def study() -> Study:
    """Return adam, of which all 5 runs end well; shampoo, of which 1 is NaN; fp16, of which 3 diverge."""
    runs = [run_of("adam", seed, [v + 0.01 * seed for v in FALLING]) for seed in range(5)]
    for seed in range(5):
        last = math.nan if seed == 3 else 0.2 + 0.01 * seed
        runs.append(run_of("shampoo", seed, [*FALLING, last]))
        runs.append(run_of("fp16", seed, RISING if seed < 3 else FALLING))
    return Study.of(runs)


RIGHT = [
    "3 of 5 fp16 seeds diverged.",
    "With fp16, 3 of 5 seeds diverged; with adam none of the 5 did.",
    "shampoo diverged in 1 of 5 runs, adam in 0 of 5.",
    "One of the 5 shampoo seeds became NaN.",
    "All 5 adam runs finished.",
    "No adam run diverged.",
    "4/5 shampoo runs converged.",
    "- fp16: 3 of 5 seeds diverged\n- adam: 0 of 5 seeds diverged",
    "2 of 5 adam seeds end below 0.215.",
]
WRONG = [
    "2 of 5 fp16 seeds diverged.",
    "With fp16, 3 of 5 seeds diverged; with adam two of the 5 did.",
    "shampoo diverged in 1 of 5 runs, adam in 2 of 5.",
    "Two of the 5 shampoo seeds became NaN.",
    "All 5 shampoo seeds converged.",
    "No shampoo run diverged.",
    "fp16 diverged on 4 of 5 seeds.",
    "shampoo diverged on one of 6 seeds.",
    "4 of 5 adam seeds end below 0.215.",
    "adam crashed on 2 of 5 seeds.",
]
UNCERTAIN = [
    "2 of 5 adam seeds failed.",  # perhaps to reach what was hoped for
    "2 of 5 runs diverged.",  # of which group
    "If 4 of 5 fp16 seeds diverge, we stop.",
    "3 of the 5 adam seeds did not diverge.",
    "2 of 3 fp16 seeds diverged.",  # a part of the runs
    "4 of 5 shampoo seeds converge to the same basin.",
    "With a learning rate of 0.01, 4 of 5 adam seeds diverged.",
    "On ImageNet, 2 of 5 adam seeds diverged.",
    "In the pilot 2 of 5 adam seeds diverged.",
    "2 of 5 layers of adam diverged from the reference.",
]


@pytest.mark.parametrize("text", RIGHT)
def test_a_right_count_holds(text: str) -> None:
    assert set(outcomes(text, study()).values()) == {"holds"}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_count_is_accused(text: str) -> None:
    assert len(accused(text, study())) == 1


@pytest.mark.parametrize("text", UNCERTAIN)
def test_a_count_of_uncertain_meaning_is_neither_accused_nor_confirmed(text: str) -> None:
    assert accused(text, study()) == []
    assert "holds" not in outcomes(text, study()).values()


def test_a_run_whose_log_does_not_say_how_it_ended_may_have_crashed() -> None:
    runs = [run_of("adam", seed, FALLING[: 8 + seed], state="unknown") for seed in range(3)]
    assert accused("2 of 3 adam runs crashed.", Study.of(runs)) == []


def test_a_run_that_was_stopped_counts_as_launched() -> None:
    runs = [run_of("adam", seed, [*FALLING, 0.2 + seed / 100]) for seed in range(3)]
    runs.append(run_of("adam", 3, FALLING[:4], state="time_limit"))
    assert outcomes("1 of 4 adam runs did not finish.", Study.of(runs)) == {
        "1 of 4 adam runs did not finish": "holds"
    }
    assert len(accused("3 of 4 adam runs did not finish.", Study.of(runs))) == 1


def test_runs_that_reach_a_value_are_counted_in_the_direction_of_the_metric() -> None:
    returns = study_of({"sac": SAC}, "eval_return")
    assert outcomes("3 of 4 sac seeds reach a return of 3000.", returns) == {
        "3 of 4 sac seeds reach a return of 3000": "holds"
    }
    assert len(accused("1 of 4 sac seeds reach a return of 3000.", returns)) == 1
    assert accused("1 of 4 sac seeds reach a return of 31000000.", returns) == []
