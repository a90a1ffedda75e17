"""An import takes memory for the numbers of a log, and for its bytes and rows none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.large_material import JOB_OF_EPOCHS, write_epochs, write_job
from benchmarks.memory import peak_of
from ired_diag.readers import bar_stretches, progress_series
from ired_diag.runs.history import read_history

# Of a log shorter than 64 MiB more is held than its numbers (readers/long_logs.py); here 1 MiB is long.
IMPORT = """
import sys
from functools import partial
from pathlib import Path
from ired_diag.importing import import_logs
from ired_diag.readers import slurm
slurm.read_log_bytes = partial(slurm.read_log_bytes, long=1 << 20)
import_logs([Path(sys.argv[1])], Path(sys.argv[2]))
"""
SMALL, LARGE = 2.0, 17.0  # MB of a log
MOST_PER_BYTE = (
    2.0  # bytes of memory for each further byte of the log: twice its numbers, and nothing of its rows
)


def write_late_epochs(folder: Path, megabytes: float) -> None:
    """Write the same of a bar that states its numbers late."""
    write_epochs(folder, megabytes, first=1)
    path = folder / f"{JOB_OF_EPOCHS}.err"
    path.write_text("\rEpoch 0:   0%|          | 0/500 [00:00<?, ?it/s]" + path.read_text())


@pytest.mark.parametrize(
    "write", [write_job, write_epochs, pytest.param(write_late_epochs, marks=pytest.mark.slow)]
)
def test_memory_grows_less_than_the_log(write: Callable[[Path, float], None], tmp_path: Path) -> None:
    peaks = []
    for megabytes in (SMALL, LARGE):
        logs, runs = tmp_path / str(megabytes), tmp_path / "runs" / str(megabytes)
        write(logs, megabytes)
        peaks.append(peak_of(["-c", IMPORT, str(logs), str(runs)], folder=tmp_path))
    assert peaks[1].largest - peaks[0].largest < MOST_PER_BYTE * (LARGE - SMALL)
    (metrics,) = (tmp_path / "runs" / str(LARGE)).rglob("metrics.jsonl")
    drawn = read_history(metrics).series["train/loss"]
    assert drawn.steps.tolist() == list(range(1, len(drawn) + 1))
    assert len(drawn) > LARGE * 1e6 / 120


def test_parts_of_a_stretch_are_read_as_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_epochs(tmp_path / "job", 0.5, steps=977)
    (path,) = (tmp_path / "job").glob("*.err")
    whole, notes = progress_series.read(path)
    monkeypatch.setattr(bar_stretches, "BLOCK", 7)
    monkeypatch.setattr(progress_series, "PIECE", 50)
    parts, notes_of_parts = progress_series.read(path)
    assert (parts, notes_of_parts) == (whole, notes)
    assert np.all(np.diff(whole["train/loss"].steps) == 1)
