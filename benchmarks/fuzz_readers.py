"""Damaged files of each format: no traceback, no hang, and what is lost is said.

    python -m benchmarks.fuzz_readers [FORMAT …] [--files 5000] [--seed 0]

Files that real libraries wrote (``tests/formats``) are damaged in one of the ways of ``benchmarks.damage``
and opened as a user opens them. Of a run that is a folder, one file is damaged. Allowed are runs with or
without findings, and a ``DiagError``; any other exception, and any file that takes longer than ``SLOWEST``,
is a failure. *Silent* counts files whose values differ from those of the intact file although nothing is
said. A flipped digit in a text file is one and cannot be known; with checksums only a cut between two records
is one.
"""

from __future__ import annotations

import argparse
import lzma
import shutil
import sys
import tarfile
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.damage import DAMAGES
from ired_diag.errors import DiagError
from ired_diag.open import open_study
from ired_diag.runs.study import Study

FORMATS = Path(__file__).parents[1] / "tests" / "formats"
SLOWEST = 20.0  # s
MOST_SHOWN = 3

STATS = "".join(
    f'{{"Loss/loss": {{"num": 10, "mean": {1 / (1 + kimg)}, "std": 0.1}}, '
    f'"Progress/kimg": {{"num": 1, "mean": {kimg}.0, "std": 0.0}}, "timestamp": 1697077379.2}}\n'
    for kimg in range(0, 1500, 50)
)


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
}


def fuzz(name: str, *, files: int, seed: int) -> Outcome:
    """Return what became of so many damaged files of a format."""
    rng = np.random.default_rng(seed)
    outcome = Outcome()
    ways = sorted(DAMAGES)
    with tempfile.TemporaryDirectory() as folder:
        intact = Path(folder, "intact")
        SOURCES[name](intact)
        last = last_values(open_study(intact))
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
    try:
        study = open_study(folder)
    except DiagError:
        outcome.kinds["refused"] += 1
    except Exception:
        outcome.kinds["traceback"] += 1
        outcome.failures.append(f"{what}: {traceback.format_exc(limit=-3)}")
    else:
        outcome.kinds[_kind(study, last)] += 1
    took = time.perf_counter() - begun
    outcome.slowest = max(outcome.slowest, took)
    if took > SLOWEST:
        outcome.failures.append(f"{what}: took {took:.0f} s")


def _kind(study: Study, last: dict[str, float]) -> str:
    findings = [finding for run in study.runs for finding in run.findings]
    if any(finding.rule in ("damaged_records", "torn_tail", "configuration_torn") for finding in findings):
        return "said"
    if study.skipped or study.unreadable:
        return "listed"
    return "same" if last_values(study) == last else "silent"


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
    for name in arguments.formats or SOURCES:
        outcome = fuzz(name, files=arguments.files, seed=arguments.seed)
        counts = ", ".join(f"{count} {kind}" for kind, count in outcome.kinds.most_common())
        sys.stdout.write(f"{name}: {counts}; slowest {outcome.slowest:.2f} s\n")
        for failure in outcome.failures[:MOST_SHOWN]:
            sys.stdout.write(f"  {failure}\n")
        sys.stdout.flush()
        failed = failed or bool(outcome.failures)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
