"""Forks: the same run from another's checkpoint, and a difference that is of what was changed alone."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from torch import Tensor

from app.cli import main
from ired_diag.errors import (
    CannotWrite,
    DiagError,
    NotFound,
    UnreadableFile,
    WrongCheckpoint,
    WrongConfiguration,
)
from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.open import open_study
from ired_diag.runs.history import read_history
from ired_diag.runs.store import read_run
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.fork import forked_state
from ired_diag.training.opening import Options
from ired_diag.training.optimizer import MOMENT_NAMES
from ired_diag.training.plan import PlannedRun
from ired_diag.training.plan_fork import plan_fork
from ired_diag.training.trainer import Interrupted, train, train_together

pytestmark = pytest.mark.slow

TINY = {
    "experiment_name": "q103_tiny",
    "rank": 2,
    "width": 8,
    "time_embedding": 4,
    "time_width": 4,
    "diffusion_steps": 4,
    "batch_size": 8,
    "train_steps": 30,
    "learning_rate": 0.01,
    "mining_strategy": "adversarial",
    "validate_every": 5,
    "validation_batches": 1,
    "validation_batch_size": 8,
    "checkpoint_every": 10,
    "log_every": 5,
}
TIMED = "time/seconds_per_step"


def config_of(**knobs: Any) -> InverseConfig:
    return parse_inverse({**TINY, **knobs})


@pytest.fixture(scope="module")
def parents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with two seeds of q103, trained to their end."""
    runs = tmp_path_factory.mktemp("parents")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    for seed in (0, 1):
        train(INVERSE, config_of(seed=seed), runs / "q103" / f"seed{seed}")
    torch.set_num_threads(before)
    return runs


@pytest.fixture
def runs(parents: Path, tmp_path: Path) -> Path:
    """A runs folder of its own, with a copy of the parents."""
    return Path(shutil.copytree(parents, tmp_path / "runs"))


def forked(source: str, settings: Sequence[str], runs: Path, **how: Any) -> list[PlannedRun]:
    planned = plan_fork(source, None, settings, runs=runs, **how)
    train_together(planned, Options())
    return planned


def parent_of(runs: Path, seed: int = 0) -> Path:
    return runs / "q103" / f"seed{seed}"


def last_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(folder / "checkpoints" / "last.pt", weights_only=True)
    return content


def tensors_of(content: object, name: str = "") -> dict[str, Tensor]:
    """Return every tensor in nested containers, by its path."""
    if isinstance(content, Tensor):
        return {name: content}
    items = content.items() if isinstance(content, dict) else ()
    return {n: t for key, value in items for n, t in tensors_of(value, f"{name}/{key}").items()}


def assert_equal_ends(folder: Path, parent: Path, since: int) -> None:
    """Assert that a fork ended as its parent did, to the last bit, and logged the same on the way."""
    found, expected = tensors_of(last_of(folder)), tensors_of(last_of(parent))
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[n], t) for n, t in expected.items())
    name = f"step-{TINY['train_steps']:09d}.safetensors"
    files = [load_file(place / "checkpoints" / name) for place in (folder, parent)]
    assert files[0].keys() == files[1].keys()
    assert all(torch.equal(t, files[1][n]) for n, t in files[0].items())
    histories = [read_history(place / "metrics.jsonl").series for place in (folder, parent)]
    for metric in histories[0].keys() - {TIMED}:
        logged = dict(
            zip(histories[1][metric].steps.tolist(), histories[1][metric].values.tolist(), strict=True)
        )
        for step, value in zip(
            histories[0][metric].steps.tolist(), histories[0][metric].values.tolist(), strict=True
        ):
            assert step > since
            assert logged.get(step, value) == value, (metric, step)


@pytest.mark.parametrize("which", ["10", "20", "best"])
@pytest.mark.parametrize("knobs", [{}, {"optimizer": "sgd", "momentum": 0.9}], ids=["adam", "sgd"])
def test_a_fork_that_changes_nothing_that_counts_goes_on_as_its_parent_did(
    which: str, knobs: dict[str, Any], tmp_path: Path
) -> None:
    parent = train(INVERSE, config_of(**knobs), tmp_path / "runs" / "q103" / "seed0")
    if which == "best":  # where it was best, and had steps to go
        series = read_history(parent / "metrics.jsonl").series["validation/mse"]
        (parent / "checkpoints" / "best.pt").unlink()
        short = train(INVERSE, config_of(**knobs, train_steps=15), tmp_path / "short")
        (short / "checkpoints" / "best.pt").replace(parent / "checkpoints" / "best.pt")
        assert len(series) == 6
    settings = ["log_every=1", "train_steps=30"]  # a checkpoint brings its own: best.pt was to end at 15
    (one,) = forked(f"q103/seed0@{which}", settings, tmp_path / "runs")
    assert one.fork is not None
    assert_equal_ends(one.folder, parent, one.fork.step)


