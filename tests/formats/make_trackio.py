"""Write tests/formats/trackio: a store of trackio 0.43.0, and its points as trackio reads them.

    python3.11 tests/formats/make_trackio.py          # with trackio==0.43.0

What trackio measures of the machine is taken out; the store is kept compressed.
"""

from __future__ import annotations

import lzma
import os
import shutil
import sqlite3
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.formats import logged

FOLDER = Path(__file__).parent / "trackio"


def write(folder: Path) -> dict[str, logged.Points]:
    """Write a run for each seed, the second with steps that go back, and return the points by name."""
    os.environ |= {"TRACKIO_DIR": str(folder), "HF_HUB_OFFLINE": "1"}
    import trackio
    from trackio.sqlite_storage import SQLiteStorage

    for seed in logged.SEEDS:
        trackio.init(project="toy", name=f"baseline-{seed}", config={**logged.settings(seed), "model": "mlp"})
        for step, loss, error in logged.rows(seed):
            trackio.log({"loss": loss, "eval": {"mse": error}, "word": "text"}, step=step)
        if seed == 1:
            trackio.log({"loss": 0.75}, step=150)
            trackio.log({"loss": 0.7}, step=160)
        trackio.finish()
    runs: dict[str, logged.Points] = {}
    for seed in logged.SEEDS:
        by_name = defaultdict(list)
        for row in SQLiteStorage.get_logs("toy", f"baseline-{seed}"):
            for name, value in numbers(row):
                by_name[name].append((row["step"], value))
        runs[f"baseline-{seed}"] = by_name
    return runs


def numbers(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numbers of a row, but for what trackio adds to it."""
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and f"{prefix}{name}" not in ("step", "timestamp"):
            yield f"{prefix}{name}", value


def main() -> None:
    """Write the store and its points."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with tempfile.TemporaryDirectory() as made:
        logged.write_points(FOLDER / "points.json", write(Path(made)))
        store = Path(made, "toy.db")
        with sqlite3.connect(store, isolation_level=None) as connection:
            connection.execute("DELETE FROM system_metrics")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (FOLDER / "toy.db.xz").write_bytes(lzma.compress(store.read_bytes()))


if __name__ == "__main__":
    main()
