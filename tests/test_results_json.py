"""Results files: what is read of them, whose they are, and that what a log tells too is told once."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from ired_diag.errors import UnreadableFile
from ired_diag.open import open_run, open_study
from ired_diag.readers.results_json import accepts, read
from ired_diag.runs.job_kind import only_evaluates
from ired_diag.runs.study import Study
from tests.conftest import LogWriter
from tests.test_printed_results import FINAL, STUDY, SUMMARY

LOG = STUDY + FINAL + SUMMARY


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def numbers(study: Study) -> list[tuple[str, str, float | None]]:
    return [(result.model, result.metric, result.value) for result in study.results]


def test_results_nested_by_model_with_nan_null_and_errors_are_read(tmp_path: Path) -> None:
    content = {
        "experiment_name": "q900_ood",
        "config": {"ood": True, "rank": 20, "dataset": "inverse", "learning_rate": 0.1},
        "models": {
            "a": {"mse_mean": 0.2, "mse_std": 0.1, "condition_number_mean": None, "num_samples": 1024},
            "b": {"mse_mean": math.nan, "accuracy": "NaN"},
            "c": {"error": "no such key"},
        },
    }
    path = write(tmp_path / "q900_evaluation_results.json", content)
    assert accepts(path)
    attempt = read(path)
    a, condition, b, accuracy, error = attempt.results
    assert (a.model, a.metric, a.value, a.spread, a.spread_kind) == (
        "a",
        "ood/mse",
        0.2,
        0.1,
        "standard deviation",
    )
    assert (a.n, a.rank, a.dataset, a.ood, a.experiment) == (1024, 20, "inverse", True, "q900_ood")
    assert (condition.metric, condition.value) == ("ood/condition_number", None)
    assert b.value is not None
    assert accuracy.value is not None
    assert math.isnan(b.value)
    assert math.isnan(accuracy.value)
    assert (error.model, error.error) == ("c", "no such key")
    assert only_evaluates(attempt)
    assert (attempt.ending.state, attempt.ending.detail) == ("unexplained", "c: ERROR - no such key")


def test_other_programs_forms_are_read(tmp_path: Path) -> None:
    by_data = read(write(tmp_path / "results.json", {"mse": {"ood": 0.2, "id": 0.01}}))
    assert [(r.metric, r.value) for r in by_data.results] == [("ood/mse", 0.2), ("id/mse", 0.01)]
    means = read(write(tmp_path / "eval.json", {"psnr": {"mean": 23.0, "stderr": 0.4, "n": 100}}))
    (psnr,) = means.results
    assert (psnr.value, psnr.spread, psnr.spread_kind, psnr.n) == (23.0, 0.4, "standard error", 100)
    hugging_face = {
        "epoch": 3.0,
        "eval_loss": 0.4,
        "eval_runtime": 1.5,
        "eval_samples": 408,
        "train_loss": 0.1,
    }
    (loss,) = read(write(tmp_path / "all_results.json", hugging_face)).results
    assert (loss.metric, loss.value, loss.n) == ("eval/loss", 0.4, 408)
    tasks = {"hellaswag": {"alias": "hellaswag", "acc,none": 0.29, "acc_stderr,none": 0.01}}
    harness = {"results": tasks, "n-shot": {"hellaswag": 0}, "config": {"model": "hf"}}
    (acc,) = read(write(tmp_path / "results_2026.json", harness)).results
    assert (acc.dataset, acc.metric, acc.value, acc.spread_kind) == (
        "hellaswag",
        "acc",
        0.29,
        "standard error",
    )
    listed = [{"model": "a", "accuracy": 0.91}, {"model": "b", "accuracy": 0.93}]
    both = read(write(tmp_path / "scores.json", {"results": listed})).results
    assert [(r.model, r.value) for r in both] == [("a", 0.91), ("b", 0.93)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("train_results.json", '{"train_loss": 0.1}'),
        ("result.json", '{"training_iteration": 1, "loss": 0.1}'),
        ("results.json", '{"step": 1, "loss": 0.1}\n{"step": 2, "loss": 0.1}'),
        ("results.json", "[1, 2]"),
        ("settings.json", '{"accuracy": 0.1}'),
    ],
)
def test_rows_of_training_and_settings_are_no_results_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert not accepts(tmp_path / name)


def test_a_file_without_a_measure_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no number by the name of a known measure"):
        read(write(tmp_path / "results.json", {"epoch": 3, "seconds": 4.0}))


@pytest.mark.parametrize(
    "place", ["q900_ood_results.json", "out/q900_ood_results.json", "eval_4242_results.json"]
)
def test_a_file_is_the_log_s_that_names_it_or_is_named_as_it(tmp_path: Path, place: str) -> None:
    (tmp_path / "eval_4242.out").write_text(LOG)
    write(
        tmp_path / place, {"q800_full": {"mse_mean": 0.21314112, "mse_std": 0.08128433, "num_samples": 1024}}
    )
    study = open_study(tmp_path)
    (evaluation,) = study.evaluations
    assert numbers(study) == [("q800_full", "ood/mse", 0.21314112), ("q800_full", "ood/solved", 0.0)]
    mse = evaluation.results[0]
    assert (mse.n, mse.spread, mse.spread_kind) == (1024, 0.08128433, "standard deviation")
    assert mse.where.startswith("eval_4242.out:")
    assert [path.name for path in evaluation.sources] == ["eval_4242.out", Path(place).name]


def test_the_file_of_each_seed_goes_to_its_job_and_a_doubtful_one_to_none(tmp_path: Path) -> None:
    for seed in (0, 1):
        text = LOG.replace("out/q900", f"out/seed_{seed}/q900").replace("0.213141", f"0.2{seed}")
        (tmp_path / f"eval_4242_{seed}.out").write_text(text)
        write(
            tmp_path / f"out/seed_{seed}/q900_ood_results.json",
            {"q800_full": {"mse": 0.2 + seed / 100 + 1e-4}},
        )
    write(tmp_path / "elsewhere/q900_ood_results.json", {"q800_full": {"mse": 0.5}})
    sources = {a.path.name: len(a.sources) for a in open_study(tmp_path).evaluations}
    assert sources == {"eval_4242_0.out": 2, "eval_4242_1.out": 2, "q900_ood_results.json": 1}


def test_a_number_that_disagrees_with_the_log_is_kept_beside_it(tmp_path: Path) -> None:
    (tmp_path / "eval_4242.out").write_text(LOG)
    write(tmp_path / "q900_ood_results.json", {"q800_full": {"mse": 0.99}})
    assert ("q800_full", "ood/mse", 0.99) in numbers(open_study(tmp_path))
    assert ("q800_full", "ood/mse", 0.213141) in numbers(open_study(tmp_path))


def test_a_file_completes_a_log_that_just_stops(tmp_path: Path) -> None:
    (tmp_path / "eval_4242.out").write_text(STUDY)
    write(tmp_path / "eval_4242_results.json", {"q800_full": {"mse": 0.25}})
    study = open_study(tmp_path)
    assert numbers(study) == [("q800_full", "ood/mse", 0.25)]
    assert study.evaluations[0].ending.complete


def test_an_error_in_the_file_is_an_error_of_the_job(tmp_path: Path) -> None:
    (tmp_path / "eval_4242.out").write_text(LOG)
    write(tmp_path / "q900_ood_results.json", {"other": {"error": "boom"}})
    (evaluation,) = open_study(tmp_path).evaluations
    assert evaluation.ending.detail == "other: ERROR - boom"


def test_a_results_file_next_to_the_only_table_of_a_folder_belongs_to_that_run(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("step,val_loss\n1,0.5\n2,0.4\n3,0.3\n")
    write(tmp_path / "test_results.json", {"test_acc": 0.97})
    run = open_run(tmp_path)
    assert [(r.metric, r.value) for r in run.results] == [("test/acc", 0.97)]
    assert run.history.last_step == 3


def test_a_results_file_in_a_results_folder_does_not_hide_its_metrics(
    tmp_path: Path, write_log: LogWriter
) -> None:
    write(tmp_path / "results/experiment_config.json", {"experiment_name": "q900_x", "seed": 1})
    (tmp_path / "results/metrics.csv").write_text("step,val_loss\n1,0.5\n2,0.4\n")
    write(tmp_path / "results/results.json", {"test_mse": 0.5})
    run = open_run(tmp_path / "results")
    assert run.history.last_step == 2
    assert [r.metric for r in run.results] == ["test/mse"]
