"""Endings: a log for each way in which a job ends, as SLURM, bash, Python, argparse and click write it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ired_diag.readers import slurm
from ired_diag.readers.slurm_ending import find_ending
from ired_diag.runs.ending import LABELS, Ending, State

LogWriter = Callable[..., Path]

TRACEBACK = 'Traceback (most recent call last):\n  File "train.py", line 46, in main\n    step(x)\n'
IGNORED = "Exception ignored in: <function Pool.__del__ at 0x7f>\n" + TRACEBACK + "AttributeError: late\n"
STEPD = "slurmstepd: error: *** JOB 123 ON node17 CANCELLED AT 2026-01-24T02:00:00"
BAR = "loss: 0.07 loss_denoise: 0.06:   8%|▊         | 8000/100000 [05:36<57:46, 26.54it/s]\r"
ANSI_BAR = "running:   0%|          | 21/39063 [00:02<49:14, 13.21it/s]\x1b[A\r"

Case = tuple[str, State, str]  # what the job wrote at its end, how it ended, the line that says so


def told(ending: Ending) -> tuple[State, str]:
    return ending.state, ending.detail


CASES: dict[str, Case] = {
    "python": (TRACEBACK + "ValueError: shapes differ\n", "traceback", "ValueError: shapes differ"),
    "bare exception": (TRACEBACK + "AssertionError\n", "traceback", "AssertionError"),
    "dotted exception": (TRACEBACK + "torch.cuda.CudaError: x\n", "traceback", "torch.cuda.CudaError: x"),
    "argparse": (
        "usage: train.py [-h] [--config CONFIG]\ntrain.py: error: unrecognized arguments: --seed 5\n",
        "argument_error",
        "train.py: error: unrecognized arguments: --seed 5",
    ),
    "argparse, missing": (
        "usage: train.py [-h] --config CONFIG\n"
        "train.py: error: the following arguments are required: --config\n",
        "argument_error",
        "train.py: error: the following arguments are required: --config",
    ),
    "argparse, value": (
        "train.py: error: argument --seed: invalid int value: 'x'\n",
        "argument_error",
        "train.py: error: argument --seed: invalid int value: 'x'",
    ),
    "click": (
        "Usage: train [OPTIONS]\nTry 'train --help' for help.\n\nError: No such option: --sead\n",
        "argument_error",
        "Error: No such option: --sead",
    ),
    "click, missing": (
        "Usage: train [OPTIONS]\n\nError: Missing option '--config'.\n",
        "argument_error",
        "Error: Missing option '--config'.",
    ),
    "click, value": (
        "Error: Invalid value for '--seed': 'x' is not a valid integer.\n",
        "argument_error",
        "Error: Invalid value for '--seed': 'x' is not a valid integer.",
    ),
    "no such configuration": (
        TRACEBACK + "FileNotFoundError: [Errno 2] No such file or directory: 'q102.json'\n",
        "file_not_found",
        "FileNotFoundError: [Errno 2] No such file or directory: 'q102.json'",
    ),
    "no such script": (
        "python: can't open file '/tmp/train.py': [Errno 2] No such file or directory\n",
        "file_not_found",
        "python: can't open file '/tmp/train.py': [Errno 2] No such file or directory",
    ),
    "oom kill": (
        "/var/slurmd/slurm_script: line 54: 3630465 Killed                  python train.py\n"
        "[2026-02-19T04:37:54.275] error: Detected 2 oom_kill events in StepId=6.batch.\n",
        "out_of_memory",
        "[2026-02-19T04:37:54.275] error: Detected 2 oom_kill events in StepId=6.batch.",
    ),
    "oom kill, older": (
        "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=6.batch cgroup.\n",
        "out_of_memory",
        "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=6.batch cgroup.",
    ),
    "gpu memory": (
        TRACEBACK + "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB.\n",
        "out_of_memory",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB.",
    ),
    "python's memory": (TRACEBACK + "MemoryError\n", "out_of_memory", "MemoryError"),
    "time limit": (f"{STEPD} DUE TO TIME LIMIT ***\n", "time_limit", f"{STEPD} DUE TO TIME LIMIT ***"),
    "cancelled": (f"{STEPD} ***\n", "cancelled", f"{STEPD} ***"),
    "preempted": (f"{STEPD} DUE TO PREEMPTION ***\n", "cancelled", f"{STEPD} DUE TO PREEMPTION ***"),
    "interrupted": (TRACEBACK + "KeyboardInterrupt\n", "cancelled", "KeyboardInterrupt"),
    "killed": (
        "/var/slurmd/slurm_script: line 54: 3630465 Killed                  python train.py\n",
        "killed",
        "/var/slurmd/slurm_script: line 54: 3630465 Killed python train.py",
    ),
    "crashed": (
        "slurm_script: line 5: 77 Segmentation fault      (core dumped) python train.py\n",
        "killed",
        "slurm_script: line 5: 77 Segmentation fault (core dumped) python train.py",
    ),
}


@pytest.mark.parametrize(("err", "state", "detail"), CASES.values(), ids=CASES)
def test_the_err_file_tells_the_cause(write_log: LogWriter, err: str, state: State, detail: str) -> None:
    assert told(slurm.read(write_log(1001, err=err, complete=False)).ending) == (state, detail)


@pytest.mark.parametrize(("text", "state", "detail"), CASES.values(), ids=CASES)
def test_both_streams_in_one_file_tell_the_same(
    write_log: LogWriter, text: str, state: State, detail: str
) -> None:
    path = write_log(1001, complete=False)
    path.write_text(path.read_text() + text)
    assert told(slurm.read(path).ending) == (state, detail)


def test_a_shell_complaint_is_a_cause_only_as_the_last_word_of_a_job_that_never_trained() -> None:
    complaint = b"slurm_script: line 9: pyhton: command not found\n"
    assert find_ending(b"Job ID: 7\n", complaint).cause == "shell"
    assert find_ending(b"Job ID: 7\n", complaint + b"loading modules\n").state == "cut_off"
    assert find_ending(b"Training for 9 steps...\n", complaint).state == "cut_off"


@pytest.mark.parametrize("subject", ["Fix CUDA out of memory in q203", "Retry jobs CANCELLED AT night"])
def test_what_a_commit_speaks_of_is_no_cause(subject: str) -> None:
    out = f"Repository info:\nabc1234 {subject}\nTraining for 9 steps...\n"
    assert find_ending(out.encode(), b"") == Ending("cut_off")


def test_a_traceback_behind_a_progress_bar_is_found() -> None:
    err = " 8%|x| 10/100 [00:01<00:02, 1.2it/s]" + TRACEBACK + "ValueError: bad\n"
    assert told(find_ending(b"Training for 9 steps...\n", err.encode())) == ("traceback", "ValueError: bad")


@pytest.mark.parametrize(
    ("err", "state"),
    [
        ("srun: error: node17: task 0: Killed\n", "killed"),
        ("Error: Option '--seed' requires an argument.\n", "argument_error"),
        ("Error: No such command 'x'.\n", "argument_error"),
        ('  File "train.py", line 3\n    def f(:\n          ^\nSyntaxError: invalid syntax\n', "traceback"),
        (TRACEBACK + "torch.distributed.ChildFailedError:\n", "traceback"),
    ],
)
def test_causes_in_other_words_are_known(err: str, state: State) -> None:
    ending = find_ending(b"Job ID: 7\n", err.encode())
    assert ending.state == state
    assert ending.detail in err.replace("  ", " ")


@pytest.mark.parametrize("bar", [BAR, ANSI_BAR, BAR + ANSI_BAR], ids=["bar", "ansi bar", "two bars"])
@pytest.mark.parametrize("case", ["time limit", "cancelled", "killed", "oom kill", "no such script"])
def test_a_progress_bar_before_the_message_is_not_part_of_it(
    write_log: LogWriter, bar: str, case: str
) -> None:
    text, state, detail = CASES[case]
    path = write_log(1001, err=bar + text, complete=False)
    assert told(slurm.read(path).ending) == (state, detail)


def test_progress_bars_alone_are_no_cause() -> None:
    assert find_ending(b"Training for 10 steps...\n", (BAR * 5).encode()) == Ending("cut_off")


@pytest.mark.parametrize("err", [None, ""])
def test_training_that_printed_its_last_line_is_complete(write_log: LogWriter, err: str | None) -> None:
    assert slurm.read(write_log(1001, err=err)).ending == Ending("complete")


@pytest.mark.parametrize("err", [None, "", "UserWarning: slow\n"])
def test_a_log_that_just_stops_is_running_or_cut_off(write_log: LogWriter, err: str | None) -> None:
    ending = slurm.read(write_log(1001, err=err, complete=False)).ending
    assert (ending, ending.label) == (Ending("cut_off"), "running or cut off")


@pytest.mark.parametrize(("err", "state", "detail"), CASES.values(), ids=CASES)
def test_complete_wins_over_a_later_error_and_keeps_it_as_the_detail(
    write_log: LogWriter, err: str, state: State, detail: str
) -> None:
    assert state != "complete"
    assert told(slurm.read(write_log(1001, err=err)).ending) == ("complete", f"then: {detail}")


@pytest.mark.parametrize(
    "last", ["Cleaning up work directory...", "Experiment completed at Sat Jan 24 02:32:02 EST 2026"]
)
def test_a_script_that_ended_without_training_to_the_end_ended_without_a_reason(
    write_log: LogWriter, last: str
) -> None:
    path = write_log(1001, complete=False)
    path.write_text(f"{path.read_text()}{last}\n")
    ending = slurm.read(path).ending
    assert ending.state == "unexplained"
    assert ending.detail == "the script reached its end without finishing training"
    assert ending.label == "ended without a reason in the files"


def test_an_error_that_the_script_reported_itself_is_the_detail_of_its_end() -> None:
    out = b"q230: ERROR - Unrecognized checkpoint format.\nCleaning up work directory...\n"
    assert find_ending(out, None) == Ending("unexplained", "q230: ERROR - Unrecognized checkpoint format.")


def test_the_training_lines_of_the_script_do_not_make_a_job_complete() -> None:
    out = b"Training completed!\nnot training complete\nCleaning up work directory...\n"
    assert find_ending(out, None).state == "unexplained"


@pytest.mark.parametrize(
    "last",
    [
        "Training completed successfully",
        "[INFO] Training finished in 3h 20m",
        "2026-01-02 10:00:00 Finished training.",
        "`Trainer.fit` stopped: `max_steps=1000` reached.",
    ],
)
def test_other_programs_say_in_their_own_words_that_training_is_over(last: str) -> None:
    log = f"Job started at noon\nstep 10 loss 0.5\n{last}\n".encode()
    assert find_ending(log, None).state == "complete"
    caught = b"Traceback (most recent call last):\nModuleNotFoundError: No module named 'wandb'\n"
    assert find_ending(caught + log, None).state == "complete"


def test_an_epoch_that_is_over_is_no_end_of_training() -> None:
    assert find_ending(b"Training complete: epoch\n", None).state == "complete"  # the study's own words
    assert (
        find_ending(b"Finished training epoch 3\nTraining done for epoch 4, loss 3\n", None).state
        == "cut_off"
    )


def test_a_cancellation_of_a_job_that_started_once_is_its_end() -> None:
    out = b"Job started at noon\nLoading configuration from: a.json\n[X-DIAG step=1] a=1\n"
    err = b"slurmstepd: error: *** JOB 610 ON n1 CANCELLED AT 2026-11-28T10:22:31 DUE TO TIME LIMIT ***\n"
    assert find_ending(out, err).state == "time_limit"


@pytest.mark.parametrize(
    "last",
    [
        "script.sh: line 12: SEEDS: unbound variable",
        "fatal: not a git repository",
        "bash: conda: command not found",
    ],
)
def test_the_last_error_line_after_training_began_is_quoted(last: str) -> None:
    out = b"Job started at noon\nTraining for 10 steps\n[X-DIAG step=1] a=1\n"
    ending = find_ending(out, f"{last}\n".encode())
    assert last in ending.detail


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_an_ignored_exception_is_no_cause(newline: str) -> None:
    assert find_ending(b"", IGNORED.replace("\n", newline).encode()) == Ending("cut_off")


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_traceback_beside_an_ignored_exception_is_the_cause(order: str) -> None:
    parts = [IGNORED, TRACEBACK + "ValueError: real\n"]
    err = "".join(parts if order == "before" else parts[::-1])
    assert told(find_ending(b"", err.encode())) == ("traceback", "ValueError: real")


def test_the_last_exception_of_a_chain_is_the_cause() -> None:
    link = "\nDuring handling of the above exception, another exception occurred:\n\n"
    err = f"{TRACEBACK}KeyError: 'first'\n{link}{TRACEBACK}RuntimeError: second\n"
    assert told(find_ending(b"", err.encode())) == ("traceback", "RuntimeError: second")


def test_a_traceback_that_was_cut_is_still_a_traceback() -> None:
    assert find_ending(b"", TRACEBACK.encode()).state == "traceback"


@pytest.mark.parametrize(
    ("cases", "state"),
    [
        (("cancelled", "time limit"), "time_limit"),
        (("python", "time limit"), "time_limit"),
        (("python", "oom kill"), "out_of_memory"),
        (("cancelled", "oom kill"), "out_of_memory"),
        (("interrupted", "cancelled"), "cancelled"),
        (("killed", "python"), "traceback"),
        (("killed", "cancelled"), "cancelled"),
    ],
)
def test_of_two_causes_the_one_that_explains_the_other_is_told(cases: tuple[str, str], state: State) -> None:
    texts = [CASES[case][0] for case in cases]
    for err in ("".join(texts), "".join(reversed(texts))):
        assert find_ending(b"", err.encode()).state == state


def test_the_err_file_is_asked_before_the_out_file() -> None:
    out, err = CASES["killed"][0].encode(), CASES["python"][0].encode()
    assert find_ending(out, err).state == "traceback"
    assert find_ending(out, b"").state == "killed"


def test_the_last_message_of_a_kind_is_the_detail() -> None:
    err = b"line 5: 77 Killed   python a.py\nline 9: 78 Killed   python b.py\n"
    assert told(find_ending(b"", err)) == ("killed", "line 9: 78 Killed python b.py")


def test_a_long_detail_keeps_its_beginning_and_no_control_characters() -> None:
    message = "\x1b[31m" + "x" * 1000 + " the end"
    detail = find_ending(b"", f"{TRACEBACK}ValueError: {message}\n".encode()).detail
    assert len(detail) == 301
    assert detail.startswith("ValueError: x")
    assert detail.endswith("x…")
    short = find_ending(b"", f"{TRACEBACK}ValueError: \x1b[31mred\x07\n".encode()).detail
    assert short == "ValueError: red"


def test_every_cause_has_words_of_its_own() -> None:
    assert {state for _, state, _ in CASES.values()} | {
        "complete",
        "cut_off",
        "unexplained",
        "no_log",
        "unknown",
        "unreadable",
        "failed",
    } == set(LABELS)
    assert len({Ending(state).label for state in LABELS}) == len(LABELS)


@pytest.mark.parametrize("state", LABELS)
def test_a_later_attempt_closes_only_what_was_open(state: State) -> None:
    closed = Ending(state, "why").superseded_by("1002")
    if state == "cut_off":
        assert closed == Ending("unexplained", "the seed was started again by job 1002")
    else:
        assert closed == Ending(state, "why")


@given(out=st.binary(max_size=300), err=st.none() | st.binary(max_size=300))
def test_any_bytes_have_an_ending(out: bytes, err: bytes | None) -> None:
    ending = find_ending(out, err)
    assert ending.label
    assert ending.detail.isprintable()


def test_an_error_of_an_earlier_training_in_one_log_is_not_what_happened_last() -> None:
    failed = b"2026-02-10 16:22:28 - ERROR - Training failed: 1\n"
    completed = b"2026-02-10 16:25:34 - INFO - Training complete. Results saved to results\n"
    assert told(find_ending(failed + completed, None)) == ("complete", "")
    state, detail = told(find_ending(completed + failed, None))
    assert state == "complete"
    assert detail.startswith("then: ")
    assert "Training failed: 1" in detail
