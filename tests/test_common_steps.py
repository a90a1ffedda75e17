"""Readouts on the same steps: what is taken where grids differ, and what is withheld."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.comparison import Comparison, compare
from ired_diag.comparison.common_steps import common_steps
from ired_diag.comparison.words import verdict_of
from ired_diag.runs.ending import Ending
from ired_diag.runs.history import History, Row, Series
from ired_diag.runs.run import Run
from tests.made_runs import made_run

Array = Any


def curve(steps: Array, seed: int) -> Array:
    """Return a noisy curve that falls, the same function of the step for every grid."""
    rng = np.random.default_rng(seed)
    noise = {step: rng.standard_normal() for step in range(50, 20_001, 50)}
    return np.array([1 + 2 * np.exp(-s / 1000) + 0.02 * noise.get(int(s), 0.0) for s in steps])


def group(name: str, steps: Array, *, seeds: int = 3) -> list[Run]:
    runs = []
    for seed in range(seeds):
        values = curve(steps, 10 * seed + len(name))
        curves = {"val_loss": Series(steps.astype(np.int64), values)}
        runs.append(made_run(name, seed, path=Path(name), metrics=curves))
    return runs


def compared(a: Array, b: Array, readout: str = "last") -> Comparison:
    return compare({"a": group("a", a), "b": group("b", b)}, readout=readout)


def reasons(found: Comparison) -> dict[str, str]:
    return {line.readout: line.reason for line in found.pairs[0].by_readout}


FULL, HALF = np.arange(100.0, 10_001, 100), np.arange(100.0, 5_001, 100)
COARSE, SHIFTED = np.arange(200.0, 10_001, 200), np.arange(150.0, 10_001, 100)


def test_equal_grids_use_every_step_and_say_nothing() -> None:
    assert common_steps({"a": [FULL, FULL], "b": [FULL]}).steps is None
    assert not any("taken over" in note for note in compared(FULL, FULL).notes)


@pytest.mark.parametrize(("a", "common"), [(HALF, HALF), (COARSE, COARSE)])
@pytest.mark.parametrize("readout", ["best", "area"])
def test_a_group_with_more_evaluations_gains_nothing_by_them(a: Array, common: Array, readout: str) -> None:
    found = compared(FULL, a, readout)
    assert found.readout == readout
    for one in found.groups:
        for seed in range(3):
            values = curve(common, 10 * seed + 1)
            area = np.trapezoid(values, common) / (common[-1] - common[0])
            expected = values.min() if readout == "best" else area
            assert one.values[f"seed{seed}"] == pytest.approx(expected, rel=1e-12)
    said = f"the {len(common)} evaluation steps that all seeds have, {common[0]:g} to {common[-1]:g}"
    assert any(said in note for note in found.notes)


def test_the_last_ten_of_a_finer_grid_are_those_that_the_coarser_has() -> None:
    found = compared(FULL, COARSE, "last10")
    assert found.readout == "last10"
    expected = curve(COARSE[-10:], 1).mean()
    assert found.groups[0].values["seed0"] == pytest.approx(expected, rel=1e-12)
    assert found.groups[1].values["seed0"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("last", "withheld"),
    [(96, ""), (93, "a and b share only 3 of their last 10 evaluation steps"), (50, "share only 0 of")],
)
def test_last_ten_is_withheld_where_one_training_went_on(last: int, withheld: str) -> None:
    found = compared(FULL, FULL[:last])
    assert withheld in reasons(found)["last10"]
    assert bool(reasons(found)["last10"]) == bool(withheld)
    assert reasons(found)["best"] == reasons(found)["area"] == ""


def test_grids_that_never_meet_withhold_all_three() -> None:
    found = compared(FULL, SHIFTED)
    told = reasons(found)
    assert told["best"] == told["area"] == "a and b share only 0 of their evaluation steps"
    assert told["last10"] == "a and b share only 0 of their last 10 evaluation steps"
    assert told["last"] == ""
    assert found.groups[0].readouts["best"].n == 0


def test_a_declared_readout_that_is_withheld_falls_back_to_the_last_with_a_note() -> None:
    found = compared(FULL, SHIFTED, "best")
    assert found.readout == "last"
    reason = "a and b share only 0 of their evaluation steps"
    assert f"best is withheld ({reason}): compared by the last evaluation." in found.notes
    assert verdict_of(found.pairs[0], found).endswith(
        "a trained 50 steps longer (10000, b 9950); their seeds have no evaluation step in common."
    )


def test_the_last_evaluation_is_each_runs_own() -> None:
    found = compared(FULL, HALF)
    assert found.groups[0].values["seed0"] == curve(FULL, 1)[-1]
    assert found.groups[1].values["seed0"] == curve(HALF, 1)[-1]


def test_short_curves_on_the_same_grid_are_read_as_they_are() -> None:
    found = compared(FULL[:4], FULL[:4])
    assert reasons(found)["last10"] == "the curve has 4 of the 10 evaluations needed"
    assert reasons(found)["best"] == ""
    stopped = compared(FULL[:8], FULL[:6])
    assert reasons(stopped)["last10"] == "a and b do not all have 10 evaluations"
    assert reasons(stopped)["best"] == ""


def test_seeds_of_one_group_that_never_meet_are_named() -> None:
    found = common_steps({"a": [FULL, SHIFTED]})
    assert found.reasons["best"] == "the seeds of a share only 0 of their evaluation steps"


def test_the_best_of_many_evaluations_no_longer_flatters() -> None:
    """Without common steps, 1000 evaluations of pure noise beat 100 in almost every study."""
    rng = np.random.default_rng(5)
    fine, coarse = np.arange(10, 10_001, 10), np.arange(100, 10_001, 100)
    wins = 0
    for _ in range(40):
        groups = {}
        for name, steps in (("a", fine), ("b", coarse)):
            rows = [
                [
                    Row(int(s), {"val_loss": float(v)})
                    for s, v in zip(steps, 9 + rng.random(len(steps)), strict=True)
                ]
                for _ in range(3)
            ]
            groups[name] = [
                Run(
                    experiment=name,
                    name=None,
                    variant=None,
                    seed=seed,
                    path=Path(name),
                    configuration=None,
                    history=History.of(r),
                    ending=Ending("complete"),
                )
                for seed, r in enumerate(rows)
            ]
        one = compare(groups, readout="best").groups
        wins += one[0].summary.mean < one[1].summary.mean
    assert 10 <= wins <= 30  # a fair coin: 20 ± 3
