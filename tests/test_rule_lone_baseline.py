"""The rule about baselines of one number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ired_diag.runs.run import Run
from tests.made_runs import falling, findings_of, made_run

RULE = "lone_baseline"


def _group(name: str, n: int, **config: Any) -> list[Run]:
    return [made_run(name, s, config={"lr": 0.1, **config}, val_loss=falling(30, seed=s)) for s in range(n)]


@pytest.mark.parametrize("name", ["baseline", "q1_baseline_run", "vanilla-adam", "control"])
def test_one_run_of_a_baseline_beside_many_others_is_a_note(name: str) -> None:
    (finding,) = findings_of(RULE, [*_group(name, 1), *_group("ours", 10), *_group("theirs", 3)])
    assert (finding.severity, finding.evidence["group"], finding.evidence["seeds"]) == ("note", name, 10)
    assert finding.evidence["times_standard_error"] == pytest.approx(np.sqrt(11))


def test_the_standard_error_grows_as_told() -> None:
    rng, n, sd = np.random.default_rng(0), 10, 2.0
    differences = rng.normal(0, sd, (20_000, n)).mean(axis=1) - rng.normal(0, sd, 20_000)
    assert differences.std() / (sd / np.sqrt(n)) == pytest.approx(np.sqrt(n + 1), rel=0.02)


def test_a_configured_number_of_a_baseline_is_a_note() -> None:
    (finding,) = findings_of(
        RULE, [*_group("a", 3, baseline_mse=0.0096), *_group("b", 3, baseline_mse=0.0096)]
    )
    assert (finding.severity, finding.evidence["value"], finding.evidence["groups"]) == ("note", 0.0096, 2)


def test_baselines_with_seeds_and_single_runs_are_left_alone() -> None:
    assert findings_of(RULE, [*_group("baseline", 3), *_group("ours", 10)]) == []
    assert findings_of(RULE, [*_group("baseline", 1), *_group("base", 3), *_group("ours", 10)]) == []
    assert findings_of(RULE, [*_group("baseline", 1), *_group("ours", 1), *_group("other", 2)]) == []
    assert findings_of(RULE, [*_group("database", 1), *_group("ours", 10)]) == []
    assert findings_of(RULE, _group("a", 3, use_baseline=True, baseline_lr=0.1)) == []
