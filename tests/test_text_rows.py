"""Whole text logs in the forms of programs that many use: which steps, which metrics, which last values."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest

from ired_diag.errors import UnreadableFile
from ired_diag.open import open_run
from ired_diag.readers import text_log
from ired_diag.runs.run import Run


def run_of(tmp_path: Path, *lines: str, name: str = "train.log") -> Run:
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n")
    return open_run(path)


def points(run: Run, name: str) -> list[tuple[int, float]]:
    series = run.history.series[name]
    return list(zip(series.steps.tolist(), series.values.tolist(), strict=True))


def test_two_counters_of_the_same_steps_are_one(tmp_path: Path) -> None:
    lines = []
    for i in range(0, 40):
        if i % 10 == 0:
            lines.append(f"step {i}: train loss {4 - i / 100}, val loss {5 - i / 100}")
        lines.append(f"iter {i}: loss {3 - i / 100:.2f}, time {200 + i}.00ms")
    run = run_of(tmp_path, *lines)
    assert points(run, "val loss") == [(0, 5.0), (10, 4.9), (20, 4.8), (30, 4.7)]
    assert len(points(run, "loss")) == 40
    assert set(run.history.series) == {"train loss", "val loss", "loss", "time"}


def test_the_finer_of_two_counters_in_one_line_counts(tmp_path: Path) -> None:
    lines = [
        f"Epoch 1 | iter {i} step {i // 4} | loss train: {3 - i / 40:.3f}, val: n/a" for i in range(1, 41)
    ]
    run = run_of(tmp_path, *lines)
    assert len(points(run, "loss train")) == 40
    assert points(run, "step")[-1] == (40, 10.0)


def test_batches_are_counted_through_the_epochs(tmp_path: Path) -> None:
    lines = []
    for epoch in range(3):
        lines += [
            f"Epoch: [{epoch}][{i:3d}/100]\tLoss {7 - epoch - i / 100:.4e} (9.0e+00)"
            for i in range(0, 100, 10)
        ]
        lines += [f"Test: [{i:2d}/20]\tLoss {6 - epoch:.4e} (1.5)" for i in (0, 10)]
        lines.append(f" *   Acc@1 {10 + epoch:.3f} Acc@5 {30 + epoch:.3f}")
    run = run_of(tmp_path, *lines)
    assert [step for step, _ in points(run, "Loss")] == list(range(0, 300, 10))
    assert points(run, "test/Acc@1") == [(90, 10.0), (190, 11.0), (290, 12.0)]
    assert points(run, "test/Loss") == [(90, 1.5), (190, 1.5), (290, 1.5)]  # the mean so far
    assert points(run, "test/Loss of the batch") == [(90, 6.0), (190, 5.0), (290, 4.0)]


def test_lines_without_a_step_belong_to_the_line_before(tmp_path: Path) -> None:
    lines = []
    for epoch in range(1, 4):
        lines += [
            f"Train Epoch: {epoch} [{i}/60000 ({i / 600:.0f}%)]\tLoss: 0.5" for i in range(0, 60000, 6400)
        ]
        lines.append(f"\nTest set: Average loss: {0.1 / epoch:.4f}, Accuracy: {9800 + epoch}/10000 (98%)\n")
    run = run_of(tmp_path, *lines)
    assert [value for _, value in points(run, "test/Accuracy")] == [0.9801, 0.9802, 0.9803]


def test_the_bars_of_keras_are_no_rows_and_their_last_state_is(tmp_path: Path) -> None:
    lines = []
    for epoch in range(1, 6):
        bars = [
            f"{i:3d}/469 [{'=' * (i // 20)}>{'.' * (24 - i // 20)}] - ETA: 1s - loss: 9.0" for i in (1, 100)
        ]
        end = f"469/469 [{'=' * 30}] - 2s 4ms/step - loss: {0.5 / epoch:.4f} - val_loss: {0.6 / epoch:.4f}"
        lines += [f"Epoch {epoch}/5", "\r".join([*bars, end])]
    run = run_of(tmp_path, *lines)
    assert points(run, "val_loss") == [(e, round(0.6 / e, 4)) for e in range(1, 6)]
    assert [value for _, value in points(run, "loss")] == [round(0.5 / e, 4) for e in range(1, 6)]
    assert run.ending.complete


def test_a_box_table_is_one_row_wherever_its_step_stands(tmp_path: Path) -> None:
    lines = []
    for step in range(0, 50, 10):
        rows = {"loss": 1 - step / 100, "samples": (step + 1) * 128, "step": step, "vb": 1e-3}
        lines += ["-" * 28, *(f"| {name:<9} | {value:<9.3g} |" for name, value in rows.items()), "-" * 28]
    run = run_of(tmp_path, *lines, name="log.txt")
    assert points(run, "loss") == [(step, round(1 - step / 100, 3)) for step in range(0, 50, 10)]
    assert points(run, "vb")[-1] == (40, 0.001)


def test_headings_in_a_box_table_are_part_of_the_names(tmp_path: Path) -> None:
    lines = []
    for i in range(1, 4):
        lines += ["-" * 35, "| rollout/           |            |", f"|    ep_rew_mean     | {20.5 + i:<10} |"]
        lines += ["| time/              |            |", f"|    total_timesteps | {i * 2048:<10} |", "-" * 35]
    run = run_of(tmp_path, *lines)
    assert points(run, "rollout/ep_rew_mean") == [(2048, 21.5), (4096, 22.5), (6144, 23.5)]


def test_dictionaries_with_fractions_of_an_epoch_are_counted_in_thousandths(tmp_path: Path) -> None:
    lines = []
    for i in range(1, 31):
        gradient = math.nan if i == 3 else 1.25
        lines.append(str({"loss": round(3 - i / 20, 4), "grad_norm": gradient, "epoch": round(i / 10, 2)}))
        if i % 10 == 0:
            lines.append(str({"eval_loss": round(3.1 - i / 20, 4), "epoch": i / 10}))
    lines.append("{'train_runtime': 100.3, 'train_loss': 1.5, 'epoch': 3.0}")
    run = run_of(tmp_path, *lines)
    assert points(run, "eval_loss") == [(1000, 2.6), (2000, 2.1), (3000, 1.6)]
    assert math.isnan(points(run, "grad_norm")[2][1])
    assert run.ending.complete
    assert any("thousandths" in finding.statement for finding in run.findings)


def test_a_restart_ends_what_was_logged_after_its_step(tmp_path: Path) -> None:
    first = [f"step: {step} loss: {9 - step / 10}" for step in range(0, 60, 10)]
    second = [f"step: {step} loss: {8 - step / 10}" for step in range(30, 50, 10)]
    run = run_of(tmp_path, *first, "Resuming from checkpoint step_30.pt at step 30", *second)
    assert points(run, "loss") == [(0, 9.0), (10, 8.0), (20, 7.0), (30, 5.0), (40, 4.0)]


def test_units_of_time_that_change_are_read_in_seconds(tmp_path: Path) -> None:
    run = run_of(
        tmp_path,
        "step 1 loss 3 dt: 950ms",
        "step 2 loss 2 dt: 1.2s",
        "step 3 loss 1 n: 999K",
        "step 4 n: 1.2M",
    )
    assert points(run, "dt") == [(1, pytest.approx(0.95)), (2, 1.2)]
    assert points(run, "n") == [(3, 999e3), (4, 1.2e6)]


def test_nan_and_infinity_are_data(tmp_path: Path) -> None:
    run = run_of(tmp_path, "step=1 loss=nan", "step=2 loss=inf", "step=3 loss=-inf", "step=4 loss: NaN")
    np.testing.assert_array_equal(
        run.history.series["loss"].values, [math.nan, math.inf, -math.inf, math.nan]
    )


def test_the_death_of_a_job_is_its_ending(tmp_path: Path) -> None:
    lines = [f"step {i}/100 loss {i}" for i in range(5)]
    error = "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"
    traceback = ["Traceback (most recent call last):", '  File "t.py", line 4, in <module>', error]
    assert run_of(tmp_path, *lines, *traceback).ending.cause == "cuda_oom"


def test_the_output_of_a_job_is_read_from_its_lines(tmp_path: Path) -> None:
    lines = ["Job started at Mon Jan  1 10:00:00 UTC 2024", *(f"step {i} val_loss {5 - i}" for i in range(4))]
    run = run_of(tmp_path, *lines, name="gpt_4711.out")
    assert run.format == "slurm"
    assert points(run, "val_loss")[-1] == (3, 2.0)
    assert points(run_of(tmp_path, *lines[1:], name="gpt_4712.out"), "val_loss")[-1] == (3, 2.0)


@pytest.mark.parametrize(
    "lines",
    [
        ["Package   Version", "torch     2.1.0", "lightning==2.1", "loss==1.0"],
        ["Step 1/3 : FROM python:3.8", "Step 2/3 : RUN pip install x==1.0", "Step 3/3 : EXPOSE 80"],
        ["Total params: 11,689,512", "Total mult-adds (G): 1.81", "Estimated size (MB): 44.6"],
        ["We trained 10 epochs.", "Next: step 2, order 5 GPUs: 3000 EUR.", *["A sentence."] * 50],
        ["lr: 0.001", "batch_size: 32", "loss: 0.3"],
    ],
)
def test_texts_that_are_no_logs_are_refused(lines: list[str], tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("\n".join(lines) + "\n")
    assert not text_log.accepts(path)
    with pytest.raises(UnreadableFile, match="not a log of a known format"):
        open_run(path)


def test_steps_of_many_processes_take_no_quadratic_time(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("".join(f"step {i // 2 + 5 * (i % 2)} loss {i}\n" for i in range(100000)))
    start = time.process_time()
    log = text_log.read(path)
    assert time.process_time() - start < 10
    assert len(log.points["loss"]) == 100000
    assert any("go back 49999 times" in note.statement for note in log.notes)


def test_a_line_whose_step_is_no_count_is_skipped_and_counted(tmp_path: Path) -> None:
    steps = ["0", "10", "nan", "30.5", "9" * 40, "40"]
    run = run_of(tmp_path, *(f"step: {step} loss: {k}" for k, step in enumerate(steps)))
    assert points(run, "loss") == [(0, 0.0), (10, 1.0), (40, 5.0)]
    (damage,) = [finding for finding in run.findings if finding.rule == "damaged_records"]
    assert damage.evidence == {"skipped": 3, "first": "line 3, line 4, line 5"}


def test_headings_of_epochs_count_where_a_step_is_rare(tmp_path: Path) -> None:
    lines = ["[03.24.23|09:56:11] Training epoch: 0", "[03.24.23|09:56:12] \tIter 0 Done. | loss: 1.7"]
    for epoch in range(40):
        if epoch:
            lines.append(f"[03.24.23|09:56:31] Training epoch: {epoch}")
        lines.append(f"[03.24.23|09:56:31] \tmean_loss: {2 - epoch / 100}")
        if epoch % 5 == 4:
            lines.append(f"[03.24.23|09:56:51] Eval epoch: {epoch}")
            lines.append(f"[03.24.23|09:58:13] \tmean_loss: {3 - epoch / 100}")
            lines.append(f"[03.24.23|09:58:13] \tTop1: {epoch}.00%")
    run = run_of(tmp_path, *lines)
    assert points(run, "mean_loss")[:2] == [(0, 2.0), (1, 1.99)]
    assert points(run, "eval/mean_loss") == [(epoch, 3 - epoch / 100) for epoch in range(4, 40, 5)]
    assert points(run, "eval/Top1")[-1] == (39, 39.0)


def test_a_log_that_was_emptied_while_it_was_written_begins_with_zeros(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    lines = [f"step {step} | loss {4 - step / 100} | lr 3e-04" for step in range(0, 50, 10)]
    path.write_bytes(b"\0" * 9000 + "\n".join([*lines, ""]).encode())
    assert points(open_run(path), "loss")[0] == (0, 4.0)
    path.write_bytes(b"\0" * 9000 + b"\x01\0\x02\0" * 100)
    assert not text_log.accepts(path)


def test_a_short_last_start_says_how_far_an_earlier_one_came(tmp_path: Path) -> None:
    lines = [f"epoch {epoch} loss {1 / (1 + epoch)}" for epoch in (*range(30), 0, 1)]
    run = run_of(tmp_path, *lines)
    (finding,) = [finding for finding in run.findings if finding.rule == "log_restarted"]
    assert finding.statement.endswith("The last start ends at step 1; an earlier one came to step 29.")
