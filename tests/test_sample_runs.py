"""The sample runs: what they are said to be, and made anew by the trainer of today."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from app.cli.demo import EXPERIMENTS, sample_runs
from ired_diag.inverse.checkpoint import read_network
from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.open import open_run, open_study
from ired_diag.runs.ending import LABELS
from ired_diag.runs.run import Run
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.trainer import train

LARGEST = 10 * 1000**2


def config_of(run: Run) -> InverseConfig:
    return parse_inverse(run.configuration or {})


def test_nine_complete_runs_with_several_checkpoints_in_under_ten_megabytes() -> None:
    study = open_study(sample_runs())
    trained = [run for run in study.runs if run.path.is_dir()]  # the logs next to them are read too
    assert [run.label for run in trained] == [f"{e}/seed{k}" for e in EXPERIMENTS for k in range(3)]
    for run in trained:
        assert run.ending.complete
        assert config_of(run).rank == 8
        assert len(run.checkpoints) >= 3
        assert read_network(run.checkpoints[-1]).step == run.history.last_step
    files = [path for path in sample_runs().rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < LARGEST


def test_runs_of_one_seed_saw_the_same_noise_and_start_whatever_their_mining() -> None:
    first = {e: config_of(open_run(sample_runs() / e / "seed0")) for e in EXPERIMENTS}
    assert len({config.seed for config in first.values()}) == 1
    assert {config.mining_strategy for config in first.values()} == {"none", "random", "adversarial"}


@pytest.mark.parametrize("experiment", ["q103"])
def test_fifty_steps_trained_anew_match_the_recorded_history(experiment: str, tmp_path: Path) -> None:
    recorded = open_run(sample_runs() / experiment / "seed0")
    config = config_of(recorded).model_copy(update={"train_steps": 50})
    again = open_run(train(INVERSE, config, tmp_path / "seed0"))
    for name in ("train/loss", "train/denoise", "train/nce", "train/energy_positive", "train/gradient_norm"):
        told, ours = recorded.history.series[name], again.history.series[name]
        assert ours.steps.tolist() == [25, 50]
        assert told.steps[:2].tolist() == [25, 50]
        assert ours.values == pytest.approx(told.values[:2], rel=1e-4)


def make_logs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_logs", sample_runs() / "make_logs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sample_logs_end_in_every_way_that_is_known() -> None:
    study = open_study(sample_runs() / "slurm_logs")
    assert [run.ending.state for run in study.runs] == list(make_logs().ENDINGS)
    of_no_job = {"no_log", "unknown", "unreadable"}
    assert set(make_logs().ENDINGS) == set(LABELS) - of_no_job


def test_sample_logs_are_what_their_script_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = shutil.copy(sample_runs() / "make_logs.py", tmp_path)
    module = make_logs()
    monkeypatch.setattr(module, "__file__", str(script))
    module.main()
    made = {path.name: path.read_bytes() for path in (tmp_path / "slurm_logs").iterdir()}
    kept = {path.name: path.read_bytes() for path in (sample_runs() / "slurm_logs").iterdir()}
    assert made == kept
