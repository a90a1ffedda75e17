"""The rule about sweeps: percentages that are not what they claim, and settings that never arrived."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.forensics import load
from ired_diag.open import open_study
from ired_diag.runs.run import Run
from tests.made_runs import falling, findings_of, made_run

RULE = "sweep_claims"


def _run(name: str, lr: float, *, logged: Any = None, seed: int = 0, **config: Any) -> Run:
    metrics = {"loss": falling(20, seed=seed)} | ({} if logged is None else {"train__lr": logged})
    return made_run(name, seed, config={"learning_rate": lr, "beta": 0.9, **config}, **metrics)


@pytest.mark.parametrize(
    ("down", "up"),
    [("lr_minus10", "lr_plus10"), ("lr -10%", "lr +10%"), ("learning_rate_down_10pct", "lr_up_10")],
)
def test_ten_percent_of_a_logarithm_is_no_ten_percent(down: str, up: str) -> None:
    runs = [_run("base", 0.001), _run(down, 0.001**1.1), _run(up, 0.001**0.9)]
    found = findings_of(RULE, runs)
    assert [(f.severity, f.evidence["logarithm_scaled"]) for f in found] == [("warning", True)] * 2
    factors = sorted(float(finding.evidence["factor"] or 0) for finding in found)
    assert factors == pytest.approx([0.501, 1.995], rel=1e-3)


def test_a_note_in_all_groups_is_held_against_the_middle_value() -> None:
    notes = "Sensitivity: learning rate ±10%."
    runs = [_run(f"s{i}", lr, notes=notes) for i, lr in enumerate((0.0005, 0.001, 0.002))]
    assert {finding.evidence["group"] for finding in findings_of(RULE, runs)} == {"s0", "s2"}
    right = [_run(f"s{i}", lr, notes=notes) for i, lr in enumerate((0.0009, 0.001, 0.0011))]
    assert findings_of(RULE, right) == []


def test_a_claim_without_a_change_is_told() -> None:
    other = _run("lr_plus10", 0.001)
    runs = [_run("base", 0.001), _run("x2", 0.002), other]
    assert findings_of(RULE, runs) == []  # which of the two is the base is unknown
    runs = [_run("base", 0.001), _run("lr_plus10", 0.0011), _run("lr_minus10", 0.0011)]
    (finding,) = findings_of(RULE, runs)
    assert finding.evidence["group"] == "lr_minus10"


def test_a_setting_that_is_logged_the_same_everywhere_never_arrived() -> None:
    schedule = np.linspace(0.001, 0, 20)
    runs = [_run("a", 0.001, logged=schedule), _run("b", 0.01, logged=schedule, seed=1)]
    (finding,) = findings_of(RULE, runs)
    assert (finding.severity, finding.evidence["steps"]) == ("warning", 20)


def test_right_claims_and_other_percentages_are_left_alone() -> None:
    runs = [
        _run("base", 0.001),
        _run("lr_plus10", 0.0011),
        _run("lr-10%", 0.0009),
        _run("data 10%", 0.002),
        _run("lr-10", 1e-10),
        _run("double lr", 0.002, notes="10% dropout, lr 0.002"),
    ]
    assert findings_of(RULE, runs) == []
    rates = [_run("a", 0.001, logged=[0.001] * 9), _run("b", 0.01, logged=[0.01] * 9)]
    assert findings_of(RULE, rates) == []
    two = [_run(n, r, logged=[5e-4] * 9, lr_head=5e-4) for n, r in (("a", 0.001), ("b", 0.01))]
    assert findings_of(RULE, two) == []


def _batch(name: str, size: int, *, logged: float, seed: int, **config: Any) -> Run:
    curve = falling(20, seed=seed)
    config = {"batch_size": size, **config}
    return made_run(name, seed, config=config, loss=curve, batch_size=[logged] * 20)


@pytest.mark.parametrize(
    ("large", "small"),
    [
        ({"grad_accum": 2}, {"grad_accum": 1}),
        ({"trainer.accumulate_grad_batches": 2}, {}),
        ({"world_size": 8, "num_nodes": 2}, {"world_size": 8, "num_nodes": 1}),
        ({"devices": [0, 1]}, {"devices": [0]}),
        ({}, {}),
    ],
)
@pytest.mark.parametrize("logged", [64, 16])
def test_the_batch_of_one_device_or_step_is_no_contradiction(
    large: dict[str, Any], small: dict[str, Any], logged: int
) -> None:
    runs = [
        _batch("a", 128, logged=logged, seed=0, **large),
        _batch("b", 64, logged=logged, seed=1, **small),
    ]
    assert findings_of(RULE, runs) == []


def test_a_batch_that_no_share_explains_never_arrived() -> None:
    runs = [_batch("a", 96, logged=64, seed=0), _batch("b", 64, logged=64, seed=1)]
    assert [finding.evidence["key"] for finding in findings_of(RULE, runs)] == ["batch_size"]


def test_a_rate_that_is_scaled_with_the_devices_arrived() -> None:
    runs = [
        _run("a", 0.001, logged=[0.004] * 20, num_gpus=4),
        _run("b", 0.002, logged=[0.004] * 20, seed=1, num_gpus=2),
    ]
    assert findings_of(RULE, runs) == []
    ten = [_run("a", 0.01, logged=[0.001] * 20), _run("b", 0.001, logged=[0.001] * 20, seed=1)]
    assert len(findings_of(RULE, ten)) == 1  # a whole multiple, and no batch


@pytest.mark.parametrize(
    "name",
    ["lr_p10pct", "p10pct", "plus_10pct", "1.1x", "x1.1", "lr_x1.1", "1.1x_lr", "base-x1p1", "plus_10pct_lr"],
)
def test_names_of_ten_percent_more_are_held_against_the_value(name: str) -> None:
    (finding,) = findings_of(RULE, [_run("base", 0.001), _run(name, 0.002)])
    assert finding.severity == "warning"
    assert finding.evidence["factor"] == pytest.approx(2)
    assert findings_of(RULE, [_run("base", 0.001), _run(name, 0.0011)]) == []


@pytest.mark.parametrize("name", ["m10pct", "minus10", "minus_10pct", "lr_m10pct", "x0.9", "0.9x"])
def test_names_of_ten_percent_less_are_held_against_the_value(name: str) -> None:
    for value in (0.0005, 0.0011):
        (finding,) = findings_of(RULE, [_run("base", 0.001), _run(name, value)])
        assert finding.evidence["group"] == name
    assert findings_of(RULE, [_run("base", 0.001), _run(name, 0.0009)]) == []


def test_numbers_that_mean_something_else_are_left_alone() -> None:
    pairs = [
        ("lr_minus4", 1e-4, 1e-3),  # an exponent
        ("minus10", 54.0, 64.0),  # ten less
        ("x1.5", 1.5, 4.0),  # the value itself
        ("resnet_2x", 0.003, 0.001),  # two of something
        ("data_p10pct", 0.003, 0.001),  # of the data
        ("p10pct", 0.0001, 0.001),  # ten percent of it
        ("v1.1", 0.003, 0.001),
        ("step10", 0.003, 0.001),
        ("p95", 0.003, 0.001),
        ("mlp_x", 0.003, 0.001),
    ]
    for name, value, base in pairs:
        assert findings_of(RULE, [_run("base", base), _run(name, value)]) == []
    two = [_run("base", 0.001), _run("p10pct", 0.002, dropout=0.3)]
    assert findings_of(RULE, two) == []  # which of the two keys is meant is unknown


def _as_json_lines(folder: Path, lr: float) -> None:
    rows = [{"step": i, "val_loss": float(v)} for i, v in enumerate(falling(20))]
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "config.json").write_text(json.dumps({"lr": lr, "batch_size": 64}))


def _as_lightning(folder: Path, lr: float) -> None:
    rows = [f"{i},{10 * i},{v}" for i, v in enumerate(falling(20))]
    (folder / "metrics.csv").write_text("\n".join(["epoch,step,val_loss", *rows]) + "\n")
    (folder / "hparams.yaml").write_text(f"lr: {lr}\nbatch_size: 64\n")


def _as_hugging_face(folder: Path, lr: float) -> None:
    rows = [{"step": 10 * i, "epoch": float(i), "eval_loss": float(v)} for i, v in enumerate(falling(20))]
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": 190, "log_history": rows}))
    (folder / "config.json").write_text(json.dumps({"learning_rate": lr, "batch_size": 64}))


@pytest.mark.parametrize("write", [_as_json_lines, _as_lightning, _as_hugging_face])
def test_a_sweep_in_folders_named_by_its_claims_is_told(
    write: Callable[[Path, float], None], tmp_path: Path
) -> None:
    for place, lr in (("base", 0.001), ("p10pct", 0.0011), ("x1.1", 0.002), ("m10pct", 0.0009)):
        (tmp_path / place).mkdir()
        write(tmp_path / place, lr)
    (finding,) = load(RULE).find(open_study(tmp_path))
    assert "x1.1" in finding.statement


def test_values_that_never_arrived_are_said_of_every_group() -> None:
    runs = []
    for lr in (1e-3, 3e-3, 1e-2):
        metrics = {"lr": np.full(20, 1e-3), "val_loss": falling(20)}
        runs.append(made_run(f"lr{lr:g}", config={"lr": lr, "model": "mixer"}, metrics=metrics))
    (finding,) = findings_of("sweep_claims", runs)
    assert "3 groups set lr differently" in finding.statement
    assert all(f"{run.group} {run.settings['lr']}" in finding.statement for run in runs)
    assert set(finding.runs) == {run.label for run in runs}


@pytest.mark.parametrize(("factor", "count"), [(37.3, 1), (317.0, 1), (317.3, 1), (32.0, 0), (2048**0.5, 0)])
def test_a_large_factor_is_no_scaling_unless_it_is_whole_or_a_root(factor: float, count: int) -> None:
    rate = factor * 3e-4 * np.linspace(1, 0.01, 40)
    run = made_run("a", config={"lr": 3e-4}, metrics={"lr": rate, "val_loss": falling(40)})
    assert len(findings_of("sweep_claims", [run])) == count
