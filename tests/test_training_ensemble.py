"""An ensemble: what a seed becomes does not depend on its companions, whatever becomes of them."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ired_diag.finding import Finding
from ired_diag.inverse.checkpoint import read_network
from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.inverse.evaluation import Evaluation
from ired_diag.runs.history import read_history
from ired_diag.runs.store import read_run
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training import trainer
from ired_diag.training.compiled import loss_function
from ired_diag.training.ensemble import Ensemble, Step
from ired_diag.training.opening import Options
from ired_diag.training.plan import PlannedRun
from ired_diag.training.recorder import Recorder
from ired_diag.training.state import TrainingState, new_state
from ired_diag.training.trainer import Interrupted, train, train_together

pytestmark = pytest.mark.slow

TINY = {
    "experiment_name": "q900_tiny",
    "rank": 2,
    "width": 8,
    "time_embedding": 4,
    "time_width": 4,
    "diffusion_steps": 4,
    "batch_size": 8,
    "train_steps": 40,
    "learning_rate": 0.001,
    "mining_strategy": "adversarial",
    "validate_every": 10,
    "validation_batches": 1,
    "validation_batch_size": 8,
    "checkpoint_every": 20,
    "log_every": 5,
}
STRATEGIES = ("none", "random", "adversarial", "ascent", "mixed")


def config_of(**knobs: Any) -> InverseConfig:
    return parse_inverse({**TINY, **knobs})


def configs_of(seeds: Sequence[int], **knobs: Any) -> list[InverseConfig]:
    return [config_of(seed=seed, **knobs) for seed in seeds]


def ensemble_of(configs: Sequence[InverseConfig]) -> tuple[Ensemble, list[TrainingState]]:
    states = [new_state(INVERSE, config, "cpu") for config in configs]
    return Ensemble(states, loss_function(INVERSE, configs[0], states[0].constants, compiled=False)), states


def advanced(configs: Sequence[InverseConfig], steps: int) -> list[TrainingState]:
    ensemble, states = ensemble_of(configs)
    for _ in range(steps):
        ensemble.advance()
    return states


def distance(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """Return the largest relative distance of a tensor."""
    assert one.keys() == other.keys()
    return max(float((one[n].detach() - p.detach()).norm() / p.detach().norm()) for n, p in other.items())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_seeds_together_become_what_each_becomes_alone(strategy: str) -> None:
    configs = configs_of((4, 0, 7), mining_strategy=strategy)
    together = advanced(configs, 300)
    index = STRATEGIES.index(strategy) % 3
    (alone,) = advanced([configs[index]], 300)
    assert (alone.step, alone.optimizer_steps) == (together[index].step, 300)
    assert distance(together[index].weights, alone.weights) <= 1e-5
    assert distance(together[index].average, alone.average) <= 1e-5
    for purpose, state in alone.streams.state().items():
        assert torch.equal(together[index].streams.state()[purpose], state)  # the same draws, to the bit
    assert distance(together[0].weights, together[1].weights) > 0.1  # and they are different runs


def test_the_order_of_companions_changes_nothing() -> None:
    forward, backward = (advanced(configs_of(seeds), 50) for seeds in ((0, 1, 2), (2, 1, 0)))
    for one, other in zip(forward, reversed(backward), strict=True):
        assert all(torch.equal(p, other.weights[n]) for n, p in one.weights.items())


def test_a_members_tensors_move_with_the_ensembles() -> None:
    ensemble, states = ensemble_of(configs_of((0, 1)))
    ensemble.advance()
    for index, state in enumerate(states):
        for name, p in state.weights.items():
            assert torch.equal(p, ensemble.weights[name][index])
        kept = state.to_trainer1d()
        assert torch.equal(kept["model"]["model.ebm.fc1.weight"], ensemble.weights["fc1.weight"][index])
        moment = ensemble.moments["time_mlp.1.weight"]["exp_avg"][index]
        assert torch.equal(kept["opt"]["state"][0]["exp_avg"], moment)


def test_the_average_keeps_the_runs_calendar_though_the_optimiser_began_anew() -> None:
    """As in a fork with a fresh optimiser: after step 25 the average rests until step 31."""
    state = new_state(INVERSE, config_of(), "cpu")
    state.step = 25
    ensemble = Ensemble([state], loss_function(INVERSE, state.config, state.constants, compiled=False))
    before = state.average["fc1.weight"].clone()
    for step in range(26, 33):
        ensemble.advance()
        assert torch.equal(state.average["fc1.weight"], before) is (step < 31)
    assert (state.step, state.optimizer_steps) == (32, 7)


@pytest.mark.parametrize("knob", [{"width": 16}, {"learning_rate": 0.5}, {"mining_strategy": "none"}])
def test_members_of_different_configurations_are_refused(knob: dict[str, Any]) -> None:
    states = [new_state(INVERSE, config_of(), "cpu"), new_state(INVERSE, config_of(seed=1, **knob), "cpu")]
    with pytest.raises(ValueError, match="differ in nothing but the seed"):
        Ensemble(states, loss_function(INVERSE, config_of(), states[0].constants, compiled=False))


@pytest.mark.parametrize("moved", ["step", "optimizer_steps"])
def test_members_at_different_steps_are_refused(moved: str) -> None:
    first, second = (new_state(INVERSE, config, "cpu") for config in configs_of((0, 1)))
    setattr(second, moved, 3)
    with pytest.raises(ValueError, match="differ in nothing but the seed"):
        Ensemble([first, second], loss_function(INVERSE, config_of(), first.constants, compiled=False))


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def planned(tmp_path: Path, configs: Sequence[InverseConfig], *, resume: bool = False) -> list[PlannedRun]:
    return [
        PlannedRun(task=INVERSE, config=config, folder=tmp_path / f"seed{config.seed}", resume=resume)
        for config in configs
    ]


def quietly(folder: Path, finding: Finding) -> None:
    pass


def together(tmp_path: Path, configs: Sequence[InverseConfig], **options: Any) -> list[Path]:
    runs = planned(tmp_path, configs)
    train_together(runs, Options(announce=quietly, **options))
    return [run.folder for run in runs]


def assert_alike(folder: Path, alone: Path) -> None:
    """Assert that a run beside others is the one alone: history, files, weights and average."""
    rows, expected = rows_of(folder), rows_of(alone)
    assert [row["step"] for row in rows] == [row["step"] for row in expected]
    for row, other in zip(rows, expected, strict=True):
        assert row.keys() == other.keys()
        for name in row.keys() - {"time/seconds_per_step"}:
            assert row[name] == pytest.approx(other[name], rel=1e-3, abs=1e-5), (row["step"], name)
    files = [sorted(p.name for p in (place / "checkpoints").iterdir()) for place in (folder, alone)]
    assert files[0] == files[1]
    for name in files[0]:
        one, other_file = (read_network(place / "checkpoints" / name) for place in (folder, alone))
        assert one.step == other_file.step
        for kind in ("raw", "ema"):
            assert distance(dict(one.states[kind]), dict(other_file.states[kind])) <= 1e-5
    assert read_run(folder).ending == read_run(alone).ending


def test_each_seed_gets_its_own_folder_history_and_checkpoints(tmp_path: Path) -> None:
    configs = configs_of((0, 5))
    folders = together(tmp_path / "together", configs)
    for config, folder in zip(configs, folders, strict=True):
        run = read_run(folder)
        assert (run.seed, run.ending.complete) == (config.seed, True)
        assert parse_inverse(run.configuration or {}) == config
        assert_alike(folder, train(INVERSE, config, tmp_path / "alone" / f"seed{config.seed}"))
    assert len({rows_of(folder)[0]["train/loss"] for folder in folders}) == 2


def test_a_companion_that_turns_into_no_number_changes_nothing_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = configs_of((0, 1, 2))
    clean = together(tmp_path / "clean", configs)
    original = Ensemble.advance

    def poisoned(self: Ensemble) -> Step:
        if self.step == 17:
            self.weights["fc2.weight"].data[1, 3, 3] = torch.nan
        return original(self)

    monkeypatch.setattr(Ensemble, "advance", poisoned)
    told: list[tuple[str, str]] = []
    options = Options(announce=lambda folder, finding: told.append((folder.name, finding.rule)))
    runs = planned(tmp_path / "poisoned", configs)
    train_together(runs, options)
    assert told == [("seed1", "not_a_number")]
    assert math.isnan(rows_of(runs[1].folder)[-1]["train/loss"])
    for index in (0, 2):
        assert_same_run(runs[index].folder, clean[index])


def assert_same_run(folder: Path, other: Path) -> None:
    """Assert that two runs are the same to the last bit, but for the time they took."""
    timed = "time/seconds_per_step"
    histories = [read_history(place / "metrics.jsonl").series for place in (folder, other)]
    assert histories[0].keys() == histories[1].keys()
    for name in histories[0].keys() - {timed}:
        assert histories[0][name].steps.tolist() == histories[1][name].steps.tolist()
        assert histories[0][name].values.tolist() == histories[1][name].values.tolist(), name
    last = [torch.load(place / "checkpoints" / "last.pt", weights_only=True) for place in (folder, other)]
    for part in ("model", "ema"):
        assert all(torch.equal(p, last[1][part][n]) for n, p in last[0][part].items())


def scripted(errors: dict[int, list[float]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the evaluations of each seed tell what the test says, one after the other."""

    def evaluate(network: object, schedule: object, config: InverseConfig, **_: object) -> Evaluation:
        return Evaluation(errors[config.seed].pop(0), 0.0, 8)

    monkeypatch.setattr("ired_diag.inverse.evaluation.evaluate", evaluate)


