"""A run whose last.pt is lost or damaged goes on from its newest step file, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ired_diag.errors import UnreadableFile
from ired_diag.finding import Finding
from ired_diag.inverse.config import parse_inverse
from ired_diag.runs.store import read_run
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.opening import Options
from ired_diag.training.plan import PlannedRun
from ired_diag.training.trainer import train, train_together

TINY = {
    "experiment_name": "q900_tiny",
    "rank": 2,
    "width": 8,
    "diffusion_steps": 4,
    "batch_size": 8,
    "train_steps": 40,
    "learning_rate": 0.01,
    "validate_every": 10,
    "validation_batches": 1,
    "validation_batch_size": 8,
    "checkpoint_every": 20,
    "log_every": 5,
}


def last(folder: Path) -> Path:
    return folder / "checkpoints" / "last.pt"


def weights(folder: Path) -> dict[str, torch.Tensor]:
    model: dict[str, torch.Tensor] = torch.load(last(folder), weights_only=True)["model"]
    return model


@pytest.mark.parametrize("damage", ["gone", "torn"])
def test_a_run_goes_on_from_its_newest_step_file_bit_for_bit_and_says_so(damage: str, tmp_path: Path) -> None:
    config = parse_inverse(TINY)
    whole = train(INVERSE, config, tmp_path / "whole")
    folder = train(INVERSE, config, tmp_path / "hurt")
    (folder / "checkpoints" / "step-000000040.safetensors").unlink()
    if damage == "gone":
        last(folder).unlink()
    else:
        last(folder).write_bytes(last(folder).read_bytes()[:1000])
    told: list[Finding] = []
    options = Options(announce=lambda where, finding: told.append(finding))
    train_together([PlannedRun(task=INVERSE, config=config, folder=folder, resume=True)], options)
    assert [finding.rule for finding in told] == ["resumed_from_step_file"]
    assert "step-000000020.safetensors" in told[0].statement
    assert told[0] in read_run(folder).findings
    for name, tensor in weights(whole).items():
        assert torch.equal(weights(folder)[name], tensor), name
    stored = [torch.load(last(f), weights_only=True)["ired_diag"] for f in (whole, folder)]
    assert stored[0]["best"] == pytest.approx(stored[1]["best"], rel=1e-12)
    assert stored[0]["best_step"] == stored[1]["best_step"]


def test_a_damaged_state_without_a_step_file_is_an_error(tmp_path: Path) -> None:
    config = parse_inverse({**TINY, "train_steps": 10})
    folder = train(INVERSE, config, tmp_path / "run")
    (folder / "checkpoints" / "step-000000010.safetensors").unlink()
    last(folder).write_bytes(b"PK")
    with pytest.raises(UnreadableFile):
        train(INVERSE, config, folder, resume=True)
