"""Which group is slower for a step: the sentence, and the unit that a log prints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ired_diag.open import open_study
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.time_unit import unit_of_time
from ired_diag.runs.training_time import speeds_of
from tests.made_runs import made_run

TEXT_LOGS = Path(__file__).parents[2] / "shared" / "data" / "text_logs"


def logged(name: str, path: Path, *, per_step: float, column: str = "train_time") -> list[Run]:
    steps = np.arange(100, 1001, 100)
    losses = np.array([1 / step for step in steps], dtype=np.float64)
    curves = {
        "val_loss": Series(steps.astype(np.int64), losses),
        column: Series(
            steps.astype(np.int64), np.array([per_step * step for step in steps], dtype=np.float64)
        ),
    }
    return [made_run(name, seed, path=path, metrics=curves) for seed in range(2)]


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("step:5 train_time:23.965s step_avg:1ms\n", "s"),
        ("step:5 train_time:23965ms step_avg:1s\n", "ms"),
        ("step 5 | train_time = 1.5 min | loss 2\n", "min"),
        ("step:5 train_time:23.965 step_avg:1ms\n", ""),
        ("step:5 train_time:2s\nstep:6 train_time:90ms\n", ""),
        ("step:5 val_train_time:2s\n", ""),
        ("step:5 train_time:12 steps\n", ""),
    ],
)
def test_the_unit_is_the_one_behind_the_number(text: str, unit: str, tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text(text)
    assert unit_of_time(logged("a", path, per_step=1), "train_time") == unit


@pytest.mark.parametrize(
    ("column", "unit"),
    [("time_s", "s"), ("elapsed (sec)", "s"), ("perf/hours", "h"), ("time", ""), ("_runtime", "")],
)
def test_a_name_may_say_the_unit(column: str, unit: str, tmp_path: Path) -> None:
    assert unit_of_time(logged("a", tmp_path / "none.csv", per_step=1, column=column), column) == unit


def test_an_unknown_unit_is_said_to_be_unknown(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    groups = {"a": logged("a", path, per_step=0.1), "b": logged("b", path, per_step=0.5)}
    assert "as logged in train_time (the unit is unknown), a step of b takes 0.5 (0.5 to 0.5" in speeds_of(
        groups
    )
    assert "5 times as long" in speeds_of(groups)


def test_equal_speed_is_not_mentioned(tmp_path: Path) -> None:
    groups = {"a": logged("a", tmp_path, per_step=0.1), "b": logged("b", tmp_path, per_step=0.1)}
    assert speeds_of(groups) == ""


@pytest.mark.skipif(not TEXT_LOGS.is_dir(), reason="the shared logs are absent")
def test_the_speedrun_has_seconds() -> None:
    study = open_study(TEXT_LOGS)
    assert "a step of newton takes 0.775 s (" in speeds_of(study.groups())