GETS_WORSE = [1.0, 2.0, 3.0, 4.0]
GETS_BETTER = [4.0, 3.0, 2.0, 1.0]


def test_a_companion_that_stops_early_leaves_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = configs_of((0, 1, 2), early_stopping_patience=20)
    errors = {0: GETS_BETTER[:], 1: GETS_WORSE[:], 2: GETS_BETTER[:]}
    scripted(errors, monkeypatch)
    folders = together(tmp_path / "together", configs)
    steps = [read_network(folder / "checkpoints" / "last.pt").step for folder in folders]
    assert steps == [40, 30, 40]
    for config, folder in zip(configs[:2], folders[:2], strict=True):
        scripted({0: GETS_BETTER[:], 1: GETS_WORSE[:], 2: GETS_BETTER[:]}, monkeypatch)
        assert_alike(folder, train(INVERSE, config, tmp_path / "alone" / f"seed{config.seed}"))
    assert read_run(folders[1]).ending.detail.startswith("stopped early at step 30")


def watched(monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[int, int]]]:
    """Return a list that gets the seeds and steps of each ensemble that is made."""
    groups: list[list[tuple[int, int]]] = []

    class Watched(Ensemble):
        def __init__(self, members: Sequence[TrainingState], loss: Any) -> None:
            groups.append([(member.config.seed, member.step) for member in members])
            super().__init__(members, loss)

    monkeypatch.setattr(trainer, "Ensemble", Watched)
    return groups