def test_a_fork_of_a_step_and_of_the_last_state_at_that_step_are_the_same(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    parent = train(INVERSE, config_of(train_steps=20), parent_of(runs))
    (of_last,) = forked("q103/seed0@last", ["train_steps=30"], runs)
    (of_file,) = forked(
        str(parent / "checkpoints" / "step-000000020.safetensors"), ["train_steps=30"], tmp_path / "two"
    )
    whole = train(INVERSE, config_of(), tmp_path / "whole")
    for one in (of_last, of_file):
        assert one.fork is not None
        assert one.fork.step == 20
        assert_equal_ends(one.folder, whole, 20)


def test_what_is_changed_changes_what_follows_and_only_that(runs: Path) -> None:
    (one,) = forked("q103/seed0@10", ["learning_rate=0.001"], runs)
    folder, parent = one.folder, parent_of(runs)
    assert folder == runs / "q103" / "from=10,learning_rate=0.001" / "seed0"
    run, before = read_run(folder), read_run(parent)
    assert run.variant == "from=10,learning_rate=0.001"
    assert {**(before.configuration or {}), "learning_rate": 0.001} == run.configuration
    assert run.ending.complete
    assert run.history.series["train/loss"].steps.tolist() == [15, 20, 25, 30]
    # The first step after the fork draws the same batch from the same weights: only its length differs.
    (again,) = forked("q103/seed0@10", ["learning_rate=0.001", "log_every=1"], runs)
    (alike,) = forked("q103/seed0@10", ["log_every=1"], runs)
    losses = [
        read_history(p.folder / "metrics.jsonl").series["train/loss"].values.tolist() for p in (again, alike)
    ]
    assert losses[0][0] == losses[1][0]
    assert losses[0][1] != losses[1][1]


def test_the_parent_and_every_change_are_recorded(runs: Path) -> None:
    (one,) = forked("q103/seed1@20", ["learning_rate=1e-4", "mining_strategy=random"], runs)
    parent = read_run(one.folder).provenance["parent"]
    assert Path(parent["run"]).resolve() == parent_of(runs, 1).resolve()
    assert parent["step"] == 20
    step_file = parent_of(runs, 1) / "checkpoints" / "step-000000020.safetensors"
    assert Path(parent["checkpoint"]) == step_file.resolve()
    changed = {"learning_rate": [0.01, 0.0001], "mining_strategy": ["adversarial", "random"]}
    assert parent["changed"] == changed
    assert (parent["fresh_optimizer"], parent["fresh_streams"]) == (False, False)


def test_a_fork_takes_over_weights_average_memory_and_streams(runs: Path) -> None:
    (one,) = plan_fork("q103/seed0@last", None, ["train_steps=31"], runs=runs)
    assert one.fork is not None
    state, parent = forked_state(one.fork, one.config, "cpu"), last_of(parent_of(runs))
    kept = tensors_of(state.to_trainer1d())
    expected = tensors_of(parent)
    assert all(torch.equal(kept[n], t) for n, t in expected.items())
    assert (state.step, state.optimizer_steps) == (30, 30)


@pytest.mark.parametrize("settings", [[], ["optimizer=sgd"]], ids=["fresh", "another-kind"])
def test_a_fresh_optimizer_and_one_of_another_kind_start_from_nothing(
    settings: list[str], runs: Path
) -> None:
    (one,) = plan_fork("q103/seed0@20", None, settings, runs=runs, fresh_optimizer=not settings)
    assert one.fork is not None
    state = forked_state(one.fork, one.config, "cpu")
    kinds = MOMENT_NAMES[one.config.optimizer]
    for name, p in state.weights.items():
        assert {k: m.shape for k, m in state.moments[name].items()} == dict.fromkeys(kinds, p.shape)
        assert not any(bool(m.any()) for m in state.moments[name].values())
    assert (state.step, state.optimizer_steps) == (20, 0)
    train_together([one], Options())
    assert read_run(one.folder).provenance["parent"]["fresh_optimizer"] is True
    assert ("fresh_optimizer" in str(one.variant)) is not bool(settings)
    if not settings:  # Adam's count of steps began anew, the run's did not
        last = last_of(one.folder)
        assert (last["step"], float(last["opt"]["state"][0]["step"])) == (30, 10.0)


def test_adamw_goes_on_with_adams_memory(runs: Path) -> None:
    (one,) = forked("q103/seed0@20", ["optimizer=adamw", "weight_decay=0.01"], runs)
    assert read_run(one.folder).provenance["parent"]["fresh_optimizer"] is False
    assert float(last_of(one.folder)["opt"]["state"][0]["step"]) == 30.0


def test_an_experiments_name_forks_every_seed_of_it(runs: Path) -> None:
    planned = forked("q103@10", ["log_every=10"], runs)
    names = [one.folder.relative_to(runs).as_posix() for one in planned]
    assert names == ["q103/from=10,log_every=10/seed0", "q103/from=10,log_every=10/seed1"]
    for one, seed in zip(planned, (0, 1), strict=True):
        assert read_run(one.folder).seed == seed
    chosen = plan_fork("q103@20", "1", ["log_every=10"], runs=runs)
    assert [one.config.seed for one in chosen] == [1]


def test_a_fork_may_be_forked(runs: Path) -> None:
    forked("q103/seed0@10", ["log_every=10"], runs)
    (one,) = forked("q103@from=10,log_every=10/seed0@20", ["ema_decay=0.9"], runs)
    assert one.variant == "from=10,log_every=10,from=20,ema_decay=0.9"
    assert read_run(one.folder).provenance["parent"]["changed"] == {"ema_decay": [0.995, 0.9]}


def test_an_experiment_keeps_its_name_beside_its_forks(runs: Path) -> None:
    forked("q103@10", ["log_every=10"], runs)
    study = open_study(runs)
    assert set(study.groups()) == {"q103", "q103@from=10,log_every=10"}
    assert [run.variant for run in study.select("q103")] == [None, None]
    assert len(study.select("q103@from=10,log_every=10")) == 2


def test_its_full_name_too_means_the_experiment_itself(runs: Path) -> None:
    forked("q103/seed0@10", ["log_every=10"], runs)
    assert [run.variant for run in open_study(runs).select("q103_tiny")] == [None, None]


def test_a_public_checkpoint_is_forked_with_new_streams(shared: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (results / "model-1.pt").symlink_to(shared / "ired_checkpoint" / "model-1.pt")
    told = {"experiment_name": "q103_multiseed_adversarial", "mining_strategy": "adversarial", "seed": 4}
    small = {"batch_size": 4, "validation_batches": 1, "validation_batch_size": 2, "train_steps": 400}
    (results / "experiment_config.json").write_text(json.dumps({**told, **small}))
    (one,) = forked(str(results / "model-1.pt"), ["train_steps=402"], tmp_path / "runs")
    run = read_run(one.folder)
    assert one.folder.parts[-2:] == ("from=400,train_steps=402", "seed4")
    assert run.provenance["parent"]["fresh_streams"] is True
    assert run.provenance["parent"]["step"] == 400
    public = torch.load(results / "model-1.pt", weights_only=True)
    ended = last_of(one.folder)
    assert ended["step"] == 402
    assert float(ended["opt"]["state"][0]["step"]) == float(public["opt"]["state"][0]["step"]) + 2
    name = "model.ebm.fc1.weight"
    moved = (ended["model"][name] - public["model"][name]).abs().max()
    assert 0 < float(moved) < 2 * 2e-4  # two steps of Adam at 1e-4, from where it stood


def test_a_public_checkpoint_without_its_configuration_says_what_to_put_where(
    shared: Path, tmp_path: Path
) -> None:
    (tmp_path / "model-1.pt").symlink_to(shared / "ired_checkpoint" / "model-1.pt")
    with pytest.raises(WrongConfiguration, match=r"put its experiment_config\.json next to the checkpoint"):
        plan_fork(str(tmp_path / "model-1.pt"), None, ["train_steps=500"], runs=tmp_path / "runs")


@pytest.mark.parametrize("content", ["{not json", "[1, 2]"])
def test_a_damaged_configuration_beside_a_public_checkpoint_is_told_in_one_line(
    content: str, runs: Path, tmp_path: Path
) -> None:
    public = {key: value for key, value in last_of(parent_of(runs)).items() if key != "ired_diag"}
    torch.save(public, tmp_path / "model-1.pt")
    (tmp_path / "experiment_config.json").write_text(content)
    with pytest.raises(DiagError, match=r"experiment_config\.json"):
        plan_fork(str(tmp_path / "model-1.pt"), None, ["train_steps=40"], runs=runs)


def test_a_checkpoint_file_is_forked_under_the_number_of_its_experiment(runs: Path) -> None:
    path = parent_of(runs) / "checkpoints" / "step-000000010.safetensors"
    (one,) = plan_fork(str(path), None, ["log_every=10"], runs=runs)
    assert one.folder == runs / "q103" / "from=10,log_every=10" / "seed0"


@pytest.mark.parametrize(
    ("source", "settings", "error", "said"),
    [
        ("q103/seed0@10", [], DiagError, "a fork changes something; say what with --set"),
        ("q103/seed0@10", ["learning_rate=0.01"], DiagError, "a fork changes something"),
        (
            "q103/seed0@last",
            ["log_every=1"],
            DiagError,
            "step 30 is the last of its 30. Say how far to train",
        ),
        ("q103/seed0@20", ["train_steps=20"], DiagError, "step 20 is the last of its 20"),
        ("q103/seed0@7", ["log_every=1"], NotFound, "has no checkpoint of step 7. There are: 10, 20, 30"),
        ("q103/seed0@first", ["log_every=1"], DiagError, "expected last, best, all or a step"),
        ("q103/seed0", ["log_every=1"], DiagError, "expected RUN@STEP"),
        ("q999@10", ["log_every=1"], NotFound, "No run is named 'q999'"),
        ("q103/seed0@10", ["seed=3"], DiagError, "goes on with its parent's seed and random streams"),
        ("q103/seed0@10", ["log_evry=3"], WrongConfiguration, "did you mean 'log_every'"),
    ],
)
def test_what_cannot_be_forked_is_refused_and_nothing_is_made(
    source: str, settings: list[str], error: type[DiagError], said: str, runs: Path
) -> None:
    before = sorted(p for p in runs.rglob("*"))
    with pytest.raises(error, match=said):
        plan_fork(source, None, settings, runs=runs)
    assert sorted(p for p in runs.rglob("*")) == before


def test_another_name_is_no_change_and_is_not_told_as_one(runs: Path) -> None:
    with pytest.raises(DiagError, match="a fork changes something"):
        plan_fork("q103/seed0@10", None, [], runs=runs, name="q903_again")
    (one,) = plan_fork("q103/seed0@10", None, ["log_every=10"], runs=runs, name="q903_again")
    assert one.folder == runs / "q903_again" / "from=10,log_every=10" / "seed0"
    assert one.config.experiment_name == "q903_again"
    assert one.fork is not None
    assert one.fork.changes(one.config) == {"log_every": [5, 10]}


def test_a_fork_that_was_interrupted_goes_on_with_the_same_command_and_resume(runs: Path) -> None:
    """As its own last words say."""

    def ask(step: int, steps: int, values: dict[str, float]) -> None:
        if step == 15:
            signal.raise_signal(signal.SIGTERM)

    settings = ["learning_rate=0.001"]
    planned = plan_fork("q103/seed0@10", None, settings, runs=runs)
    with pytest.raises(Interrupted, match="Go on with the same command and --resume"):
        train_together(planned, Options(progress=ask))
    command = ["train", "--from", "q103/seed0@10", "--set", *settings, "--runs", str(runs), "--device", "cpu"]
    result = CliRunner().invoke(main, [*command, "--resume"])
    assert result.exit_code == 0, result.output
    cut = planned[0].folder
    assert read_run(cut).ending.complete
    uncut = Path(shutil.copytree(runs / "q103" / "seed0", runs / "q104" / "seed0"))
    (whole,) = forked(f"{uncut}@10", settings, runs, name="q104")
    assert_equal_ends(cut, whole.folder, 10)


def test_a_fork_that_exists_is_refused(runs: Path) -> None:
    forked("q103/seed0@10", ["log_every=10"], runs)
    with pytest.raises(CannotWrite, match="holds a run already"):
        plan_fork("q103/seed0@10", None, ["log_every=10"], runs=runs)


def test_a_fork_with_another_network_is_refused(runs: Path) -> None:
    planned = plan_fork("q103/seed0@10", None, ["width=16"], runs=runs)
    with pytest.raises(WrongCheckpoint, match="width=16"):
        train_together(planned, Options())
    assert not (planned[0].folder / "config.json").exists()


def test_a_damaged_last_state_does_not_stand_in_the_way_of_a_step_that_is_whole(tmp_path: Path) -> None:
    parent = train(INVERSE, config_of(), parent_of(tmp_path / "runs"))
    last = parent / "checkpoints" / "last.pt"
    last.write_bytes(last.read_bytes()[:1000])
    with pytest.raises(UnreadableFile, match=r"last\.pt"):
        plan_fork("q103/seed0@last", None, ["train_steps=40"], runs=tmp_path / "runs")
    (one,) = plan_fork("q103/seed0@20", None, ["log_every=10"], runs=tmp_path / "runs")
    assert one.fork is not None
    assert one.fork.checkpoint.name == "step-000000020.safetensors"


def test_a_damaged_folder_beside_it_does_not_stand_in_the_way(runs: Path) -> None:
    (runs / "q104" / "seed0").mkdir(parents=True)
    (runs / "q104" / "seed0" / "config.json").write_text("{torn")
    assert len(plan_fork("q103/seed0@10", None, ["log_every=10"], runs=runs)) == 1
