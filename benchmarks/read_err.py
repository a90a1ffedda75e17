r"""How fast the progress lines of a ``.err`` file are read: loss and step alone, and every field.

A file such as the study's q203 wrote is made in a temporary folder: 100,000 steps and over again, two
records a step, six numbers in each, an evaluation's bars every thousand steps. Each way of reading is
repeated and the best of its repeats told, in MB a second of processor time and of wall time. The peak of
memory is the whole process's. Exit status 3 where a goal is missed.

    python -m benchmarks.read_err [--megabytes 200] [--repeats 5] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ired_diag.readers import tqdm_lines

TOTAL = 100_000
GOALS = {"loss and step": 150.0, "every field": 45.0}  # MB/s
MEMORY_GOAL = 500.0  # MB
NAMES = ("loss", "loss_denoise", "loss_energy", "loss_opt", "data_time", "nn_time")
EVALUATION = (
    "\n\rsampling loop time step:   0%|          | 0/10 [00:00<?, ?it/s]\x1b[A"
    "\n\rsampling loop time step: 100%|██████████| 10/10 [00:00<00:00, 80.78it/s]\n"
)


def lines(step: int, values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    """Return what tqdm draws at a step: its text at the counter before, and again at its own."""
    line = (
        "loss: {:.4f} loss_denoise: {:.4f} loss_energy: {:.4f} "
        "loss_opt: {:.4f} data_time: {:.2f} nn_time: {:.2f}"
    )
    text, speed = line.format(*values), 9 + values[4]
    return "".join(_line(text, counter, speed) for counter in (step - 1, step))


def _line(text: str, counter: int, speed: float) -> str:
    bar = ("█" * (counter * 10 // TOTAL)).ljust(10)
    seconds = counter // 10
    clock = f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    percent = counter / TOTAL * 100
    return f"\r{text}: {percent:3.0f}%|{bar}| {counter}/{TOTAL} [{clock}<2:27:55, {speed:5.2f}it/s]"


def pieces(megabytes: float) -> Iterator[bytes]:
    """Yield the file, a thousand steps at a time."""
    rng, size, step = np.random.default_rng(20261120), 0.0, 0
    while size < megabytes * 1e6:
        values = np.abs(rng.standard_normal((1000, len(NAMES))))
        drawn = "".join(lines(step + i, row) for i, row in enumerate(values, start=1))
        piece = (EVALUATION + drawn).encode()
        yield piece
        size, step = size + len(piece), (step + 1000) % TOTAL


def measure(path: Path, names: tuple[str, ...] | None, repeats: int) -> dict[str, float]:
    """Return the best of repeated readings, in MB/s, and how many steps were read."""
    processor, wall, steps = [], [], 0
    for _ in range(repeats):
        at = time.process_time(), time.perf_counter()
        log = tqdm_lines.read(path, names=names)
        processor.append(time.process_time() - at[0])
        wall.append(time.perf_counter() - at[1])
        steps = len(log.bars[0].steps)
        if log.damaged or len(log.bars) != 1:
            raise AssertionError(f"a whole file of one bar was read as {log}")
    size = path.stat().st_size / 1e6
    return {
        "processor_mb_s": size / min(processor),
        "median_processor_mb_s": size / float(np.median(processor)),
        "wall_mb_s": size / min(wall),
        "steps": steps,
    }


def main() -> int:
    """Measure, print, and say whether the goals are met."""
    parser = argparse.ArgumentParser(description="How fast progress lines are read.")
    parser.add_argument("--megabytes", type=float, default=200.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "job.err"
        with path.open("wb") as file:
            file.writelines(pieces(options.megabytes))
        results = {
            "loss and step": measure(path, ("loss",), options.repeats),
            "every field": measure(path, None, options.repeats),
        }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    row = "{:<14} {:>10} {:>12} {:>10} {:>10} {:>6}\n"
    sys.stdout.write(row.format("read", "MB/s CPU", "median CPU", "MB/s wall", "steps", "goal"))
    for name, result in results.items():
        rates = [
            f"{result[key]:.0f}" for key in ("processor_mb_s", "median_processor_mb_s", "wall_mb_s", "steps")
        ]
        sys.stdout.write(row.format(name, *rates, f"{GOALS[name]:.0f}"))
    sys.stdout.write(f"peak memory {peak:.0f} MB, goal {MEMORY_GOAL:.0f} MB\n")
    if options.json:
        options.json.write_text(json.dumps({"readings": results, "peak_mb": peak}, indent=2) + "\n")
    fast = all(results[name]["processor_mb_s"] >= goal for name, goal in GOALS.items())
    return 0 if fast and peak < MEMORY_GOAL else 3


if __name__ == "__main__":
    sys.exit(main())