def test_members_at_different_steps_train_in_groups_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = configs_of((0, 1, 2, 3))

    def ask(step: int, steps: int, values: dict[str, float]) -> None:
        if step == 25:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted, match="interrupted after step 25 of 40"):
        train_together(planned(tmp_path, configs[:2]), Options(progress=ask))
    groups = watched(monkeypatch)
    runs = [*planned(tmp_path, configs[:2], resume=True), *planned(tmp_path, configs[2:])]
    train_together([runs[2], runs[0], runs[3], runs[1]], Options())
    assert sorted(groups) == [[(0, 25), (1, 25)], [(2, 0), (3, 0)]]
    assert all(read_run(run.folder).ending.complete for run in runs)


def test_variants_train_in_groups_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = watched(monkeypatch)
    runs = [
        PlannedRun(
            task=INVERSE,
            config=config_of(seed=seed, mining_strategy=strategy, train_steps=2),
            folder=tmp_path / f"{strategy}{seed}",
        )
        for seed in (0, 1)
        for strategy in ("none", "random")
    ]
    train_together(runs, Options())
    assert groups == [[(0, 0), (1, 0)]] * 2
    assert ["train/nce" in rows_of(run.folder)[-1] for run in runs] == [False, True] * 2


def test_an_interrupt_while_a_companion_is_being_closed_saves_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal may come at any moment: also while the files of one that stops early are written."""
    configs = configs_of((0, 1), early_stopping_patience=20)
    scripted({0: GETS_WORSE[:], 1: GETS_BETTER[:]}, monkeypatch)
    original = Recorder.save

    def save(self: Recorder, *, keep: bool) -> None:
        original(self, keep=keep)
        if self.stopped is not None:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Recorder, "save", save)
    runs = planned(tmp_path, configs)
    with pytest.raises(Interrupted, match="all is saved") as told:
        train_together(runs, Options())
    step = int(str(told.value).split("after step ")[1].split()[0])
    assert read_network(runs[1].folder / "checkpoints" / "last.pt").step == step


class Killed(BaseException):
    """What stops training here, in place of SIGKILL."""


def test_a_kill_between_the_saves_of_two_members_is_gone_on_from_as_if_never_stopped_or_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them is then a checkpoint behind: alone, its products are rounded otherwise than stacked."""
    configs = configs_of((0, 1), rank=3, width=32, batch_size=32)
    whole = together(tmp_path / "whole", configs)
    original = Recorder.save

    def save(self: Recorder, *, keep: bool) -> None:
        if self.state.config.seed == 1 and self.state.step == 40:
            raise Killed
        original(self, keep=keep)

    runs = planned(tmp_path / "cut", configs)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Recorder, "save", save)
        train_together(runs, Options())
    steps = [read_network(one.folder / "checkpoints" / "last.pt").step for one in runs]
    assert steps == [40, 20]
    told: list[str] = []
    options = Options(announce=lambda folder, finding: told.append(finding.rule))
    train_together([replace(one, resume=True) for one in runs], options)
    if not told:
        assert_same_run(runs[1].folder, whole[1])
