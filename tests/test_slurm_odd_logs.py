"""Logs that are odd: torn in a line of the job, behind progress bars, with values beyond all bounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ired_diag.readers import slurm
from ired_diag.readers.slurm_job import parse_date

LogWriter = Callable[..., Path]

BAR = "loss: 0.07:   8%|x| 8000/100000 [05:36<57:46, 26.54it/s]"


def log(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "ired_q900_x_1001.out"
    path.write_text(text)
    return path


@pytest.mark.parametrize("line", ["Setting random seed: 1", "Seed: 1", "Git SHA: 0123456"])
def test_a_torn_line_of_the_job_tells_nothing(tmp_path: Path, line: str) -> None:
    torn = slurm.read(log(tmp_path, f"Job ID: 1001\n{line}"))
    assert (torn.seed, torn.commit) == (None, None)
    whole = slurm.read(log(tmp_path, f"Job ID: 1001\n{line}\n"))
    assert (whole.seed, whole.commit) != (None, None)


@pytest.mark.parametrize("gap", ["\r", ""])
def test_tables_and_diagnostics_behind_a_progress_bar_are_read(tmp_path: Path, gap: str) -> None:
    table = (
        "Validation Result @ Iteration 1000; Milestone = 1 (ID: Validation)\n---  ---\nmse  0.5\n---  ---\n"
    )
    attempt = slurm.read(log(tmp_path, f"{BAR}{gap}{table}{BAR}{gap}[CD-DIAG step=1100] E_pos=2.5\n"))
    assert [(row.step, dict(row.values)) for row in attempt.history.rows()] == [
        (1000, {"validation/mse": 0.5}),
        (1100, {"CD-DIAG/E_pos": 2.5}),
    ]


@pytest.mark.parametrize("name", [101, ["q900"], {"a": 1}, None, ""])
def test_a_name_that_is_no_word_is_no_name(write_log: LogWriter, name: object) -> None:
    attempt = slurm.read(write_log(1001, config={"experiment_name": name}))
    assert (attempt.name, attempt.experiment) == (None, "q900")


def test_numbers_beyond_all_bounds_and_nesting_without_end_are_survived(tmp_path: Path) -> None:
    long, deep = "9" * 5000, "{" + '"a":{' * 50_000
    text = f"Setting random seed: {long}\nConfiguration: {deep}\n[CD-DIAG step={long}] a=1\n"
    attempt = slurm.read(log(tmp_path, text))
    assert (attempt.seed, attempt.configuration, attempt.history.rows()) == (None, None, [])


def test_a_number_with_an_underscore_is_no_number(tmp_path: Path) -> None:
    attempt = slurm.read(log(tmp_path, "[CD-DIAG step=1] a=1_0 b=2\n"))
    assert dict(attempt.history.rows()[0].values) == {"CD-DIAG/b": 2.0}


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Sat Jan 24 00:53:55 EST 2026", "2026-01-24T00:53:55"),
        ("Sat Jan 24 12:53:55 AM EST 2026", "2026-01-24T00:53:55"),
        ("Sat Jan 24 01:00:00 PM EST 2026", "2026-01-24T13:00:00"),
        ("Sat 24 Jan 2026 01:00:00 PM EST", "2026-01-24T13:00:00"),
        ("Tue Mar  3 11:17:18 UTC 2026", "2026-03-03T11:17:18"),
    ],
)
def test_dates_are_read_in_each_form_that_date_prints(text: str, iso: str) -> None:
    date = parse_date(text)
    assert date is not None
    assert date[0] == iso
