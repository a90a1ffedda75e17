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
