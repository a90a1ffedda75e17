"""The rule about results at chance: by definition of the metric, and never without the number of classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.runs.evaluation_result import EvaluationResult
from tests.made_runs import falling, findings_of, made_run

RULE = "chance_level"
NOISE = 0.0005 * np.random.default_rng(0).standard_normal(20)


@pytest.mark.parametrize(
    ("metric", "level", "config"),
    [
        ("val_r2", -0.2, {}),
        ("eval_auroc", 0.5, {}),
        ("val_acc", 0.1, {"num_classes": 10}),
        ("val_acc", 10.0, {"model.num_classes": 10}),
        ("val_nll", np.log(10), {"num_classes": 10}),
        ("eval_perplexity", 50_300.0, {"vocab_size": 50_257}),
    ],
)
def test_a_complete_run_at_chance_is_a_warning(metric: str, level: float, config: dict[str, Any]) -> None:
    run = made_run("a", config=config, metrics={metric: level * (1 + NOISE)})
    (finding,) = findings_of(RULE, [run])
    assert (finding.severity, finding.evidence["metric"]) == ("warning", metric)
    assert findings_of(RULE, [replace(run, ending=replace(run.ending, state="cut_off"))]) == []


def test_noise_around_chance_is_no_success_and_the_accuracy_counts_next_to_the_loss() -> None:
    noisy = 0.1 + 0.004 * np.random.default_rng(1).standard_normal(40)
    run = made_run("a", config={"num_classes": 10}, val_loss=falling(40), val_acc=noisy)
    (finding,) = findings_of(RULE, [run])
    assert finding.evidence["metric"] == "val_acc"


@pytest.mark.parametrize(("metric", "severity"), [("test/r2", "warning"), ("ood/r2", "note")])
def test_an_evaluation_at_chance_is_told_by_where_it_was_made(metric: str, severity: str) -> None:
    result = EvaluationResult(metric=metric, value=-0.01, source=Path("eval.out"), line=7)
    run = replace(made_run("a", loss=falling(20)), results=(result,))
    (finding,) = findings_of(RULE, [run])
    assert finding.severity == severity
    assert "eval.out:7" in finding.statement


def test_what_beats_chance_or_may_is_left_alone() -> None:
    runs = [
        made_run("good", config={"num_classes": 10}, val_acc=1 - falling(20)),
        made_run("percent", config={"num_classes": 1000}, val_acc=70 * (1 - falling(20, level=0.01))),
        made_run("unknown", config={}, val_acc=0.1 + NOISE),
        made_run("hard", config={"num_classes": 10}, val_acc=0.13 + NOISE),
        made_run("late", val_r2=np.linspace(-5, 0.9, 20)),
        made_run("rising", val_r2=np.linspace(-50, 0.3, 60)),
        made_run("lost", val_r2=[*np.linspace(-5, 0.9, 15), *[0.0] * 5]),
        made_run("slow", config={"num_classes": 10}, val_acc=0.1 + 0.0005 * np.arange(20) + NOISE),
        made_run("few", val_r2=[-0.1, -0.2]),
        made_run("rl", config={"num_classes": 10}, rollout__ep_rew_mean=-20 + NOISE),
        made_run("value", val_loss=3 + NOISE, train__explained_variance=NOISE, config={"num_classes": 10}),
        made_run("nan", val_r2=[np.nan] * 20),
    ]
    assert findings_of(RULE, runs) == []
