"""Results that evaluations print: the study's own lines, those of common programs, and what is none."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ired_diag.readers.measure_names import measure_name
from ired_diag.readers.printed_results import Printed, is_evaluation_log, read_results
from ired_diag.runs.evaluation_result import EvaluationResult, as_json, from_json

STUDY = """\
Configuration:
{"experiment_name": "q900_ood", "evaluation_mode": true, "rank": 20, "ood": true, "dataset": "inverse",
 "target_mse_threshold": 0.001, "num_test_samples": 1024, "model_checkpoints": ["a/q800_full/model-9.pt"]}

====================
Evaluating: q900_ood
====================
Difficulty: ood=True, rank=20
  Input dimension: 400, Output dimension: 400

Evaluating model: q800_full
  Loading checkpoint from: a/q800_full/model-9.pt
  ✓ Loaded 32 EMA parameters from milestone checkpoint
  Running evaluation with diffusion sampling...
    num_opt_steps type: <class 'int'>, value: 10
    Batch 5: current MSE = 0.212333
    Batch 10: current MSE = 0.212295
"""
FINAL = "  ✓ MSE: 0.213141 ± 0.081284\n  ✓ % Solved (MSE<0.01): 0.0%\n"
SUMMARY = """
Saving results to: out/q900_ood_results.json

====================
Evaluation Summary: q900_ood
====================

q800_full:
  MSE: 0.213141 ± 0.081284
  % Solved: 0.0%
