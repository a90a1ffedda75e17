"""The trainer: rows, evaluations, the best checkpoint, the optimiser's step, and who may train where."""

from __future__ import annotations

import fcntl
import json
import math
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from ired_diag.errors import CannotWrite, NotFound
from ired_diag.inverse.checkpoint import read_network
from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.inverse.configured import data_of
from ired_diag.inverse.draws import Batch, draw, stack_batches
from ired_diag.inverse.matrices import MatrixData, draw_matrices
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.objective import training_loss
from ired_diag.inverse.training import network_in, schedule_in
from ired_diag.model.sampler import sample
from ired_diag.model.schedule import cosine_schedule
from ired_diag.runs.history import read_history
from ired_diag.runs.store import read_run
from ired_diag.streams import make_streams
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.compiled import loss_function
from ired_diag.training.ensemble import Ensemble
from ired_diag.training.state import TrainingState, new_state
from ired_diag.training.trainer import Interrupted, train

pytestmark = pytest.mark.slow

TINY = {
    "experiment_name": "q900_tiny",
    "rank": 2,
    "width": 8,
    "diffusion_steps": 4,
    "batch_size": 8,
    "train_steps": 60,
    "learning_rate": 0.01,
    "validate_every": 10,
    "validation_batches": 2,
    "validation_batch_size": 8,
    "checkpoint_every": 10,
    "log_every": 5,
}
SECONDS = "time/seconds_per_step"
LOGGED = {
    "train/loss",
    "train/denoise",
    "train/energy_positive",
    "train/gradient_norm",
    "train/gradient_norm_clipped",
    "train/learning_rate",
    SECONDS,
}
CONTRASTED = LOGGED | {"train/nce", "train/energy_negative", "train/energy_margin"}
MINED = CONTRASTED | {"train/mining_accepted"}
AVERAGE = {"average/distance", "average/relative_distance"}
EVALUATED = {"train/mse_error", "validation/mse", "validation/mse_standard_error", *AVERAGE}


def config_of(**knobs: Any) -> InverseConfig:
    return parse_inverse({**TINY, **knobs})


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def untimed(folder: Path) -> list[str]:
    """Return the rows as they stand in the history, but for how long the steps took."""
    return [json.dumps({k: v for k, v in row.items() if k != SECONDS}) for row in rows_of(folder)]


def alone(state: TrainingState) -> Ensemble:
    """Return the ensemble of one run: its steps move the state in place."""
    return Ensemble([state], loss_function(INVERSE, state.config, state.constants, compiled=False))


def weights_file(folder: Path, step: int) -> Path:
    return folder / "checkpoints" / f"step-{step:09d}.safetensors"


@pytest.mark.parametrize(
    ("strategy", "logged"), [("none", LOGGED), ("random", CONTRASTED), ("adversarial", MINED)]
)
def test_rows_stand_at_their_steps_with_their_metrics(
    strategy: str, logged: set[str], tmp_path: Path
) -> None:
    told = []
    folder = train(
        INVERSE,
        config_of(train_steps=23, log_every=4, mining_strategy=strategy),
        tmp_path / "run",
        progress=lambda step, steps, values: told.append((step, steps, values)),
    )
    expected = {4: logged, 8: logged, 10: EVALUATED, 12: logged, 16: logged}
    expected |= {20: logged | EVALUATED, 23: logged | EVALUATED}  # the last step has everything
    rows = rows_of(folder)
    assert {row["step"]: set(row) - {"step", "attempt"} for row in rows} == expected
    assert [row["attempt"] for row in rows] == [1] * 7
    assert all(math.isfinite(value) for row in rows for value in row.values())
    assert [{"step": step, "attempt": 1, **values} for step, _, values in told] == rows
    assert {steps for _, steps, _ in told} == {23}
    kept = sorted(p.name for p in (folder / "checkpoints").glob("step-*"))
    assert kept == [weights_file(folder, step).name for step in (10, 20, 23)]


def test_losses_and_norms_are_those_of_the_step_they_are_told_at(tmp_path: Path) -> None:
    config = config_of(train_steps=12, log_every=4, mining_strategy="adversarial")
    rows = {row["step"]: row for row in rows_of(train(INVERSE, config, tmp_path / "run"))}
    ensemble = alone(new_state(INVERSE, config, "cpu"))
    for step in range(1, 13):
        taken = ensemble.advance()
        loss = taken.loss
        if step % 4 == 0:
            assert rows[step]["train/loss"] == loss.total.item()
            assert rows[step]["train/denoise"] == loss.logged["denoise"].item()
            assert rows[step]["train/gradient_norm"] == taken.gradient_norm.item()
            assert rows[step]["train/nce"] == loss.logged["nce"].item()


