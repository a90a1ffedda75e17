"""Trouble while training, told once and with its step; frozen matrices; what an attempt tells of itself."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

from app.cli import main
from ired_diag.finding import Finding
from ired_diag.inverse import troubles
from ired_diag.inverse.checkpoint import read_network
from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.inverse.evaluation import Evaluation
from ired_diag.inverse.matrices import MatrixData
from ired_diag.inverse.troubles import troubles_of
from ired_diag.model.sampler import Sample, sample
from ired_diag.runs.history import read_history
from ired_diag.runs.store import read_run
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training import run_files
from ired_diag.training.ensemble import Ensemble, Step
from ired_diag.training.opening import Options
from ired_diag.training.plan import PlannedRun
from ired_diag.training.trainer import Interrupted, train_together
from ired_diag.training.trouble import Watch

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
    "use_scalar_energy": True,
    "validate_every": 10,
    "validation_batches": 2,
    "validation_batch_size": 5,
    "checkpoint_every": 20,
    "log_every": 5,
}
Told = list[tuple[str, Finding]]


def config_of(**knobs: Any) -> InverseConfig:
    return parse_inverse({**TINY, **knobs})


def run(folder: Path, *, resume: bool = False, seeds: tuple[int, ...] = (), **how: Any) -> Told:
    """Train one run, or some seeds together, and return what was announced of which folder."""
    knobs = how.pop("knobs", {})
    told: Told = []
    places = [(config_of(**knobs, seed=s), folder / f"seed{s}") for s in seeds]
    runs = [
        PlannedRun(task=INVERSE, config=c, folder=f, resume=resume)
        for c, f in places or [(config_of(**knobs), folder)]
    ]
    train_together(runs, Options(announce=lambda at, finding: told.append((at.name, finding)), **how))
    return told


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def ask_at(step: int) -> Callable[[int, int, dict[str, float]], None]:
    def progress(at: int, steps: int, values: dict[str, float]) -> None:
        if at == step:
            signal.raise_signal(signal.SIGTERM)

    return progress


@pytest.fixture
def tamper(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, str, int, float], None]:
    """A function (step, tensor, member, value) that adds a value to a tensor before that step."""

    def at(step: int, name: str, member: int, value: float) -> None:
        original = Ensemble.advance

        def advance(self: Ensemble) -> Step:
            if self.step + 1 == step:
                self.weights[name].data[member] += value
            return original(self)

        monkeypatch.setattr(Ensemble, "advance", advance)

    return at


def test_a_loss_that_is_no_number_is_told_once_with_the_step_that_it_began_at(
    tmp_path: Path, tamper: Callable[..., None]
) -> None:
    tamper(18, "fc2.weight", 0, math.nan)
    ((place, finding),) = run(tmp_path / "run")
    assert (place, finding.rule, finding.severity) == ("run", "not_a_number", "error")
    assert finding.evidence == {"step": 18}
    assert "not a number from step 18 on" in finding.statement
    assert "--from RUN@STEP" in finding.advice
    assert read_run(tmp_path / "run").findings == (finding,)
    assert [row["step"] for row in rows_of(tmp_path / "run") if math.isnan(row["train/loss"])] == [
        20,
        25,
        30,
        35,
        40,
    ]


def test_trouble_is_told_once_across_a_resume(tmp_path: Path, tamper: Callable[..., None]) -> None:
    tamper(18, "fc2.weight", 0, math.nan)
    with pytest.raises(Interrupted):
        run(tmp_path / "run", progress=ask_at(25))
    (before,) = read_run(tmp_path / "run").findings
    assert run(tmp_path / "run", resume=True) == []
    assert read_run(tmp_path / "run").findings == (before,)


def test_trouble_is_told_once_though_its_steps_are_taken_again(
    tmp_path: Path, tamper: Callable[..., None]
) -> None:
    tamper(28, "fc2.weight", 0, math.nan)

    class Killed(BaseException):
        pass

    def kill(at: int, steps: int, values: dict[str, float]) -> None:
        if at == 35:
            raise Killed

    with pytest.raises(Killed):
        run(tmp_path / "run", progress=kill)
    assert [f.rule for f in read_run(tmp_path / "run").findings] == ["not_a_number"]
    (note,) = run(tmp_path / "run", resume=True)  # it went on from step 20
    assert note[1].rule == "history_beyond_checkpoint"
    assert [f.rule for f in read_run(tmp_path / "run").findings] == ["not_a_number", note[1].rule]


def scripted(errors: dict[int, list[float]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the evaluations of each seed tell what the test says, one after the other."""

    def evaluate(network: object, schedule: object, config: InverseConfig, **_: object) -> Evaluation:
        return Evaluation(errors[config.seed].pop(0), 0.0, 8)

    monkeypatch.setattr("ired_diag.inverse.evaluation.evaluate", evaluate)