"""


def read(text: str) -> Printed:
    return read_results(text.encode(), Path("eval_1.out"))


def told(text: str) -> list[tuple[str, float | None, str]]:
    return [(result.metric, result.value, result.unit) for result in read(text).results]


def test_an_evaluation_of_the_study_is_read_with_all_that_its_lines_say() -> None:
    printed = read(STUDY + FINAL + SUMMARY)
    mse, solved = printed.results
    assert (mse.metric, mse.value, mse.spread, mse.spread_kind) == ("ood/mse", 0.213141, 0.081284, "")
    assert (mse.model, mse.checkpoint) == ("q800_full", "a/q800_full/model-9.pt")
    assert (mse.experiment, mse.dataset, mse.rank, mse.ood, mse.n) == ("q900_ood", "inverse", 20, True, None)
    assert mse.line == 1 + (STUDY + FINAL).split("\n").index("  ✓ MSE: 0.213141 ± 0.081284")
    assert (solved.metric, solved.value, solved.unit, solved.note) == ("ood/solved", 0.0, "%", "MSE<0.01")
    assert printed.saved_to == ("out/q900_ood_results.json",)
    assert printed.is_whole


def test_a_running_value_counts_only_where_no_final_one_follows() -> None:
    printed = read(STUDY)
    (result,) = printed.results
    assert (result.metric, result.value, result.batches) == ("ood/mse", 0.212295, 10)
    assert result.partial
    assert not printed.is_whole
    assert not any(result.partial for result in read(STUDY + FINAL).results)


def test_an_error_in_place_of_a_result_is_a_result_of_that_model() -> None:
    end = "q800_full: ERROR - no such key\n"
    printed = read(STUDY + FINAL + "  ✗ ERROR: no such key\n" + SUMMARY.partition("q800_full:")[0] + end)
    errors = [(result.model, result.error) for result in printed.results if result.error]
    assert errors == [("q800_full", "no such key")]
    assert [result.value for result in printed.results if not result.error] == [0.213141, 0.0]


def test_several_models_and_several_configurations_stay_apart() -> None:
    second = STUDY.replace("q900_ood", "q900_id").replace('true, "dataset', 'false, "dataset')
    second = second.replace("ood=True", "ood=False").replace("q800_full", "q801_half")
    printed = read(STUDY + FINAL + second + FINAL.replace("0.213141", "0.0098"))
    found = [(r.experiment, r.model, r.metric, r.value) for r in printed.results if r.measure == "mse"]
    assert found == [
        ("q900_ood", "q800_full", "ood/mse", 0.213141),
        ("q900_id", "q801_half", "id/mse", 0.0098),
    ]


@pytest.mark.parametrize(
    ("line", "metric", "value", "unit"),
    [
        ("Test accuracy: 93.2%", "test/accuracy", 93.2, "%"),
        ("Final test loss = 0.0123", "test/loss", 0.0123, ""),
        ("OOD MSE: 0.265", "ood/mse", 0.265, ""),
        ("Out-of-distribution MSE = 2.65e-1", "ood/mse", 0.265, ""),
        ("2026-03-02 10:11:12,345 - INFO - Test F1: 0.91", "test/f1", 0.91, ""),
        ("INFO:root:held-out accuracy: 0.5", "heldout/accuracy", 0.5, ""),
        ("[INFO|trainer.py:3] 2026-03-02 10:00:00,123 >> test_loss = 0.5", "test/loss", 0.5, ""),
        ("Test: loss=0.12, lr=0.1", "test/loss", 0.12, ""),
        ("{'test_accuracy': 0.86, 'test_runtime': 1.55}", "test/accuracy", 0.86, ""),
        ("Accuracy of the network on the 10000 test images: 55 %", "test/accuracy", 55.0, "%"),
        ("✓ PSNR: 23.1 dB ± 0.4", "psnr", 23.1, "dB"),
        ("PSNR: 23.1 +/- 0.4", "psnr", 23.1, ""),
        (" *   Acc@1 76.130", "acc@1", 76.13, "%"),
        (" Average Precision  (AP) @[ IoU=0.50:0.95 | area= all ] = 0.376", "ap", 0.376, ""),
    ],
)
def test_a_line_that_says_so_itself_is_a_result(line: str, metric: str, value: float, unit: str) -> None:
    assert told(f"{line}\n") == [(metric, value, unit)]


def test_the_published_examples_of_other_programs_are_read() -> None:
    assert told("Test set: Average loss: 0.0265, Accuracy: 9921/10000 (99%)\n") == [
        ("test/loss", 0.0265, ""),
        ("test/accuracy", 99.21, "%"),
    ]
    hugging_face = "***** eval metrics *****\n  eval_accuracy = 0.8603\n  eval_runtime = 0:00:01.55\n"
    (result,) = read(f"{hugging_face}  eval_samples = 408\n").results
    assert (result.metric, result.value, result.n) == ("eval/accuracy", 0.8603, 408)


def test_tables_are_read_in_three_forms() -> None:
    markdown = "Evaluation results\n| metric | value |\n|---|---|\n| mse | 0.1 |\n| lr | 3 |\n"
    assert told(markdown) == [("mse", 0.1, "")]
    lightning = "┃ Test metric ┃ DataLoader 0 ┃\n┡━━━╇━━━┩\n│ test_acc │ 0.97570 │\n└───┴───┘\n"
    assert told(lightning) == [("test/acc", 0.9757, "")]
    by_model = (
        "=== Test results (mean ± std) ===\n| model | MSE |\n|---|---|\n| a | 0.2 ± 0.1 |\n| b | 0.3 |\n"
    )
    rows = [(r.model, r.value, r.spread, r.spread_kind) for r in read(by_model).results]
    assert rows == [("a", 0.2, 0.1, "standard deviation"), ("b", 0.3, None, "")]
    header = "|Tasks|n-shot|Metric|   |Value| |Stderr|\n|---|---|---|---|---|---|---|\n"
    harness = f"{header}|arc|0|acc|↑|0.43|± |0.01|\n|   |0|acc_norm|↑|0.39|± |0.02|\n"
    rows2 = [(r.dataset, r.metric, r.value, r.spread_kind) for r in read(harness).results]
    assert rows2 == [("arc", "acc", 0.43, "standard error"), ("arc", "acc_norm", 0.39, "standard error")]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("OOD MSE: 0.2 ± 0.1\n", ""),
        ("OOD MSE: 0.2 ± 0.1 (std)\n", "standard deviation"),
        ("OOD MSE (mean ± s.e.m.): 0.2 ± 0.1\n", "standard error"),
        ("OOD MSE: 0.2 ± 0.1 (95% CI)\n", "confidence interval"),
        ("OOD MSE: 0.2 (std 0.1, n=1024)\n", "standard deviation"),
        ("OOD MSE: 0.2\nOOD MSE std: 0.1\n", "standard deviation"),
    ],
)
def test_what_a_spread_is_is_unknown_unless_the_text_says_it(text: str, kind: str) -> None:
    (result,) = read(text).results
    assert (result.value, result.spread, result.spread_kind) == (0.2, 0.1, kind)


def test_what_is_not_a_number_stays_what_it_is() -> None:
    nan, absent = read("Test results:\n  MSE: nan ± nan\n  accuracy: None\n").results
    assert nan.value is not None
    assert math.isnan(nan.value)
    assert (absent.metric, absent.value) == ("test/accuracy", None)
    assert absent.words == "test/accuracy not measured"


@pytest.mark.parametrize(
    "text",
    [
        "Epoch 3: train loss 0.2, test accuracy: 0.93\n",
        "Epoch 3: loss 0.2\nValidation loss: 0.34\n",
        "Epoch 3: loss 0.2\nBest val loss: 0.34\n",
        "[DIAG step=100] mse_pos=0.999 test=0.1\n",
        "step:3225/3225 val_loss:3.27 train_time:513.8s step_avg:159.33ms\n",
        "{'loss': 0.39, 'grad_norm': 0.86, 'epoch': 1.55}\n{'eval_loss': 0.39, 'epoch': 1.55}\n",
        "Running Evaluation...\nValidation Result @ Iteration 9; Milestone = 1 (Train)\n---\nmse  0.1\n---\n",
        "Test accuracy target: 0.95\nTest time: 3.2s\nTest learning rate: 0.1\nTest batch size: 64\n",
        "Testing whether the disk is full: 12\nTest seed: 3\n",
        "Test accuracy: pending\n",
        "✓ Loaded 32 parameters\n✓ Model built (timesteps=10)\n",
        "***** train metrics *****\n  train_loss = 0.1\n",
    ],
)
def test_lines_of_training_settings_and_times_are_no_results(text: str) -> None:
    assert told(text) == []


def test_a_half_written_last_line_is_not_read() -> None:
    assert told("Test accuracy: 93.2%\nTest loss: 0.0") == [("test/accuracy", 93.2, "%")]


def test_results_without_a_model_are_all_kept_and_a_test_after_every_epoch_counts_once() -> None:
    seeds = "Seed 0\nTest accuracy: 0.91\nSeed 1\nTest accuracy: 0.92\n"
    assert [value for _, value, _ in told(seeds)] == [0.91, 0.92]
    epochs = "Epoch 1: loss 0.3\nTest accuracy: 0.91\nEpoch 2: loss 0.2\nTest accuracy: 0.92\n"
    assert [value for _, value, _ in told(epochs)] == [0.92]


def test_each_checkpoint_that_is_loaded_names_its_model() -> None:
    text = "Loading checkpoint from x/q1/model-1.pt\nTest MSE: 0.1\nLoading checkpoint from x/q2/model-1.pt\n"
    assert [(r.model, r.value) for r in read(f"{text}Test MSE: 0.2\n").results] == [("q1", 0.1), ("q2", 0.2)]


@pytest.mark.parametrize(
    ("line", "batch"),
    [
        ("Batch 30: current MSE = 0.21", 30),
        ("[30/100] running mse: 0.21", 30),
        ("Processed batch 30/100, running MSE: 0.21", 30),
        ("batch 30/100 | mse so far: 0.21", 30),
    ],
)
def test_running_values_are_known_by_their_counter(line: str, batch: int) -> None:
    (result,) = read(f"Evaluating q1\n{line}\n").results
    assert (result.measure, result.value, result.batches) == ("mse", 0.21, batch)


def test_a_bar_named_evaluating_begins_no_evaluation_and_a_process_s_rank_is_no_matrix_s() -> None:
    text = "Test results (rank=3 of 8)\nOOD MSE: 0.2\nEvaluating: 100%|████| 50/50 [00:10<00:00, 5it/s]\n"
    printed = read(text)
    assert printed.is_whole
    assert [(r.value, r.rank) for r in printed.results] == [(0.2, None)]


def test_a_long_line_of_a_progress_bar_is_read_in_no_time() -> None:
    bar = b"".join(b"step %d loss: 0.1 test it/s\r" % i for i in range(20_000))
    assert read_results(b"Test accuracy: 0.9\n" + bar + b"\n", Path("x.err")).trains


def test_a_text_file_is_an_evaluation_log_by_its_name_and_its_lines(tmp_path: Path) -> None:
    for name, text, expected in (
        ("run.log", "Test accuracy: 0.9\n", True),
        ("eval_3.txt", "x\n" * 100_000 + "Test accuracy: 0.9\n", True),
        ("notes.txt", "Test accuracy: 0.9\n", False),
        ("train.log", "epoch 1 loss 0.3\nTest accuracy: 0.9\n", False),
    ):
        (tmp_path / name).write_text(text)
        assert is_evaluation_log(tmp_path / name) is expected


def test_a_name_is_split_into_data_measure_and_role() -> None:
    name = measure_name("eval_acc_stderr,none")
    assert name is not None
    assert (name.metric, name.spread_kind) == ("eval/acc", "standard error")
    assert [measure_name(text) for text in ("train loss", "batch size", "loss_weight", "lr", "")] == [
        None
    ] * 5


def test_a_result_comes_back_from_json_as_it_was() -> None:
    result = EvaluationResult(
        metric="ood/mse", value=0.2, spread=0.1, ood=False, n=3, source=Path("a"), line=7
    )
    assert from_json(as_json(result)) == result
    error = EvaluationResult(metric="", value=None, error="boom", source=Path("a"))
    assert from_json(as_json(error)) == error
