"""Conditions on runs: ``q103 and lr<1e-3``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.errors import DiagError, NotFound
from ired_diag.runs.ending import Ending
from ired_diag.runs.history import History, Series
from ired_diag.runs.run import Run
from ired_diag.runs.where import by_name, where

SAMPLES = Path(__file__).parents[1] / "sample_runs"


def _run(experiment: str, seed: int, lr: object, *, last: float = 1.0, state: str = "complete") -> Run:
    series = Series(np.array([10, 20]), np.array([2.0, last]))
    configuration = {"optimizer.lr": lr, "model.name": "base", "warm": True, "layers": [1, 2]}
    if lr is None:
        configuration.pop("optimizer.lr")
    return Run(
        experiment=experiment,
        seed=seed,
        path=Path(f"{experiment}-{seed}"),
        configuration=configuration,
        history=History({"val/loss": series}),
        ending=Ending(state),  # type: ignore[arg-type]
    )


RUNS = [
    _run("q103", 0, 1e-4, last=0.5),
    _run("q103", 1, 1e-2, last=0.1),
    _run("q104", 0, "1e-4", last=float("nan"), state="traceback"),
    _run("big-model", 2, None, last=0.3, state="cut_off"),
]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("q103", [0, 1]),
        ("q103 and lr<1e-3", [0]),
        ("lr<1e-3", [0, 2]),  # a number that YAML took for text is a number
        ("lr>=1e-3 or not lr<1", [1, 3]),  # the last states no rate: no comparison holds
        ("optimizer.lr = 0.01", [1]),
        ("1e-3 > lr > 0", [0, 2]),
        ("state == failed", [2]),
        ("state != 'complete' and seed == 2", [3]),
        ("'big-*'", [3]),
        ("'q10?' and (seed=1 or seed=0)", [0, 1, 2]),
        ("last > 0.2", [0, 3]),  # NaN is no number to compare with
        ("best <= 0.3 and step == 20 and evaluations == 2", [1, 3]),
        ("name == base and warm = true", [0, 1, 2, 3]),
        ("warm = false", []),
        ("layers < 3", []),
        ("last > -1", [0, 1, 3]),
    ],
)
def test_conditions(condition: str, expected: list[int]) -> None:
    assert where(condition, RUNS) == [RUNS[place] for place in expected]


@pytest.mark.parametrize(
    "condition",
    [
        *("", "q103 and", "((", "lr <", "len(lr) > 1", "__import__('os')", "lr + 1 > 2", "[1]", "lr in q103"),
        *("1 < 2", "lambda: 1", "x := 1", "lr[0] > 1", "f'{lr}'", "-lr < 1", "5"),
        "(" * 500 + "q103" + ")" * 500,
    ],
)
def test_what_is_no_condition_is_refused(condition: str) -> None:
    with pytest.raises(DiagError):
        where(condition, RUNS)


def test_a_key_that_no_run_has_is_named_with_its_likely_spelling() -> None:
    with pytest.raises(NotFound, match=r"layrs.*Did you mean layers"):
        where("layrs > 1", RUNS)


def test_runs_are_sorted_and_those_that_state_nothing_come_last() -> None:
    assert [run.label for run in by_name(RUNS, "last")][:3] == [
        "q103/seed1",
        "big-model/seed2",
        "q103/seed0",
    ]
    assert by_name(RUNS, "lr", reverse=True)[-1] is RUNS[3]
    with pytest.raises(NotFound):
        by_name(RUNS, "colour")


def test_ls_lists_what_is_asked_for() -> None:
    runner = CliRunner()
    answer = runner.invoke(
        main, ["ls", str(SAMPLES), "--where", "q103 or q101", "--sort", "last", "--limit", "3"]
    )
    rows = [line.split()[0] for line in answer.output.splitlines() if "/seed" in line]
    assert rows == ["q103/seed0", "q103/seed2", "q103/seed1"]
    assert "3 of 20 runs are listed." in answer.output
    answer = runner.invoke(main, ["ls", str(SAMPLES), "--where", "lst > 1"])
    assert answer.exit_code == 1
    assert "Did you mean" in answer.output
