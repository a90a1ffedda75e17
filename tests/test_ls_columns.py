"""``ls`` leaves out columns that say nothing of any run."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from app.cli import main

SAMPLES = Path(__file__).parents[1] / "sample_runs"


def heading(*paths: Path) -> str:
    result = CliRunner().invoke(main, ["ls", *map(str, paths)], env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    return result.output.split("\n", 1)[0]


def test_logs_without_mining_and_attempts_have_no_such_columns(tmp_path: Path) -> None:
    for seed in range(2):
        run = tmp_path / f"seed{seed}"
        run.mkdir()
        (run / "metrics.csv").write_text("step,val_loss\n1,2.0\n2,1.5\n3,1.2\n")
    first = heading(tmp_path)
    assert "mining" not in first and "earlier attempts" not in first
    assert "state" in first and "last at step" in first


def test_a_column_with_content_in_one_row_stays() -> None:
    assert "mining" in heading(SAMPLES)
