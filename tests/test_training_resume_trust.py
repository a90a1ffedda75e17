"""What a resumed run is checked against: its checkpoint's configuration, and the history up to it."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from app.cli import main
from ired_diag.errors import WrongCheckpoint
from ired_diag.finding import Finding
from ired_diag.inverse.config import parse_inverse
from ired_diag.runs.history import read_history
from ired_diag.runs.store import read_run
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.history_gaps import BEYOND, MISSING, history_findings
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
    "checkpoint_every": 10,
    "log_every": 4,
}


class Killed(BaseException):
    """What stops a run between two steps here, in place of a signal."""


def kill_at(step: int) -> Callable[[int, int, dict[str, float]], None]:
    def progress(at: int, steps: int, values: dict[str, float]) -> None:
        if at == step:
            raise Killed

    return progress


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run killed at step 28: its last checkpoint is of step 20, its last rows of steps 24 and 28."""
    folder = tmp_path_factory.mktemp("runs") / "q900" / "seed0"
    with pytest.raises(Killed):
        train(INVERSE, parse_inverse(TINY), folder, progress=kill_at(28))
    return folder


@pytest.fixture
def run(killed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(killed, tmp_path / "runs" / "q900" / "seed0"))


def edit(folder: Path, **keys: Any) -> None:
    path = folder / "config.json"
    content = json.loads(path.read_text())
    content["config"] |= keys
    path.write_text(json.dumps(content))


def contents(folder: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "lock"}


