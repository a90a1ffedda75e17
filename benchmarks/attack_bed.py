"""What is attacked: one file among the runs of three groups, in each format that is read.

q900, q901 and q902 have three seeds each. One file of q900 is attacked; q901 and q902 are whole, and every
command must still read them.
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ired_diag.readers.masked_crc import masked_crc

GROUPS, SEEDS, ROWS = ("q900", "q901", "q902"), (0, 1, 2), 24
ATTACKED, HEALTHY = ("q900", 1), ("q901", "q902")
Curve = Sequence[tuple[int, float]]  # step and value of each evaluation
Write = Callable[[str, int, Curve], Mapping[str, bytes]]


@dataclass(frozen=True)
class Format:
    """A format: its name, its files by group and seed, and which of a seed's files is attacked."""

    name: str
    files: Write
    attacked: str


def curve_of(group: str, seed: int) -> Curve:
    """Return a validation curve that falls to a level of its group."""
    level = 0.1 * (1 + GROUPS.index(group))
    return [(100 * (k + 1), level + 1 / (k + 1) + 0.01 * math.sin(k * (seed + 1))) for k in range(ROWS)]


def settings(group: str, seed: int) -> dict[str, Any]:
    """Return the configuration of a run."""
    return {
        "experiment_name": f"{group}_made",
        "rank": 20,
        "ood": False,
        "mining_strategy": "none",
        "lr": 0.1,
    }


def stored(group: str, seed: int) -> dict[str, Any]:
    """Return the content of a run folder's ``config.json``, with every key that it can have."""
    return {
        "format": 1,
        "experiment": group,
        "name": f"{group}_made",
        "variant": None,
        "seed": seed,
        "config": settings(group, seed),
        "validated": True,
        "evaluations": ROWS,
        "ending": {"state": "complete", "detail": "", "inferred": False, "cause": ""},
        "findings": [
            {
                "rule": "odd",
                "severity": "note",
                "statement": "Odd.",
                "evidence": {"n": 1},
                "advice": "",
                "runs": ["q900 seed0"],
            }
        ],
        "results": [
            {"metric": "ood/mse", "value": 0.2, "source": "x.out", "line": 3, "spread": 0.01, "n": 5}
        ],
        "provenance": {"job": "17", "started": "2026-01-24T00:53:55", "git_commit": "0123456", "sources": []},
        "run_name": "",
        "checkpoints": "",
    }


def rows(curve: Curve) -> bytes:
    """Return a history as JSON lines."""
    lines = (json.dumps({"step": s, "validation/mse": v, "train/loss": 2 * v}) for s, v in curve)
    return "".join(f"{line}\n" for line in lines).encode()


def run_folder(group: str, seed: int, curve: Curve) -> dict[str, bytes]:
    """Return the files of a run folder of this project."""
    place = f"{group}/seed{seed}"
    return {
        f"{place}/config.json": json.dumps(stored(group, seed)).encode(),
        f"{place}/metrics.jsonl": rows(curve),
    }


def slurm_log(group: str, seed: int, curve: Curve) -> dict[str, bytes]:
    """Return the log of a job, as the study's batch scripts write it, and its standard error."""
    lines = ["Job started at Sat Jan 24 00:53:55 EST 2026", "Running on host: node17.example", "Job ID: 1"]
    lines += [f"Git SHA: {'0123456789abcdef' * 2}01234567", f"Setting random seed: {seed}"]
    lines += [f"Configuration: {json.dumps(settings(group, seed), indent=2)}", "Training for 2400 steps..."]
    for step, value in curve:
        lines += [
            "Running Evaluation...",
            f"Validation Result @ Iteration {step}; Milestone = 1 (ID: Validation)",
        ]
        lines += ["---  ------", f"mse  {value:.6f}", "---  ------"]
    lines += [
        "training complete",
        "Training completed!",
        "Experiment completed at Sat Jan 24 02:32:02 EST 2026",
    ]
    stem = f"ired_{group}_made_{60000000 + GROUPS.index(group)}_{seed}"
    bars = "\r".join(
        f"{k}%|#| {24 * k}/2400 [00:{k % 60:02d}<00:01, 3.1it/s, loss=0.{k:02d}]" for k in range(100)
    )
    return {f"{stem}.out": "\n".join(lines).encode() + b"\n", f"{stem}.err": f"{bars}\n".encode()}


