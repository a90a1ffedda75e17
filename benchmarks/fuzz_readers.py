"""Damaged files of each format: no traceback, no hang, and what is lost is said.

    python -m benchmarks.fuzz_readers [FORMAT …] [--files 5000] [--seed 0]

Files that real libraries wrote (``tests/formats``), and tables in their forms, are damaged in one of the ways
of ``benchmarks.damage`` and opened as a user opens them. Of a run that is a folder, one file is damaged.
Allowed are runs with or without findings, and a ``DiagError``; any other exception is a failure, and so is
any file that takes longer than ``SLOWEST``: reading is stopped then. *Silent* counts files whose values
differ from those of the intact file although nothing is said. A flipped digit in a text file is one and
cannot be known; with checksums only a cut between two records is one.
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
import shutil
import signal
import sys
import tarfile
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from benchmarks.damage import DAMAGES
from ired_diag.errors import DiagError
from ired_diag.final_values import open_runs_or_table
from ired_diag.runs.study import Study

FORMATS = Path(__file__).parents[1] / "tests" / "formats"
SLOWEST = 20  # s

STATS = "".join(
    f'{{"Loss/loss": {{"num": 10, "mean": {1 / (1 + kimg)}, "std": 0.1}}, '
    f'"Progress/kimg": {{"num": 1, "mean": {kimg}.0, "std": 0.0}}, "timestamp": 1697077379.2}}\n'
    for kimg in range(0, 1500, 50)
)


TABLE = "method,fold,seed,pred_len,accuracy,time_s\n" + "".join(
    f"{method},{fold},{seed},{length},{0.9 - fold / 100 - seed / 1000 - length / 1e4},12.5\n"
    for method in ("sgd", "adam")
    for fold in range(3)
    for seed in range(2)
    for length in (96, 192)
)
TRIALS = "number,value,params_lr,state\n" + "".join(
    f"{number},{1 / (1 + number)},{0.1 / (1 + number)},COMPLETE\n" for number in range(30)
)
RECORDS = [
    {"config": {"method": method, "seed": seed}, "metrics": {"val": {"acc": seed / 10}}}
    for method in ("sgd", "adam")
    for seed in range(8)
]
EPOCHS = "epoch,accuracy,loss,val_accuracy,val_loss\n" + "".join(
    f"{epoch},{1 - 1 / (2 + epoch)},{1 / (1 + epoch)},{1 - 1 / (3 + epoch)},NA\n" for epoch in range(40)
)
SUMMARY = '{"_step": 90, "_runtime": 12.5, "val/loss": 0.25, "val/acc": "NaN", "best": {"loss": 0.2}}'
WANDB_CONFIG = "wandb_version: 1\nlr:\n  desc: null\n  value: 0.1\nseed:\n  value: 3\n"
PANEL = '"Step","a - loss","a - loss__MIN","a - loss__MAX","b - loss","b - loss__MIN","b - loss__MAX"\n'


class TooSlow(Exception):
    """Reading took longer than allowed."""


@dataclass
class Outcome:
    """What became of the damaged files of a format."""

    kinds: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0


def copied(name: str) -> Callable[[Path], None]:
    """Return a function that copies a folder of ``tests/formats``."""

    def copy(target: Path) -> None:
        shutil.copytree(FORMATS / name, target, ignore=shutil.ignore_patterns("points.json"))

    return copy


def unpacked(name: str) -> Callable[[Path], None]:
    """Return a function that unpacks a compressed file or archive of ``tests/formats``."""

    def unpack(target: Path) -> None:
        target.mkdir()
        source = FORMATS / name
        if name.endswith(".tar.xz"):
            with tarfile.open(source) as archive:
                archive.extractall(target, filter="data")
        else:
            (target / source.stem).write_bytes(lzma.decompress(source.read_bytes()))

    return unpack


def statistics(target: Path) -> None:
    """Write a log of training statistics."""
    target.mkdir()
    (target / "stats.jsonl").write_text(STATS)


def neptune(target: Path) -> None:
    """Write a run as Neptune's exporter does."""
    import pyarrow
    from pyarrow.parquet import write_table

    rows = []
    for step in range(200):
        row = {"project_id": "me/toy", "run_id": "RUN-1", "attribute_path": "val/loss"}
        rows.append({**row, "attribute_type": "float_series", "step": step, "float_value": 1 / (1 + step)})
    target.mkdir()
    write_table(pyarrow.Table.from_pylist(rows), target / "toy.parquet")


def texts(**contents: str) -> Callable[[Path], None]:
    """Return a function that writes a folder of text files; ``_`` in a name stands for its last point."""

    def write(target: Path) -> None:
        target.mkdir()
        for name, content in contents.items():
            (target / ".".join(name.rsplit("_", 1))).write_text(content)

    return write


def panel() -> str:
    """Return an export of a panel of wandb."""
    rows = [",".join(f'"{value}"' for value in (step, *[1 / (1 + step)] * 6)) for step in range(40)]
    return PANEL + "\n".join(rows) + "\n"


def as_lines(records: Sequence[dict[str, Any]]) -> str:
    """Return records as JSON lines."""
    return "".join(json.dumps(record) + "\n" for record in records)


