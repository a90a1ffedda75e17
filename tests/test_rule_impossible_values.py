"""The rule about impossible values: what no accuracy, R², p value or mean can be, and what only looks odd."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.runs.evaluation_result import EvaluationResult
from tests.made_runs import falling, findings_of, made_run

RULE = "impossible_values"
RISING = 1 - falling(20, level=0.02, noise=0.02)


@pytest.mark.parametrize(
    ("metric", "value"),
    [("val_acc", 100.7), ("eval/r2", 1.2), ("p_value", 1.4), ("cos_sim", -1.3), ("val_mse", -0.01)],
)
def test_a_value_beyond_its_limits_is_an_error_with_value_and_step(metric: str, value: float) -> None:
    base = RISING * (100 if value > 100 else 1)
    values = np.where(np.arange(20) == 7, value, np.abs(base))
    (finding,) = findings_of(RULE, [made_run("a", metrics={metric: values})])
    assert (finding.severity, finding.evidence["value"], finding.evidence["step"]) == ("error", value, 800)
    assert finding.evidence["impossible"] == 1


def test_an_accuracy_just_above_one_is_an_error_only_where_its_sisters_are_fractions() -> None:
    over = made_run("a", val_acc=RISING + 0.06)
    assert findings_of(RULE, [over]) == []
    (finding,) = findings_of(RULE, [over, made_run("b", val_acc=RISING)])
    assert (finding.severity, finding.evidence["group"]) == ("error", "a")
    (finding,) = findings_of(RULE, [made_run("a", val_acc=RISING + 0.06, train_acc=RISING)])
    assert finding.evidence["metric"] == "val_acc"


def test_percent_in_one_run_and_fractions_in_another_are_two_scales() -> None:
    runs = [made_run("a", val_acc=100 * RISING), made_run("b", val_acc=RISING)]
    (finding,) = findings_of(RULE, runs)
    assert (finding.severity, finding.evidence["in_percent"], finding.evidence["in_fractions"]) == (
        "warning",
        1,
        1,
    )


@pytest.mark.parametrize(("share", "severity"), [(1.0, "warning"), (0.2, "note")])
def test_a_mean_above_its_maximum_is_told_by_how_often(share: float, severity: str) -> None:
    high = falling(20)
    mean = np.where(np.arange(20) < 20 * share, high * 1.1, high * 0.9)
    run = made_run("a", rollout__rew_mean=mean, rollout__rew_min=high * 0.5, rollout__rew_max=high)
    (finding,) = findings_of(RULE, [run])
    assert (finding.severity, finding.evidence["share"]) == (severity, share)


def test_odd_but_possible_values_are_left_alone() -> None:
    low = 0.01 * (1 + np.arange(20) / 19)
    healthy: list[dict[str, Any]] = [
        {"val_acc": 100 * low, "train_acc": 100 * low * 1.01},  # 1 to 2 percent
        {"val_acc": 60 * low},  # 0.6 to 1.2 percent
        {"val_r2": -50 * falling(20)},
        {"acc_loss": 3 * RISING, "neg_mse": -falling(20), "log_prob": -falling(20), "loss": -RISING},
        {"x_mean": RISING, "x_min": RISING, "x_max": RISING},
        {"val_acc": RISING, "test_acc5": np.minimum(1, RISING + 0.02)},
        {
            "eval/mean_reward": 200 * RISING,
            "train/value_loss": 40 * falling(20),
            "explained_variance": -RISING,
        },
        {
            "d_loss": falling(20) - 3,
            "g_loss": -falling(20),
            "kappa": 1e6 * RISING,
            "fp_precision": [16.0] * 20,
        },
        {"val_acc": [*RISING[:-1], np.nan], "val_f1": [*RISING[:-1], 1.0]},
    ]
    for metrics in healthy:
        run = made_run("a", metrics=metrics)
        assert findings_of(RULE, [run]) == []


def test_a_share_that_failed_in_one_run_is_no_second_scale() -> None:
    runs = [made_run("a", val_acc=100 * RISING), made_run("b", val_acc=np.full(20, 0.9))]
    assert findings_of(RULE, runs) == []


@pytest.mark.parametrize(
    ("metric", "value", "unit", "accused"),
    [
        ("test/accuracy", 104.2, "%", True),
        ("test/accuracy", 93.0, "%", False),
        ("test/accuracy", 104.2, "", True),
        ("test/accuracy", 1.2, "", False),
        ("ood/r2", 1.4, "", True),
        ("test/psnr", 31.0, "dB", False),
    ],
)
def test_a_printed_result_is_held_against_its_limits(
    metric: str, value: float, unit: str, accused: bool
) -> None:
    result = EvaluationResult(metric=metric, value=value, unit=unit, source=Path("e.out"), line=3)
    run = replace(made_run("a", loss=falling(20)), results=(result,))
    assert [finding.severity for finding in findings_of(RULE, [run])] == ["error"] * accused


def test_a_share_below_one_half_is_in_fractions_where_it_is_a_hundredth_all_along() -> None:
    rise = 1 - 0.8 * np.exp(-np.arange(20) / 5)
    percent = made_run("a", metrics={"segm/AP": 40 * rise})
    (finding,) = findings_of("impossible_values", [percent, made_run("b", metrics={"segm/AP": 0.37 * rise})])
    assert "in percent by 1 run" in finding.statement
    assert "in fractions by 1" in finding.statement


def test_a_run_at_chance_next_to_percentages_is_not_in_fractions() -> None:
    rise = 1 - np.exp(-np.arange(1, 21) / 5)
    chance = 0.1 + 0.3 * np.random.default_rng(0).uniform(size=20)
    runs = [made_run("a", val_acc=0.1 + 40 * rise), made_run("b", val_acc=chance)]
    assert findings_of("impossible_values", runs) == []
