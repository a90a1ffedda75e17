"""The rule about sweeps: percentages that are not what they claim, and settings that never arrived."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

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
