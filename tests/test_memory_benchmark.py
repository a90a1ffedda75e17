"""benchmarks/memory.py: what it measures is a process's memory, and a limit that is exceeded is reported."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import large_material, memory
from benchmarks.memory import MISSED, main, peak_of
from ired_diag.runs.history import history_of

MEGABYTES = 300
HOLDS = f"import time\nheld = bytearray(b'x' * {MEGABYTES} * 10**6)\ntime.sleep(1)"


def test_the_peak_is_that_of_the_process(tmp_path: Path) -> None:
    peak = peak_of(["-c", HOLDS], folder=tmp_path)
    assert peak.status == 0
    assert MEGABYTES < peak.largest < 2 * MEGABYTES + 100
    assert MEGABYTES < peak.together < 2 * MEGABYTES + 100


def test_the_processes_that_a_command_starts_count_together(tmp_path: Path) -> None:
    start = f"subprocess.Popen([sys.executable, '-c', {HOLDS!r}])"
    two = f"import subprocess, sys\nfirst, second = {start}, {start}\nfirst.wait()\nsecond.wait()"
    peak = peak_of(["-c", two], folder=tmp_path)
    assert peak.together > 1.5 * MEGABYTES


def test_the_lines_that_it_writes_hold_the_curves() -> None:
    history = history_of(large_material.json_lines(500, 3, step="step"))
    for name, values in large_material.curves(500, 3).items():
        np.testing.assert_array_equal(history.series[name].values, values)


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "status"), [("1000", 0), ("20", MISSED)])
def test_a_limit_that_is_exceeded_is_reported(
    limit: str, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--only", "run folders,progress bars", "--commands", "ls", "--runs", "2", "--rows", "2000"]
    monkeypatch.setattr(sys, "argv", [memory.__file__, *words, "--bars", "2", "--limit", limit])
    assert main() == status
    printed = capsys.readouterr().out
    assert printed.count("ls") == 2
    assert ("exceeded" in printed) == bool(status)
