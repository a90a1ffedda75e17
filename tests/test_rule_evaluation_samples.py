"""The rule about evaluation samples: only what strictly follows from counts and batches is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.forensics import load
from ired_diag.open import open_study
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.run import Run
from tests.made_runs import falling, findings_of, made_run

RULE = "evaluation_samples"


def _found(config: dict[str, Any], **told: Any) -> list[tuple[str, Any]]:
    result = EvaluationResult(metric="test/mse", value=0.1, source=Path("e.out"), line=3, **told)
    run = replace(made_run("a", config=config, loss=[1.0, 0.5]), results=(result,))
    return [(finding.severity, finding.evidence["used"]) for finding in findings_of(RULE, [run])]


@pytest.mark.parametrize(
    ("config", "told", "used"),
    [
        ({"num_test_samples": 1024}, {"n": 512}, 512),
        ({"num_test_samples": 1024}, {"n": 5632}, 5632),
        ({"max_eval_samples": 100}, {"n": 5632}, 5632),
        ({"num_test_samples": 1024, "batch_size": 256}, {"last_batch": 36725, "batches": 36725}, 36724),
        ({"num_test_samples": 1024}, {"last_batch": 4880}, 4879),
        ({"num_eval_samples": 10_000, "eval_batch_size": 100}, {"last_batch": 20}, 2000),
    ],
)
def test_other_numbers_of_samples_are_warnings(config: dict[str, Any], told: Any, used: int) -> None:
    assert _found(config, **told) == [("warning", used)]


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"num_test_samples": 1024}, {"n": 1024}),
        ({"num_test_samples": 1024}, {}),
        ({"max_eval_samples": 10_000}, {"n": 5632}),
        ({"num_eval_samples": 10_000, "eval_batch_size": 100}, {"last_batch": 20, "batches": 20}),
        ({"num_eval_samples": 10_000, "eval_batch_size": 100}, {"last_batch": 95}),
        ({"num_test_samples": 1024, "batch_size": 1}, {"last_batch": 1024}),
        ({"num_test_samples": True, "batch_size": 256}, {"n": 5}),
        ({"batch_size": 256}, {"n": 5}),
        ({}, {"n": 5}),
    ],
)
def test_what_may_be_as_configured_is_left_alone(config: dict[str, Any], told: Any) -> None:
    assert _found(config, **told) == []


def test_the_archives_evaluations_used_thousands_of_times_what_they_were_told(shared: Path) -> None:
    found = list(load(RULE).find(open_study(shared / "ired_logs_2")))
    (finding,) = found
    assert (finding.evidence["groups"], finding.evidence["configured"]) == ("q224, q225, q242", 1024)
    assert (finding.evidence["last_batch"], finding.severity) == (36725, "warning")


def _logged(group: str, samples: int, seed: int = 0, **config: Any) -> Run:
    metrics = {"val/loss": falling(12, seed=seed), "val/num_samples": np.full(12, samples)}
    return made_run(group, seed, config={"lr": 0.1, **config}, metrics=metrics)


def test_one_seed_that_logs_fewer_samples_than_its_siblings_is_a_warning() -> None:
    runs = [_logged("a", 500 if seed == 3 else 5000, seed) for seed in range(5)]
    (finding,) = findings_of(RULE, runs)
    assert (finding.severity, finding.evidence["used"], finding.evidence["usual"]) == ("warning", 500, 5000)
    assert "seed3" in finding.statement


def test_groups_that_state_the_same_data_are_siblings_and_silence_is_a_note() -> None:
    stated = [_logged(f"g{i}", 100 if i == 2 else 5000, dataset="cifar10") for i in range(4)]
    silent = [_logged(f"g{i}", 100 if i == 2 else 5000) for i in range(4)]
    assert [finding.severity for finding in findings_of(RULE, stated)] == ["warning"]
    assert [finding.severity for finding in findings_of(RULE, silent)] == ["note"]


def test_other_data_parts_on_request_and_few_siblings_are_left_alone() -> None:
    tasks = [_logged(f"t{i}", 400 if i == 2 else 870, task_name=f"t{i % 3}") for i in range(4)]
    assert findings_of(RULE, tasks) == []
    asked = [_logged("a", 5000, seed) for seed in range(4)]
    assert findings_of(RULE, [*asked, _logged("b", 500, limit_val_batches=0.1)]) == []
    assert findings_of(RULE, [_logged("a", 5000), _logged("a", 500, 1), _logged("a", 5000, 2)]) == []
    assert findings_of(RULE, [_logged("a", 4990 if seed == 3 else 5000, seed) for seed in range(5)]) == []
    various = [_logged("a", 1000 * (1 + seed), seed) for seed in range(5)]
    assert findings_of(RULE, various) == []


def _as_results_file(folder: Path, samples: int) -> None:
    told = {"epoch": 3.0, "eval_accuracy": 0.9, "eval_loss": 0.3, "eval_samples": samples}
    (folder / "eval_results.json").write_text(json.dumps(told))


def _as_json_lines(folder: Path, samples: int) -> None:
    curve = falling(12, seed=sum(map(ord, folder.name)))
    rows = [{"step": i, "val/loss": float(v), "val/num_samples": samples} for i, v in enumerate(curve)]
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _as_lightning(folder: Path, samples: int) -> None:
    curve = falling(12, seed=sum(map(ord, folder.name)))
    rows = [f"{i},{10 * i},{v},{float(samples)}" for i, v in enumerate(curve)]
    (folder / "metrics.csv").write_text("\n".join(["epoch,step,val_loss,val_samples", *rows]) + "\n")


@pytest.mark.parametrize("write", [_as_results_file, _as_json_lines, _as_lightning])
@pytest.mark.parametrize("form", ["run_seed{}", "seed{}"])
def test_one_of_five_strangers_evaluations_on_fewer_samples_is_told(
    write: Callable[[Path, int], None], form: str, tmp_path: Path
) -> None:
    for study, odd in (("fewer", 128), ("same", 872)):
        for seed in range(5):
            place = tmp_path / study / form.format(seed)
            place.mkdir(parents=True)
            write(place, odd if seed == 2 else 872)
    (finding,) = load(RULE).find(open_study(tmp_path / "fewer"))
    assert finding.evidence["used"] == 128
    assert list(load(RULE).find(open_study(tmp_path / "same"))) == []
