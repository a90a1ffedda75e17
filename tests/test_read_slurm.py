"""SLURM logs: every number in them, and no number that is not; a naive twin reads the real ones."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ired_diag.errors import UnreadableFile
from ired_diag.readers import slurm
from ired_diag.runs.run import Run

LogWriter = Callable[..., Path]
Told = dict[str, dict[int, float]]

NUMBERS = st.floats(width=64)

NVIDIA_SMI = """GPU info:
|=========================================+========================+======================|
|   0  NVIDIA A100-SXM4-80GB          On  |   00000000:CA:00.0 Off |                    0 |
| N/A   27C    P0             63W /  500W |       0MiB /  81920MiB |      0%      Default |
"""


def told(attempt: Run) -> Told:
    series = attempt.history.series
    return {name: dict(zip(s.steps.tolist(), s.values.tolist(), strict=True)) for name, s in series.items()}


def table(step: int, label: str, **rows: object) -> str:
    lines = [f"Validation Result @ Iteration {step}; Milestone = 1 ({label})", "---  ------"]
    return "\n".join([*lines, *(f"{key}  {value}" for key, value in rows.items()), "---  ------"]) + "\n"


def read_text(path: Path, text: str) -> Run:
    path.write_bytes(text.encode())
    return slurm.read(path)


def rules(attempt: Run) -> set[str]:
    return {finding.rule for finding in attempt.findings}


def read_line_by_line(path: Path) -> Told:
    """A naive twin of the reader: one pass, one state, for a log without a restart."""
    found: Told = {}
    step, label, dashes = 0, "", 3
    for line in path.read_text(errors="replace").split("\n")[:-1]:
        if line.startswith("Validation Result @ Iteration "):
            words = line.split()
            step, label, dashes = int(words[4].strip(";")), line[line.rindex("(") + 1 : -1].lower(), 0
        elif dashes < 2 and set(line.split()) and set(line) <= {"-", " "}:
            dashes += 1
        elif dashes == 1:
            key, value = line.split()
            found.setdefault(f"{label.removeprefix('id: ')}/{key}", {})[step] = float(value)
        elif "DIAG step=" in line:
            tag, at = line[1 : line.index("]")].split(" step=")
            for pair in line[line.index("]") + 1 :].split():
                key, value = pair.split("=")
                found.setdefault(f"{tag}/{key}", {})[int(at)] = float(value)
    return found


def test_both_evaluation_tables_become_metrics_named_by_label_and_row(write_log: LogWriter) -> None:
    attempt = slurm.read(write_log(1001, evaluations=[(1000, 1.4, 1.3), (2000, 0.5, 0.4)]))
    assert told(attempt) == {
        "train/mse_error": {1000: 1.4, 2000: 0.5},
        "validation/mse": {1000: 1.3, 2000: 0.4},
    }
    assert attempt.evaluations == 2


def test_every_row_of_a_table_is_read(tmp_path: Path) -> None:
    attempt = read_text(tmp_path / "a.out", table(5, "OOD: Hard", mse=1, mae="2e-3", r2=-4))
    assert told(attempt) == {
        "ood: hard/mse": {5: 1.0},
        "ood: hard/mae": {5: 0.002},
        "ood: hard/r2": {5: -4.0},
    }


def test_diagnostic_lines_become_metrics_named_by_tag_and_key(tmp_path: Path) -> None:
    text = "[CD-DIAG step=100] E_pos=982.8 E_neg=-1.5e3\n[TAM-CTL-DIAG step=100] mse_pos=1.25\n"
    attempt = read_text(tmp_path / "a.out", text)
    assert told(attempt) == {
        "CD-DIAG/E_pos": {100: 982.8},
        "CD-DIAG/E_neg": {100: -1500.0},
        "TAM-CTL-DIAG/mse_pos": {100: 1.25},
    }
    assert attempt.evaluations == 0
    assert len(attempt.history.rows()) == 1


@settings(deadline=None)
@given(values=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=4))
def test_every_float_is_read_exactly(
    values: list[tuple[float, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "floats.out"
    pairs = list(enumerate(values, start=1))
    text = "".join(table(i, "Train", mse=a) + f"[X-DIAG step={i}] b={b}\n" for i, (a, b) in pairs)
    series = read_text(path, text).history.series
    np.testing.assert_array_equal(series["train/mse"].values, [a for a, _ in values])
    np.testing.assert_array_equal(series["X-DIAG/b"].values, [b for _, b in values])


@pytest.mark.parametrize(
    ("text", "value"), [("nan", math.nan), ("NaN", math.nan), ("inf", math.inf), ("-Inf", -math.inf)]
)
def test_nan_and_infinity_are_data(tmp_path: Path, text: str, value: float) -> None:
    log = table(10, "Train", mse=text) + f"[X-DIAG step=10] a={text}\n"
    attempt = read_text(tmp_path / "a.out", log)
    np.testing.assert_equal(told(attempt), {"train/mse": {10: value}, "X-DIAG/a": {10: value}})
    assert rules(attempt) == set()


def test_values_that_are_no_numbers_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    log = table(10, "Train", mse="n/a", mae=0.5) + "[X-DIAG step=10] a=tensor(1.) b=2 c=?\n"
    attempt = read_text(tmp_path / "a.out", log)
    assert told(attempt) == {"train/mae": {10: 0.5}, "X-DIAG/b": {10: 2.0}}
    (finding,) = attempt.findings
    assert (finding.rule, finding.evidence) == ("values_not_numbers", {"values": 3})


def test_a_step_back_begins_an_attempt_that_ends_what_was_logged_from_there_on(write_log: LogWriter) -> None:
    path = write_log(1001, evaluations=[(1000, 9, 8), (2000, 7, 6), (3000, 5, 4)], complete=False)
    path.write_text(path.read_text() + table(1000, "Train", mse_error=3) + table(2000, "Train", mse_error=2))
    attempt = slurm.read(path)
    assert [(row.step, row.attempt) for row in attempt.history.rows()] == [
        (1000, 1),
        (2000, 1),
        (3000, 1),
        (1000, 2),
        (2000, 2),
    ]
    assert attempt.history.attempts == 2
    assert told(attempt) == {"train/mse_error": {1000: 3.0, 2000: 2.0}}
    assert attempt.evaluations == 2


def test_a_metric_logged_again_at_its_step_replaces_its_value(tmp_path: Path) -> None:
    first = table(10, "Train", mse=1) + table(10, "ID: Validation", mse=2)
    attempt = read_text(tmp_path / "a.out", first + table(10, "Train", mse=3))
    assert [dict(row.values) for row in attempt.history.rows()] == [{"train/mse": 3.0, "validation/mse": 2.0}]
    assert [row.attempt for row in attempt.history.rows()] == [1]
    assert told(attempt) == {"train/mse": {10: 3.0}, "validation/mse": {10: 2.0}}


@pytest.mark.slow
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_no_cut_of_a_log_ever_changes_a_number(write_log: LogWriter, newline: str) -> None:
    path = write_log(1001, evaluations=[(1000, 1.4068, 1.40473), (2000, 0.80187, 0.0102375)])
    text = path.read_text().replace("training complete\n", "[X-DIAG step=2100] a=12.75 b=-0.5\n")
    content = text.replace("\n", newline).encode()
    path.write_bytes(content)
    truth = told(slurm.read(path))
    for end in range(content.index(b"\n") + 1, len(content)):
        path.write_bytes(content[:end])
        attempt = slurm.read(path)
        for name, points in told(attempt).items():
            assert points.items() <= truth[name].items(), f"cut at {end}"
        assert ("torn_tail" in rules(attempt)) == (content[end - 1 : end] != b"\n")


def test_a_cut_in_the_last_table_loses_nothing_before_it(write_log: LogWriter) -> None:
    path = write_log(1001, evaluations=[(1000, 1.5, 1.25), (2000, 0.5, 0.75)], complete=False)
    content = path.read_bytes()
    for end in range(content.rindex(b"Validation Result"), content.rindex(b"0.75") + 4):
        path.write_bytes(content[:end])
        assert told(slurm.read(path)) == {
            "train/mse_error": {1000: 1.5, 2000: 0.5},
            "validation/mse": {1000: 1.25},
        }
    path.write_bytes(content[: content.rindex(b"0.75") + 5])
    assert told(slurm.read(path))["validation/mse"] == {1000: 1.25, 2000: 0.75}


def test_a_torn_configuration_is_none_with_a_finding_and_never_half_a_one(write_log: LogWriter) -> None:
    path = write_log(1001, evaluations=(), complete=False, seed=None)
    content = path.read_bytes()
    truth = slurm.read(path).configuration
    brace = content.index(b"{") + 1
    for end in range(brace, content.index(b"}\n") + 1):
        path.write_bytes(content[:end])
        attempt = slurm.read(path)
        assert (attempt.configuration, attempt.name, attempt.experiment) == (None, None, "q900")
        assert ("torn_tail" in rules(attempt)) == (content[end - 1 : end] != b"\n")
        assert ("configuration_torn" in rules(attempt)) == (b"\n" in content[brace:end])
    path.write_bytes(content[: content.index(b"}\n") + 2])
    assert slurm.read(path).configuration == truth


def test_of_two_configuration_blocks_the_first_is_used_with_a_finding(write_log: LogWriter) -> None:
    path = write_log(1001, config={"experiment_name": "q900_first", "rank": 20})
    second = write_log(1002, config={"experiment_name": "q901_second", "rank": 10})
    attempt = read_text(path, path.read_text() + second.read_text())
    assert attempt.configuration == {"experiment_name": "q900_first", "rank": 20}
    (finding,) = [f for f in attempt.findings if f.rule == "several_configurations"]
    assert finding.evidence == {"blocks": 2}


def test_windows_line_ends_change_nothing(write_log: LogWriter) -> None:
    path = write_log(1001, err="Traceback (most recent call last):\n  x\nValueError: bad\n", complete=False)
    path.write_text(NVIDIA_SMI + path.read_text() + "[X-DIAG step=3100] a=1 b=2\n")
    unix = slurm.read(path)
    for file in (path, path.with_suffix(".err")):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert slurm.read(path) == unix
    assert unix.provenance["gpu"] == "NVIDIA A100-SXM4-80GB"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"Job started at x\n\0\x01\x02", "binary"),
        (b"hello\nworld\n", "'Job started at'"),
    ],
)
def test_what_is_no_log_is_refused_with_its_path_and_the_reason(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "q900_1001.out"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=re.escape(said)) as caught:
        slurm.read(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_missing_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="cannot be read"):
        slurm.read(tmp_path / "none.out")


@pytest.mark.parametrize(
    ("name", "content", "accepted"),
    [
        ("a.out", b"anything\n", True),
        ("a.out", b"", False),
        ("a.out", b"text\0", False),
        ("a.log", b"Job started at noon\n", True),
        ("a.log", b"the Job started at noon\n", False),
        ("a.log", b"x" * 4096 + b"\nJob started at noon\n", False),
        ("a.err", b"Job started at noon\n", False),
    ],
)
def test_a_log_is_accepted_by_its_name_or_by_its_first_4_kib(
    tmp_path: Path, name: str, content: bytes, accepted: bool
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert slurm.accepts(path) == accepted


SEED_LINES = ["Setting random seed: 1\n", "Seed: 2\n", 'Configuration: {"seed": 3}\n']


@pytest.mark.parametrize(
    ("lines", "task", "seed"),
    [
        (SEED_LINES, 4, 1),
        (["Random seed set to: 1\n", *SEED_LINES[1:]], 4, 1),
        (SEED_LINES[1:], 4, 2),
        (SEED_LINES[2:], 4, 3),
        (['Configuration: {"seed": 0}\n'], 4, 0),
        (['Configuration: {"seed": true}\n'], 4, 4),
        (['Configuration: {"seed": null}\n'], 4, 4),
        (["Seed: 0\n"], 4, 0),
        ([], 4, 4),
        ([], None, None),
    ],
)
def test_the_seed_is_as_set_else_announced_else_configured_else_the_array_task(
    tmp_path: Path, lines: list[str], task: int | None, seed: int | None
) -> None:
    path = tmp_path / ("a_1001.out" if task is None else f"a_1001_{task}.out")
    attempt = read_text(path, "Job started at noon\n" + "".join(reversed(lines)))
    assert attempt.seed == seed
    assert attempt.seed_label == ("unseeded-1001" if seed is None else f"seed{seed}")


@pytest.mark.parametrize(
    ("name", "text", "job", "task"),
    [
        ("ired_q101_seed%a_56216344_7.out", "Job ID: 9 (Array Job ID: 8, Task ID: 6)", "56216344", 7),
        ("ired_q001_56162645.out", "Job ID: 9", "56162645", None),
        ("slurm-12345_2.out", "", "12345", 2),
        ("ired_q001_56162645.out", "Array Task ID: 3", "56162645", 3),
        ("train.out", "Job ID: 9 (Array Job ID: 8, Task ID: 6)", "8", 6),
        ("train.out", "Job ID: 9", "9", None),
        ("train.out", "", None, None),
    ],
)
def test_the_job_is_that_of_the_file_name_else_the_logged_one(
    tmp_path: Path, name: str, text: str, job: str | None, task: int | None
) -> None:
    attempt = read_text(tmp_path / name, f"Job started at noon\n{text}\n")
    assert (attempt.job, attempt.provenance.get("task")) == (job, task)


@pytest.mark.parametrize(
    ("file", "configured", "experiment"),
    [
        ("ired_q101_56216344.out", "q102_random", "q102"),
        ("ired_q101_56216344.out", "pilot", "pilot"),
        ("ired_q101_56216344.out", None, "q101"),
        ("sweep_lr_56216344_3.out", None, "sweep_lr"),
        ("sequel.out", None, "sequel"),
    ],
)
def test_the_experiment_is_the_number_in_the_configuration_else_in_the_file_name(
    tmp_path: Path, file: str, configured: str | None, experiment: str
) -> None:
    config: dict[str, Any] = {} if configured is None else {"experiment_name": configured}
    attempt = read_text(tmp_path / file, f"Configuration: {json.dumps(config, indent=2)}\n")
    assert (attempt.experiment, attempt.name) == (experiment, configured)


def test_host_gpu_commit_steps_and_dates_are_told(write_log: LogWriter) -> None:
    path = write_log(1001, started="Sun Feb  1 09:05:00 EST 2026", commit="c11bf8dabf1b991cdf33")
    lines = "Git URL: https://example.org/repo.git\n" + NVIDIA_SMI
    attempt = read_text(path, lines + path.read_text().replace("Job ID: 1\n", "Job ID: 77\n"))
    assert attempt.provenance == {
        "job": "1001",
        "job_id": "77",
        "git_commit": "c11bf8dabf1b991cdf33",
        "git_url": "https://example.org/repo.git",
        "host": "node17.example",
        "gpu": "NVIDIA A100-SXM4-80GB",
        "training_started": True,
        "train_steps": 3000,
        "started": "2026-02-01T09:05:00",
        "ended": "2026-01-24T02:32:02",
        "time_zone": "EST",
    }
    assert attempt.commit == "c11bf8d"


def test_a_bare_log_has_no_provenance_made_up(tmp_path: Path) -> None:
    attempt = read_text(tmp_path / "a.out", "Job started at the crack of dawn\n")
    assert attempt.provenance == {}
    assert attempt.commit is None


def test_the_short_commit_stands_in_where_the_whole_one_is_not_told(tmp_path: Path) -> None:
    text = "Job started at noon\nRepository cloned and checked out to: c11bf8d\n"
    assert read_text(tmp_path / "a.out", text).commit == "c11bf8d"


def test_the_err_file_beside_is_a_source_too(write_log: LogWriter) -> None:
    alone, paired = slurm.read(write_log(1001)), slurm.read(write_log(1002, err=""))
    assert [p.name for p in alone.sources] == ["ired_q900_synthetic_1001.out"]
    assert [p.suffix for p in paired.sources] == [".out", ".err"]
    assert _without_files(alone) == _without_files(paired)


def _without_files(run: Run) -> Run:
    return replace(run, path=Path(), sources=(), provenance={**run.provenance, "job": None})


def test_the_real_logs_read_as_a_line_by_line_twin_reads_them(shared: Path) -> None:
    logs = sorted((shared / "ired_logs").glob("*.out"))
    assert len(logs) == 138
    for path in logs:
        attempt = slurm.read(path)
        assert attempt.history.attempts == 1, path.name
        expected = read_line_by_line(path)
        series = told(attempt)
        np.testing.assert_equal({name: series[name] for name in expected}, expected, err_msg=path.name)
        assert all(name.startswith("train/") for name in series.keys() - expected.keys())  # progress bars
