"""A folder whose name is no valid UTF-8 is compared, drawn and reported like any other."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main

NAME = os.fsdecode(b"caf\xe9")  # Latin-1: a lone surrogate in Python


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two runs of three evaluations in a folder of that name."""
    for seed in (0, 1):
        place = tmp_path / NAME / f"seed{seed}"
        place.mkdir(parents=True)
        rows = [{"step": step, "val_loss": 1 / step + seed / 10} for step in (1, 2, 3)]
        (place / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return tmp_path / NAME


def test_its_figures_are_written_with_data_and_provenance(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["figures", str(folder), "--only", "learning-curves", "--format", "svg", "--out", str(out)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    content = json.loads((out / "learning-curves.json").read_text(encoding="utf-8"))
    assert content["figure"] == "learning-curves"
    assert {file.suffix for file in out.iterdir()} == {".svg", ".csv", ".json", ".txt", ".tex"}


def test_the_table_of_a_comparison_with_it_is_written(folder: Path, tmp_path: Path) -> None:
    plain, out = tmp_path / "plain", tmp_path / "out"
    shutil.copytree(folder, plain)
    arguments = ["figures", str(folder), str(plain), "--only", "learning-curves", "--out", str(out)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "plain" in (out / "comparison.tex").read_text(encoding="utf-8")


def test_its_report_is_written(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    result = CliRunner().invoke(main, ["report", str(folder), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "val_loss" in out.read_text(encoding="utf-8")
