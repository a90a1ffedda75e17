"""Two processes that add to one table at once: neither loses what the other added."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ired_diag.errors import CannotWrite
from ired_diag.runs.one_writer import LOCK, one_writer
from ired_diag.table import read_table

ROOT = Path(__file__).parents[1]
KEYS = 12
WRITER = """
import sys
from pathlib import Path
import numpy as np
import probes
from ired_diag.probing.tables import Key, ProbeTable

folder, start = Path(sys.argv[1]), int(sys.argv[2])
probe = probes.load("conditioning")
table = ProbeTable(folder / "conditioning.parquet", probe, "/a/run")
rows = {column.name: np.zeros(2) for column in probe.columns}
print("ready", flush=True)
sys.stdin.readline()
for step in range(start, start + int(sys.argv[3])):
    table.put(Key(step, "raw", {"step": step}), rows)
"""


def writer(folder: Path, start: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), str(start), str(KEYS)]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@pytest.mark.slow
def test_rows_of_two_writers_at_once_are_all_kept(tmp_path: Path) -> None:
    writers = [writer(tmp_path, start) for start in (0, 1000)]
    for process in writers:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in writers:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in writers:
        process.communicate()
        assert process.returncode == 0
    rows, metadata = read_table(tmp_path / "conditioning.parquet")
    assert sorted(set(rows["step"].tolist())) == [*range(KEYS), *range(1000, 1000 + KEYS)]
    assert len(metadata["settings"]) == 2 * KEYS


def test_a_second_writer_waits_until_the_first_is_done(tmp_path: Path) -> None:
    """The lock is let go of at the end of the block: this test would not return."""
    for _ in range(2):
        with one_writer(tmp_path / "new"):
            assert (tmp_path / "new" / LOCK).is_file()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match=r"cannot be written: .*--out DIR"), one_writer(tmp_path / "file"):
        pass
