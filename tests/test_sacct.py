"""Accounts of jobs: the states of SLURM's manual, steps, arrays, and damaged lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ired_diag.errors import UnreadableFile
from ired_diag.readers import sacct
from ired_diag.runs.ending import Ending, State

HEADER = "JobID|JobName|State|ExitCode|Elapsed|MaxRSS"
DUMP = f"""{HEADER}
123_4|train|TIMEOUT|0:0|08:00:12|
123_4.batch|batch|CANCELLED|0:15|08:00:14|4203416K
123_4.extern|extern|COMPLETED|0:0|08:00:12|0
123_5|train|CANCELLED by 1000|0:0|00:00:05|
123_6|train|COMPLETED|0:0|01:37:00|
124|train|OUT_OF_MEMORY|0:125|00:26:03|
124.batch|batch|OUT_OF_MEMORY|0:125|00:26:03|64000000K
125|train|FAILED|1:0|00:00:09|
125.0|python|FAILED|1:0|00:00:09|100K
126|train|RUNNING|0:0|00:00:09|
"""


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "accounts.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def endings(folder: Path, *lines: str, header: str = HEADER) -> list[Ending]:
    told = sacct.read(write(folder, "\n".join([header, *lines, ""])))
    assert not told.damaged
    return [job.ending for job in told.jobs]


def test_each_job_and_task_ends_as_its_own_line_says(tmp_path: Path) -> None:
    told = sacct.read(write(tmp_path, DUMP))
    assert (told.damaged, told.torn_tail) == ((), False)
    assert [(job.job, job.task, job.ending) for job in told.jobs] == [
        ("123", 4, Ending("time_limit", "TIMEOUT, exit code 0:0", cause="scheduler")),
        ("123", 5, Ending("cancelled", "CANCELLED by 1000, exit code 0:0", cause="scheduler")),
        ("123", 6, Ending("complete")),
        ("124", None, Ending("out_of_memory", "OUT_OF_MEMORY, exit code 0:125", cause="oom_killer")),
        ("125", None, Ending("unexplained", "FAILED, exit code 1:0")),
        ("126", None, Ending("cut_off", "RUNNING, exit code 0:0")),
    ]


@pytest.mark.parametrize("word", sacct.STATES)
def test_every_state_of_the_manual_has_an_ending(tmp_path: Path, word: str) -> None:
    (ending,) = endings(tmp_path, f"7|t|{word}|0:0|00:01|")
    assert ending.state == sacct.STATES[word]
    (cut,) = endings(tmp_path, f"7|t|{word}+|0:0|00:01|")  # as a narrow column cuts it
    assert cut.state == sacct.STATES[word]


@pytest.mark.parametrize(
    ("exit_code", "state"),
    [("0:9", "killed"), ("137:0", "killed"), ("1:0", "unexplained"), ("255:0", "unexplained")],
)
def test_a_failure_by_a_signal_is_a_kill(tmp_path: Path, exit_code: str, state: State) -> None:
    (ending,) = endings(tmp_path, f"7|t|FAILED|{exit_code}|00:01|")
    assert ending == Ending(state, f"FAILED, exit code {exit_code}")


def test_a_failed_job_with_a_step_out_of_memory_ran_out_of_memory(tmp_path: Path) -> None:
    (ending,) = endings(tmp_path, "7|t|FAILED|1:0|00:01|", "7.0|t|OUT_OF_MEMORY|0:125|00:01|9K")
    detail = "FAILED, exit code 1:0; step 0: OUT_OF_MEMORY, exit code 0:125"
    assert ending == Ending("out_of_memory", detail, cause="oom_killer")


def test_a_requeued_job_ended_as_its_last_line_says(tmp_path: Path) -> None:
    lines = ["7|t|NODE_FAIL|0:0|00:01|", "7.0|t|OUT_OF_MEMORY|0:125|00:01|", "7|t|FAILED|2:0|00:02|"]
    assert endings(tmp_path, *lines) == [Ending("unexplained", "FAILED, exit code 2:0")]


def test_columns_in_another_order_and_a_bar_at_the_end_tell_the_same(tmp_path: Path) -> None:
    lines = ["TIMEOUT|123_4|", "COMPLETED|9|"]
    told = endings(tmp_path, *lines, header="State|JobID|")
    assert told == [Ending("time_limit", "TIMEOUT", cause="scheduler"), Ending("complete")]


TABLE = """\
JobID           JobName  Partition    Account  AllocCPUS      State ExitCode
------------ ---------- ---------- ---------- ---------- ---------- --------
123_4             train        gpu        lab          8    TIMEOUT      0:0
123_4.batch       batch                   lab          8  CANCELLED     0:15
123_4.extern     extern                   lab          8  COMPLETED      0:0
123_5        long_name+        gpu        lab          8 OUT_OF_ME+    0:125
123_6             train        gpu        lab          8 CANCELLED+      0:0
123_7             train        gpu        lab          8     FAILED     11:0
61638527_10       train        gpu        lab          8    RUNNING      0:0
61638527_10+      batch                   lab          8    RUNNING      0:0
61638527_1.+      batch                   lab          8    RUNNING      0:0
124_[8-99%4]      train        gpu        lab          8    PENDING      0:0
125               train        gpu        lab          8  NODE_FAIL      0:0
"""
WIDE = """\
               JobID                State ExitCode    Elapsed