def errors_by_hand(
    network: EnergyNetwork,
    data: MatrixData,
    config: InverseConfig,
    generator: torch.Generator,
    *,
    faithful: bool = True,
) -> NDArray[np.float64]:
    """Return the MSE of each validation matrix, matrix by matrix."""
    schedule, errors = cosine_schedule(config.diffusion_steps), []
    for _ in range(config.validation_batches):
        count = config.validation_batch_size
        problem, answer = draw_matrices(data, count, generator=generator)
        start = torch.randn(answer.shape, generator=generator)
        found = sample(network, problem, start, schedule, inner_steps=5, faithful=faithful).answer
        errors += [np.mean((f - a).numpy() ** 2) for f, a in zip(found, answer, strict=True)]
    return np.array(errors, dtype=np.float64)


@pytest.mark.parametrize(
    "data", [MatrixData("ired", 2), MatrixData("ired", 2, True), MatrixData("design", 3)]
)
def test_evaluations_are_those_of_the_averaged_weights_and_the_faithful_answers(
    data: MatrixData, tmp_path: Path
) -> None:
    config = config_of(
        train_steps=130,
        validate_every=65,
        checkpoint_every=65,
        seed=3,
        dataset=data.name,
        rank=data.rank,
        ood=data.ood,
    )
    folder = train(INVERSE, config, tmp_path / "run")
    rows = {row["step"]: row for row in rows_of(folder)}
    streams = make_streams(3, "cpu")
    for step in (65, 130):
        checkpoint = read_network(weights_file(folder, step))
        average, raw = checkpoint.network("ema"), checkpoint.network("raw")
        for _ in range(65):
            problem, answer = draw_matrices(data, 8, generator=streams.data)
        start = torch.randn(answer.shape, generator=streams.evaluation)
        found = sample(average, problem, start, cosine_schedule(4)).answer
        assert rows[step]["train/mse_error"] == pytest.approx(float(((found - answer) ** 2).mean()), 1e-6)
        before = streams.evaluation.get_state()
        errors = errors_by_hand(average, data, config, streams.evaluation)
        assert len(errors) == 16
        assert rows[step]["validation/mse"] == pytest.approx(errors.mean(), rel=1e-6)
        spread = errors.std(ddof=1) / math.sqrt(16)
        assert rows[step]["validation/mse_standard_error"] == pytest.approx(spread, rel=1e-5)
        for network, faithful in ((raw, True), (average, False)):  # the others would be seen
            generator = torch.Generator()
            generator.set_state(before)
            other = errors_by_hand(network, data, config, generator, faithful=faithful).mean()
            assert other != pytest.approx(errors.mean(), rel=1e-4)


def test_the_standard_error_of_a_single_matrix_is_not_a_number(tmp_path: Path) -> None:
    one = {"validation_batches": 1, "validation_batch_size": 1}
    rows = rows_of(train(INVERSE, config_of(train_steps=1, **one), tmp_path / "run"))
    assert math.isnan(rows[0]["validation/mse_standard_error"])
    assert math.isfinite(rows[0]["validation/mse"])


def test_best_is_the_lowest_evaluation_and_last_is_the_last(tmp_path: Path) -> None:
    folder = train(INVERSE, config_of(mining_strategy="adversarial"), tmp_path / "run")
    series = read_history(folder / "metrics.jsonl").series["validation/mse"]
    lowest = int(series.steps[series.values.argmin()])
    assert 10 < lowest < 60  # else the test would tell nothing
    for name, step in (("best", lowest), ("last", 60)):
        checkpoint = read_network(folder / "checkpoints" / f"{name}.pt")
        assert checkpoint.step == step
        kept = read_network(weights_file(folder, step))
        for kind in ("raw", "ema"):
            tensors, expected = (c.network(kind).parameters for c in (checkpoint, kept))
            assert all(torch.equal(tensors[n], expected[n]) for n in expected)


