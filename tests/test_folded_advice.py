"""Facts of one rule that are folded into one finding: each has its own advice, and no line is too long."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from app.cli import main

WIDTH = 100


@pytest.fixture
def study(tmp_path: Path) -> Path:
    place = np.arange(60)
    swinging = 1.2 + np.sin(place / 2)
    resting = 1 + 0.001 * np.random.default_rng(0).standard_normal(60)
    for name, curve in (("swings", swinging), ("stuck", resting)):
        folder = tmp_path / name
        folder.mkdir()
        rows = [f"{step},{value:.6g}" for step, value in enumerate(curve)]
        (folder / "metrics.csv").write_text("\n".join(["step,val_loss", *rows]) + "\n", encoding="utf-8")
    return tmp_path


def test_each_folded_fact_keeps_its_own_advice(study: Path) -> None:
    output = CliRunner().invoke(main, ["diagnose", str(study)]).output
    assert "Also: " in output
    assert "Look at clipping and at the learning rate." in output
    assert "Look at the learning rate and at the gradient." in output


def test_the_titles_of_all_findings_fit_the_terminal(study: Path) -> None:
    output = CliRunner().invoke(main, ["diagnose", str(study), "--full"], env={"COLUMNS": str(WIDTH)}).output
    long = [line for line in output.splitlines() if len(line) > WIDTH and "ired-diag " not in line]
    assert long == []
