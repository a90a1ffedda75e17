"""The metric that a configuration says to watch judges its run, in every command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.comparison import compare
from ired_diag.open import open_study
from ired_diag.runs.checkpoint_choice import choose_checkpoints
from ired_diag.runs.configured_metric import configured_metric
from ired_diag.runs.judged import shared_metric
from ired_diag.verdict import verdict_of

SHOWN = "metric: val_acc, named by its configuration (higher is better"
LIGHTNING = {
    "trainer": {
        "callbacks": [
            {"class_path": "lightning.pytorch.callbacks.EarlyStopping", "init_args": {"monitor": "val_loss"}},
            {
                "class_path": "lightning.pytorch.callbacks.ModelCheckpoint",
                "init_args": {"monitor": "val_acc"},
            },
        ]
    }
}
TWO_SELECTIONS = {"a": {"checkpoint_metric": "val_acc"}, "b": {"checkpoint_metric": "val_loss"}}


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({"monitor": "val_acc", "mode": "max"}, "val_acc"),
        ({"monitor": "val/acc"}, "val_acc"),
        ({"callbacks": {"model_checkpoint": {"monitor": "validation_acc"}}}, "val_acc"),
        ({"args": {"metric_for_best_model": "acc"}}, "val_acc"),
        ({"training.checkpoint-metric": "eval_acc"}, "val_acc"),
        ({"EarlyStoppingMetric": "acc"}, "val_acc"),
        ({"early_stopping_metric": "loss"}, "val_loss"),
        ({"metric": {"name": "val_acc", "goal": "maximize"}}, "val_acc"),
        ({"monitor": "train_loss"}, "train_loss"),
        (LIGHTNING, "val_acc"),
        ({"early_stopping_metric": "val_loss", "best_model_metric": "val_acc"}, "val_acc"),
        ({"lr_scheduler": {"monitor": "val_acc"}}, None),
        ({"lr_monitor": "val_acc", "metrics": "val_acc", "distance_metric": "val_acc"}, None),
        (TWO_SELECTIONS, None),
        ({"monitor": "val_f1"}, None),
        ({"metric": "cosine"}, None),
        ({"monitor": True, "metric": ["val_acc", "val_loss"], "eval_metric": None, "best_metric": ""}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_configuration_names_the_metric_to_watch(configuration: Any, expected: str | None) -> None:
    assert configured_metric(configuration, ["train_acc", "train_loss", "val_acc", "val_loss"]) == expected


def test_a_literal_framework_and_one_that_adds_the_prefix_differ() -> None:
    logged = ["loss", "eval_loss"]
    assert configured_metric({"monitor": "loss"}, logged) == "loss"
    assert configured_metric({"metric_for_best_model": "loss"}, logged) == "eval_loss"
    assert configured_metric({"monitor": "val_loss"}, ["train_loss", "val_loss_epoch"]) == "val_loss_epoch"


def write(folder: Path, config: dict[str, Any], *, level: float = 0.9) -> None:
    """Write a run whose accuracy rises and rests while its loss rises again after its best."""
    folder.mkdir(parents=True)
    content = {"format": 1, "experiment": folder.parent.name, "seed": int(folder.name[-1]), "config": config}
    (folder / "config.json").write_text(json.dumps(content | {"ending": {"state": "complete"}}))
    steps = np.arange(60)
    noise = 0.002 * np.random.default_rng(int(folder.name[-1])).standard_normal((2, 60))
    accuracy = level * (1 - 0.9 * np.exp(-steps / 5)) + noise[0]
    loss = np.exp(-steps / 5) + 0.004 * steps + 0.3 + noise[1]
    rows = [
        {"step": 100 * (int(i) + 1), "val_acc": float(accuracy[i]), "val_loss": float(loss[i])} for i in steps
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two groups of four seeds that watch their accuracy, by two keys."""
    for seed in range(4):
        write(tmp_path / "runs" / "low" / f"seed{seed}", {"monitor": "val_acc", "mode": "max"}, level=0.8)
        write(tmp_path / "runs" / "high" / f"seed{seed}", {"checkpoint": {"metric": "acc"}}, level=0.9)
    return tmp_path / "runs"


def printed(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_command_takes_the_watched_metric_and_says_why(runs: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    report.write_text("The mean of high is 0.9 (n = 4).\n")
    for arguments in (
        ("ls", runs / "low"),
        ("diagnose", runs / "low"),
        ("stats", runs),
        ("check", report, "--runs", runs / "low"),
        ("figures", runs / "low", "--only", "learning-curves", "--format", "svg", "--out", tmp_path / "f"),
        ("report", runs / "low", "--out", tmp_path / "report.html"),
    ):
        assert printed(*arguments).count(SHOWN) == 1, arguments
    assert "high is better than low" in printed("stats", "high", "low", "--runs", runs)


def test_a_curve_is_judged_by_the_watched_metric_until_the_user_chooses(runs: Path) -> None:
    study = open_study(runs / "low")
    assert {(verdict_of(run).metric, verdict_of(run).shape) for run in study.runs} == {
        ("val_acc", "converged")
    }
    by_loss = study.judged_by("val_loss")
    assert {(verdict_of(run).metric, verdict_of(run).shape) for run in by_loss.runs} == {
        ("val_loss", "regressed")
    }
    assert "named by its configuration" not in printed("diagnose", runs / "low", "--metric", "val_loss")


def test_groups_share_the_only_metric_that_configurations_name(tmp_path: Path) -> None:
    for seed in range(2):
        write(tmp_path / "a" / f"seed{seed}", {"monitor": "val_acc"})
        write(tmp_path / "b" / f"seed{seed}", {})
        write(tmp_path / "c" / f"seed{seed}", {"monitor": "val_loss"})
    groups = open_study(tmp_path).groups()
    assert shared_metric({name: groups[name] for name in "ab"}) == "val_acc"
    assert shared_metric({name: groups[name] for name in "ac"}) == "val_loss"  # they differ: by name
    assert compare({name: groups[name] for name in "ab"}).metric_is_configured


def test_a_direction_is_stated_next_to_the_name_without_its_data_set(tmp_path: Path) -> None:
    config = {"early_stopping_metric": "zork", "early_stopping_mode": "max"}
    write(tmp_path / "a" / "seed0", config)
    path = tmp_path / "a" / "seed0" / "metrics.jsonl"
    path.write_text(path.read_text().replace("val_acc", "val_zork"))
    (run,) = open_study(tmp_path).runs
    assert run.evaluated is not None and run.evaluated[0] == "val_zork"
    assert run.direction.words == "higher is better, set in the configuration"


def test_the_best_checkpoint_is_that_of_the_watched_metric(tmp_path: Path) -> None:
    write(tmp_path / "a" / "seed0", {"monitor": "val_acc"})
    folder = tmp_path / "a" / "seed0" / "checkpoints"
    folder.mkdir()
    for step in (1500, 6000):
        (folder / f"step-{step:09d}.safetensors").touch()
    study = open_study(tmp_path)
    run, by_loss = study.runs[0], study.judged_by("val_loss").runs[0]
    assert choose_checkpoints(run, "best")[0].stem == "step-000006000"
    assert choose_checkpoints(by_loss, "best")[0].stem == "step-000001500"
