"""A configuration with lists of numbers is no run, and a history with settings next to it is one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ired_diag.open import open_study
from ired_diag.readers import history_json

CONFIGURATIONS: dict[str, Any] = {
    "of this study": {
        "adam_betas": [0.9, 0.999],
        "energy_loss_timestep_range": [0, 5],
        "batch_size": 2048,
        "learning_rate": 1e-4,
    },
    "of weights": {"model": "unet", "lr": 1e-3, "loss_weights": [1.0, 0.5, 0.1], "epochs": 100},
    "of losses by name": {"optimizer": "adam", "batch_size": 8, "loss": [1.0, 0.25], "dropout": 0.1},
    "nested": {"train": {"lr": 0.1, "loss_coefs": [0.1, 0.9]}, "val": {"accuracy_thresholds": [0.5, 0.9]}},
    "of a curriculum": {
        "lr": 0.1,
        "curriculum": [{"step": 0, "loss_weight": 0.1}, {"step": 1000, "loss_weight": 1.0}],
    },
    "of aims": {"stages": [{"epoch": 5, "target_accuracy": 0.7}, {"epoch": 9, "target_accuracy": 0.9}]},
    "of a detector": {"rpn_loss_weights": [1, 1], "anchor_sizes": [32, 64], "val_iou_thresholds": [0.5, 0.7]},
}
HISTORIES: dict[str, Any] = {
    "of Keras": {"loss": [0.9, 0.7, 0.6], "val_loss": [1.0, 0.8, 0.7]},
    "with flat settings": {"lr": 0.1, "batch_size": 8, "epochs": 3, "loss": [0.9, 0.7, 0.6]},
    "with settings of its own": {"args": {"lr": 0.1, "loss_weights": [1, 2]}, "train_losses": [0.9, 0.7]},
    "long, with flat settings": {"lr": 0.1, "optimizer": "sgd", "train_loss": [0.9, 0.7, 0.6, 0.5, 0.4]},
    "with weights next to it": {"loss_weights": [1.0, 0.5], "loss": [0.9, 0.7, 0.6, 0.5, 0.4, 0.35]},
    "of an average": {"train_loss_per_epoch": [0.9, 0.7], "val_acc_history": [0.1, 0.3]},
    "of rows": [{"epoch": 1, "loss": 0.9, "loss_scale": 64}, {"epoch": 2, "loss": 0.7, "loss_scale": 64}],
}


def _written(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("kind", CONFIGURATIONS)
def test_a_configuration_is_no_run(tmp_path: Path, kind: str) -> None:
    assert not history_json.accepts(_written(tmp_path / "config.json", CONFIGURATIONS[kind]))


@pytest.mark.parametrize("kind", HISTORIES)
def test_a_history_is_a_run(tmp_path: Path, kind: str) -> None:
    path = _written(tmp_path / "history.json", HISTORIES[kind])
    assert history_json.accepts(path)
    (log,) = history_json.read_runs(path).values()
    assert any("loss" in name for name in log.history.series)


def test_no_configuration_of_the_study_is_a_run(shared: Path) -> None:
    files = sorted((shared / "ired_configs").glob("*.json"))
    assert len(files) > 10
    assert [path.name for path in files if history_json.accepts(path)] == []


def test_a_folder_of_configurations_holds_no_run(tmp_path: Path) -> None:
    for number, content in enumerate(CONFIGURATIONS.values()):
        _written(tmp_path / f"c{number}.json", content)
    assert open_study(tmp_path).runs == ()


@pytest.mark.parametrize("name", ["settings.json", "settings.jsonl"])
def test_a_configuration_in_one_line_is_no_log_though_it_states_epochs(tmp_path: Path, name: str) -> None:
    _written(tmp_path / name, {"epochs": 100, "lr": 0.1, "batch_size": 32})
    assert open_study(tmp_path).runs == ()
    _written(tmp_path / name, {"epoch": 1, "lr": 0.1, "batch_size": 32, "loss": 0.5})
    assert len(open_study(tmp_path).runs) == 1
