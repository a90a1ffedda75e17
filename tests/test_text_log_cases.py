"""Text logs of others: a speedrun's groups, a nanoGPT log; how a log is explained, and read by a pattern."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.errors import DiagError
from ired_diag.open import open_run, open_study
from ired_diag.readers.text_explained import explain
from ired_diag.readers.text_pattern import compiled
from ired_diag.runs.history import History
from ired_diag.runs.regroup import Grouping
from ired_diag.runs.stated_settings import differing_settings

DATA = Path(__file__).parents[2] / "shared" / "data"
SPEEDRUN = DATA / "text_logs"
PATTERN = r"^\[(?P<step>\d+)\] obj (?P<loss>\S+) dev (?P<val_loss>\S+)"

needs_data = pytest.mark.skipif(not SPEEDRUN.is_dir(), reason="the shared logs are absent")


@needs_data
@pytest.mark.parametrize(
    ("group", "n", "mean", "sd", "last"),
    [("contra", 16, 3.278541, 0.000986, 3225), ("newton", 15, 3.278003, 0.001357, 3300)],
)
def test_every_run_of_a_speedrun_is_read_to_its_last_step(
    group: str, n: int, mean: float, sd: float, last: int
) -> None:
    runs = open_study(SPEEDRUN / group).runs
    series = [run.history.series["val_loss"] for run in runs]
    finals = [one.values[-1] for one in series]
    assert len(runs) == n
    assert {run.experiment for run in runs} == {group}
    assert {run.seed for run in runs} == {None}
    assert {int(one.steps[-1]) for one in series} == {last}
    assert all(run.ending.complete for run in runs)
    assert np.mean(finals) == pytest.approx(mean, abs=5e-7)
    assert np.std(finals, ddof=1) == pytest.approx(sd, abs=5e-7)


@needs_data
@pytest.mark.parametrize(("group", "points"), [("contra", 1392), ("newton", 1695)])
def test_every_point_of_a_speedrun_is_the_one_that_is_printed(group: str, points: int) -> None:
    read = 0
    for run in open_study(SPEEDRUN / group).runs:
        values = points_of(run.history)
        printed = values_printed_in(run.path.read_text())
        assert values == printed
        read += len(printed)
    assert read == points


def points_of(history: History) -> dict[tuple[str, int], float]:
    points = {}
    for name, series in history.series.items():
        for step, value in zip(series.steps.tolist(), series.values.tolist(), strict=True):
            points[name, step] = value
    return points


def values_printed_in(text: str) -> dict[tuple[str, int], float]:
    """A naive twin for this one form: key, colon, number; ``nanms`` is an average over nothing."""
    points = {}
    for step, rest in re.findall(r"(?m)^step:(\d+)/\d+ (.*)$", text):
        for name, value in re.findall(r"(\w+):([\d.]+)", rest):
            points[name, int(step)] = float(value)
    return points


@needs_data
def test_stats_says_that_the_last_steps_differ() -> None:
    arguments = ["stats", f"contra={SPEEDRUN / 'contra'}", f"newton={SPEEDRUN / 'newton'}"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0
    output = " ".join(result.output.split())
    assert "newton trained 75 steps longer (3300, contra 3225): at step 3225" in output
    assert "contra is lower by 0.0786% (p = 2.4e-06), inside the 1% margin." in output
    assert "all inside the 1% margin; which is lower depends on the readout: last equivalent" in output


@needs_data
def test_the_programs_of_two_groups_differ_in_a_setting_alone() -> None:
    settings = [open_study(SPEEDRUN / group).runs[0].settings for group in ("contra", "newton")]
    assert differing_settings(*settings) == {"LEARNING_RATE"}


@needs_data
def test_a_nanogpt_log_is_one_run() -> None:
    run = open_run(DATA / "cases" / "c18_nanogpt_log")
    series = run.history.series
    assert (run.group, run.seed) == ("q800", 0)
    assert len(series["loss"]) == 60
    assert series["val loss"].steps.tolist() == [0, 10, 20, 30, 40, 50]
    assert series["val loss"].values[-1] == 4.0
    assert run.judging_metric == "val loss"


def by_hand(tmp_path: Path) -> Path:
    """Write a log whose names and numbers a pattern reads otherwise than the grammar."""
    path = tmp_path / "hand.txt"
    path.write_text("[10] obj 3.5 dev 4.0\n[20] obj 3.1 dev 3.9\njunk 1\njunk 2\n[30] obj nan dev 3,000\n")
    return path


def test_a_pattern_reads_a_log_by_hand(tmp_path: Path) -> None:
    (run,) = open_study(by_hand(tmp_path), grouping=Grouping(pattern=PATTERN)).runs
    assert run.history.series["val_loss"].values.tolist() == [4.0, 3.9, 3000.0]
    assert np.isnan(run.history.series["loss"].values[-1])
    assert any("2 other lines were not read" in finding.statement for finding in run.findings)


@pytest.mark.parametrize("pattern", ["(", r"(?P<loss>\d)", r"(?P<step>\d)", "x"])
def test_a_pattern_without_step_and_metric_is_refused(pattern: str) -> None:
    with pytest.raises(DiagError, match="--pattern"):
        compiled(pattern)


def test_ls_and_import_take_a_pattern(tmp_path: Path) -> None:
    path = by_hand(tmp_path)
    listed = CliRunner().invoke(main, ["ls", str(path), "--pattern", PATTERN, "--json"])
    assert json.loads(listed.output)["runs"][0]["last"] == 3000.0
    imported = CliRunner().invoke(
        main, ["import", str(path), "--runs", str(tmp_path / "runs"), "--pattern", PATTERN]
    )
    assert imported.exit_code == 0
    assert len(open_study(tmp_path / "runs").runs) == 1


def test_explain_counts_the_lines_and_says_why_a_counter_is_the_step(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    rows = "".join(f"epoch 1 step {i} loss {i} val_loss {i}\n" for i in range(3))
    path.write_text(rows + "something 1\nsomething 2\nelse\n\n 10%|#  | 1/10 [00:01<00:09]\n")
    explanation = explain(path)
    assert explanation.lines == {
        "with a step and metrics": 3, "progress bars": 1, "blank": 1, "not understood": 3,
    }  # fmt: skip
    assert explanation.step.startswith("'step' counts steps by name; 'epoch' is a column")
    assert explanation.not_understood[0] == (2, "something #")
    assert [text.split()[0] for text in explanation.metrics["evaluation"]] == ["val_loss"]
    assert explanation.judged_by == "val_loss"


def test_explain_speaks_of_files_that_are_no_logs_too(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("ten obj 3.5 dev 4.0\n" * 3)
    (tmp_path / "table.csv").write_text("step,loss\n1,2\n2,1\n")
    result = CliRunner().invoke(main, ["ls", "--explain", str(tmp_path)])
    assert "no line states a step next to a metric" in result.output
    assert "3 x ten obj # dev #" in result.output
    assert "table.csv: is read as metrics_csv" in result.output


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[{0}000] loss: 0.{0}", "the number at the start of a line is taken as the step: no line names a"),
        (
            "[1][{0}00] loss: 0.{0}",
            "of the two numbers in brackets at the start of a line, which have no names",
        ),
        ("step [{0}000] loss: 0.{0}", "'step' counts steps by name"),
    ],
)
def test_explain_says_of_a_counter_without_a_name_that_it_has_none(
    line: str, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "train.log"
    path.write_text("".join(line.format(i) + "\n" for i in range(1, 6)))
    assert explain(path).step.startswith(reason)


def test_explain_counts_what_is_no_number_and_is_not_read(tmp_path: Path) -> None:
    rows = [{"step": step, "loss": 1 / (1 + step), "done": False, "note": "x"} for step in range(3)]
    lines = [json.dumps(row) + "\n" for row in rows]
    (tmp_path / "log.jsonl").write_text("".join([*lines, "{broken\n", *lines[:0]]))
    (tmp_path / "table.csv").write_text("step,loss\n1,2\n2,1\n")
    result = CliRunner().invoke(main, ["ls", "--explain", str(tmp_path)])
    assert (
        "is read as metrics_jsonl: 1 run, 1 metric: loss (3); not numbers, and not read: done (3), note (3); "
        "1 damaged place skipped"
    ) in result.output
    assert "is read as metrics_csv: 1 run, 1 metric: loss (2)\n" in result.output