def test_training_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    config = config_of(mining_strategy="adversarial")
    one, two = (train(INVERSE, config, tmp_path / place) for place in ("one", "two"))
    assert untimed(one) == untimed(two)
    for name in ("checkpoints/last.pt", "checkpoints/best.pt"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    for step in range(10, 61, 10):
        first, second = (load_file(weights_file(folder, step)) for folder in (one, two))
        assert first.keys() == second.keys()
        assert all(torch.equal(p, second[name]) for name, p in first.items())


def gradients_of_the_next_step(state: TrainingState) -> dict[str, Tensor]:
    streams = make_streams(0, "cpu")
    streams.restore(state.streams.state())
    config = cast(InverseConfig, state.config)
    problem, answer = draw_matrices(data_of(config), config.batch_size, generator=streams.data)
    # On an axis of one seed the sums round as in an ensemble: Adam makes much of the smallest gradients.
    batch = stack_batches([Batch(problem, answer, draw(config, answer, streams))])
    leaves = {name: p.detach()[None].clone().requires_grad_() for name, p in state.weights.items()}
    network = replace(network_in(config, state.tensors), parameters=leaves)
    loss = training_loss(
        network, schedule_in(state.tensors), config, batch.problem, batch.answer, batch.draws
    ).total
    found = torch.autograd.grad(loss.sum(), tuple(leaves.values()), allow_unused=True)
    return {
        name: torch.zeros(p.shape[1:], dtype=torch.float64) if g is None else g[0].double()
        for (name, p), g in zip(leaves.items(), found, strict=True)
    }


@pytest.mark.parametrize("clip", [1.0, 0.05, None])
@pytest.mark.parametrize("betas", [(0.9, 0.99), (0.0, 0.999)])
def test_a_step_is_adam_on_the_clipped_gradient(clip: float | None, betas: tuple[float, float]) -> None:
    knobs = {"gradient_clip": clip, "adam_betas": list(betas), "mining_strategy": "adversarial"}
    state = new_state(INVERSE, config_of(**knobs), "cpu")
    first = {name: torch.zeros(p.shape, dtype=torch.float64) for name, p in state.weights.items()}
    second = {name: m.clone() for name, m in first.items()}
    clipped, ensemble = 0, alone(state)
    for step in range(1, 13):
        before = {name: p.detach().double() for name, p in state.weights.items()}
        gradient = gradients_of_the_next_step(state)
        norm = ensemble.advance().gradient_norm.item()
        expected_norm = math.sqrt(sum(float(g.square().sum()) for g in gradient.values()))
        assert norm == pytest.approx(expected_norm, rel=1e-5)
        factor = 1.0 if clip is None or expected_norm <= clip else clip / expected_norm
        clipped += factor < 1
        for name, g in gradient.items():
            first[name] = betas[0] * first[name] + (1 - betas[0]) * factor * g
            second[name] = betas[1] * second[name] + (1 - betas[1]) * (factor * g) ** 2
            m, v = first[name] / (1 - betas[0] ** step), second[name] / (1 - betas[1] ** step)
            expected = before[name] - 0.01 * m / (v.sqrt() + 1e-8)
            torch.testing.assert_close(state.weights[name].detach().double(), expected, rtol=1e-5, atol=1e-6)
    assert (clipped > 0) is (clip is not None)
    assert state.step == 12


def test_a_run_that_exists_is_refused_and_left_alone(tmp_path: Path) -> None:
    folder = train(INVERSE, config_of(train_steps=3), tmp_path / "run")
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    with pytest.raises(CannotWrite, match=r"holds a run already.*--resume.*--name"):
        train(INVERSE, config_of(train_steps=5), folder)
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_there_must_be_a_run_to_resume(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no run to resume\. Leave out --resume to start one"):
        train(INVERSE, config_of(), tmp_path / "run", resume=True)


@pytest.mark.parametrize("resume", [False, True])
def test_a_second_trainer_is_refused_while_the_lock_is_held(resume: bool, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    if resume:
        train(INVERSE, config_of(train_steps=3), folder)
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("process 17 on elsewhere\n")
        lock.flush()
        before = {p.name for p in folder.iterdir()}
        with pytest.raises(CannotWrite, match="is being trained by process 17 on elsewhere"):
            train(INVERSE, config_of(train_steps=3), folder, resume=resume)
        assert {p.name for p in folder.iterdir()} == before
    train(INVERSE, config_of(train_steps=3), folder, resume=resume)  # its owner gone, the lock is free


def test_the_lock_names_its_owner_while_training_and_is_free_after(tmp_path: Path) -> None:
    folder, told = tmp_path / "run", []

    def try_another(step: int, steps: int, values: dict[str, float]) -> None:
        with pytest.raises(CannotWrite, match=r"is being trained by process \d+ on "):
            train(INVERSE, config_of(), folder, resume=True)
        told.append(step)

    train(INVERSE, config_of(train_steps=5), folder, progress=try_another)
    assert told == [5]
    assert (folder / "lock").read_text() == ""


def test_a_complete_run_reads_as_one(tmp_path: Path) -> None:
    config = config_of(seed=7, mining_strategy="random")
    run = read_run(train(INVERSE, config, tmp_path / "q900" / "seed7"))
    assert (run.experiment, run.name, run.seed, run.variant) == ("q900", "q900_tiny", 7, None)
    assert run.ending.complete
    assert run.ending.label == "complete"
    assert parse_inverse(run.configuration or {}) == config
    assert run.findings == ()
    assert [p.name for p in run.checkpoints] == [f"step-{s:09d}.safetensors" for s in range(10, 61, 10)]
    assert run.history.last_step == 60
    assert run.provenance["device"] == "cpu"
    assert run.provenance["versions"]["torch"] == str(torch.__version__)


def test_a_run_that_is_being_trained_reads_as_running_or_cut_off(tmp_path: Path) -> None:
    labels = []

    def look(step: int, steps: int, values: dict[str, float]) -> None:
        labels.append(read_run(tmp_path / "run").ending.label)

    train(INVERSE, config_of(train_steps=6), tmp_path / "run", progress=look)
    assert labels == ["running or cut off"] * 2


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite, match="cannot be written"):
        train(INVERSE, config_of(), tmp_path / "file" / "run")


def test_numbers_that_are_not_finite_are_data_and_never_the_best(tmp_path: Path) -> None:
    rows = rows_of(train(INVERSE, config_of(train_steps=20, learning_rate=1e30), tmp_path / "run"))
    assert not math.isfinite(rows[-1]["validation/mse"])
    assert read_run(tmp_path / "run").history.last_step == 20
    assert not (tmp_path / "run" / "checkpoints" / "best.pt").exists()


def test_resuming_a_complete_run_changes_nothing_of_it(tmp_path: Path) -> None:
    folder = train(INVERSE, config_of(train_steps=20), tmp_path / "run")
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "config.json"}
    assert train(INVERSE, config_of(), folder, resume=True) == folder
    assert {p: p.read_bytes() for p in before} == before
    assert read_run(folder).ending.complete


def test_a_run_without_its_configuration_is_none(tmp_path: Path) -> None:
    folder = train(INVERSE, config_of(train_steps=3), tmp_path / "run")
    (folder / "config.json").unlink()
    with pytest.raises(NotFound, match="no run to resume"):
        train(INVERSE, config_of(), folder, resume=True)


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("step", [5, 20])
def test_a_wish_to_stop_is_granted_after_the_step_with_all_saved(
    number: signal.Signals, step: int, tmp_path: Path
) -> None:
    handlers = {n: signal.getsignal(n) for n in SIGNALS}
    folder = tmp_path / "run"

    def ask(at: int, steps: int, values: dict[str, float]) -> None:
        if at == step:
            signal.raise_signal(number)

    with pytest.raises(Interrupted, match=rf"interrupted after step {step} of 60; all is saved\..*--resume"):
        train(INVERSE, config_of(), folder, progress=ask)
    assert {n: signal.getsignal(n) for n in handlers} == handlers
    assert torch.load(folder / "checkpoints" / "last.pt", weights_only=True)["step"] == step
    ending = read_run(folder).ending
    assert (ending.label, ending.detail) == ("cancelled", f"interrupted after step {step}")
    train(INVERSE, config_of(), folder, resume=True)
    assert [row["step"] for row in rows_of(folder)] == list(range(5, 61, 5))
    assert [row["attempt"] for row in rows_of(folder)] == [1 if s <= step else 2 for s in range(5, 61, 5)]
    assert read_run(folder).ending.complete


def test_a_second_wish_to_stop_acts_at_once(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
    told = []

    def ask_twice(at: int, steps: int, values: dict[str, float]) -> None:
        signal.raise_signal(signal.SIGINT)
        told.append(at)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(INVERSE, config_of(), tmp_path / "run", progress=ask_twice)
    signal.signal(signal.SIGINT, before)
    assert told == [5]
    train(INVERSE, config_of(), tmp_path / "run", resume=True)
    assert read_run(tmp_path / "run").ending.complete
