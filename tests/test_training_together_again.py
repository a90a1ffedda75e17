"""An ensemble that is killed between two of its saves goes on as one, bit for bit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.runs.store import read_run
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.opening import Options
from ired_diag.training.plan import PlannedRun
from ired_diag.training.together_again import RULE
from ired_diag.training.trainer import train, train_together

pytestmark = pytest.mark.slow

SEEDS = 3
TINY = {
    "experiment_name": "q900_tiny",
    "rank": 2,
    "width": 4,
    "diffusion_steps": 4,
    "batch_size": 4,
    "train_steps": 30,
    "mining_strategy": "mixed",
    "validate_every": 10,
    "validation_batches": 1,
    "validation_batch_size": 4,
    "checkpoint_every": 5,
    "log_every": 1,
}


class Killed(BaseException):
    """What ends an ensemble between two steps here, in place of a signal."""


def config_of(seed: int = 0) -> InverseConfig:
    return parse_inverse({**TINY, "seed": seed})


def planned(root: Path, *, resume: bool = False) -> list[PlannedRun]:
    return [
        PlannedRun(task=INVERSE, config=config_of(seed), folder=root / f"seed{seed}", resume=resume)
        for seed in range(SEEDS)
    ]


def stop_at(step: int) -> Callable[[int, int, dict[str, float]], None]:
    def progress(at: int, steps: int, values: dict[str, float]) -> None:
        if at == step:
            raise Killed

    return progress


def cut_at(root: Path, step: int) -> Path:
    with pytest.raises(Killed):
        train_together(planned(root), Options(progress=stop_at(step)))
    return root


def killed_in_a_save(folder: Path, *, before: Path, after: Path, ahead: Sequence[int]) -> Path:
    """Compose an ensemble of which a few seeds were saved; all have logged the step of the save."""
    for seed in range(SEEDS):
        source = after if seed in ahead else before
        shutil.copytree(source / f"seed{seed}", folder / f"seed{seed}")
        shutil.copy(after / f"seed{seed}" / "metrics.jsonl", folder / f"seed{seed}")
    return folder


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("checkpoints/*"))}


def rows(folder: Path) -> dict[int, dict[str, Any]]:
    listed = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    measured = ("attempt", "time/seconds_per_step")
    return {row["step"]: {k: v for k, v in row.items() if k not in measured} for row in listed}


def rules(folder: Path) -> list[str]:
    return [finding.rule for finding in read_run(folder).findings]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("whole")
    train_together(planned(root), Options())
    return root


@pytest.mark.parametrize("ahead", [[0], [0, 2]])
@pytest.mark.parametrize(("before", "after"), [(12, 17), (3, 7), (22, 27)])
def test_seeds_ahead_go_back_and_all_end_as_if_never_stopped(
    before: int, after: int, ahead: list[int], whole: Path, tmp_path: Path
) -> None:
    root = killed_in_a_save(
        tmp_path / "cut",
        before=cut_at(tmp_path / "before", before),
        after=cut_at(tmp_path / "after", after),
        ahead=ahead,
    )
    train_together(planned(root, resume=True), Options())
    assert contents(root) == contents(whole)
    for seed in range(SEEDS):
        folder = root / f"seed{seed}"
        assert rows(folder) == rows(whole / f"seed{seed}")
        assert ("resumed_elsewhere" in rules(folder), RULE in rules(folder)) == (False, seed in ahead)
        assert read_run(folder).ending.complete


def test_a_seed_that_was_saved_at_its_last_step_goes_back_too(whole: Path, tmp_path: Path) -> None:
    before = cut_at(tmp_path / "before", 28)
    root = killed_in_a_save(tmp_path / "cut", before=before, after=whole, ahead=[0])
    told = json.loads((root / "seed0" / "config.json").read_text())
    (root / "seed0" / "config.json").write_text(json.dumps({**told, "ending": {"state": "cut_off"}}))
    train_together(planned(root, resume=True), Options())
    assert contents(root) == contents(whole)


def test_seeds_further_apart_or_without_the_step_stay_where_they_are(tmp_path: Path) -> None:
    before, after = cut_at(tmp_path / "before", 12), cut_at(tmp_path / "after", 22)
    far = killed_in_a_save(tmp_path / "far", before=before, after=after, ahead=[0])
    near = killed_in_a_save(tmp_path / "near", before=before, after=cut_at(tmp_path / "mid", 17), ahead=[0])
    (near / "seed0" / "checkpoints" / "step-000000010.safetensors").unlink()
    for root in (far, near):
        train_together(planned(root, resume=True), Options())
        assert RULE not in rules(root / "seed0")
        assert "resumed_elsewhere" in rules(root / "seed0")  # it says that digits may differ


def test_seeds_that_are_resumed_without_their_companions_stay_where_they_are(tmp_path: Path) -> None:
    before, after = cut_at(tmp_path / "before", 12), cut_at(tmp_path / "after", 17)
    root = killed_in_a_save(tmp_path / "cut", before=before, after=after, ahead=[0])
    train_together(planned(root, resume=True)[:2], Options())
    assert RULE not in rules(root / "seed0")


def test_a_run_that_was_killed_before_its_ending_was_written_is_complete_once_resumed(tmp_path: Path) -> None:
    folder = train(INVERSE, config_of(), tmp_path / "run")
    path = folder / "config.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, "ending": {"state": "cut_off", "detail": ""}}, indent=2) + "\n")
    before = contents(tmp_path)
    train(INVERSE, config_of(), folder, resume=True)
    assert json.loads(path.read_text()) == told
    assert contents(tmp_path) == before
