"""Runs in which nothing could be judged are counted: silence about them would look like health."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main

UNREAD = "SLURM_JOB_ID=77{seed}\n[rank0] one hundred steps are done, the loss is two\nTraining complete\n"


def printed(command: str, folder: Path) -> str:
    result = CliRunner().invoke(main, [command, str(folder)])
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def add_table(folder: Path, columns: str) -> None:
    rows = [f"{step},{1 / step}" for step in range(1, 20)]
    folder.mkdir()
    (folder / "metrics.csv").write_text("\n".join([f"step,{columns}", *rows]) + "\n")


@pytest.mark.parametrize("command", ["diagnose", "ls"])
def test_runs_without_a_metric_that_was_read_are_counted(command: str, tmp_path: Path) -> None:
    for seed in range(2):
        (tmp_path / f"train_seed{seed}_77{seed}.out").write_text(UNREAD.format(seed=seed))
    told = "hold no metric that was read: nothing was judged in them"
    assert f"2 of 2 runs {told}" in printed(command, tmp_path)
    add_table(tmp_path / "read", "val_loss")
    assert f"2 of 3 runs {told}" in printed(command, tmp_path)
    assert "was judged" not in printed(command, tmp_path / "read")


@pytest.mark.parametrize("command", ["diagnose", "ls"])
def test_a_single_run_of_unknown_metrics_names_the_option_that_chooses(command: str, tmp_path: Path) -> None:
    add_table(tmp_path / "run", "lr")
    told = printed(command, tmp_path)
    assert "1 of 1 run logs no metric that is known to say how good a model is" in told
    assert "--metric NAME chooses one: lr" in told
