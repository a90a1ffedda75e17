"""``probe --engine snakemake`` on this machine's cores, with the real Snakemake where it is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.many_checkpoints import make_study, need_snakemake, tables

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PROBE = ("probe", "energy_gap", "q101", "q102", "--checkpoint", "all", "--samples", "4", "--figures", "none")
PATIENCE = 600.0  # seconds


def diag(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "ired_diag_command", *PROBE, "--device", "cpu", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_snakemake_measures_what_a_plain_probe_does_and_goes_on_after_a_failure(tmp_path: Path) -> None:
    need_snakemake()
    folder = tmp_path / "o'brien's study"
    make_study(folder / "runs", 2, 3)
    place = folder / "runs" / "q102" / "seed0"
    (place / "probes").write_text("a file where a folder should be")
    words = ("--engine", "snakemake", "--per-job", "3", "--json")
    failed = diag(folder, *words)
    assert failed.returncode == 1
    assert "job 0002 is not done" in failed.stderr
    assert "cannot be written" in failed.stderr
    content = json.loads(failed.stdout)
    assert [len(content["answers"]), [job["job"] for job in content["failed_jobs"]]] == [3, ["0002"]]

    (place / "probes").unlink()
    result = diag(folder, *words)
    assert result.returncode == 0, result.stderr
    assert "1 job to run" in result.stderr
    assert "All 6 checkpoints were measured before." in diag(folder, *words).stderr

    in_jobs = tables(folder)
    shutil.rmtree(folder)
    make_study(folder / "runs", 2, 3)
    assert diag(folder).returncode == 0
    assert in_jobs == tables(folder)
