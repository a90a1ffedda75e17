"""A table that is replaced while it is read: the reader gets one of its states, never a mixture."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from ired_diag.table import read_table, write_table

ROOT = Path(__file__).parents[1]
# Puts one of two tables in the place, again and again, as fast as files can be renamed.
WRITER = """
import os, shutil, sys

path, *states = sys.argv[1:]
print("ready", flush=True)
while True:
    for state in states:
        shutil.copyfile(state, path + ".new")
        os.replace(path + ".new", path)
"""
ROWS = (3, 2000)


def test_rows_and_metadata_are_of_one_state(tmp_path: Path) -> None:
    path, states = tmp_path / "probe.parquet", [tmp_path / f"{rows}.parquet" for rows in ROWS]
    for state, rows in zip(states, ROWS, strict=True):
        write_table(
            state, {"x": np.full(rows, rows), "y": np.random.default_rng(1).random(rows)}, {"rows": rows}
        )
    path.write_bytes(states[0].read_bytes())
    command = [sys.executable, "-c", WRITER, str(path), *map(str, states)]
    writing = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert writing.stdout is not None and writing.stdout.readline() == b"ready\n"
        seen = set()
        for _ in range(60):
            table, metadata = read_table(path)
            assert len(table["x"]) == metadata["rows"] == table["x"][0]
            seen.add(metadata["rows"])
    finally:
        writing.kill()
        writing.communicate()
    assert seen == set(ROWS)
