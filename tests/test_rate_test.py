"""Range tests of the learning rate: their loss is meant to explode, and that is no divergence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.finding import Finding
from ired_diag.forensics import diagnose
from ired_diag.open import open_study
from ired_diag.runs.rate_test import rate_test_of
from ired_diag.runs.study import Study
from tests.made_runs import made_run

STEPS = 100
RATES = 1e-7 * 10 ** (np.arange(STEPS) * 8 / (STEPS - 1))  # 1e-7 to 10, as fastai and Lightning do


def _loss(rates: Any, seed: int = 0) -> Any:
    """Return the loss of a range test: flat, down where the rate is useful, and then it explodes."""
    gained = 1.5 / (1 + (1e-4 / rates) ** 1.5)
    noise = np.exp(0.01 * np.random.default_rng(seed).standard_normal(len(rates)))
    return (2.3 - gained + (rates / 0.3) ** 3) * noise


def _serious(findings: list[Finding]) -> list[str]:
    return [finding.statement for finding in findings if finding.severity != "note"]


@pytest.mark.parametrize("ending", ["large", "nan", "inf"])
@pytest.mark.parametrize("name", ["lr", "train/learning_rate", "lr-SGD"])
def test_a_range_test_is_a_note_however_it_explodes(name: str, ending: str) -> None:
    loss = _loss(RATES)
    if ending != "large":
        loss[-5:] = float(ending)
    found = diagnose(Study.of([made_run("lr_find", metrics={"train_loss": loss, name: RATES})]))
    assert _serious(found) == []
    assert any("range test" in finding.statement for finding in found)


def test_a_divergence_under_any_other_schedule_stays_an_error() -> None:
    loss = _loss(RATES)
    schedules = {
        "constant": np.full(STEPS, 1e-3),
        "warmup": np.linspace(1e-6, 1e-2, STEPS),
        "cosine": 1e-3 * (1 + np.cos(np.linspace(0, np.pi, STEPS))),
        "decay": RATES[::-1],
        "small rise": 1e-3 * 1.02 ** np.arange(STEPS),
    }
    for name, rates in schedules.items():
        run = made_run(name, metrics={"train_loss": loss, "lr": rates})
        assert rate_test_of(run) is None
        assert any("diverged" in statement for statement in _serious(diagnose(Study.of([run]))))
    assert _serious(diagnose(Study.of([made_run("silent", train_loss=loss)])))


def _as_csv(folder: Path, loss: Any) -> None:
    rows = [f"{i},{rate},{value}" for i, (rate, value) in enumerate(zip(RATES, loss, strict=True))]
    (folder / "metrics.csv").write_text("\n".join(["step,lr,train_loss", *rows]) + "\n")


def _as_json_lines(folder: Path, loss: Any) -> None:
    rows = [
        {"step": i, "train/lr": r, "train/loss": v} for i, (r, v) in enumerate(zip(RATES, loss, strict=True))
    ]
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _as_hugging_face(folder: Path, loss: Any) -> None:
    rows = [
        {"step": i + 1, "epoch": i / 100, "learning_rate": r, "loss": v}
        for i, (r, v) in enumerate(zip(RATES, loss, strict=True))
    ]
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": STEPS, "log_history": rows}))


@pytest.mark.parametrize("write", [_as_csv, _as_json_lines, _as_hugging_face])
def test_strangers_range_tests_are_not_accused(write: Callable[[Path, Any], None], tmp_path: Path) -> None:
    write(tmp_path, _loss(RATES, seed=3).tolist())
    study = open_study(tmp_path)
    assert len(study.runs) == 1
    assert _serious(diagnose(study)) == []