-------------------- -------------------- -------- ----------
             700_0.0           COMPLETED      0:0   00:10:00
               700_0   CANCELLED by 1000      0:0   00:10:00
"""


def test_the_table_that_sacct_prints_by_default_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, TABLE)
    assert sacct.accepts(path)
    told = sacct.read(path)
    assert (told.damaged, told.torn_tail) == ((10,), False)  # of 61638527_10+ the task may have more digits
    assert [(job.job, job.task, job.ending.state) for job in told.jobs] == [
        ("123", 4, "time_limit"),
        ("123", 5, "out_of_memory"),
        ("123", 6, "cancelled"),
        ("123", 7, "unexplained"),
        ("61638527", 10, "cut_off"),
        ("125", None, "cancelled"),
    ]


def test_a_wider_table_with_other_columns_is_read(tmp_path: Path) -> None:
    told = sacct.read(write(tmp_path, WIDE))
    assert [(job.job, job.task, job.ending) for job in told.jobs] == [
        ("700", 0, Ending("cancelled", "CANCELLED by 1000, exit code 0:0", cause="scheduler"))
    ]
    assert not told.damaged


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("OUT_OF_M+", "out_of_memory"),
        ("CANC+", "cancelled"),
        ("CANCELLED b+", "cancelled"),
        ("CANCELLED by 10+", "cancelled"),
        ("NODE_F+", "cancelled"),
        ("COMPLETI+", "cut_off"),
    ],
)
def test_a_state_that_is_cut_means_the_only_one_that_begins_so(
    tmp_path: Path, word: str, state: State
) -> None:
    (ending,) = endings(tmp_path, f"7|t|{word}|0:0|00:01|")
    assert ending.state == state


def test_a_state_that_is_cut_too_short_is_damage(tmp_path: Path) -> None:
    assert sacct.read(write(tmp_path, f"{HEADER}\n7|t|COMPLET+|0:0|00:01|\n")).damaged == (2,)


def test_the_cases_of_other_people_are_read(shared: Path) -> None:
    from ired_diag.open import open_run

    for case, state in (("c28_sacct_default_p", "out_of_memory"), ("c29_sacct_table", "time_limit")):
        assert open_run(shared / "cases" / case).ending.state == state


def test_waiting_tasks_of_an_array_are_no_damage_and_no_job(tmp_path: Path) -> None:
    assert endings(tmp_path, "123_[5-9%2]|t|PENDING|0:0|00:00|") == []


@pytest.mark.parametrize(
    "line",
    [
        "123_4|train|TIMEO",
        "x|t|TIMEOUT|0:0|1|",
        "1|t|TIMED OUT|0:0|1|",
        "1|t|FAILED|1|1|",
        "1|a|b|TIMEOUT|0:0|1|",
    ],
)
def test_a_damaged_line_is_skipped_and_its_number_told(tmp_path: Path, line: str) -> None:
    told = sacct.read(write(tmp_path, f"{HEADER}\n7|t|COMPLETED|0:0|1|\n{line}\n8|t|TIMEOUT|0:0|1|\n"))
    assert told.damaged == (3,)
    assert [job.job for job in told.jobs] == ["7", "8"]


def test_nothing_is_read_from_a_torn_tail(tmp_path: Path) -> None:
    told = sacct.read(write(tmp_path, DUMP + "127|train|COMPLETED|0:0|00:00:09|"))
    assert told.torn_tail
    assert told.jobs == sacct.read(write(tmp_path, DUMP)).jobs


def test_windows_line_ends_tell_the_same(tmp_path: Path) -> None:
    expected = sacct.read(write(tmp_path, DUMP))
    assert sacct.read(write(tmp_path, DUMP.replace("\n", "\r\n"))) == expected


def test_a_dump_is_known_by_its_first_line(tmp_path: Path) -> None:
    assert sacct.accepts(write(tmp_path, DUMP))
    assert not sacct.accepts(write(tmp_path, "State\nJobID|x\n"))
    assert not sacct.accepts(write(tmp_path, b"\xff\0"))


@pytest.mark.parametrize("content", ["", "\n", "JobID|Name\n1|x\n", "JobID|State|State\n1|FAILED|FAILED\n"])
def test_a_file_without_the_columns_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(UnreadableFile, match="expected a first line that names the column"):
        sacct.read(write(tmp_path, content))


def test_a_missing_file_is_an_error_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="cannot be read"):
        sacct.read(tmp_path / "none")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(len(HEADER) + 1, len(DUMP) - 1), st.integers(0, 255)), max_size=6))
def test_flipped_bytes_neither_raise_nor_lose_a_line_uncounted(
    tmp_path: Path, flips: list[tuple[int, int]]
) -> None:
    content = bytearray(DUMP.encode())
    for at, byte in flips:
        content[at] = byte
    told = sacct.read(write(tmp_path, bytes(content)))
    touched = {DUMP[:at].count("\n") for at, _ in flips}
    for number, line in enumerate(DUMP.splitlines()):
        job = line.split("|")[0]
        if number and "." not in job and number not in touched and not touched & {number - 1, number + 1}:
            assert job in {j.job if j.task is None else f"{j.job}_{j.task}" for j in told.jobs}
