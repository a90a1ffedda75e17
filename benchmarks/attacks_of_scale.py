"""More and larger files than a study has: what each command then takes in time and memory.

    python -m benchmarks.attacks --scale --jobs 1

The files of each size are written once, and each command reads them. The bounds on memory are those of what
must be held: a history of n numbers is 16 bytes a number (a step and a value).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.attack import Attack, Outcome, failed, survived
from benchmarks.attack_bed import curve_of, event, rows, stored, write
from benchmarks.attacked_command import Expected, outcome_of

GIB = 1 << 30
MINUTES = 60.0
RUNS, HISTORIES, ROWS, EVENT_FILES, TABLE_ROWS, METRICS = 10_000, 20, 1_000_000, 500, 5_000_000, 2_000


def attacks(seed: int) -> Iterator[Attack]:
    """Yield the attacks; histories are drawn from a seed."""
    for size, make, gib in (
        (f"{RUNS} run folders", _run_folders, 1),
        (f"{HISTORIES} histories of {ROWS} rows", lambda study: _long_histories(study, seed), 4),
        (f"{EVENT_FILES} event files of one run", _event_files, 1),
        (f"{EVENT_FILES} runs of an event file each", _event_folders, 1),
        (f"a history of {METRICS} metrics", _many_metrics, 2),
    ):
        yield Attack(f"scale: {size}", "each command", _each_command(make, gib * GIB))
    yield Attack(f"scale: a probe's table of {TABLE_ROWS} rows", "written and read", _large_table)


COMMANDS: tuple[Sequence[str], ...] = (
    ("ls",),
    ("stats",),
    ("diagnose",),
    ("figures", "--only", "learning-curves", "--format", "svg"),
)


def _each_command(make: Callable[[Path], None], most: int) -> Callable[[Path], Outcome]:
    """Return what writes a study and runs each command on it, then the dashboard's list."""

    def run(folder: Path) -> Outcome:
        study = folder / "study"
        make(study)
        expected = Expected(bytes=most, seconds=5 * MINUTES, statuses=(0, 3))
        measured = []
        for words in COMMANDS:
            outcome = outcome_of(_arguments(words, study, folder / "out"), study, expected)
            if not outcome.survived:
                return outcome
            measured.append(f"{words[0]} {outcome.output}")
        looks = _looks(study, folder / "histories")
        return survived("; ".join([*measured, looks]))

    return run


def _arguments(words: Sequence[str], study: Path, out: Path) -> list[str]:
    """Return the arguments of a command; pictures are drawn of two groups."""
    if words[0] != "figures":
        return [words[0], str(study), *words[1:]]
    return [words[0], *map(str, sorted(study.iterdir())[:2]), *words[1:], "--out", str(out)]


def _looks(study: Path, cache: Path) -> str:
    """Open a folder as the dashboard does, look again, and return what each took."""
    from app.dashboard.catalog import Catalog
    from app.dashboard.history_cache import HistoryCache

    catalog = Catalog(study, cache=HistoryCache(cache))
    times = []
    for _ in range(2):
        start = time.monotonic()
        catalog.refresh()
        times.append(time.monotonic() - start)
    return f"the dashboard's list {times[0]:.1f} s, again {times[1]:.2f} s"


def _run_folders(study: Path) -> None:
    for number in range(RUNS):
        group, seed = f"q{900 + number // 10}", number % 10
        content = stored(group, seed) | {"findings": [], "results": []}
        content["config"] = {**content["config"], "experiment_name": f"{group}_made"}
        place = f"{group}/seed{seed}"
        history = rows(curve_of("q900", seed))
        write(
            study, {f"{place}/config.json": json.dumps(content).encode(), f"{place}/metrics.jsonl": history}
        )


def _long_histories(study: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for number in range(HISTORIES):
        group, of_group = f"q{900 + number // 10}", number % 10
        values = 0.1 + 1 / (1 + np.arange(ROWS) / 1e4) + 0.01 * rng.standard_normal(ROWS)
        lines = (f'{{"step": {k}, "validation/mse": {v!r}}}\n' for k, v in enumerate(values.tolist()))
        place = f"{group}/seed{of_group}"
        content = json.dumps(stored(group, of_group)).encode()
        write(study, {f"{place}/config.json": content, f"{place}/metrics.jsonl": "".join(lines).encode()})


def _event_files(study: Path) -> None:
    for number in range(EVENT_FILES):
        content = b"".join(event(20 * number + k, {"validation/mse": 1 / (number + 1)}) for k in range(20))
        write(study, {f"q900/seed_0/events.out.tfevents.{1769000000 + number}.node17.1.0": content})


def _event_folders(study: Path) -> None:
    for number in range(EVENT_FILES):
        content = b"".join(event(k, {"validation/mse": 1 / (k + number + 1)}) for k in range(20))
        name = f"q{900 + number // 50}/seed_{number % 50}/events.out.tfevents.1769000000.node17.1.0"
        write(study, {name: content})


def _many_metrics(study: Path) -> None:
    names = [f"layer{k}/gradient" for k in range(METRICS)] + ["validation/mse"]
    lines = [
        json.dumps({"step": s, **{n: v / (k + 1) for k, n in enumerate(names)}})
        for s, v in curve_of("q900", 0)
    ]
    for seed in range(3):
        place = f"q900/seed{seed}"
        content = json.dumps(stored("q900", seed)).encode()
        write(
            study,
            {f"{place}/config.json": content, f"{place}/metrics.jsonl": ("\n".join(lines) + "\n").encode()},
        )


def _large_table(folder: Path) -> Outcome:
    """Write and read a table as probes do."""
    from ired_diag.table import read_table, write_table

    study = folder / "study"
    study.mkdir()
    path, rng = study / "accuracy.parquet", np.random.default_rng(0)
    table = {
        "value": rng.standard_normal(TABLE_ROWS),
        "kind": np.array(["a", "b"])[np.arange(TABLE_ROWS) % 2],
    }
    start = time.monotonic()
    write_table(path, table, {"source": "made"}, key={"step": 1, "weights": "ema"})
    read, _ = read_table(path, step=1)
    if len(read["value"]) != TABLE_ROWS or not np.array_equal(read["value"], table["value"]):
        return failed("the table is not as it was written")
    return survived(f"{time.monotonic() - start:.1f} s to write and read")
