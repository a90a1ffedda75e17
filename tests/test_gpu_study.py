"""The script for a GPU keeps to its budget of time, and says what it could not begin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = ["parity", "train_step", "mining", "train_q101", "train_q103", "train_q102"]


def test_without_time_no_part_begins(tmp_path: Path) -> None:
    environment = {**os.environ, "DEVICE": "cpu", "PYTHON": sys.executable, "PYTHONPATH": str(ROOT)}
    command = [str(ROOT / "benchmarks" / "gpu_study.sh"), str(tmp_path / "out"), "0"]
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    rows = (tmp_path / "out" / "parts.tsv").read_text().splitlines()
    assert [row.split("\t") for row in rows] == [
        [part, "0 s", "not begun: no time is left"] for part in PARTS
    ]


def test_a_complete_part_is_not_repeated(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "parity.complete").touch()
    environment = {**os.environ, "DEVICE": "cpu", "PYTHON": sys.executable, "PYTHONPATH": str(ROOT)}
    command = [str(ROOT / "benchmarks" / "gpu_study.sh"), str(out), "0"]
    subprocess.run(command, env=environment, capture_output=True, timeout=120, check=True)
    assert "parity" not in (out / "parts.tsv").read_text()