SOURCES: dict[str, Callable[[Path], None]] = {
    "wandb": copied("wandb"),
    "mlflow_sqlite": unpacked("mlflow/mlflow.db.xz"),
    "mlflow_files": unpacked("mlflow/mlruns.tar.xz"),
    "trackio": unpacked("trackio/toy.db.xz"),
    "dvclive": copied("dvclive"),
    "sb3": copied("sb3"),
    "ray": copied("ray"),
    "training_stats": statistics,
    "neptune": neptune,
    "hydra": copied("hydra"),
    "wandb_summary": texts(**{"wandb-summary_json": SUMMARY, "config_yaml": WANDB_CONFIG}),
    "wandb_panel": texts(export_csv=panel()),
    "keras": texts(training_csv=EPOCHS),
    "tables": texts(results_csv=TABLE),
    "trials": texts(trials_csv=TRIALS),
    "results_json": texts(results_json=json.dumps(RECORDS)),
    "results_lines": texts(results_jsonl=as_lines(RECORDS)),
}


def fuzz(name: str, *, files: int, seed: int) -> Outcome:
    """Return what became of so many damaged files of a format."""
    rng = np.random.default_rng(seed)
    outcome = Outcome()
    ways = sorted(DAMAGES)
    with tempfile.TemporaryDirectory() as folder:
        intact = Path(folder, "intact")
        SOURCES[name](intact)
        last = last_values(opened(intact))
        paths = sorted(path for path in intact.rglob("*") if path.is_file() and path.stat().st_size > 1)
        for number in range(files):
            path = paths[int(rng.integers(len(paths)))]
            content = path.read_bytes()
            way = ways[int(rng.integers(len(ways)))]
            path.write_bytes(DAMAGES[way](content, rng))
            try:
                _open_damaged(intact, outcome, last, f"{path.name}, {way}, file {number}")
            finally:
                path.write_bytes(content)
    return outcome


def _open_damaged(folder: Path, outcome: Outcome, last: dict[str, float], what: str) -> None:
    begun = time.perf_counter()
    signal.alarm(SLOWEST)
    try:
        study = opened(folder)
    except DiagError:
        outcome.kinds["refused"] += 1
    except TooSlow:
        outcome.kinds["stopped"] += 1
        outcome.failures.append(f"{what}: longer than {SLOWEST} s: {traceback.format_exc(limit=-6)}")
    except Exception:
        outcome.kinds["traceback"] += 1
        outcome.failures.append(f"{what}: {traceback.format_exc(limit=-6)}")
    else:
        outcome.kinds[_kind(study, last)] += 1
    finally:
        signal.alarm(0)
    outcome.slowest = max(outcome.slowest, time.perf_counter() - begun)


def _too_slow(number: int, frame: FrameType | None) -> None:
    raise TooSlow


def opened(folder: Path) -> Study:
    """Return what a user gets who opens a folder: its runs, else those of its tables of results."""
    return open_runs_or_table(folder)


def _kind(study: Study, last: dict[str, float]) -> str:
    findings = [finding for run in study.runs for finding in run.findings]
    if any(finding.rule in ("damaged_records", "torn_tail", "configuration_torn") for finding in findings):
        return "said"
    if study.skipped or study.unreadable:
        return "listed"
    return "same" if last_values(study) == last else "silent"


def distinct_failures(failures: Sequence[str]) -> Iterator[str]:
    """Yield the first failure at each place of the code, with how many there are."""
    by_place: dict[str, list[str]] = {}
    for failure in failures:
        places = re.findall(r'File "[^"]*", line \d+, in \w+', failure)
        own = [place for place in places if "ired_diag" in place]
        by_place.setdefault(own[-1] if own else failure, []).append(failure)
    for alike in by_place.values():
        yield f"{len(alike)} times: {alike[0]}"


def last_values(study: Study) -> dict[str, float]:
    """Return the last value of each metric of each run, as text, so that NaN is equal to itself."""
    return dict(_last_values(study))


def _last_values(study: Study) -> Iterator[tuple[str, float]]:
    for run in study.runs:
        for name, series in run.history.series.items():
            yield f"{run.label} {name} {series.values.tolist()}", float(series.steps[-1])


def main() -> int:
    """Damage files of each format and print what became of them."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=f"Default: {', '.join(SOURCES)}.")
    parser.add_argument("--files", type=int, default=5000, help="Damaged files of each format.")
    parser.add_argument("--seed", type=int, default=0, help="Random seed.")
    arguments = parser.parse_args()
    failed = False
    signal.signal(signal.SIGALRM, _too_slow)
    for name in arguments.formats or SOURCES:
        outcome = fuzz(name, files=arguments.files, seed=arguments.seed)
        counts = ", ".join(f"{count} {kind}" for kind, count in outcome.kinds.most_common())
        sys.stdout.write(f"{name}: {counts}; slowest {outcome.slowest:.2f} s\n")
        for failure in distinct_failures(outcome.failures):
            sys.stdout.write(f"  {failure}\n")
        sys.stdout.flush()
        failed = failed or bool(outcome.failures)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