def metrics_table(group: str, seed: int, curve: Curve) -> dict[str, bytes]:
    """Return a table of metrics as CSV, and the configuration next to it as YAML."""
    table = "epoch,step,train_loss,val_loss\n" + "".join(f"{s // 100},{s},{2 * v},{v}\n" for s, v in curve)
    yaml = f"seed: {seed}\nlr: 0.1\nmodel:\n  width: 8\n  layers: [1, 2]\nname: {group}\n"
    place = f"{group}/version_{seed}"
    return {f"{place}/metrics.csv": table.encode(), f"{place}/hparams.yaml": yaml.encode()}


def json_lines(group: str, seed: int, curve: Curve) -> dict[str, bytes]:
    """Return a history as JSON lines of another program."""
    return {f"{group}/seed_{seed}.jsonl": rows(curve).replace(b"validation/mse", b"eval_loss")}


def trainer_state(group: str, seed: int, curve: Curve) -> dict[str, bytes]:
    """Return the state that a trainer of transformers writes."""
    log = [{"epoch": s / 100, "step": s, "loss": 2 * v, "learning_rate": 0.1} for s, v in curve]
    log += [{"epoch": s / 100, "step": s, "eval_loss": v} for s, v in curve]
    state = {"global_step": 2400, "max_steps": 2400, "log_history": sorted(log, key=lambda e: e["step"])}
    return {f"{group}/seed_{seed}/trainer_state.json": json.dumps(state, indent=1).encode()}


def progress_bars(group: str, seed: int, curve: Curve) -> dict[str, bytes]:
    """Return a log that holds nothing but progress bars."""
    bars = (f"{(s - 1) // 24}%|#| {s - 1}/2400 [00:01<00:01, 3.1it/s, val_loss={v:.4f}]" for s, v in curve)
    return {f"{group}/{group}_seed{seed}.out": "\r".join(bars).encode() + b"\nTraining completed!\n"}


def event_file(group: str, seed: int, curve: Curve) -> dict[str, bytes]:
    """Return an event file of TensorBoard."""
    events = b"".join(event(s, {"validation/mse": v, "train/loss": 2 * v}) for s, v in curve)
    return {f"{group}/seed_{seed}/events.out.tfevents.1769000000.node17.{seed}.0": events}


def event(step: int, scalars: Mapping[str, float]) -> bytes:
    """Return one record of an event file: its length, its content, and the checksum of each."""
    summary = b"".join(
        _part(1, _part(1, os.fsencode(tag)) + b"\x15" + _float32(v)) for tag, v in scalars.items()
    )
    data = b"\x09" + struct.pack("<d", 1.769e9 + step) + b"\x10" + _varint(step) + _part(5, summary)
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc(length)) + data + struct.pack("<I", masked_crc(data))


def _part(field: int, content: bytes) -> bytes:
    return _varint(8 * field + 2) + _varint(len(content)) + content


def _float32(value: float) -> bytes:
    with np.errstate(over="ignore"):
        return np.float32(value).tobytes()


def _varint(number: int) -> bytes:
    digits, number = b"", number % 2**64
    while number > 127:
        digits += bytes([number & 127 | 128])
        number >>= 7
    return digits + bytes([number])


def accounts(group: str, seed: int, curve: Curve) -> dict[str, bytes]:
    """Return the log of a job, and a dump of ``sacct`` next to it."""
    head = "JobID|State|ExitCode|Elapsed\n"
    jobs = "".join(f"{60000000 + g}_{s}|COMPLETED|0:0|01:00:00\n" for g in range(3) for s in SEEDS)
    return {**slurm_log(group, seed, curve), "sacct.txt": (head + jobs).encode()}


FORMATS = (
    Format("config.json", run_folder, "q900/seed1/config.json"),
    Format("metrics.jsonl", run_folder, "q900/seed1/metrics.jsonl"),
    Format("job log", slurm_log, "ired_q900_made_60000000_1.out"),
    Format("standard error", slurm_log, "ired_q900_made_60000000_1.err"),
    Format("accounts", accounts, "sacct.txt"),
    Format("CSV", metrics_table, "q900/version_1/metrics.csv"),
    Format("YAML", metrics_table, "q900/version_1/hparams.yaml"),
    Format("JSON lines", json_lines, "q900/seed_1.jsonl"),
    Format("trainer_state.json", trainer_state, "q900/seed_1/trainer_state.json"),
    Format("progress bars", progress_bars, "q900/q900_seed1.out"),
    Format("event file", event_file, "q900/seed_1/events.out.tfevents.1769000000.node17.1.0"),
)


@cache
def whole(format: Format) -> Mapping[str, bytes]:
    """Return all files of a format, whole, by their place."""
    return {
        place: content
        for g in GROUPS
        for s in SEEDS
        for place, content in format.files(g, s, curve_of(g, s)).items()
    }


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder."""
    for place, content in files.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
