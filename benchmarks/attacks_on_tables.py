"""Damaged tables, reports and checkpoints: the files that one command is given by name."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.attack import Attack, Outcome
from benchmarks.attack_bed import GROUPS, SEEDS, curve_of, run_folder, write
from benchmarks.attack_commands import REPORT
from benchmarks.attacked_command import Expected, outcome_of
from benchmarks.damage import DAMAGES

SAMPLE = Path(__file__).parents[1] / "sample_runs" / "q101" / "seed0"
DRAWS = 2
MAY_REFUSE = Expected(statuses=(0, 1, 3))
GOES_ON = Expected(statuses=(0, 3))
Content = Callable[[], bytes]
Arguments = Callable[[Path, Path], Sequence[str]]


def attacks(seed: int) -> Iterator[Attack]:
    """Yield the attacks; their damage is drawn from a seed."""
    for kind, (name, content, arguments, expected) in enumerate(KINDS):
        for draw in range(DRAWS):
            for number, damage in enumerate(DAMAGES):
                rng_seed = (seed, kind, draw, number)
                run = _damaged(name, content, arguments, damage, rng_seed, expected)
                yield Attack(f"damaged {name.partition(' ')[0]}", f"{name}: {damage} {draw}", run)


def _damaged(
    name: str,
    content: Content,
    arguments: Arguments,
    damage: str,
    drawn_from: tuple[int, ...],
    expected: Expected,
) -> Callable[[Path], Outcome]:
    def run(folder: Path) -> Outcome:
        study, out = folder / "study", folder / "out"
        out.mkdir()
        for group in GROUPS:
            for seed in SEEDS:
                write(study, run_folder(group, seed, curve_of(group, seed)))
        path = study / name.partition(" ")[2]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(DAMAGES[damage](content(), np.random.default_rng(drawn_from)))
        return outcome_of(arguments(path, out), study, expected)

    return run


def seed_table() -> bytes:
    """Return a table of one number a seed."""
    rows = (f"{g},{s},{0.1 * k + 0.01 * s:.4f}\n" for k, g in enumerate(GROUPS) for s in range(5))
    return ("method,seed,accuracy\n" + "".join(rows)).encode()


def seed_object() -> bytes:
    """Return the same numbers as JSON."""
    rows = {g: [round(0.1 * k + 0.01 * s, 4) for s in range(5)] for k, g in enumerate(GROUPS)}
    return json.dumps(rows, indent=1).encode()


def report() -> bytes:
    """Return a report whose numbers are those of the runs."""
    latex = "\n\\begin{tabular}{lc} A & $0.24 \\pm 0.01$ \\\\ B & 0.34 \\end{tabular}\n"
    return (REPORT + latex).encode()


@cache
def torch_file() -> bytes:
    """Return a small checkpoint, as PyTorch stores one."""
    import torch

    from ired_diag.inverse.architecture import Architecture, initial_parameters

    tensors = initial_parameters(Architecture(rank=3, width=8), generator=torch.Generator().manual_seed(0))
    buffer = io.BytesIO()
    torch.save({"step": 2400, "model": tensors}, buffer)
    return buffer.getvalue()


@cache
def weights_file() -> bytes:
    """Return a checkpoint of a sample run."""
    return next(SAMPLE.glob("checkpoints/*.safetensors")).read_bytes()


@cache
def probe_table() -> bytes:
    """Return the table of a probe, put to a checkpoint of a sample run."""
    import tempfile

    from click.testing import CliRunner

    from app.cli import main

    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder, "step-000009000.safetensors")
        checkpoint.write_bytes(weights_file())
        words = [
            "probe",
            "accuracy",
            str(checkpoint),
            "--samples",
            "64",
            "--figures",
            "none",
            "--out",
            folder,
        ]
        result = CliRunner().invoke(main, words)
        (path,) = Path(folder).rglob("*.parquet") if result.exit_code == 0 else [checkpoint]
        return path.read_bytes()


def _probe(path: Path, out: Path) -> Sequence[str]:
    words = ["probe", "accuracy", str(path), "--samples", "16", "--figures", "none", "--device", "cpu"]
    return [*words, "--out", str(out)]


def _figures(path: Path, out: Path) -> Sequence[str]:
    words = ["figures", str(path.parents[2]), "--only", "floor-ladder", "--only", "learning-curves"]
    return [*words, "--format", "svg", "--out", str(out)]


KINDS: tuple[tuple[str, Content, Arguments, Expected], ...] = (
    ("results table.csv", seed_table, lambda path, out: ["stats", str(path)], MAY_REFUSE),
    ("results table.json", seed_object, lambda path, out: ["stats", str(path)], MAY_REFUSE),
    ("report report.md", report, lambda p, out: ["check", str(p), "--runs", str(p.parent)], MAY_REFUSE),
    ("report report.tex", report, lambda p, out: ["check", str(p), "--runs", str(p.parent)], MAY_REFUSE),
    ("checkpoint model-1.pt", torch_file, _probe, MAY_REFUSE),
    ("checkpoint a/b/step-000009000.safetensors", weights_file, _probe, MAY_REFUSE),
    ("Parquet q900/seed1/probes/accuracy.parquet", probe_table, _figures, GOES_ON),
)
