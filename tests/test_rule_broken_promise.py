"""The rule about broken promises: it reads what the probe steps kept, and only that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.planted_of_optimisers import PROMISED, STEPS, keep_answer
from ired_diag import tasks
from ired_diag.config import TrainingConfig
from ired_diag.probing.driver import Request, put_probes
from ired_diag.probing.targets import of_run
from ired_diag.runs.run import Run
from ired_diag.runs.store import read_run
from ired_diag.task import Losses, LossTerm, Metric, Task
from ired_diag.training.trainer import train
from probes.steps import PROBE
from tests.made_runs import falling, findings_of, made_run

RULE = "broken_promise"


def probed_run(folder: Path, delivered: Any, **more: Any) -> Run:
    folder.mkdir(parents=True)
    keep_answer(folder, delivered, **more)
    return made_run("q", path=folder, loss=falling(40))


def staircase(step: float) -> Task:
    """w² and a staircase that rises as w falls, each of its steps of this height."""

    def loss(config: Any, tensors: Any, batch: Any) -> Losses:
        w = tensors["w"][0]
        return Losses({"height": w.square() - step * torch.floor(8 * w)})

    return Task(
        name="staircase",
        title="one weight",
        settings=TrainingConfig,
        metric=Metric("validation/height", "height"),
        terms=(LossTerm("height", "what is descended"),),
        initial_weights=lambda config, generator: {"w": torch.tensor([4.0])},
        draw_batch=lambda config, streams, step: {},
        loss=loss,
        evaluate=lambda config, tensors, batch, generator: {"validation/height": float(tensors["w"][0])},
    )


def trained_and_probed(task: Task, folder: Path) -> Run:
    keys = {"experiment_name": "x", "optimizer": "sgd", "learning_rate": 0.05, "gradient_clip": None}
    knobs = {"train_steps": 10, "checkpoint_every": 5, "validate_every": 10, "log_every": 1}
    train(task, tasks.settings_of(task, {**keys, **knobs}), folder)
    targets = of_run(read_run(folder), "all", task=task)
    list(put_probes(targets, Request(probes=[PROBE], samples=15, figures="none")))
    return read_run(folder)


def test_a_training_that_rises_against_its_promise_is_found_once_it_is_probed(tmp_path: Path) -> None:
    run = trained_and_probed(staircase(10.0), tmp_path / "x" / "seed0")
    (finding,) = findings_of(RULE, [run])
    assert finding.severity == "warning"
    assert finding.runs == (run.label,)
    assert float(finding.evidence["promised"] or 0) < 0 < float(finding.evidence["delivered"] or 0)
    assert "where the gradient is blind" in finding.statement
    assert "(and at 1 more of 2 checkpoints that were probed)" in finding.statement
    assert "cutoff" in finding.advice


def test_the_same_training_without_the_staircase_keeps_its_promise(tmp_path: Path) -> None:
    assert findings_of(RULE, [trained_and_probed(staircase(0.0), tmp_path / "x" / "seed0")]) == []


def test_a_rise_of_a_tenth_of_the_promise_is_needed_on_this_batch_and_the_next(tmp_path: Path) -> None:
    up = np.full(STEPS, -PROMISED)
    assert len(findings_of(RULE, [probed_run(tmp_path / "up", up)])) == 1
    assert len(findings_of(RULE, [probed_run(tmp_path / "a tenth", 0.11 * up)])) == 1
    assert findings_of(RULE, [probed_run(tmp_path / "less", 0.09 * up)]) == []
    assert findings_of(RULE, [probed_run(tmp_path / "noise", up, elsewhere=-up)]) == []
    assert findings_of(RULE, [probed_run(tmp_path / "few", up[:9])]) == []


def test_a_run_that_was_not_probed_or_whose_table_is_torn_is_left_alone(tmp_path: Path) -> None:
    run = probed_run(tmp_path / "q", np.full(STEPS, -PROMISED))
    assert findings_of(RULE, [replace(run, path=tmp_path / "elsewhere")]) == []
    file = run.path / "probes" / "steps.parquet"
    file.write_bytes(file.read_bytes()[:100])
    assert findings_of(RULE, [run]) == []


def test_a_table_of_another_run_of_the_same_name_is_not_taken_for_its_own(
    tmp_path: Path, monkeypatch: Any
) -> None:
    """Tables of foreign logs lie in one folder by name, and the folder of today may hold yesterday's."""
    monkeypatch.chdir(tmp_path)
    kept_in = tmp_path / "ired-diag-out" / "q"
    other = probed_run(tmp_path / "others" / "q", np.full(STEPS, -PROMISED), kept_in=kept_in)
    log = tmp_path / "q.csv"
    log.write_text("step,loss\n1,2\n")
    assert findings_of(RULE, [made_run("q", path=log, loss=falling(40))]) == []
    assert len(findings_of(RULE, [replace(other, path=tmp_path / "others" / "q")])) == 1
