"""Seeds that trained differently and log one validation curve are one piece of evidence, and are named."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import ired_diag as ird
from ired_diag import comparison
from ired_diag.runs.run import Run
from tests.made_runs import falling, findings_of, made_run, made_series

POINTS = 30


def _group(name: str, val_seeds: list[int], *, level: float = 0.1) -> list[Run]:
    """Return a run for each seed of a validation curve; training losses all differ."""
    runs = []
    for seed, val_seed in enumerate(val_seeds):
        val_loss = falling(POINTS, level=level, seed=val_seed)
        train_loss = falling(POINTS, seed=100 + seed)
        metrics = {"val_loss": val_loss, "train_loss": train_loss}
        runs.append(made_run(name, seed, config={"lr": level}, metrics=metrics))
    return runs


HEALTHY = _group("healthy", [10, 11, 12, 13, 14], level=0.11)


def test_five_seeds_with_one_validation_curve_give_no_p_value_and_are_said_first() -> None:
    result = comparison.compare({"a": HEALTHY, "i": _group("i", [7] * 5)}, readout="last")
    (sentence,) = result.left_out
    assert sentence.startswith("i: 4 of 5 seeds were left out as no evidence of their own")
    assert "seed1: that of seed0, while train_loss differs" in sentence
    (pair,) = result.pairs
    assert (math.isnan(pair.p), pair.verdict.decision) == (True, "undecided")
    assert result.groups[1].outcomes.success_rate == 1.0


def test_the_gate_decides_nothing_on_them() -> None:
    answer = ird.gate(
        _group("i", [7] * 8, level=0.01), against=_group("older", list(range(20, 28)), level=0.3)
    )
    assert (answer.decision.verdict, answer.seeds) == ("undecided", ["seed0"])


def test_diagnose_warns_within_a_group() -> None:
    (finding,) = findings_of("identical_curves", [*HEALTHY, *_group("i", [7] * 5)])
    assert finding.severity == "warning"
    assert (finding.evidence["runs"], finding.evidence["evaluations"]) == (5, POINTS)
    same = "val_loss has the same digits at all 30 common evaluations, while train_loss differs"
    assert same in finding.statement


def test_groups_whose_settings_change_only_what_training_logs_are_no_mistake() -> None:
    runs = _group("a", [1, 2, 3])
    for seed, run in enumerate(list(runs)):
        train_loss = made_series(falling(POINTS, seed=200 + seed))
        metrics = {"val_loss": run.history.series["val_loss"], "train_loss": train_loss}
        runs.append(made_run("b", seed, config={"lr": 0.2}, metrics=metrics))
    assert findings_of("identical_curves", runs) == []


def test_two_of_five_count_once() -> None:
    result = comparison.compare({"a": HEALTHY, "b": _group("b", [1, 2, 2, 3, 4])}, readout="last")
    assert result.groups[1].summary.n == 4


ACCURACY = np.round(np.linspace(0.1, 0.9, POINTS), 1)
LATER = np.where(np.arange(POINTS) < POINTS - 1, falling(POINTS, seed=7), 0.05)


@pytest.mark.parametrize(
    "curves",
    [
        {"val_acc": [ACCURACY] * 4},  # few digits meet by chance
        {"val_acc": [np.zeros(POINTS)] * 4},  # none has learnt
        {"val_loss": [falling(POINTS, seed=7), LATER]},  # one evaluation differs
        {"val_loss": [falling(POINTS, seed=7)[:4], falling(POINTS, seed=7)]},  # only the start is shared
        {"train/loss": [falling(POINTS, seed=7)] * 3},  # no validation metric
    ],
    ids=["coarse", "constant", "last differs", "start", "training"],
)
def test_near_misses_are_left_alone(curves: dict[str, list[Any]]) -> None:
    ((metric, values),) = curves.items()
    runs = []
    for seed, curve in enumerate(values):
        other = falling(len(curve), seed=50 + seed)
        runs.append(
            made_run("a", seed, config={"lr": 0.1}, metrics={metric: curve, "train/grad_norm": other})
        )
    assert findings_of("identical_curves", runs) == []
    assert (
        comparison.compare({"a": runs, "b": HEALTHY}, metric=metric).left_out == []
        if metric == "val_loss"
        else True
    )