def resumed(folder: Path) -> list[Finding]:
    said: list[Finding] = []
    options = Options(announce=lambda where, finding: said.append(finding))
    train_together(
        [PlannedRun(task=INVERSE, config=parse_inverse(TINY), folder=folder, resume=True)], options
    )
    return said


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"learning_rate": 0.02}, "says learning_rate=0.02, .* trained with learning_rate=0.01"),
        ({"width": 16}, "says width=16, .* trained with width=8"),
        ({"train_steps": 80}, "says train_steps=80"),
        ({"gradient_clip": None, "batch_size": 4}, "says batch_size=4, gradient_clip=null"),
        ({"energy_loss_weight": 0.0}, "trained with energy_loss_weight=0.5"),
        ({"seed": 3}, r"says seed=3, .* Put the old value back to go on\.$"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("last", ["whole", "gone"])
def test_an_edited_configuration_is_refused_by_its_keys_and_nothing_is_touched(
    run: Path, keys: dict[str, Any], said: str, last: str
) -> None:
    if last == "gone":  # it would go on from a step file, which has its configuration too
        (run / "checkpoints" / "last.pt").unlink()
    edit(run, **keys)
    before = contents(run)
    with pytest.raises(WrongCheckpoint, match=said) as error:
        resumed(run)
    assert ("--from" in str(error.value)) is ("seed" not in keys)
    assert contents(run) == before


def test_the_fork_that_the_refusal_names_runs_and_records_the_change(run: Path) -> None:
    edit(run, learning_rate=0.02, lr_schedule="cosine")
    with pytest.raises(WrongCheckpoint) as error:
        resumed(run)
    command = str(error.value).partition("ired-diag ")[2].removesuffix(".")
    result = CliRunner().invoke(
        main, [*shlex.split(command), "--runs", str(run.parents[1]), "--device", "cpu"]
    )
    assert result.exit_code == 0, result.output
    (fork,) = run.parent.glob("from=20,*/seed0")
    parent = read_run(fork).provenance["parent"]
    assert parent["changed"] == {"learning_rate": [0.01, 0.02], "lr_schedule": ["constant", "cosine"]}


def test_the_command_refuses_before_it_trains_any_other_seed(tmp_path: Path) -> None:
    """Also where the edited key is one that the command names: what the file says was never trained."""
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    command = ["train", str(tmp_path / "tiny.json"), "--runs", str(tmp_path / "runs"), "--device", "cpu"]
    assert CliRunner().invoke(main, [*command, "--seeds", "1"]).exit_code == 0
    edited = tmp_path / "runs" / "q900" / "seed1"
    edit(edited, mining_strategy="random")
    result = CliRunner().invoke(main, [*command, "--seeds", "0-1", "--resume"])
    assert result.exit_code == 1
    assert (
        'says mining_strategy="random", but last.pt was trained with mining_strategy="none"' in result.stderr
    )
    assert not (tmp_path / "runs" / "q900" / "seed0").exists()


def test_a_lost_history_and_a_lost_last_checkpoint_keep_the_best(run: Path) -> None:
    (run / "metrics.jsonl").unlink()
    (run / "checkpoints" / "last.pt").unlink()
    best = run / "checkpoints" / "best.pt"
    kept = torch.load(best, weights_only=True)
    kept["ired_diag"] |= {"best": 1e-9}  # better than any that follows
    torch.save(kept, best)
    before = best.read_bytes()
    said = resumed(run)
    assert [finding.rule for finding in said] == ["resumed_from_step_file", MISSING]
    assert best.read_bytes() == before


def test_a_run_at_its_last_step_is_refused_too_and_is_told_no_fork_that_cannot_run(tmp_path: Path) -> None:
    folder = train(INVERSE, parse_inverse(TINY), tmp_path / "run")
    edit(folder, learning_rate=0.02)
    with pytest.raises(WrongCheckpoint, match=r"run@STEP --set learning_rate=0\.02"):
        resumed(folder)
    edit(folder, learning_rate=0.01, train_steps=60)
    with pytest.raises(WrongCheckpoint, match="run@last --set train_steps=60"):
        resumed(folder)


def test_numbers_written_otherwise_and_keys_that_the_checkpoint_does_not_know_change_nothing(
    run: Path,
) -> None:
    last = run / "checkpoints" / "last.pt"
    state = torch.load(last, weights_only=True)
    del state["ired_diag"]["configuration"]["soft_clamp_delta"]  # as if of an earlier version
    torch.save(state, last)
    edit(run, learning_rate=1e-2, weight_decay=0, notes="a word of my own")
    resumed(run)
    assert read_run(run).ending.complete


def test_rows_beyond_the_checkpoint_of_a_killed_run_are_a_note(run: Path) -> None:
    (note,) = resumed(run)
    assert (note.rule, note.severity) == (BEYOND, "note")
    assert note.evidence == {"first": 24, "last": 28, "step": 20}
    assert "steps 24 to 28" in note.statement
    (kept,) = read_run(run).findings
    assert kept.statement == note.statement


def test_a_run_killed_twice_has_one_note_that_counts(run: Path) -> None:
    with pytest.raises(Killed):
        train(INVERSE, parse_inverse(TINY), run, resume=True, progress=kill_at(36))
    resumed(run)
    (note,) = read_run(run).findings
    assert (note.evidence["times"], note.evidence["step"]) == (2, 30)


def test_a_checkpoint_older_than_the_history_is_a_warning(run: Path) -> None:
    old = (run / "checkpoints" / "last.pt").read_bytes()
    with pytest.raises(Killed):
        train(INVERSE, parse_inverse(TINY), run, resume=True, progress=kill_at(36))
    (run / "checkpoints" / "last.pt").write_bytes(old)
    (warning,) = [finding for finding in resumed(run) if finding.severity == "warning"]
    assert (warning.rule, warning.evidence["last"]) == (BEYOND, 36)
    assert "may be an old copy" in warning.statement
    assert warning in read_run(run).findings
    assert read_history(run / "metrics.jsonl").last_step == 40


@pytest.mark.parametrize(
    ("kept", "lost"),
    [(0, [4, 20]), (3, [12, 20]), (5, [20, 20])],  # of rows at steps 4 8 10 12 16 20 24 28
)
def test_a_shortened_history_is_said_and_kept_as_a_warning(run: Path, kept: int, lost: list[int]) -> None:
    path = run / "metrics.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:kept]))
    (warning,) = resumed(run)
    assert (warning.rule, warning.severity) == (MISSING, "warning")
    assert [warning.evidence["first"], warning.evidence["last"]] == lost
    assert warning.evidence["missing"] == 6 - kept
    assert warning in read_run(run).findings


def test_a_missing_history_is_said_also_of_a_finished_run_whose_times_stay(run: Path, tmp_path: Path) -> None:
    (run / "metrics.jsonl").unlink()
    (warning,) = resumed(run)
    assert "metrics.jsonl is missing" in warning.statement
    assert warning in read_run(run).findings
    whole = train(INVERSE, parse_inverse(TINY), tmp_path / "whole")
    (whole / "metrics.jsonl").unlink()
    ended = read_run(whole).provenance["ended"]
    for _ in range(2):
        (warning,) = resumed(whole)
        assert read_run(whole).findings == (warning,)
        assert read_run(whole).provenance["ended"] == ended
    assert read_run(whole).ending.complete


def test_a_hole_in_the_middle_of_a_history_counts_as_missing(run: Path) -> None:
    path = run / "metrics.jsonl"
    rows = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(rows[:1] + rows[3:]))
    findings = {finding.rule: finding for finding in resumed(run)}
    assert findings[MISSING].evidence == {"missing": 2, "first": 8, "last": 10, "step": 20}


def test_a_whole_history_has_no_finding_from_any_beginning_or_end(tmp_path: Path) -> None:
    folder = train(INVERSE, parse_inverse(TINY), tmp_path / "run")
    config = parse_inverse(TINY)
    assert history_findings(folder, config, 40) == []
    rows = (folder / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "metrics.jsonl").write_bytes(b"".join(r for r in rows if json.loads(r)["step"] > 20))
    assert history_findings(folder, config, 40, began=20) == []  # a fork logs from its beginning on
    assert len(history_findings(folder, config, 40)) == 1
