"""The rule about final values that are rounding: of printing, and of arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.made_runs import falling, findings_of, made_run

RULE = "rounding_floor"


def test_a_loss_printed_in_steps_of_a_third_of_itself_is_a_note() -> None:
    values = np.round(falling(50, level=0.0003, noise=0.02), 4)
    (finding,) = findings_of(RULE, [made_run("a", val_loss=values)])
    assert (finding.severity, finding.evidence["unit"]) == ("note", 1e-4)
    assert "±17%" in finding.statement


def test_gradient_descent_to_the_end_of_float64_rests_at_its_floor() -> None:
    x, losses = np.array([1.3, -0.7]), []
    scale = np.array([1.0, 3.0])
    for _ in range(400):
        losses.append(float((scale * (x - 0.1) ** 2).sum()))
        x = x - 0.2 * 2 * scale * (x - 0.1) / 2
    (finding,) = findings_of(RULE, [made_run("a", loss=losses)])
    assert finding.severity == "note"
    assert float(finding.evidence["fallen_to"] or 0) < 1e-25


def test_healthy_ends_are_left_alone() -> None:
    falls: Any = 10.0 ** -np.linspace(0, 14, 60)
    runs = [
        made_run("falls", loss=falls),
        made_run("printed", val_loss=np.round(falling(50), 3)),
        made_run("count", collisions=np.round(falling(50, level=1.0))),
        made_run("accuracy", val_acc=np.round(1 - falling(50, level=1e-4), 4)),
        made_run("error", top1_acc=np.round(falling(50, level=1e-4), 4)),
        made_run("negative", loss=falling(50) - 3),
        made_run("nan", loss=[*falling(20), np.nan]),
        made_run("low from the start", val_loss=np.round(falling(50, level=3e-5, noise=0.1), 4)),
    ]
    assert findings_of(RULE, runs) == []
