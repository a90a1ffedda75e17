"""Large logs for benchmarks/memory.py: written column by column, so that a million rows take a second."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ired_diag.table import METADATA

LEVEL = 0.0097  # where the curves come to rest
BLOCK_OF_BARS = 20_000  # lines of a progress bar that are written at once
JOB = 61_000_001
HEAD_OF_JOB = """Job started at Sun Jan 25 08:44:31 EST 2026
Running on host: node1
Job ID: {job} (Array Job ID: {job}, Task ID: 0)
Seed: 0
Starting q901 training
"""
JOB_OF_EPOCHS = "net_q902_61000002_0"
HEAD_OF_EPOCHS = "Job started at Sun Jan 25 08:44:31 EST 2026\nSeed: 0\n"
EVALUATION = """Validation Result @ Iteration {step}; Milestone = {number} (ID: Validation)
---  ----------
mse  {value:.8f}
---  ----------
"""
END_OF_JOB = """training complete
Training completed!
Experiment completed at Sun Jan 25 10:22:31 EST 2026
"""

Floats = NDArray[np.float64]


def curves(rows: int, seed: int) -> dict[str, Floats]:
    """Return three metrics of a training, each of shape (rows,)."""
    rng = np.random.default_rng(seed)
    decay = np.exp(-np.arange(rows) / (0.05 * rows))
    metrics = {}
    for name, factor in (("validation/mse", 1.0), ("train/loss", 2.0), ("train/gradient_norm", 30.0)):
        noise = 1 + 0.05 * rng.standard_normal(rows)
        metrics[name] = factor * (LEVEL + 0.02 * decay) * noise
    return metrics


def _texts(numbers: NDArray[np.generic]) -> pa.Array:
    return pc.cast(pa.array(numbers), pa.string())


def _lines(parts: Sequence[str | pa.Array]) -> bytes:
    """Return lines of constant texts and columns of texts, which alternate at will."""
    columns = [pa.scalar(part) if isinstance(part, str) else part for part in parts]
    lines = pc.binary_join_element_wise(*columns, "")
    texts = lines.buffers()[2]
    return bytes(texts)


def json_lines(rows: int, seed: int, *, step: str, names: Mapping[str, str] | None = None) -> bytes:
    """Return JSON lines with three metrics.

    Args:
        rows: How many lines.
        seed: Seed of the curves.
        step: The key that counts the steps.
        names: Other names for the metrics.
    """
    parts: list[str | pa.Array] = [f'{{"{step}": ', _texts(np.arange(1, rows + 1))]
    for name, values in curves(rows, seed).items():
        shown = (names or {}).get(name, name)
        parts += [f', "{shown}": ', _texts(values)]
    return _lines([*parts, "}\n"])


def comma_lines(rows: int, seed: int) -> bytes:
    """Return a table with three metrics, its cells between commas."""
    metrics = curves(rows, seed)
    parts: list[str | pa.Array] = [_texts(np.arange(1, rows + 1))]
    for values in metrics.values():
        parts += [",", _texts(values)]
    head = ",".join(["step", *metrics]) + "\n"
    return head.encode() + _lines([*parts, "\n"])


def text_lines(rows: int, seed: int) -> bytes:
    """Return a text log as nanoGPT prints it."""
    metrics = curves(rows, seed)
    loss = _texts(np.round(metrics["train/loss"], 6))
    time = _texts(np.round(metrics["train/gradient_norm"] * 100, 2))
    steps = _texts(np.arange(rows))
    return _lines(["iter ", steps, ": loss ", loss, ", time ", time, "ms\n"])


def write_run_folders(folder: Path, runs: int, rows: int) -> None:
    """Write the folders of trained runs: ``q901/seed<k>/`` with config.json and metrics.jsonl."""
    for seed in range(runs):
        place = folder / "q901" / f"seed{seed}"
        place.mkdir(parents=True, exist_ok=True)
        content = {
            "format": 1,
            "experiment": "q901",
            "seed": seed,
            "config": {"seed": seed, "learning_rate": 1e-4},
            "ending": {"state": "complete", "detail": ""},
        }
        (place / "config.json").write_text(json.dumps(content))
        (place / "metrics.jsonl").write_bytes(json_lines(rows, seed, step="step"))


def write_tables(folder: Path, runs: int, rows: int) -> None:
    """Write a CSV table for each run."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(runs):
        (folder / f"sweep-seed{seed}.csv").write_bytes(comma_lines(rows, seed))


