"""What tests share: the study's data where it is at hand, and synthetic logs in the same formats."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

Evaluation = tuple[int, float, float]  # step, error on the training batch, validation MSE

LogWriter = Callable[..., Path]

THREE: tuple[Evaluation, ...] = ((1000, 1.4, 1.3), (2000, 0.5, 0.4), (3000, 0.0101, 0.0102))


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Tensors in tests are small: threads would only wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of the study's real data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("IRED_DIAG_SHARED", Path(__file__).parents[2] / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"the study's data are not at {folder}")
    return folder


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(20261120)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261120)


def configuration(name: str = "q900_synthetic", **keys: Any) -> dict[str, Any]:
    return {"experiment_name": name, "mining_strategy": "none", "rank": 20, "ood": False, **keys}


def log_text(
    *,
    seed: int | None = 0,
    config: dict[str, Any] | None = None,
    evaluations: Sequence[Evaluation] = THREE,
    commit: str = "0123456789abcdef0123456789abcdef01234567",
    started: str = "Sat Jan 24 00:53:55 EST 2026",
    complete: bool = True,
) -> str:
    """Return the text of a SLURM log as the study's batch scripts wrote it."""
    lines = [f"Job started at {started}", "Running on host: node17.example", "Job ID: 1"]
    lines += [f"Git SHA: {commit}", f"Repository cloned and checked out to: {commit[:7]}"]
    if seed is not None:
        lines += [f"Setting random seed: {seed}"]
    lines += [f"Configuration: {json.dumps(config or configuration(), indent=2)}"]
    lines += ["Training for 3000 steps..."]
    for step, train, validation in evaluations:
        lines += ["Running Evaluation..."]
        lines += [f"Validation Result @ Iteration {step}; Milestone = {step // 1000} (Train)"]
        lines += ["---------  ------", f"mse_error  {train}", "---------  ------"]
        lines += [f"Validation Result @ Iteration {step}; Milestone = {step // 1000} (ID: Validation)"]
        lines += ["---  ------", f"mse  {validation}", "---  ------"]
    if complete:
        lines += ["training complete", "Training completed!"]
        lines += ["Experiment completed at Sat Jan 24 02:32:02 EST 2026", "Cleaning up work directory..."]
    return "\n".join(lines) + "\n"


@pytest.fixture
def write_log(tmp_path: Path) -> LogWriter:
    """A function (job, task=…, err=…, folder=…, **log_text's) that writes a log and returns its path."""

    def write(
        job: int, *, task: int | None = None, err: str | None = None, folder: str = "logs", **told: Any
    ) -> Path:
        stem = f"ired_q900_synthetic_{job}" + (f"_{task}" if task is not None else "")
        path = tmp_path / folder / f"{stem}.out"
        path.parent.mkdir(exist_ok=True)
        path.write_text(log_text(**told))
        if err is not None:
            path.with_suffix(".err").write_text(err)
        return path

    return write
