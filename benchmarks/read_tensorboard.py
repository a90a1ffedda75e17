"""A TensorBoard file read whole, against TensorBoard's own EventAccumulator that keeps a part of it.

    python -m benchmarks.read_tensorboard [--scalars 100000] [--tags 1] [--repeats 5] [--json FILE]

A run is written with TensorBoard's own writer, so that its format is not ours: a scalar an event, once as a
plain number (``simple_value``, what PyTorch writes) and once as a tensor (what TensorFlow 2 writes). Three
readings follow each other in turn: ours; EventAccumulator as it comes, which keeps 10,000 plain scalars of a
tag and 10 tensors; and EventAccumulator set to keep all. Printed are the best wall seconds of each, the ratio
to ours, and the points kept. Every point that EventAccumulator keeps must be one of ours, bit for bit; told
to keep all, it must have them all.

TensorBoard without TensorFlow reads with the Python of its own distribution: that is what is timed here.
Exit status 3 where ours, the whole, takes longer than EventAccumulator's part.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ired_diag.readers import tensorboard
from ired_diag.readers.scalar_log import ScalarLog

Kind = Literal["simple", "tensor"]
Points = Mapping[str, list[tuple[int, float]]]  # (step, value) by tag

OURS, PART, ALL = "ired_diag, whole", "EventAccumulator, part", "EventAccumulator, whole"
KEEP_ALL = {"scalars": 0, "tensors": 0}
INSTALL = "benchmarks.read_tensorboard needs TensorBoard: pip install 'ired-diag[bench]'\n"


def write(folder: Path, kind: Kind, *, scalars: int, tags: int, rng: np.random.Generator) -> None:
    """Write ``scalars`` numbers, told in turn under ``tags`` names, as one event file."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util.tensor_util import make_tensor_proto

    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
    writer = EventFileWriter(str(folder))
    for i, value in enumerate(rng.standard_normal(scalars).astype(np.float32)):
        number = (
            {"simple_value": float(value)}
            if kind == "simple"
            else {"tensor": make_tensor_proto(value), "metadata": metadata}
        )
        summary = Summary(value=[Summary.Value(tag=f"train/loss_{i % tags}", **number)])
        writer.add_event(Event(wall_time=1.7e9 + i, step=i // tags, summary=summary))
    writer.close()


def read_ours(folder: Path) -> ScalarLog:
    """Return the run as our reader tells it."""
    return tensorboard.read(folder)


def read_theirs(folder: Path, size_guidance: Mapping[str, int] | None = None) -> Any:
    """Return the run as EventAccumulator keeps it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder), size_guidance=size_guidance).Reload()


def points_of_ours(log: ScalarLog) -> Points:
    """Return our points by tag."""
    return {
        tag: list(zip(series.steps.tolist(), series.values.tolist(), strict=True))
        for tag, series in log.points.items()
    }


def points_of_theirs(log: Any) -> Points:
    """Return EventAccumulator's points by tag, plain and tensor-typed alike."""
    from tensorboard.util.tensor_util import make_ndarray

    tags = log.Tags()
    plain = {tag: [(e.step, e.value) for e in log.Scalars(tag)] for tag in tags["scalars"]}
    typed = {
        tag: [(e.step, make_ndarray(e.tensor_proto).item()) for e in log.Tensors(tag)]
        for tag in tags["tensors"]
    }
    return plain | typed


def compare(kind: Kind, *, scalars: int, tags: int, repeats: int) -> dict[str, dict[str, float]]:
    """Return seconds and points kept of each reader, on one file.

    Raises:
        AssertionError: The readers disagree about a value.
    """
    readers: dict[str, tuple[Callable[[Path], Any], Callable[[Any], Points]]] = {
        OURS: (read_ours, points_of_ours),
        PART: (read_theirs, points_of_theirs),
        ALL: (lambda folder: read_theirs(folder, KEEP_ALL), points_of_theirs),
    }
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    points_of: dict[str, Points] = {}
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), kind, scalars=scalars, tags=tags, rng=np.random.default_rng(20261121))
        for _ in range(repeats):
            for reader, (read, points) in readers.items():
                start = time.perf_counter()
                log = read(Path(name))
                seconds[reader].append(time.perf_counter() - start)
                points_of[reader] = points(log)
    check(points_of, scalars)
    return {
        reader: {
            "seconds": min(seconds[reader]),
            "kept": sum(len(points) for points in points_of[reader].values()),
        }
        for reader in readers
    }


def check(points_of: Mapping[str, Points], scalars: int) -> None:
    """Hold the readers to the same values.

    Raises:
        AssertionError: A value differs, or one is missing where all are to be kept.
    """
    ours = points_of[OURS]
    if sum(len(points) for points in ours.values()) != scalars:
        raise AssertionError(f"our reader lost some of {scalars} points")
    if points_of[ALL] != ours:
        raise AssertionError("our reader and EventAccumulator disagree about the whole")
    for tag, points in points_of[PART].items():
        if not set(points) <= set(ours[tag]):
            raise AssertionError(f"EventAccumulator kept a point of {tag!r} that our reader does not know")


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and say whether the whole is read before their part is."""
    parser = argparse.ArgumentParser(description="How fast a TensorBoard file is read.")
    parser.add_argument("--scalars", type=int, default=100_000)
    parser.add_argument("--tags", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    try:
        import tensorboard as installed  # noqa: F401
    except ImportError:
        sys.stderr.write(INSTALL)
        return 1
    kinds: tuple[Kind, ...] = ("simple", "tensor")
    sizes = {"scalars": options.scalars, "tags": options.tags, "repeats": options.repeats}
    results = {kind: compare(kind, **sizes) for kind in kinds}
    row = "{:<8} {:<24} {:>9} {:>10} {:>8}\n"
    sys.stdout.write(row.format("scalars", "reader", "seconds", "time/ours", "kept"))
    for kind, readers in results.items():
        for reader, result in readers.items():
            ratio = result["seconds"] / readers[OURS]["seconds"]
            cells = (f"{result['seconds']:.3f}", f"{ratio:.2f}", f"{result['kept']:.0f}")
            sys.stdout.write(row.format(kind, reader, *cells))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0 if all(r[OURS]["seconds"] < r[PART]["seconds"] for r in results.values()) else 3


if __name__ == "__main__":
    sys.exit(main())
