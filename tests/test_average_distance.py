"""Averaged against raw weights: the distance, both evaluated on the same problems, and the picture."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ired_diag import tasks
from ired_diag.drawing.average_distance import average_distances, ratio_to_raw
from ired_diag.errors import NotFound, WrongConfiguration
from ired_diag.inverse.config import parse_inverse
from ired_diag.runs.store import read_run
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.average_distance import average_distance
from ired_diag.training.trainer import train
from tests.made_runs import made_run

TINY = {
    "experiment_name": "q900_average",
    "rank": 2,
    "width": 8,
    "time_embedding": 4,
    "time_width": 4,
    "diffusion_steps": 4,
    "batch_size": 8,
    "train_steps": 130,
    "validate_every": 61,
    "validation_batches": 1,
    "validation_batch_size": 5,
    "checkpoint_every": 130,
    "log_every": 61,
    "learning_rate": 0.01,
}


def run_of(folder: Path, **knobs: Any) -> Path:
    return train(INVERSE, parse_inverse({**TINY, **knobs}), folder)


def rows_of(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_the_distance_logged_is_that_of_the_weights_saved(tmp_path: Path) -> None:
    folder = run_of(tmp_path / "run")
    row = rows_of(folder)[-1]
    model = torch.load(folder / "checkpoints" / "last.pt", weights_only=True)
    ema = {n.removeprefix("ema_model."): w for n, w in model["ema"].items() if n.startswith("ema_model.")}
    names = [name for name in model["model"] if "ebm" in name]
    raw = torch.cat([model["model"][name].double().flatten() for name in names])
    average = torch.cat([ema[name].double().flatten() for name in names])
    apart = float((raw - average).norm())
    assert apart > 0
    assert row["average/distance"] == pytest.approx(apart, rel=1e-12)
    assert row["average/relative_distance"] == pytest.approx(apart / float(raw.norm()), rel=1e-12)


def test_raw_weights_are_evaluated_on_the_same_problems_and_change_nothing(tmp_path: Path) -> None:
    plain, both = run_of(tmp_path / "plain"), run_of(tmp_path / "both", validate_raw_weights=True)
    # After step 61 the average is a copy, so that on the same matrices and starts the metrics are equal.
    early, _, late = rows_of(both)
    assert early["average/distance"] == 0.0
    assert early["average/raw_mse"] == early["validation/mse"]
    assert late["average/raw_mse"] != late["validation/mse"]
    states = [torch.load(f / "checkpoints" / "last.pt", weights_only=True) for f in (plain, both)]
    for part in ("model", "ema"):
        assert all(torch.equal(states[0][part][name], states[1][part][name]) for name in states[0][part])
    streams = [state["ired_diag"]["streams"] for state in states]
    assert all(torch.equal(streams[0][name], streams[1][name]) for name in streams[0])
    curves = [[row["validation/mse"] for row in rows_of(folder)] for folder in (plain, both)]
    assert curves[0] == curves[1]


def test_without_an_average_nothing_is_logged_and_the_setting_is_refused(tmp_path: Path) -> None:
    assert not [name for name in rows_of(run_of(tmp_path / "run", ema_decay=0))[-1] if "average" in name]
    with pytest.raises(WrongConfiguration, match="the averaged weights are the raw ones"):
        parse_inverse({**TINY, "ema_decay": 0, "validate_raw_weights": True})


def test_a_task_without_an_energy_logs_it_too(tmp_path: Path) -> None:
    task = tasks.load("digits")
    knobs = {"train_steps": 110, "validate_every": 110, "validate_raw_weights": True, "ema_decay": 0.9}
    config = task.settings.model_validate({"experiment_name": "d", **knobs})
    folder = train(task, config, tmp_path / "run")
    row = rows_of(folder)[-1]
    assert row["average/distance"] > 0
    assert math.isfinite(row[f"average/raw_{task.metric.measure}"])
    assert read_run(folder).evaluated is not None


def test_weights_of_norm_zero_have_no_relative_distance() -> None:
    zero, one = {"w": torch.zeros(2)}, {"w": torch.ones(2)}
    values = average_distance(one, zero)
    assert values["average/distance"] == pytest.approx(math.sqrt(2))
    assert math.isnan(values["average/relative_distance"])


def test_the_picture_has_the_mean_over_seeds_of_distance_and_of_the_ratio() -> None:
    lags, ratios = np.array([[0.4, 0.1], [0.2, 0.3]]), np.array([[10.0, 0.5], [6.0, 0.7]])
    runs = [
        made_run(
            "q1",
            seed,
            metrics={
                "average/relative_distance": lags[seed],
                "validation/mse": ratios[seed] * 0.01,
                "average/raw_mse": [0.01, 0.01],
            },
        )
        for seed in (0, 1)
    ]
    drawn = average_distances({"q1": runs}, metric="validation/mse")
    assert [panel.lines[0].y.tolist() for panel in drawn.panels] == [
        pytest.approx(lags.mean(0)),
        pytest.approx(ratios.mean(0)),
    ]
    assert "at step 200 the average is 20% of ‖w‖ from the weights, and has 0.6 times" in drawn.summary
    alone = [made_run("q1", 0, metrics={"average/relative_distance": [0.1, 0.2], "validation/mse": [1, 1]})]
    unknown = average_distances({"q1": alone}, metric="validation/mse")
    assert len(unknown.panels) == 1
    assert "is unknown: no run evaluated the raw weights" in unknown.summary
    assert "Bottom" not in unknown.method
    assert "band" not in unknown.method
    assert ratio_to_raw(alone[0].history, "validation/mse") is None


def test_runs_that_logged_no_distance_are_refused() -> None:
    with pytest.raises(NotFound, match="no run logged average/relative_distance"):
        average_distances({"q1": [made_run("q1", val_loss=[1.0, 2.0])]}, metric="val_loss")
