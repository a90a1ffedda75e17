"""Histories in one JSON file, in the forms that training scripts write with ``json.dump``."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from ired_diag.errors import UnreadableFile
from ired_diag.open import open_study
from ired_diag.readers import history_json
from ired_diag.readers.scalar_log import ScalarLog
from ired_diag.runs.evaluation_metric import evaluation_metric

Series = list[tuple[int, float]]


def written(folder: Path, content: Any, name: str = "history.json") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def points(log: ScalarLog, name: str) -> Series:
    series = log.points[name]
    return list(zip(series.steps.tolist(), series.values.tolist(), strict=True))


def only_log(path: Path) -> ScalarLog:
    assert history_json.accepts(path)
    logs = history_json.read_runs(path)
    (log,) = logs.values()
    return log


def test_lists_of_a_keras_history_are_counted_from_one(tmp_path: Path) -> None:
    log = only_log(written(tmp_path, {"loss": [0.9, 0.7, 0.6], "val_loss": [1.0, 0.8, 0.9]}))
    assert points(log, "val_loss") == [(1, 1.0), (2, 0.8), (3, 0.9)]
    assert log.notes == ()


def test_a_list_that_counts_epochs_gives_the_steps(tmp_path: Path) -> None:
    content = {"epochs": [5, 10, 15], "train_loss": [0.9, 0.7, 0.6], "val_acc": [0.1, 0.5, None]}
    log = only_log(written(tmp_path, content))
    assert points(log, "train_loss") == [(5, 0.9), (10, 0.7), (15, 0.6)]
    assert points(log, "val_acc") == [(5, 0.1), (10, 0.5)]


def test_settings_next_to_the_lists_are_the_configuration(tmp_path: Path) -> None:
    content = {
        "args": {"lr": 0.1, "seed": 42},
        "train_losses": [5.4, 4.2],
        "valid_losses": [4.5, 3.8],
        "test_loss": 3.5,
    }
    study = open_study([written(tmp_path, content, "no_dropout_log.json")])
    (run,) = study.runs
    assert (run.seed, run.judging_metric) == (42, "valid_losses")
    assert run.settings is not None
    assert run.settings["lr"] == 0.1
    assert "test_loss" not in run.history.series


def test_lists_by_their_data_are_named_with_it(tmp_path: Path) -> None:
    content = {"train": {"loss": [2.0, 1.0]}, "val": {"loss": [2.5, math.nan]}}
    log = only_log(written(tmp_path, content))
    assert points(log, "train/loss") == [(1, 2.0), (2, 1.0)]
    assert math.isnan(log.points["val/loss"].values[1])


def test_rows_with_objects_by_their_data_are_named_with_it(tmp_path: Path) -> None:
    rows = []
    for epoch in (1, 2, 3):
        row = {
            "epoch": epoch,
            "lr": 0.1,
            "train": {"loss": 3.0 / epoch},
            "Val": {"loss": 4.0 / epoch, "acc": 0.5},
        }
        rows.append({**row, "timing": {"load": 0.1}})
    for content in (rows, {"history": rows}):
        log = only_log(written(tmp_path, content))
        assert points(log, "train/loss") == [(1, 3.0), (2, 1.5), (3, 1.0)]
        assert points(log, "Val/acc") == [(1, 0.5), (2, 0.5), (3, 0.5)]
        assert points(log, "lr") == [(1, 0.1), (2, 0.1), (3, 0.1)]


def test_a_file_of_several_models_holds_a_run_for_each(tmp_path: Path) -> None:
    content = {name: {"train_loss": [1.0, 0.5], "val_loss": [1.1, 0.6]} for name in ("cnn", "mlp")}
    path = written(tmp_path, content, "histories.json")
    assert list(history_json.read_runs(path)) == ["cnn", "mlp"]
    assert sorted(run.group for run in open_study([path]).runs) == ["cnn", "mlp"]


def test_rows_are_read_at_the_steps_that_they_state(tmp_path: Path) -> None:
    rows = [
        {"loss": 3.4, "epoch": 0.08, "step": 10},
        {"loss": 3.1, "epoch": 0.16, "step": 20},
        {"eval_loss": 2.9, "epoch": 0.16, "step": 20},
    ]
    log = only_log(written(tmp_path, rows))
    assert points(log, "loss") == [(10, 3.4), (20, 3.1)]
    assert points(log, "eval_loss") == [(20, 2.9)]
    inner = only_log(written(tmp_path, {"config": {"lr": 1}, "history": rows}, "run.json"))
    assert points(inner, "loss") == points(log, "loss")
    assert inner.stated["config"] == {"lr": 1}


def test_lists_of_different_lengths_are_noted(tmp_path: Path) -> None:
    content = {"train_loss": [4.0, 3.0, 2.0, 1.0], "val_loss": [3.0, 2.0]}
    (note,) = only_log(written(tmp_path, content)).notes
    assert "val_loss has 2 values and train_loss has 4" in note.statement


@pytest.mark.parametrize(
    "content",
    [
        {"accuracy": [0.91, 0.92, 0.9]},  # of seeds, as likely as of epochs
        {"seeds": [1, 2, 3], "val_loss": [0.3, 0.31, 0.29]},
        {"fpr": [0.0, 0.5, 1.0], "tpr": [0.0, 0.9, 1.0], "thresholds": [1.0, 0.5, 0.0]},
        {"loss": [0.5]},
        [{"id": 1, "accuracy": 0.5}, {"id": 2, "accuracy": 0.6}],
        [{"step": 1, "thought": "look"}, {"step": 2, "thought": "act"}],
        {"labels": ["cat", "dog"], "loss": "mse"},
        7,
    ],
)
def test_other_lists_are_no_history(tmp_path: Path, content: Any) -> None:
    path = written(tmp_path, content)
    assert not history_json.accepts(path)
    with pytest.raises(UnreadableFile):
        history_json.read_runs(path)


def test_a_half_written_file_is_not_accepted(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_text('{"loss": [0.9, 0.7], "val_loss": [1.0, ')
    assert not history_json.accepts(path)


def test_the_parts_of_one_runs_results_are_one_run(tmp_path: Path) -> None:
    history = {"train_loss": [0.9, 0.7, 0.65, 0.6], "val_loss": [1.0, 0.8, 0.7, 0.72]}
    written(tmp_path, {"seed": 42, "prediction": history}, "seed_42/metrics.json")
    written(tmp_path, {"prediction": history}, "seed_42/agent_metrics.json")
    written(tmp_path, history, "seed_43/metrics.json")
    runs = open_study([tmp_path]).runs
    assert sorted(run.seed for run in runs if run.seed is not None) == [42, 43]
    assert len(runs) == 2


def with_lists(*data: str, metric: str = "rmse") -> dict[str, Any]:
    """Return what a boosting program writes: a list of one metric for each data set."""
    return {name: {metric: [0.9 - 0.1 * place, 0.5, 0.4]} for place, name in enumerate(data)}


@pytest.mark.parametrize(
    ("content", "judged"),
    [
        (with_lists("validation_0", "validation_1"), "validation_1/rmse"),
        (with_lists("validation_0", metric="auc"), "validation_0/auc"),
        (with_lists("training", "valid_1", metric="l2"), "valid_1/l2"),
        (with_lists("valid_0", metric="l1"), "valid_0/l1"),
        (with_lists("learn", "validation", metric="RMSE"), "validation/RMSE"),
        (with_lists("train", "eval", metric="mlogloss"), "eval/mlogloss"),
        (with_lists("train", "test_0", "test_1", metric="merror"), "test_0/merror"),
    ],
)
def test_the_data_sets_of_one_boosted_model_are_one_run(
    tmp_path: Path, content: dict[str, Any], judged: str
) -> None:
    study = open_study([written(tmp_path, content, "seed3/evals_result.json")])
    (run,) = study.runs
    (metric,) = content[next(iter(content))]
    assert set(run.history.series) == {f"{name}/{metric}" for name in content}
    assert evaluation_metric(run.history.series) == judged
    assert run.seed == 3


@pytest.mark.parametrize(
    "names",
    [("seed0", "seed1"), ("train_0", "train_1"), ("none", "random"), ("test_1", "test_2"), ("cnn", "test")],
)
def test_models_and_seeds_stay_runs_of_their_own(tmp_path: Path, names: tuple[str, str]) -> None:
    content = with_lists(*names, metric="val_loss")
    assert set(history_json.read_runs(written(tmp_path, content))) == set(names)


def test_each_seed_with_its_data_sets_is_one_run(tmp_path: Path) -> None:
    of_seed = with_lists("validation_0", "validation_1")
    logs = history_json.read_runs(written(tmp_path, {"seed0": of_seed, "seed1": of_seed}))
    assert set(logs) == {"seed0", "seed1"}
    assert set(logs["seed1"].points) == {"validation_0/rmse", "validation_1/rmse"}


@pytest.mark.parametrize(
    "content",
    [
        {"loss": {"0": 0.9, "1": 0.7}, "val_loss": {"0": 1.0, "1": 0.8}},
        {"loss": ["0.9", "7e-1"], "val_loss": ["1.0", ".8"]},
        {"train": {"loss": {"0": 0.9, "1": 0.7}}, "val_loss": [1.0, 0.8]},
    ],
)
def test_pandas_columns_and_numbers_as_texts_are_lists_of_numbers(tmp_path: Path, content: Any) -> None:
    log = only_log(written(tmp_path, content))
    assert points(log, "val_loss") == [(1, 1.0), (2, 0.8)]
    loss = "train/loss" if "train" in content else "loss"
    assert points(log, loss) == [(1, 0.9), (2, 0.7)]


def test_objects_by_counted_epochs_are_rows_in_the_order_of_the_epochs(tmp_path: Path) -> None:
    content = {f"epoch_{k}": {"loss": 0.9 / k, "val": {"acc": f"0.{k}"}} for k in (1, 10, 2)}
    log = only_log(written(tmp_path, content))
    assert points(log, "loss") == [(1, 0.9), (2, 0.45), (10, 0.09)]
    assert points(log, "val/acc") == [(1, 0.1), (2, 0.2), (10, 0.1)]


def test_objects_by_bare_numbers_may_be_classes_and_are_not_rows(tmp_path: Path) -> None:
    content = {str(k): {"precision": 0.5, "recall": 0.1 * k} for k in range(3)}
    assert not history_json.accepts(written(tmp_path, content))
