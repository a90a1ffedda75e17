"""The answer of stats on two groups: ten lines, and nothing that decides honesty behind --full."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.cli.demo import sample_runs
from app.cli.stats_answer import answer_on_two
from ired_diag.comparison import compare
from ired_diag.grouping import group_runs

MOST_LINES = 10


def call(*words: object) -> Result:
    result = CliRunner().invoke(main, [str(word) for word in ("stats", *words)])
    assert result.exit_code == 0, result.output
    return result


def answer(*words: object) -> list[str]:
    return call(*words).stdout.splitlines()


def cases(shared: Path) -> Path:
    return shared / "cases" / "s_curves"


def table(tmp_path: Path, groups: dict[str, list[float]]) -> Path:
    path = tmp_path / "val_loss.csv"
    rows = [
        f"{group},{seed},{value}" for group, values in groups.items() for seed, value in enumerate(values)
    ]
    path.write_text("\n".join(["experiment,seed,val_loss", *rows]))
    return path


def test_the_studys_two_groups_have_their_answer(shared: Path) -> None:
    lines = answer("q101", "q102", "--runs", shared / "ired_logs")
    assert len(lines) <= MOST_LINES
    text = "\n".join(lines)
    for words in (
        "metric: validation/mse (lower is better, by its name); mean over the plateau from step 23000",
        "q101 is better than q102 by 0.235% (95% interval 0.0737% to 0.396% of q102's mean; paired t test",
        "p = 0.0093), smaller than the 1% margin (default).",
        "changes with the readout: plateau better, last equivalent, best equivalent, last10 better, "
        "all inside the 1% margin.",
        "Seeds are paired: both state rank 20 and ood False.",
        "10 seeds",
    ):
        assert words in text
    assert lines[-1].startswith("all numbers: ired-diag stats q101 q102 --runs ")
    assert lines[-1].endswith(" --full")


@pytest.mark.parametrize("case", ["div", "late", "nan", "grok", "step", "acc", "spike"])
def test_every_case_of_two_groups_fits_in_ten_lines_and_says_its_failures_first(
    case: str, shared: Path
) -> None:
    lines = answer(cases(shared) / case)
    numbers = json.loads(call(cases(shared) / case, "--json").stdout)
    assert len(numbers["pairs"]) == 1
    assert len(lines) <= MOST_LINES
    left_out = numbers["left_out"]
    assert lines[: len(left_out)] == left_out


def test_ten_lines_are_enough_where_everything_has_to_be_said() -> None:
    groups = group_runs(["q101", "q102"], sample_runs())
    comparison = compare(groups)
    (pair,) = comparison.pairs
    skewed = replace(pair.coverage_indicated, coverage=0.7)
    worst = replace(pair, flips=True, differing=("lr", "width"), coverage_indicated=skewed)
    left_out = [f"{name}: {count} of 9 seeds failed." for name in ("q101", "q102") for count in (1, 2, 3)]
    full = replace(comparison, pairs=[worst], left_out=left_out, other_sets="several evaluation sets")
    lines = list(answer_on_two(full))
    assert len(lines) < MOST_LINES  # the command for the rest is one more
    text = "\n".join(lines)
    assert all(
        words in text for words in ("3 of 9 seeds failed", "lr, width", "70% of cases", "several eval")
    )


def test_a_plateau_that_is_withheld_is_said_without_full(shared: Path) -> None:
    result = call(cases(shared) / "grok")
    assert "No plateau in common" in result.stderr
    assert "last evaluation, because the curves have no plateau in common" in result.stdout


def test_unknown_pairing_is_said_with_what_to_type(tmp_path: Path) -> None:
    path = table(tmp_path, {"a": [1.0, 1.2, 1.1], "b": [2.0, 2.1, 2.3]})
    text = "\n".join(answer(path))
    silent = (
        "Seeds are not paired: a table does not say whether its seeds share data; add --paired if they do."
    )
    assert silent in " ".join(text.split())
    assert "Seeds are paired: " in "\n".join(answer(path, "--paired"))


def test_an_open_verdict_says_what_would_decide_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    path = table(tmp_path, {"a": list(rng.normal(1, 0.2, 4)), "b": list(rng.normal(1, 0.2, 4))})
    lines = answer(path)
    (deciding,) = (line for line in lines if line.startswith("What would decide: "))
    needed = int(re.findall(r"[\d,]+", deciding)[0].replace(",", ""))
    numbers = json.loads(call(path, "--json").stdout)["pairs"][0]
    assert needed == numbers["power"]["at_margin"]
    assert len(lines) <= MOST_LINES


def test_a_decided_verdict_asks_for_nothing_more(tmp_path: Path) -> None:
    lines = answer(table(tmp_path, {"a": [1.0, 1.01, 0.99], "b": [2.0, 2.01, 1.99]}))
    assert not any("would decide" in line for line in lines)


def test_groups_that_ran_the_same_are_said_to(tmp_path: Path) -> None:
    lines = answer(table(tmp_path, {"a": [1.0, 1.2, 1.1], "b": [1.0, 1.2, 1.1]}))
    assert any("did they run the same?" in line for line in lines)
    assert len(lines) <= 4


def test_several_pairs_have_a_line_each_with_holms_p(shared: Path) -> None:
    lines = answer("q101", "q102", "q103", "--runs", shared / "ired_logs")
    verdicts = [line for line in lines if re.match(r"q10\d is (better|worse) than q10\d", line)]
    assert len(verdicts) == 3
    assert all("Holm p = " in verdict for verdict in verdicts)
    assert len(lines) <= 16


def test_of_very_many_pairs_the_decided_ones_stand_first(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    groups = {f"g{number:02d}": list(rng.normal(1, 0.3, 3)) for number in range(9)}
    groups["far"] = [9.0, 9.1, 9.2]
    lines = answer(table(tmp_path, groups))
    start = next(number for number, line in enumerate(lines) if "pairs are shown to differ" in line)
    assert "far" in lines[start + 1]
    assert any(re.match(r"and 25 more pairs, \d+ of them undecided", line) for line in lines)


@pytest.mark.slow
def test_full_prints_what_the_answer_left_out(shared: Path) -> None:
    text = call("q101", "q102", "--runs", shared / "ired_logs", "--full").stdout
    for title in ("Differences, two-sided tests", "The same by every readout", "Sizes", "Evaluation noise"):
        assert title in text
        assert title not in "\n".join(answer("q101", "q102", "--runs", shared / "ired_logs"))


@pytest.mark.parametrize("width", [80, 100])
def test_no_line_but_a_command_is_wider_than_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for words in (["q101", "q102"], ["q101", "q102", "q103"], ["q101"], ["q101", "q102", "--full"]):
        lines = answer(*words, "--runs", sample_runs())
        assert all(len(line) <= width for line in lines if "ired-diag " not in line)


def test_few_seeds_against_many_are_said_to_raise_false_alarms(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    many, few = list(rng.normal(1, 0.01, 10)), list(rng.normal(2, 0.01, 2))
    words = (
        "2 seeds against 10: where there is no difference, Welch's test of these sizes sees one in about 10%"
    )
    lines = answer(table(tmp_path, {"a": few, "b": many}))
    assert sum(words in line for line in lines) == 1
    assert "Add seeds to a." in " ".join(lines)
    full = " ".join(call(table(tmp_path, {"a": few, "b": many}), "--full").stdout.split())
    assert full.count(words) == 1
    assert "seeds against" not in "\n".join(answer(table(tmp_path, {"a": many, "b": many[1:6]})))
    several = " ".join(answer(table(tmp_path, {"a": many, "b": few, "c": many[::-1]}))).split()
    assert " ".join(several).count("Welch's test of these sizes") == 1


def test_a_table_has_values_and_no_evaluations(tmp_path: Path) -> None:
    path = table(tmp_path, {"a": [1.0, 1.2, 1.1], "b": [2.0, 2.1, 2.3]})
    assert "val_loss (lower is better, by its name); value of the table" in "\n".join(answer(path))
    for option in ("--full", "--latex", "--markdown"):
        text = call(path, option).stdout
        assert "valuation" not in text
        assert "by every readout" not in text
