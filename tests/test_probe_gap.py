"""The gap of a checkpoint: closed forms, coverage of 0, and what a mean over an epoch would say instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ired_diag import tasks
from ired_diag.config import TrainingConfig
from ired_diag.errors import DiagError, NotApplicable
from ired_diag.finding import Finding
from ired_diag.probing.targets import of_run
from ired_diag.runs.store import read_run
from ired_diag.stats.share_difference import share_difference
from ired_diag.table import Table, row_of, select, table_of_rows
from ired_diag.task import Losses, LossTerm, Metric, Task
from ired_diag.training.trainer import train
from probes.gap import COLUMNS, PROBE

QUIET = {"experiment_name": "x", "validate_every": 100, "log_every": 100}
ITEMS = {"train": [1.0, 3.0, 8.0], "test": [0.0, 10.0]}


def probed(task: Task, folder: Path, *, step: int, samples: int | None = None, **knobs: Any) -> Table:
    config = tasks.settings_of(task, {**QUIET, "train_steps": step, "checkpoint_every": step, **knobs})
    train(task, config, folder / "run")
    (target,) = of_run(read_run(folder / "run"), str(step), task=task)
    return PROBE(target.read().subject("raw", PROBE, samples, 0))


def answer(table: Table) -> Finding:
    return PROBE.conclude(table, PROBE.comparison(table))


def items(name: str) -> dict[str, torch.Tensor]:
    return {"x": torch.tensor(ITEMS[name], dtype=torch.float64)}


def squares(config: Any, tensors: Any, batch: Any) -> Losses:
    distance = tensors["w"][0] - batch["x"]
    return Losses({"square": distance.square().mean()}, {"near": (distance.abs() < 4).double().mean()})


def own_task(**fields: Any) -> Task:
    """A task of one weight, which starts at 4: the mean square of its distances from the items."""
    keys: dict[str, Any] = {
        "name": "own",
        "title": "one weight",
        "settings": TrainingConfig,
        "metric": Metric("validation/height", "height"),
        "terms": (LossTerm("square", "what is descended"),),
        "initial_weights": lambda config, generator: {"w": torch.tensor([4.0])},
        "draw_batch": lambda config, streams, step: items("train"),
        "loss": squares,
        "evaluate": lambda config, tensors, batch, generator: {"validation/height": float(tensors["w"][0])},
        "splits": lambda config, device: {name: items(name) for name in ITEMS},
    }
    return Task(**{**keys, **fields})


SGD: dict[str, Any] = {"optimizer": "sgd", "learning_rate": 0.1, "gradient_clip": None, "ema_decay": 0.0}


def test_the_gap_is_the_difference_of_the_means_at_the_same_weights(tmp_path: Path) -> None:
    """At the mean of the training items, 4, the gradient is 0: the losses are (9 + 1 + 16)/3 and 26."""
    table = probed(own_task(), tmp_path, step=1, **SGD)
    evidence = answer(table).evidence
    assert evidence["train"] == pytest.approx(26 / 3)
    assert evidence["test"] == pytest.approx(26)
    assert evidence["gap"] == pytest.approx(26 - 26 / 3)
    assert evidence["near_gap"] == pytest.approx(0 - 2 / 3)
    assert select(table, part="train", quantity="trained")["value"] == pytest.approx([9, 1, 16])


def test_the_bias_of_an_epoch_is_that_of_its_formula(tmp_path: Path) -> None:
    """A batch is a third of the data here: descent from w goes w ← m + 0.8 (w - m) to the mean m = 4."""
    start = torch.tensor([9.0])
    thirds = lambda config, streams, step: {"x": torch.tensor([4.0], dtype=torch.float64)}  # noqa: E731
    task = own_task(initial_weights=lambda config, generator: {"w": start.clone()}, draw_batch=thirds)
    evidence = answer(probed(task, tmp_path, step=1, **SGD)).evidence
    away = 5 * 0.8 ** np.arange(1, 5)  # of the weights of an epoch of three steps, and after it
    losses = 26 / 3 + away**2
    assert evidence["train"] == pytest.approx(losses[0], rel=1e-6)
    assert evidence["epoch_bias"] == pytest.approx(losses[:3].mean() - losses[3], rel=1e-6)
    assert evidence["epoch_scatter"] == pytest.approx(0, abs=1e-5)  # each batch is 26/3 below its L


def test_a_mean_over_an_epoch_is_said_to_make_the_gap_too_small_while_a_training_learns(
    tmp_path: Path,
) -> None:
    start = torch.tensor([9.0])
    task = own_task(initial_weights=lambda config, generator: {"w": start.clone()})
    finding = answer(probed(task, tmp_path, step=1, **SGD))
    assert "a gap that is computed from a mean over an epoch is too small by as much" in finding.statement


def rows_of(rng: np.random.Generator, count: int) -> list[dict[str, Any]]:
    """Skewed losses of one kind of items in both parts."""
    rows = []
    for part in ("train", "test"):
        for item, value in enumerate(rng.exponential(size=count).tolist()):
            rows.append({"part": part, "quantity": "trained", "item": item, "value": value})
    return rows


def test_where_both_parts_are_of_one_kind_the_interval_covers_0_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    covers = 0
    for _ in range(300):
        table = table_of_rows(COLUMNS, rows_of(rng, 60))
        gap = row_of(PROBE.comparison(table), quantity="trained", measure="gap")
        covers += gap["low"] <= 0 <= gap["high"]
    assert covers / 300 == pytest.approx(0.95, abs=0.025)


def test_the_gap_of_a_network_that_has_not_learned_covers_0(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    table = probed(tasks.load("digits"), tmp_path, step=1, learning_rate=1e-12)
    finding = answer(table)
    evidence: dict[str, Any] = dict(finding.evidence)
    assert evidence["gap_low"] < 0 < evidence["gap_high"]
    assert evidence["accuracy_gap_low"] < 0 < evidence["accuracy_gap_high"]
    assert "which may be 0" in finding.statement
    assert abs(evidence["epoch_bias"]) < 1e-8


def test_a_loss_that_is_no_mean_over_items_is_refused(tmp_path: Path) -> None:
    def total(config: Any, tensors: Any, batch: Any) -> Losses:
        return Losses({"square": (tensors["w"][0] - batch["x"]).square().sum()})

    with pytest.raises(NotApplicable, match="a loss that is a mean over items"):
        probed(own_task(loss=total), tmp_path, step=1, **{**SGD, "learning_rate": 1e-3})


def test_a_task_without_data_of_a_fixed_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotApplicable, match="needs training and test data of a fixed size"):
        probed(own_task(splits=None), tmp_path, step=1, **SGD)
    with pytest.raises(DiagError, match="splits must be a function or None"):
        tasks.load(own_task(splits="train"))


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"train": {"x": torch.ones(3)}}, "must return 'train' and 'test', found train"),
        ({"train": {"x": torch.ones(3), "y": torch.ones(2)}, "test": {}}, r"found \[2, 3\] items in 'train'"),
        ({"train": {"x": torch.ones(0)}, "test": {}}, r"found \[0\] items in 'train'"),
        ({"train": torch.ones(3), "test": {}}, r"splits\(\) must return tensors by name"),
    ],
)
def test_data_that_lack_a_part_or_items_are_named(parts: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(DiagError, match=words):
        probed(own_task(splits=lambda config, device: parts), tmp_path, step=1, **SGD)


def test_averaged_weights_are_refused_and_not_taken_for_raw_ones(tmp_path: Path) -> None:
    config = tasks.settings_of(own_task(), {**QUIET, "train_steps": 1, "checkpoint_every": 1, **SGD})
    train(own_task(), config, tmp_path / "run")
    (target,) = of_run(read_run(tmp_path / "run"), "1", task=own_task())
    with pytest.raises(NotApplicable, match="goes on from the raw weights"):
        PROBE(target.read().subject("ema", PROBE, None, 0))


def test_few_samples_look_at_as_many_items(tmp_path: Path) -> None:
    table = probed(own_task(), tmp_path, step=1, samples=2, **SGD)
    chosen = select(table, part="train", quantity="trained")["value"]
    assert len(chosen) == 2
    assert set(np.round(chosen, 9)) < {1.0, 9.0, 16.0}


def test_a_share_of_all_has_an_interval_with_a_width() -> None:
    difference = share_difference(np.ones(40), np.ones(60))
    assert difference.value == 0
    assert difference.low == pytest.approx(-(1 - 40 / (40 + 1.96**2)), rel=1e-3)
    assert np.isnan(share_difference([], [1.0]).value)


def test_the_interval_of_two_shares_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(8)
    truth, covers = 0.9 - 0.97, 0
    for _ in range(2000):
        difference = share_difference(rng.random(80) < 0.9, rng.random(200) < 0.97)
        covers += difference.low <= truth <= difference.high
    assert covers / 2000 == pytest.approx(0.95, abs=0.02)
