"""A validation that reads the training data, and configurations that only look so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.made_runs import falling, findings_of, made_run


def findings(**config: Any) -> list[Any]:
    runs = [made_run("exp", seed, config=config, val_loss=falling(30, seed=seed)) for seed in range(3)]
    return findings_of("validation_on_training", runs)


@pytest.mark.parametrize(
    "config",
    [
        {"train_path": "data/train.parquet", "val_path": "data/train.parquet"},
        {"data.train_file": "train.json", "data.validation_file": "train.json"},
        {"train_dir": "/d/imagenet/train/", "test_dir": "/d/imagenet/train/"},
        {"trainingData": "x/training.csv", "trainData": "y.csv", "training": "a/train", "eval": "a/train"},
    ],
)
def test_one_path_of_training_data_for_both_is_a_warning(config: dict[str, str]) -> None:
    (finding,) = findings(**config)
    assert finding.severity == "warning"
    assert len(finding.runs) == 3


@pytest.mark.parametrize(
    "config",
    [
        {"train_path": "data/train.parquet", "val_path": "data/val.parquet"},
        {"train_dir": "data/cifar10", "val_dir": "data/cifar10"},
        {"train_dataset": "train", "val_dataset": "train"},
        {"train_path": "data/train_and_val.npz", "val_path": "data/train_and_val.npz"},
        {"train_split": "train[:90%]", "val_split": "train[90%:]"},
        {"train_path": "a/train.csv", "init_path": "a/train.csv"},
        {"train_batch": "32", "val_batch": "32"},
    ],
)
def test_other_paths_and_what_holds_both_splits_are_left_alone(config: dict[str, str]) -> None:
    assert findings(**config) == []
