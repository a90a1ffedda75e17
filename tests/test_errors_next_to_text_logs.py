"""A text log's end is what its error stream says, or its own last words; prose is no log."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.folder_survey import LONE_ERRORS, survey
from ired_diag.open import open_study
from ired_diag.readers import text_log
from ired_diag.runs.ending import Ending

OUT_OF_MEMORY = (
    "Traceback (most recent call last):\n"
    '  File "train.py", line 10, in <module>\n    main()\n'
    "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n"
)


def _rows(count: int, planned: int | None = None) -> str:
    total = "" if planned is None else f"/{100 * planned}"
    lines = [
        f"step {100 * k}{total}: loss={1 / k + 0.3:.4f} val_loss={1 / k + 0.5:.4f}" for k in range(1, count)
    ]
    return "\n".join(lines) + "\n"


def _ending(folder: Path) -> Ending:
    (run,) = open_study(folder).runs
    return run.ending


@pytest.mark.parametrize("name", ["slurm-7.out", "train.log", "train.txt", "job_8.out"])
@pytest.mark.parametrize("planned", [None, 40])
def test_a_crash_in_the_error_stream_is_how_the_run_ended(
    tmp_path: Path, name: str, planned: int | None
) -> None:
    log = tmp_path / name
    log.write_text(_rows(9, planned))
    before = _ending(tmp_path)
    assert before.state == ("unknown" if planned is None else "cut_off")
    log.with_suffix(".err").write_text(OUT_OF_MEMORY)
    after = _ending(tmp_path)
    assert (after.failed, after.cause) == (True, "cuda_oom")
    assert log.with_suffix(".err").name in after.detail


def test_warnings_in_the_error_stream_end_no_run(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text(_rows(9, 8))
    (tmp_path / "train.err").write_text("UserWarning: lr_scheduler.step() was called early\n")
    assert _ending(tmp_path).complete


def test_a_log_that_says_training_is_complete_is_complete_unless_rows_follow(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text(_rows(9) + "Training complete\n")
    assert _ending(tmp_path).complete
    log.write_text(_rows(9) + "Training complete\n" + _rows(5))
    assert _ending(tmp_path).state == "unknown"


def test_an_error_stream_without_a_log_is_counted_and_its_failure_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.log").write_text(_rows(9))
    (tmp_path / "a.err").write_text("")
    (tmp_path / "slurm-77.err").write_text(OUT_OF_MEMORY)
    assert survey(tmp_path).kinds == {"text_log": 1, LONE_ERRORS: 1}
    monkeypatch.chdir(tmp_path)
    said = "1 .err file without a log reports a failure (slurm-77.err: cuda_oom)."
    assert said in CliRunner().invoke(main, []).output
    assert said in CliRunner().invoke(main, ["diagnose", "."]).output


def test_inferred_and_open_endings_keep_their_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(2):
        (tmp_path / f"a_seed{seed}.log").write_text(_rows(9))
    (tmp_path / "a_seed2.log").write_text(_rows(6, 40))
    monkeypatch.chdir(tmp_path)
    words = "2 complete (inferred), 1 running or cut off"
    assert f"How they ended: {words}." in CliRunner().invoke(main, []).output
    assert f"runs: {words}" in CliRunner().invoke(main, ["diagnose", "."]).output


PROSE = {
    "README.txt": "- epoch 10: loss 0.35\n- epoch 20: loss 0.25\n- epoch 30: loss 0.22\n",
    "notes.txt": "We saw loss 0.5 at step 100.\nWe saw loss 0.4 at step 200.\nThen loss 0.3 at step 300.\n",
    "summary.txt": (
        "In 2021 we trained for 100 epochs. The loss was 0.35 after epoch 10.\n"
        "Later the loss fell to 0.25 at epoch 20 and 0.22 at epoch 30.\n"
        "At step 1000 the loss is 0.5, at step 2000 the loss is 0.4.\n"
    ),
}
LOGS = {
    "terse.txt": "epoch 1 loss 0.9\nepoch 2 loss 0.7\n",
    "wordy.log": "".join(f"After epoch {k} the loss is {1 / k:.3f}.\n" for k in range(1, 6)),
    "readout.log": "step 1: loss=0.9\nstep 2: loss=0.7\n",
}


@pytest.mark.parametrize("name", PROSE)
def test_prose_with_numbers_is_no_run(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(PROSE[name])
    assert open_study(tmp_path).runs == ()
    assert survey(tmp_path).kinds == {}


@pytest.mark.parametrize("name", LOGS)
def test_short_and_wordy_logs_are_still_logs(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(LOGS[name])
    assert text_log.accepts(tmp_path / name)
