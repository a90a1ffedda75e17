"""The rule about learning rates that are 0 in every row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.forensics import load
from ired_diag.open import open_study
from ired_diag.runs.run import Run
from tests.made_runs import falling, findings_of, made_run

RULE = "zero_learning_rate"
FLAT = 2.3 + 0.01 * np.random.default_rng(0).standard_normal(20)


def _run(
    loss: Any,
    rate: float = 1e-4,
    key: str = "learning_rate",
    *,
    rates: dict[str, Any] | None = None,
    **more: Any,
) -> Run:
    return made_run("a", config={key: rate}, metrics={"train_loss": loss, **(rates or {}), **more})


@pytest.mark.parametrize("key", ["learning_rate", "lr", "optimizer.lr", "train.learning_rate"])
@pytest.mark.parametrize("name", ["lr", "train/learning_rate", "lr-AdamW", "lr-AdamW/pg1"])
def test_a_rate_of_0_in_all_rows_next_to_a_flat_loss_is_a_warning(key: str, name: str) -> None:
    (finding,) = findings_of(RULE, [_run(FLAT, key=key, rates={name: np.zeros(20)})])
    assert (finding.severity, finding.evidence["key"], finding.evidence["metric"]) == ("warning", key, name)


def test_a_loss_that_comes_down_makes_it_a_note_unless_no_format_rounds_the_rate_away() -> None:
    (small,) = findings_of(RULE, [_run(falling(20), lr=np.zeros(20))])
    (large,) = findings_of(RULE, [_run(falling(20), rate=0.1, lr=np.zeros(20))])
    assert (small.severity, large.severity) == ("note", "warning")


def test_warm_ups_schedules_frozen_groups_and_silence_are_left_alone() -> None:
    zeros, ramp = np.zeros(20), np.linspace(0, 1e-4, 20)
    runs = [
        _run(FLAT, lr=ramp),
        _run(FLAT, lr=ramp[::-1]),
        _run(FLAT, rates={"lr-AdamW/pg1": zeros, "lr-AdamW/pg2": ramp}),
        _run(FLAT, rate=0.0, lr=zeros),
        _run(FLAT),
        _run(FLAT[:4], lr=zeros[:4]),
        _run(FLAT, lr=np.full(20, np.nan)),
        _run(FLAT, lr_scale=zeros, lr=ramp),
    ]
    assert findings_of(RULE, runs) == []


Rates = list[float]


def _hugging_face(folder: Path, rates: Rates) -> None:
    rows = [
        {"step": 10 * (i + 1), "loss": float(FLAT[i]), "learning_rate": rate} for i, rate in enumerate(rates)
    ]
    state = {"global_step": 200, "max_steps": 200, "log_history": rows}
    (folder / "trainer_state.json").write_text(json.dumps(state))
    (folder / "config.json").write_text(json.dumps({"learning_rate": 5e-5}))


def _lightning(folder: Path, rates: Rates) -> None:
    lines = ["epoch,lr-Adam,step,train_loss"]
    for i, rate in enumerate(rates):
        lines += [f",{rate},{10 * i},", f"0,,{10 * i},{FLAT[i]}"]
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n")
    (folder / "hparams.yaml").write_text("lr: 0.001\nbatch_size: 32\n")


def _json_lines(folder: Path, rates: Rates) -> None:
    rows = [{"step": 10 * (i + 1), "train/loss": FLAT[i], "optim/lr": rate} for i, rate in enumerate(rates)]
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "config.yaml").write_text("optim:\n  lr: 0.0003\n")


@pytest.mark.parametrize("write", [_hugging_face, _lightning, _json_lines])
def test_strangers_files_are_told_at_0_and_left_alone_with_a_schedule(
    write: Callable[[Path, Rates], None], tmp_path: Path
) -> None:
    for name, rates, count in (("zero", [0.0] * 20, 1), ("ramp", [1e-5 * i for i in range(20)], 0)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, rates)
        told = list(load(RULE).find(open_study(tmp_path / name)))
        assert [finding.severity for finding in told] == ["warning"] * count
