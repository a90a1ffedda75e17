"""Early stopping: a run that does not get better ends, with its best kept, and stays ended."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ired_diag.inverse.checkpoint import read_network
from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.inverse.evaluation import Evaluation
from ired_diag.runs.store import read_run
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.opening import Options
from ired_diag.training.plan import PlannedRun
from ired_diag.training.plan_fork import plan_fork
from ired_diag.training.trainer import Interrupted, train, train_together

pytestmark = pytest.mark.slow

TINY = {
    "experiment_name": "q900_tiny",
    "rank": 2,
    "width": 8,
    "time_embedding": 4,
    "time_width": 4,
    "diffusion_steps": 4,
    "batch_size": 8,
    "train_steps": 40,
    "validate_every": 10,
    "validation_batches": 1,
    "validation_batch_size": 5,
    "checkpoint_every": 20,
    "log_every": 5,
}


def config_of(**knobs: Any) -> InverseConfig:
    return parse_inverse({**TINY, **knobs})


def run(folder: Path, *, resume: bool = False, **how: Any) -> None:
    config = config_of(**how.pop("knobs", {}))
    train_together([PlannedRun(task=INVERSE, config=config, folder=folder, resume=resume)], Options(**how))


def ask_at(step: int) -> Callable[[int, int, dict[str, float]], None]:
    def progress(at: int, steps: int, values: dict[str, float]) -> None:
        if at == step:
            signal.raise_signal(signal.SIGTERM)

    return progress


def scripted(errors: dict[int, list[float]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the evaluations of each seed tell what the test says, one after the other."""

    def evaluate(network: object, schedule: object, config: InverseConfig, **_: object) -> Evaluation:
        return Evaluation(errors[config.seed].pop(0), 0.0, 8)

    monkeypatch.setattr("ired_diag.inverse.evaluation.evaluate", evaluate)


def contents(folder: Path) -> dict[Path, bytes]:
    known = ("config.json", "lock")
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name not in known}


def test_a_run_that_does_not_get_better_stops_with_its_best_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted({0: [3.0, 1.0, 2.0, math.nan, 0.5]}, monkeypatch)
    run(tmp_path / "run", knobs={"early_stopping_patience": 20, "train_steps": 100})
    ended = read_run(tmp_path / "run")
    assert (ended.ending.state, ended.history.last_step) == ("complete", 40)
    detail = "stopped early at step 40: none of the last 20 steps was better than step 20"
    assert ended.ending.detail == detail
    steps = {
        name: read_network(tmp_path / "run" / "checkpoints" / f"{name}.pt").step for name in ("best", "last")
    }
    assert steps == {"best": 20, "last": 40}
    assert ended.checkpoints[-1].name == "step-000000040.safetensors"
    before = contents(tmp_path / "run")
    run(tmp_path / "run", resume=True)  # with other seeds of its command, say: it has ended
    assert contents(tmp_path / "run") == before
    assert read_run(tmp_path / "run").ending == ended.ending


def test_a_run_that_never_has_a_number_stops_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted({0: [math.nan] * 10}, monkeypatch)
    run(tmp_path / "run", knobs={"early_stopping_patience": 20, "train_steps": 100})
    assert (
        read_run(tmp_path / "run").ending.detail == "stopped early at step 20: no validation MSE was a number"
    )


def test_a_run_whose_patience_ends_with_its_last_step_is_simply_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted({0: [3.0, 1.0, 2.0, 2.0]}, monkeypatch)
    run(tmp_path / "run", knobs={"early_stopping_patience": 20})
    ended = read_run(tmp_path / "run")
    assert (ended.ending.state, ended.ending.detail, ended.history.last_step) == ("complete", "", 40)


@pytest.mark.parametrize(
    ("patience", "every", "stop_at", "errors", "end"),
    [
        (12, 10, 15, [1.0, 2.0, 0.5, 0.4], 40),
        (15, 20, 35, [1.0, 0.5], 40),  # 15 steps after the best, and better at the next evaluation
        (15, 20, 35, [0.5, 1.0], 40),
        (15, 10, 25, [1.0, 2.0, 3.0, 4.0], 30),
    ],
)
def test_an_interrupt_between_evaluations_does_not_shorten_the_patience(
    patience: int,
    every: int,
    stop_at: int,
    errors: list[float],
    end: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether it got better is known at an evaluation only."""
    knobs = {"early_stopping_patience": patience, "validate_every": every}
    scripted({0: errors[:]}, monkeypatch)
    with pytest.raises(Interrupted):
        run(tmp_path / "cut", knobs=knobs, progress=ask_at(stop_at))
    run(tmp_path / "cut", resume=True)
    scripted({0: errors[:]}, monkeypatch)
    run(tmp_path / "whole", knobs=knobs)
    ends = [read_run(tmp_path / name) for name in ("cut", "whole")]
    assert [one.history.last_step for one in ends] == [end, end]
    assert ends[0].ending == ends[1].ending


def test_the_patience_of_a_fork_begins_where_it_begins(tmp_path: Path) -> None:
    train(INVERSE, config_of(), tmp_path / "q900" / "seed0")
    settings = ["early_stopping_patience=20", "validate_every=5", "learning_rate=1e-6"]
    (one,) = plan_fork("q900/seed0@20", None, settings, runs=tmp_path)
    train_together([one], Options())
    assert read_run(one.folder).history.last_step == 40
