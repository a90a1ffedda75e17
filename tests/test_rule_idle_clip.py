"""The rule about clipping that never clips: what it says, and the runs that do clip."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ired_diag.runs.run import Run
from tests.made_runs import falling, findings_of, made_run

RULE = "idle_clip"


def _run(name: str, clip: float | None, norms: Any, key: str = "max_grad_norm", **config: Any) -> Run:
    return made_run(name, config={"lr": 0.1, key: clip, **config}, loss=falling(60), train__grad_norm=norms)


@pytest.mark.parametrize("key", ["max_grad_norm", "gradient_clip_val", "train.gradient_clip"])
def test_norms_far_below_the_threshold_are_a_note(key: str) -> None:
    (finding,) = findings_of(RULE, [_run("a", 1.0, falling(60, level=0.004), key)])
    assert (finding.severity, finding.evidence["norms"]) == ("note", 60)
    assert "fewer than 5%" in finding.statement


def test_two_thresholds_that_never_clip_are_a_warning_about_their_comparison() -> None:
    runs = [_run("a", 1.0, falling(60, level=0.004)), _run("b", 5.0, falling(60, level=0.004, seed=1))]
    (finding,) = findings_of(RULE, runs)
    assert (finding.severity, finding.evidence["other_group"]) == ("warning", "b")
    other = _run("b", 5.0, falling(60, level=0.004, seed=1), lr=0.2)
    assert {finding.severity for finding in findings_of(RULE, [runs[0], other])} == {"note"}


def test_runs_that_clip_or_may_clip_are_left_alone() -> None:
    norms = falling(60, level=1.0)
    runs = [
        _run("clips", 5.0, norms),
        _run("after", 1.0, np.minimum(norms, 1.0)),
        _run("nearly", 30.0, norms),
        _run("few", 100.0, norms[:10]),
        _run("none", None, norms),
        _run("off", 0.0, norms),
        _run("by value", 100.0, norms, "gradient_clip_val", gradient_clip_algorithm="value"),
        _run("nan", 100.0, np.where(np.arange(60) > 50, np.nan, norms)),
        _run("layer", 100.0, norms[:0]),
    ]
    assert findings_of(RULE, runs) == []
