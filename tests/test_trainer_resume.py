"""Resuming: what goes on, what starts, and what is refused before anything is touched."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from ired_diag import experiments
from ired_diag.config import with_settings
from ired_diag.errors import CannotWrite, DiagError, NotFound, UnreadableFile, WrongCheckpoint
from ired_diag.importing import import_logs
from ired_diag.inverse.config import InverseConfig
from ired_diag.open import open_run
from ired_diag.runs.run import Run
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training import run_files
from ired_diag.training.ensemble import Ensemble, Step
from ired_diag.training.plan import plan
from ired_diag.training.trainer import Interrupted, train

pytestmark = pytest.mark.slow

LogWriter = Callable[..., Path]

SMALL = {
    "rank": "2",
    "width": "4",
    "time_embedding": "4",
    "time_width": "4",
    "batch_size": "4",
    "train_steps": "8",
    "validate_every": "4",
    "validation_batches": "1",
    "validation_batch_size": "4",
    "checkpoint_every": "4",
    "log_every": "2",
}


@pytest.fixture
def config() -> InverseConfig:
    return with_settings(cast(InverseConfig, experiments.load("q103")), SMALL)


def contents(folder: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "lock"}


def test_an_imported_run_is_never_trained_over(
    write_log: LogWriter, tmp_path: Path, config: InverseConfig
) -> None:
    import_logs([write_log(1001)], tmp_path / "runs")
    folder = tmp_path / "runs" / "q900" / "seed0"
    before = contents(folder)
    with pytest.raises(CannotWrite, match="was imported from a log"):
        train(INVERSE, config, folder, resume=True)
    assert contents(folder) == before


def test_resuming_nothing_leaves_nothing_behind(tmp_path: Path, config: InverseConfig) -> None:
    with pytest.raises(NotFound, match="no run to resume"):
        train(INVERSE, config, tmp_path / "runs" / "q103" / "seed7", resume=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stop_after", [1, 3, 4, 7])
def test_an_interrupt_at_any_step_is_saved_and_goes_on_to_the_same_end(
    tmp_path: Path, config: InverseConfig, monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    whole = train(INVERSE, config, tmp_path / "whole")
    original = Ensemble.advance

    def stopping(ensemble: Ensemble) -> Step:
        done = original(ensemble)
        if ensemble.step == stop_after:
            signal.raise_signal(signal.SIGINT)
        return done

    monkeypatch.setattr(Ensemble, "advance", stopping)
    with pytest.raises(Interrupted, match=f"after step {stop_after} of 8; all is saved"):
        train(INVERSE, config, tmp_path / "cut")
    saved = torch.load(run_files.last_checkpoint(tmp_path / "cut"), weights_only=True)
    assert saved["step"] == stop_after
    monkeypatch.setattr(Ensemble, "advance", original)
    train(INVERSE, config, tmp_path / "cut", resume=True)
    ends = [torch.load(run_files.last_checkpoint(f), weights_only=True) for f in (whole, tmp_path / "cut")]
    for name, tensor in ends[0]["model"].items():
        assert torch.equal(tensor, ends[1]["model"][name])
    histories = [open_run(f).history.series for f in (whole, tmp_path / "cut")]
    assert histories[0].keys() == histories[1].keys()
    for name, series in histories[0].items():
        assert series.steps.tolist() == histories[1][name].steps.tolist()
        if name != "time/seconds_per_step":
            assert series.values.tolist() == histories[1][name].values.tolist()


def test_a_kill_between_the_files_of_a_checkpoint_loses_no_step(
    tmp_path: Path, config: InverseConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_files, "write_torch_file", killed)
        with pytest.raises(KeyboardInterrupt):
            train(INVERSE, config, tmp_path / "run")
    train(INVERSE, config, tmp_path / "run", resume=True)
    names = [path.name for path in open_run(tmp_path / "run").checkpoints]
    assert names == ["step-000000004.safetensors", "step-000000008.safetensors"]


def test_a_lost_history_is_begun_anew_and_training_goes_on(tmp_path: Path, config: InverseConfig) -> None:
    folder = train(INVERSE, config, tmp_path / "run")
    (folder / "metrics.jsonl").unlink()
    train(INVERSE, config, folder, resume=True)
    assert open_run(folder).ending.complete


def test_states_that_do_not_fit_are_refused_by_name(tmp_path: Path, config: InverseConfig) -> None:
    folder = train(INVERSE, config, tmp_path / "run")
    last = run_files.last_checkpoint(folder)
    for kept in last.parent.glob("step-*"):  # from which it would go on
        kept.unlink()
    state = torch.load(last, weights_only=True)
    del state["ired_diag"]["streams"]
    torch.save(state, last)
    with pytest.raises(UnreadableFile, match="not a whole training state"):
        train(INVERSE, config, folder, resume=True)
    told = json.loads((folder / "config.json").read_text())
    told["config"]["width"] = 5
    (folder / "config.json").write_text(json.dumps(told))
    last.unlink()
    train(INVERSE, config.model_copy(update={"width": 8}), tmp_path / "wide")
    last.write_bytes(run_files.last_checkpoint(tmp_path / "wide").read_bytes())
    with pytest.raises(WrongCheckpoint, match="width=5"):
        train(INVERSE, config, folder, resume=True)


def settings() -> list[str]:
    return [f"{key}={value}" for key, value in SMALL.items()]


def trained(tmp_path: Path, seeds: str) -> list[Run]:
    planned = plan("q103", seeds, settings(), runs=tmp_path)
    return [open_run(train(INVERSE, one.config, one.folder)) for one in planned]


def test_the_same_command_with_resume_goes_on_with_some_seeds_and_starts_the_others(tmp_path: Path) -> None:
    trained(tmp_path, "0")
    again = plan("q103", "0-2", settings(), runs=tmp_path, resume=True)
    assert [(one.config.seed, one.resume) for one in again] == [(0, True), (1, False), (2, False)]


def test_other_settings_than_the_run_was_trained_with_are_refused_when_resuming(tmp_path: Path) -> None:
    trained(tmp_path, "0")
    with pytest.raises(DiagError, match="was trained with train_steps = 8, not 9"):
        plan("q103", "0", [*settings(), "train_steps=9"], runs=tmp_path, resume=True)


@pytest.mark.parametrize(
    ("arguments", "keywords", "said"),
    [
        (("q103", "0", ["seed=5"]), {}, "choose seeds with --seeds"),
        (("q103", "0-99999999"), {}, "more than 10000 seeds"),
        (("q103",), {"name": ""}, "--name: experiment_name"),
        (("q103",), {"resume": True}, "there is no run to resume"),
    ],
)
def test_what_cannot_be_planned_is_refused(
    tmp_path: Path, arguments: tuple[Any, ...], keywords: dict[str, Any], said: str
) -> None:
    with pytest.raises(DiagError, match=said):
        plan(*arguments, runs=tmp_path, **keywords)


def test_a_configurations_own_seed_is_trained_unless_others_are_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"experiment_name": "q900_mine", "seed": 3}')
    assert [one.config.seed for one in plan(str(path), runs=tmp_path)] == [3]
    assert [one.config.seed for one in plan(str(path), "1,4", runs=tmp_path)] == [1, 4]
