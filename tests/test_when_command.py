"""``stats`` names ``when`` where one number of a curve is not the whole answer, and the command runs."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.comparison import compare
from ired_diag.comparison.answer_words import cautions_of
from ired_diag.comparison.words import caveats_of
from ired_diag.grouping import group_runs


def text_logs(folder: Path, lengths: dict[str, int]) -> Path:
    """Write three logs for each group, each of so many evaluations."""
    for place, (name, evaluations) in enumerate(lengths.items()):
        for seed in range(3):
            path = folder / name / f"seed{seed}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            end = 3 - 0.1 * place + 0.001 * seed
            lines = [f"step:{10 * k} val_loss:{end + 1 / k:.5f}\n" for k in range(1, evaluations + 1)]
            path.write_text("".join(lines))
    return folder


@pytest.mark.parametrize("style", ["names", "one folder", "two folders"])
@pytest.mark.parametrize("lengths", [{"old": 14, "new": 17}, {"a b": 30, "z": 12}])
def test_where_trainings_have_different_lengths_a_command_on_the_whole_curves_is_named_and_runs(
    tmp_path: Path, lengths: dict[str, int], style: str
) -> None:
    logs = text_logs(tmp_path / "logs", lengths)
    arguments = {
        "names": [*lengths, "--runs", str(logs)],
        "one folder": [str(logs)],
        "two folders": [str(logs / name) for name in lengths],
    }[style]
    printed = CliRunner().invoke(main, ["stats", *arguments]).stdout
    (line,) = [line for line in printed.splitlines() if line.startswith("whole curves: ")]
    command = shlex.split(line.removeprefix("whole curves: "))
    assert command[:2] == ["ired-diag", "when"]
    assert CliRunner().invoke(main, command[1:]).exit_code == 0


def test_equal_lengths_and_agreeing_readouts_need_no_second_look(tmp_path: Path) -> None:
    logs = text_logs(tmp_path / "logs", {"old": 14, "new": 14})
    assert "whole curves" not in CliRunner().invoke(main, ["stats", str(logs)]).stdout


def test_a_flip_says_whose_verdict_changes_and_where_a_readout_ends_before_the_training(
    tmp_path: Path,
) -> None:
    logs = text_logs(tmp_path / "logs", {"old": 14, "new": 17})
    comparison = compare(group_runs(["old", "new"], logs))
    (pair,) = comparison.pairs
    flipping = replace(pair, flips=True)
    for words in (cautions_of(flipping, comparison), caveats_of(flipping, comparison)):
        first = next(words)
        assert first.startswith("The verdict on old, compared with new, changes with the readout: last ")
        assert "up to step 140, the last that all seeds have; new was evaluated up to step 170." in first
    same = compare(group_runs(["old", "new"], text_logs(tmp_path / "same", {"old": 14, "new": 14})))
    assert "up to step" not in next(cautions_of(replace(same.pairs[0], flips=True), same))


def test_the_margin_is_called_the_default_only_where_nobody_chose_it(tmp_path: Path) -> None:
    logs = str(text_logs(tmp_path / "logs", {"old": 14, "new": 14}))
    # Seeds that differ by a thousandth of 3 around a difference of a tenth.
    default = CliRunner().invoke(main, ["stats", logs, "--full"]).stdout
    chosen = CliRunner().invoke(main, ["stats", logs, "--full", "--margin", "1%"]).stdout
    assert "the 1% margin (default)" in default
    assert "the 1% margin" in chosen and "(default)" not in chosen
