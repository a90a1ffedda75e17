"""A start of training at step s ends what was logged at s and later before; epochs and late rows are none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest

from ired_diag.open import open_run
from ired_diag.readers import metrics_csv, metrics_jsonl, slurm
from ired_diag.readers.scalar_log import ScalarLog
from ired_diag.runs.history import History, Row, Series, to_jsonl


def written(folder: Path, rows: Iterable[Mapping[str, float]]) -> ScalarLog:
    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return metrics_jsonl.read(path)


def points(log: ScalarLog) -> dict[str, dict[int, float]]:
    series = log.history.series
    return {name: dict(zip(s.steps.tolist(), s.values.tolist(), strict=True)) for name, s in series.items()}


def rules(log: ScalarLog) -> list[str]:
    return [finding.rule for finding in log.findings]


def test_all_metrics_end_where_the_log_starts_again(tmp_path: Path) -> None:
    first = [{"step": s, "loss": 1.0} | ({"val": 2.0} if s % 50 == 0 else {}) for s in range(0, 151, 10)]
    log = written(tmp_path, [*first, *({"step": s, "loss": 3.0} for s in (100, 110, 120))])
    assert points(log) == {
        "loss": {s: 1.0 if s < 100 else 3.0 for s in range(0, 121, 10)},
        "val": {0: 2.0, 50: 2.0},
    }
    assert (log.attempts, rules(log)) == (2, ["log_restarted"])
    assert log.findings[0].evidence["values"] == 8
    assert len(log.points["loss"]) == 19  # nothing is dropped from what was read


def test_two_restarts_each_end_what_stands_before(tmp_path: Path) -> None:
    log = written(tmp_path, [{"step": s, "x": s} for s in (0, 10, 20, 30, 20, 30, 40, 10, 20)])
    assert (list(points(log)["x"]), log.attempts, log.restarts) == ([0, 10, 20], 3, (20, 10))


def test_an_evaluation_that_is_written_late_is_no_restart(tmp_path: Path) -> None:
    rows: list[dict[str, float]] = []
    for step in range(0, 100, 10):
        rows.append({"step": step, "train/loss": 1.0})
        if step % 20 == 0 and step:
            rows.append({"step": step - 10, "val/loss": 2.0})
    log = written(tmp_path, rows)
    assert (len(points(log)["train/loss"]), len(points(log)["val/loss"]), log.findings) == (10, 4, ())


def test_one_row_out_of_order_is_no_restart(tmp_path: Path) -> None:
    log = written(tmp_path, [{"step": s, "x": s} for s in (0, 10, 30, 20, 40, 50)])
    assert (list(points(log)["x"]), log.findings) == ([0, 10, 20, 30, 40, 50], ())


def test_the_best_checkpoint_evaluated_again_at_the_end_is_no_restart(tmp_path: Path) -> None:
    rows = [row for s in range(0, 100, 10) for row in ({"step": s, "loss": 1.0}, {"step": s, "val": 2.0})]
    log = written(tmp_path, [*rows, {"step": 50, "val": 0.5}])
    assert points(log)["val"] == {s: 0.5 if s == 50 else 2.0 for s in range(0, 100, 10)}
    assert rules(log) == ["repeated_steps"]


@pytest.mark.parametrize("counter", ["step", "batch"])
def test_steps_within_epochs_are_counted_through(tmp_path: Path, counter: str) -> None:
    path = tmp_path / "log.csv"
    lines = [f"{epoch},{step},{5 * epoch + step}" for epoch in range(3) for step in range(5)]
    path.write_text("\n".join([f"epoch,{counter},loss", *lines]) + "\n")
    log = metrics_csv.read(path)
    assert points(log)["loss"] == {n: float(n) for n in range(15)}
    assert rules(log) == ["steps_within_epochs"]


def test_a_step_that_counts_through_all_epochs_is_left_as_it_is(tmp_path: Path) -> None:
    log = written(tmp_path, [{"epoch": n // 5, "step": n, "x": n} for n in range(15)])
    assert (list(points(log)["x"]), log.findings) == (list(range(15)), ())


def evaluation(step: int, value: float, label: str = "ID: Validation") -> str:
    head = f"Validation Result @ Iteration {step}; Milestone = 1 ({label})"
    return f"{head}\n---  ---\nmse  {value}\n---  ---\n"


def test_a_requeued_job_ends_what_it_had_logged_before(tmp_path: Path) -> None:
    text = "Job started at Sat Jan 24 00:53:55 EST 2026\n"
    text += "".join(evaluation(s, 1.0) + f"[CD-DIAG step={s + 50}] a=1\n" for s in (100, 200, 300, 400))
    text += "Job started at Sat Jan 24 10:53:55 EST 2026\n" + evaluation(300, 2.0)
    path = tmp_path / "ired_q900_1001.out"
    path.write_text(text)
    attempt = slurm.read(path)
    series = attempt.history.series
    assert series["validation/mse"].values.tolist() == [1.0, 1.0, 2.0]
    assert series["CD-DIAG/a"].steps.tolist() == [150, 250]
    assert (attempt.evaluations, attempt.history.attempts) == (3, 2)
    assert open_run(path).history.last_step == 300


def test_a_table_printed_after_a_later_diagnostic_is_no_restart(tmp_path: Path) -> None:
    path = tmp_path / "ired_q900_1001.out"
    path.write_text("".join(f"[CD-DIAG step={s + 50}] a=1\n" + evaluation(s, 1.0) for s in (100, 200)))
    attempt = slurm.read(path)
    assert attempt.history.attempts == 1
    assert attempt.history.series["CD-DIAG/a"].steps.tolist() == [150, 250]


def test_rows_that_are_stored_and_read_back_hold_the_same_history(tmp_path: Path) -> None:
    path = tmp_path / "ired_q900_1001.out"
    path.write_text(evaluation(10, 1.0) + evaluation(20, 1.0) + evaluation(10, 2.0) + evaluation(15, 3.0))
    attempt = slurm.read(path)
    bar = Series(np.arange(1, 16), np.arange(1.0, 16.0))
    both = attempt.history.joined({"train/loss": bar})
    again = History.of(both.rows())
    assert again == both
    assert to_jsonl(both.rows()).count(b"train/loss") == 15
    assert Row(12, {"train/loss": 12.0}, 2) in both.rows()
