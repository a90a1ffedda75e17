"""Studies with many checkpoints: copies of the sample runs', each with weights and a step of its own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from app.cli.demo import sample_runs
from ired_diag.errors import DiagError
from ired_diag.launching.settings import Settings
from ired_diag.probe_jobs.running import find_snakemake

EXPERIMENTS = ("q101", "q102", "q103")
STEP = 100  # between two checkpoints


def make_study(folder: Path, runs: int, checkpoints: int) -> Path:
    """Return a runs folder with as many runs, and as many checkpoints in each."""
    rng = np.random.default_rng(0)
    for number in range(runs):
        experiment = EXPERIMENTS[number % len(EXPERIMENTS)]
        seed = number // len(EXPERIMENTS)
        source = sample_runs() / experiment / "seed0"
        run = folder / experiment / f"seed{seed}"
        (run / "checkpoints").mkdir(parents=True)
        content = json.loads((source / "config.json").read_text())
        content["seed"] = content["config"]["seed"] = seed
        (run / "config.json").write_text(json.dumps(content))
        (run / "metrics.jsonl").write_bytes((source / "metrics.jsonl").read_bytes())
        last = max((source / "checkpoints").glob("step-*.safetensors"))
        for count in range(1, checkpoints + 1):
            _write_changed(last, run / "checkpoints", count * STEP, rng)
    return folder


def _write_changed(source: Path, folder: Path, step: int, rng: np.random.Generator) -> None:
    changed = {}
    with safe_open(source, "numpy") as file:
        metadata = {**file.metadata(), "step": str(step)}
        for name in file.keys():
            tensor = file.get_tensor(name)
            noise = rng.standard_normal(tensor.shape)
            changed[name] = tensor + 0.01 * noise.astype(tensor.dtype)
    save_file(changed, folder / f"step-{step:09d}.safetensors", metadata=metadata)


def need_snakemake(settings: Settings | None = None) -> None:
    """Skip a test where Snakemake, or its SLURM executor, is not installed."""
    try:
        find_snakemake(settings)
    except DiagError as error:
        pytest.skip(str(error))


def tables(folder: Path) -> dict[str, bytes]:
    """Return the content of each table of a probe below a folder."""
    contents = {}
    for path in folder.rglob("*.parquet"):
        name = str(path.relative_to(folder))
        contents[name] = path.read_bytes()
    return contents
