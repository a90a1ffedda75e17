"""Rules about values and about runs next to each other do no harm on odd configurations and histories."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ired_diag.runs.history import History
from tests.made_runs import falling, findings_of, made_run

RULES = (
    "chance_level",
    "dead_run",
    "evaluation_samples",
    "failed_setting",
    "idle_clip",
    "impossible_values",
    "logged_cosine",
    "lone_baseline",
    "repeated_seed",
    "rounding_floor",
    "seed_camps",
    "setting_slip",
    "sweep_claims",
)
ODD: tuple[dict[str, Any] | None, ...] = (
    None,
    {},
    {
        "rank": [20],
        "lr": {"a": 1},
        "num_classes": "ten",
        "max_grad_norm": [1.0],
        "seed": None,
        "baseline_mse": math.nan,
    },
    {
        "rank": math.nan,
        "lr": math.inf,
        "num_classes": -3,
        "max_grad_norm": -1,
        "batch_size": True,
        "seed": 1e9,
    },
    {"rank": 10**400, "lr": 5e-324, "vocab_size": 10**30, "notes": ["lr +10%"], "output_dim": 0},
    {"notes": "lr ±±10%% plus plus 10 lr_plus" * 300, "lr": 0.1, "name": 3},
)


@pytest.mark.parametrize("rule", RULES)
def test_odd_configurations_and_histories_do_no_harm(rule: str) -> None:
    odd: Any = [np.nan, np.inf, -np.inf, 0.0, 1e308, -1e308, 5e-324]
    for values in (falling(12), odd, [np.nan] * 12, [0.0] * 12, [1.0], []):
        metrics = dict.fromkeys(
            ("val_loss", "val_acc", "grad_norm", "diag/cos", "diag/mse", "val_r2"), values
        )
        runs = [
            made_run(
                f"g{i}", seed, config=config, metrics=metrics, provenance={"git_commit": seed, "host": None}
            )
            for i, config in enumerate(ODD)
            for seed in (0, 1)
        ]
        findings = findings_of(rule, runs)
        assert all(finding.rule == rule and finding.statement for finding in findings)
    empty = [made_run("a", config=config) for config in ODD]
    assert all(run.history == History({}) for run in empty)
    assert findings_of(rule, empty[:1]) == []