def test_the_step_is_right_though_a_companion_left_in_between(
    tmp_path: Path, tamper: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted({0: [1.0, 2.0, 3.0, 4.0], 1: [4.0, 3.0, 2.0, 1.0]}, monkeypatch)
    tamper(9, "fc2.weight", 1, math.nan)
    knobs = {"early_stopping_patience": 10, "log_every": 25}
    told = run(tmp_path, seeds=(0, 1), knobs=knobs)
    assert read_run(tmp_path / "seed0").ending.detail.startswith("stopped early at step 20")
    assert [(place, finding.evidence) for place, finding in told] == [("seed1", {"step": 9})]


@pytest.mark.parametrize("sign", [1, -1])
def test_an_energy_that_runs_away_is_told_once_with_its_step(
    sign: int, tmp_path: Path, tamper: Callable[..., None]
) -> None:
    tamper(12, "energy_head.bias", 0, sign * 1000.0)  # which moves the energy and nothing else
    ((_, finding),) = run(tmp_path / "run")
    assert (finding.rule, finding.severity) == ("energy_runaway", "warning")
    assert (finding.evidence["step"], finding.evidence["limit"]) == (15, 50.0 * 4)
    energy = {row["step"]: row["train/energy_positive"] for row in rows_of(tmp_path / "run")}
    assert finding.evidence["energy_positive"] == energy[15]
    assert sign * energy[15] > 900
    assert sign * energy[40] > 200  # it went on, and was not told again


def look(watch: Watch, step: int, **values: float) -> list[str]:
    told = {name.replace("_", "/", 1): value for name, value in values.items()}
    return [finding.rule for finding in watch.look(step, told, None)]


@pytest.mark.parametrize(
    ("energy", "found"), [(200.0, []), (200.1, ["energy_runaway"]), (-201.0, ["energy_runaway"])]
)
def test_a_runaway_begins_beyond_fifty_for_each_number_of_an_answer(energy: float, found: list[str]) -> None:
    assert look(Watch(troubles_of(config_of())), 10, train_energy_positive=energy) == found


def test_an_energy_that_is_no_number_is_no_runaway() -> None:
    assert look(Watch(troubles_of(config_of())), 10, train_energy_positive=math.nan) == []


@pytest.mark.parametrize(
    ("losses", "first", "found"),
    [
        ([0.98] * 10, 100, 1000),  # the tenth logged step is the thousandth
        ([0.98] * 15, 100, 1000),  # once
        ([0.98] * 12, 1000, 1900),  # ten rows, however late the first
        ([0.98] * 9, 1000, None),
        ([0.9799] * 20, 100, None),
        ([1.2, 1.2] + [0.9] * 8 + [0.98] * 7, 1000, None),  # the mean of ten, not one of them
        ([0.1] * 10 + [1.0] * 10, 100, 2000),  # dead later on
        ([math.nan] + [1.0] * 9, 1000, None),
        ([math.nan] + [1.0] * 10, 1000, 2000),
    ],
)
def test_a_predictor_is_dead_by_the_mean_of_ten_logged_losses(
    losses: list[float], first: int, found: int | None
) -> None:
    watch = Watch(troubles_of(config_of()))
    told = {
        first + 100 * i: look(watch, first + 100 * i, train_denoise=loss) for i, loss in enumerate(losses)
    }
    assert [step for step, rules in told.items() if rules] == ([] if found is None else [found])
    assert all(rules in ([], ["dead_predictor"]) for rules in told.values())


def test_a_predictor_that_never_learns_is_told_dead_by_the_trainer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(troubles, "DEAD_FROM", 15)
    knobs = {"learning_rate": 1e-12, "batch_size": 2048, "log_every": 1, "train_steps": 20, "rank": 3}
    ((_, finding),) = run(tmp_path / "run", knobs=knobs)
    assert (finding.rule, finding.severity, finding.evidence["step"]) == ("dead_predictor", "warning", 15)
    assert 0.98 <= float(finding.evidence["denoise"] or 0) < 1.02


def test_a_healthy_run_is_told_nothing_of(tmp_path: Path) -> None:
    assert run(tmp_path / "run", seeds=(0, 1)) == []
    assert read_run(tmp_path / "run" / "seed0").findings == ()


def test_a_run_in_trouble_is_stopped_where_asked_and_its_companions_go_on(
    tmp_path: Path, tamper: Callable[..., None]
) -> None:
    tamper(12, "fc2.weight", 1, math.nan)
    told = run(tmp_path, seeds=(0, 1, 2), stop_on_trouble=True)
    assert [(place, finding.rule) for place, finding in told] == [("seed1", "not_a_number")]
    ends = [read_run(tmp_path / f"seed{seed}") for seed in (0, 1, 2)]
    assert [one.ending.state for one in ends] == ["complete", "cancelled", "complete"]
    assert ends[1].ending.detail == "stopped at step 15, as asked on trouble"
    assert ends[1].history.last_step == 15
    assert read_network(tmp_path / "seed1" / "checkpoints" / "last.pt").step == 15
    run(tmp_path / "seed1", resume=True)  # not asked again, it goes on
    assert read_run(tmp_path / "seed1").ending.complete


def test_a_run_that_stopped_on_trouble_at_an_evaluation_may_go_on(tmp_path: Path) -> None:
    config = parse_inverse({**TINY, "learning_rate": 1e30, "log_every": 10, "validate_every": 10})
    runs = [PlannedRun(task=INVERSE, config=config, folder=tmp_path / "run", resume=False)]
    train_together(runs, Options(stop_on_trouble=True))
    assert read_run(tmp_path / "run").ending.detail == "stopped at step 10, as asked on trouble"
    train_together([PlannedRun(task=INVERSE, config=config, folder=tmp_path / "run", resume=True)], Options())
    ended = read_run(tmp_path / "run")
    assert ended.ending.complete
    assert ended.history.last_step == config.train_steps


def test_a_command_that_stops_on_trouble_before_any_evaluation_says_so(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps({**TINY, "learning_rate": 1e30, "validate_every": 40}))
    command = ["train", str(tmp_path / "mine.json"), "--runs", str(tmp_path / "runs"), "--device", "cpu"]
    result = CliRunner().invoke(main, [*command, "--stop-on-trouble"])
    assert result.exit_code == 3, result.exception  # a check that did not hold
    assert "stopped at step" in result.stdout
    assert "The loss is not a number from step" in result.stderr


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """The validation matrices of each evaluation, one after the other."""
    found: list[Tensor] = []

    def watched(network: Any, problem: Tensor, start: Tensor, *rest: Any, **how: Any) -> Sample:
        if len(problem) == 5:  # the batches of training are larger
            found.append(problem.clone())
        return sample(network, problem, start, *rest, **how)

    monkeypatch.setattr("ired_diag.inverse.evaluation.sample", watched)
    return found


@pytest.mark.parametrize("kind", ["frozen", "fresh"])
def test_frozen_validation_matrices_are_the_same_for_all_and_fresh_ones_never(
    kind: str, seen: list[Tensor], tmp_path: Path
) -> None:
    knobs = {"validation_matrices": kind, "train_steps": 20}
    run(tmp_path / "two", seeds=(0, 1), knobs=knobs)
    run(tmp_path / "other", knobs={**knobs, "mining_strategy": "random", "seed": 7, "width": 4})
    assert len(seen) == 3 * 2 * 2  # runs, evaluations, batches
    evaluations = [torch.cat(seen[i : i + 2]) for i in range(0, len(seen), 2)]
    assert len({matrix.numpy().tobytes() for matrix in evaluations[0]}) == 10  # each of its own
    same = [torch.equal(one, evaluations[0]) for one in evaluations]
    assert same == ([True] * 6 if kind == "frozen" else [True, *[False] * 5])


def test_frozen_validation_matrices_are_of_the_runs_data_and_move_nothing_of_training(
    seen: list[Tensor], tmp_path: Path
) -> None:
    losses = []
    for kind in ("frozen", "fresh"):
        run(tmp_path / kind, knobs={"validation_matrices": kind, "train_steps": 20, "ood": True})
        losses.append(read_history(tmp_path / kind / "metrics.jsonl").series["train/loss"].values.tolist())
    assert losses[0] == losses[1]
    data = MatrixData("ired", 2, True)
    eigenvalues = torch.linalg.eigvalsh(torch.cat(seen).reshape(-1, 2, 2).double())
    assert data.epsilon - 1e-6 < float(eigenvalues.min()) < 0.5


def attempts_of(folder: Path) -> list[dict[str, Any]]:
    attempts: list[dict[str, Any]] = list(read_run(folder).provenance["attempts"])
    return attempts


def test_each_attempt_tells_when_where_and_with_which_code(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(Interrupted):
        run(folder, progress=ask_at(5))
    run(folder, resume=True)
    first, second = attempts_of(folder)
    assert [first["attempt"], second["attempt"]] == [1, 2]
    for attempt in (first, second):
        assert attempt["device"] == "cpu"
        assert attempt["threads"] == torch.get_num_threads()
        assert attempt["compiled"] is False
        assert attempt["versions"]["torch"] == str(torch.__version__)
        assert attempt["host"]
    assert first["started"] <= second["started"]
    assert {row["attempt"] for row in rows_of(folder) if row["step"] <= 5} == {1}
    assert {row["attempt"] for row in rows_of(folder) if row["step"] > 5} == {2}


def test_attempts_that_logged_nothing_are_counted_too(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def kill(at: int, steps: int, values: dict[str, float]) -> None:
        raise Killed

    folder = tmp_path / "run"
    for resume in (False, True, True):
        with pytest.raises(Killed):
            run(folder, resume=resume, progress=kill, knobs={"log_every": 40, "validate_every": 40})
        (folder / "metrics.jsonl").write_bytes(b"")  # as if it had died before its first row
    assert [attempt["attempt"] for attempt in attempts_of(folder)] == [1, 2, 3]


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("changed", ["git_commit", "threads"])
@pytest.mark.usefixtures("threads")
def test_going_on_with_other_code_or_other_threads_is_told(
    changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    monkeypatch.setattr(run_files, "code_commit", lambda: "a" * 40)
    with pytest.raises(Interrupted):
        run(folder, progress=ask_at(5))
    with pytest.raises(Interrupted):
        assert run(folder, resume=True, progress=ask_at(10)) == []
    if changed == "threads":
        torch.set_num_threads(torch.get_num_threads() + 1)
    else:
        monkeypatch.setattr(run_files, "code_commit", lambda: "b" * 40)
    ((_, finding),) = run(folder, resume=True)
    assert (finding.rule, finding.severity) == ("resumed_elsewhere", "warning")
    assert f"From attempt 3 on the run has another {changed} than before" in finding.statement
    assert set(finding.evidence) == {f"{changed}, before", f"{changed}, now"}
    assert read_run(folder).findings == (finding,)