def write_tracked(folder: Path, runs: int, rows: int) -> None:
    """Write JSON lines for each run, as wandb's export names things."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {"validation/mse": "val_mse", "train/loss": "train_loss"}
    for seed in range(runs):
        content = json_lines(rows, seed, step="_step", names=names)
        (folder / f"sweep-seed{seed}.jsonl").write_bytes(content)


def write_texts(folder: Path, runs: int, rows: int) -> None:
    """Write a text log for each run."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(runs):
        (folder / f"sweep-seed{seed}.log").write_bytes(text_lines(rows, seed))


def write_job(folder: Path, megabytes: float) -> None:
    """Write a job's ``.out``, and its ``.err`` full of tqdm's bars."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"ired_q901_long_{JOB}_0"
    steps = max(BLOCK_OF_BARS, int(megabytes * 1e6 / len(_bars(999_999, 1_000_000, 1_000_000))))
    values = curves(100, 0)["validation/mse"]
    with (folder / f"{stem}.out").open("w") as file:
        file.write(HEAD_OF_JOB.format(job=JOB))
        for number, value in enumerate(values, start=1):
            file.write(EVALUATION.format(step=number * steps // 100, number=number, value=value))
        file.write(END_OF_JOB)
    with (folder / f"{stem}.err").open("wb") as file:
        for first in range(0, steps, BLOCK_OF_BARS):  # tqdm draws a bar before its first step
            file.write(_bars(first, first + BLOCK_OF_BARS, steps))


def write_epochs(folder: Path, megabytes: float, *, steps: int = 500, first: int = 0) -> None:
    """Write a job whose bar begins again with each epoch.

    Args:
        folder: Where.
        megabytes: How large it is to be.
        steps: The total of the bar.
        first: The first counter at which it states numbers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{JOB_OF_EPOCHS}.out").write_text(HEAD_OF_EPOCHS)
    drawn = ""
    for n in range(first, steps + first):
        percent = f"{n / steps * 100:3.0f}"
        drawn += (
            f"\rEpoch {{0}}: {percent}%|#####     | {n}/{steps} [00:01<00:02, 30.00it/s, loss={{1}}{n:04d}]"
        )
    with (folder / f"{JOB_OF_EPOCHS}.err").open("w") as file:
        for epoch in range(round(megabytes * 1e6 / len(drawn))):
            file.write(drawn.format(epoch, f"0.{epoch % 9 + 1}") + "\n")


def _bars(first: int, end: int, total: int) -> bytes:
    """Return what tqdm draws at the steps from ``first`` up to ``end``."""
    steps = np.arange(first, end)
    rng = np.random.default_rng(first)
    loss = _texts(np.round(LEVEL * (1 + 0.1 * rng.standard_normal(len(steps))), 6))
    rate = _texts(np.round(9 + rng.random(len(steps)), 2))
    percent = _texts(np.rint(steps / total * 100).astype(np.int64))
    bar = "█████     "
    return _lines(
        [
            *("\rloss: ", loss, ": ", percent, f"%|{bar}| "),
            *(_texts(steps), f"/{total} [1:02:03<2:27:55, ", rate, "it/s]"),
        ]
    )


def write_probe_table(run: Path, rows: int, probe: str) -> Path:
    """Make the table of a run's probe large by repeating its rows at other steps; return its file."""
    path = run / "probes" / f"{probe}.parquet"
    table = pq.read_table(path)
    copies = -(-rows // table.num_rows)
    schema = table.schema
    place = table.column_names.index("step")
    largest = path.with_suffix(".large")
    with pq.ParquetWriter(largest, schema, compression="zstd") as writer:
        for number in range(copies):
            moved = pc.add(table.column("step"), number * 1_000_000)
            step = moved.cast(schema.field("step").type)
            writer.write_table(table.set_column(place, schema.field("step"), step))
    largest.replace(path)
    assert METADATA in (schema.metadata or {})
    return path
