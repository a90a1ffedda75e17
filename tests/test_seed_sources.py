"""A seed for each source of randomness: what it moves, what it leaves, how runs are called and read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

import ired_diag as ird
from app.cli import main
from ired_diag.comparison.source_levels import source_levels
from ired_diag.errors import DiagError
from ired_diag.runs.ending import Ending
from ired_diag.runs.run import Run
from ired_diag.seed_sources import Seeds, Source, source_of_key
from ired_diag.streams import PURPOSES, Streams, generator_of, make_streams
from ired_diag.training.plan import plan
from ired_diag.training.plan_fork import plan_fork
from ired_diag.training.seed_design import seeds_of_runs

TINY = {"train_steps": 6, "validate_every": 3, "checkpoint_every": 3, "log_every": 3}
TINY_INVERSE = {
    **TINY,
    "rank": 2,
    "batch_size": 4,
    "width": 8,
    "diffusion_steps": 4,
    "validation_batches": 1,
    "validation_batch_size": 4,
}


def state_of(streams: Streams) -> dict[str, bytes]:
    return {purpose: state.numpy().tobytes() for purpose, state in streams.state().items()}


def rows_of(run: Run) -> list[dict[str, float]]:
    lines = (run.path / "metrics.jsonl").read_text().splitlines()
    rows = []
    for line in lines:
        row = json.loads(line)
        rows.append({name: value for name, value in row.items() if not name.startswith("time/")})
    return rows


def run_with(configuration: dict[str, Any], *, seed: int | None = None) -> Run:
    return Run(
        experiment="a",
        path=Path("a"),
        ending=Ending("complete"),
        seed=seed,
        configuration=configuration,
    )


def test_a_single_seed_makes_the_streams_that_it_always_made() -> None:
    """Stream k of seed s is that of the words (s, k); these digests were taken before sources had seeds."""
    streams = make_streams(3, "cpu")
    for number, purpose in enumerate(PURPOSES):
        expected = generator_of([3, number]).get_state()
        assert torch.equal(getattr(streams, purpose).get_state(), expected)
    drawn = torch.randint(0, 2**62, (4,), generator=make_streams(3, "cpu").data)
    digest = hashlib.sha256(drawn.numpy().tobytes()).hexdigest()
    assert digest.startswith("db1236f7332faf34")


@pytest.mark.parametrize(
    ("changed", "moved"),
    [
        ({"init": 9}, {"weights"}),
        ({"data": 9}, {"data", "noise", "mining"}),
        ({"eval": 9}, {"evaluation"}),
    ],
)
def test_a_source_moves_its_own_streams_and_no_other(changed: dict[str, int], moved: set[str]) -> None:
    plain = state_of(make_streams(3, "cpu"))
    seeds = Seeds(**{"init": 3, "data": 3, "eval": 3, **changed})
    other = state_of(make_streams(seeds, "cpu"))
    assert {purpose for purpose in PURPOSES if plain[purpose] != other[purpose]} == moved


@pytest.mark.parametrize(
    ("task", "settings", "sources"),
    [
        ("inverse", TINY_INVERSE, ("init", "data", "eval")),
        ("digits", {**TINY, "batch_size": 8}, ("init", "data")),
        ("functions", {**TINY, "start_spread": 0.1, "gradient_noise": 0.1}, ("init", "data")),
        ("image", {"train_steps": 2, "validate_every": 1, "gaussians": 5}, ("init",)),
    ],
)
def test_equal_seeds_of_all_sources_are_the_run_of_that_seed(
    task: str, settings: dict[str, Any], sources: tuple[str, ...], tmp_path: Path
) -> None:
    (plain,) = ird.train(task=task, seeds=[3], settings=settings, runs=tmp_path / "a", device="cpu")
    seeds = {f"seed_{source}": [3] for source in sources}
    (own,) = ird.train(task=task, settings=settings, runs=tmp_path / "b", device="cpu", **seeds)
    assert rows_of(own) == rows_of(plain)
    assert own.seed is None
    assert own.seed_label == "-".join(f"{source}3" for source in sources)
    assert own.path.name == own.seed_label


def test_runs_that_share_an_initialisation_start_from_the_same_weights(tmp_path: Path) -> None:
    from ired_diag.runs.weights_file import read_weights

    settings = {**TINY, "train_steps": 1, "learning_rate": 1e-30, "checkpoint_every": 1}
    runs = ird.train(
        task="digits",
        seed_init=[0, 1],
        seed_data=[5, 6],
        settings=settings,
        runs=tmp_path,
        device="cpu",
    )
    weights = []
    for run in runs:
        weights.append(read_weights(run.checkpoints[-1])["raw"]["layer1.weight"])
    assert [run.seed_label for run in runs] == ["init0-data5", "init0-data6", "init1-data5", "init1-data6"]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    levels = source_levels(runs)
    assert levels.varied == {"init": (0, 0, 1, 1), "data": (5, 6, 5, 6)}
    assert levels.are_crossed


def test_a_fork_keeps_the_seeds_of_its_parent(tmp_path: Path) -> None:
    (parent,) = ird.train(
        task="digits",
        seed_init=[1],
        seed_data=[6],
        settings=TINY,
        runs=tmp_path,
        device="cpu",
    )
    (fork,) = plan_fork(f"{parent.path}@3", settings=["learning_rate=0.5"], runs=tmp_path)
    assert fork.folder.name == "init1-data6"
    assert fork.config.seeds == Seeds(init=1, data=6, eval=0)
    with pytest.raises(DiagError, match="its parent"):
        plan_fork(f"{parent.path}@3", settings=["seed_data=7"], runs=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--task", "digits", "--seed-eval", "0-2"], "takes all test images"),
        (["--task", "digits", "--seed-data", "0", "--set", "batch_size=1797"], "sees all training images"),
        (["--task", "image", "--seed-data", "0-2"], "sees the whole picture"),
        (["--task", "functions", "--seed-init", "0-2"], "start_spread is 0"),
        (["--task", "functions", "--seed-data", "0-2"], "gradient_noise is 0"),
        (["q103", "--seed-eval", "0", "--set", "validation_matrices=frozen"], "is frozen"),
        (["q103", "--seed-init", "0", "--seeds", "1"], "Pass either --seeds or --seed-init"),
        (["q103", "--set", "seed_init=1"], "choose seeds with --seed-init"),
        (["q103", "--seed-init", "x"], "--seed-init 'x': expected seeds"),
        (["q103", "--design", "pairs"], "name the seeds with --seed-init"),
        (["q103", "--design", "pairs", "--seed-init", "0-2", "--seed-data", "0-3"], "equal length"),
        (["q103", "--design", "latin", "--seed-init", "0-2", "--seed-data", "0-2"], "Latin|latin"),
    ],
)
def test_a_source_that_does_not_exist_is_refused_with_the_reason(
    arguments: list[str], reason: str, tmp_path: Path
) -> None:
    said = CliRunner().invoke(main, ["train", *arguments, "--runs", str(tmp_path)])
    assert said.exit_code == 1, said.output
    assert any(part in said.output for part in reason.split("|")), said.output
    assert not list(tmp_path.iterdir())


def test_a_latin_square_has_each_pair_of_levels_once() -> None:
    levels = [0, 1, 2, 3]
    runs = seeds_of_runs({"init": levels, "data": levels, "eval": levels}, "latin")
    assert len(runs) == 16
    pairs: tuple[tuple[Source, Source], ...] = (("init", "data"), ("init", "eval"), ("data", "eval"))
    for first, second in pairs:
        assert len({(run[first], run[second]) for run in runs}) == 16


def test_a_task_of_ones_own_is_tried_for_its_sources(tmp_path: Path) -> None:
    """It draws its start and its batches, and evaluates without drawing: nobody had to say so."""
    task = tmp_path / "mine.py"
    task.write_text(OWN_TASK)
    where = f"{task}:build"
    planned = plan(None, task=where, source_seeds={"init": "0-1", "data": "0-1"}, runs=tmp_path / "runs")
    assert [run.folder.name for run in planned][-1] == "init1-data1"
    with pytest.raises(DiagError, match="evaluate draws nothing"):
        plan(None, task=where, source_seeds={"eval": "0-1"}, runs=tmp_path / "runs")


OWN_TASK = """
import torch
from ired_diag.config import TrainingConfig
from ired_diag.task import LossTerm, Losses, Metric, Task

class Settings(TrainingConfig):
    experiment_name: str = "mine"

def weights(config, generator):
    return {"w": torch.randn(2, generator=generator)}

def batch(config, streams, step):
    return {"x": torch.randn(2, generator=streams.data)}

def loss(config, tensors, batch):
    return Losses({"square": ((tensors["w"] - batch["x"]) ** 2).mean()})

def evaluate(config, tensors, batch, generator):
    return {"size": float(tensors["w"].norm())}

def build():
    return Task(name="mine", title="mine", settings=Settings, metric=Metric("size", "size"),
                terms=(LossTerm("square", "square"),), initial_weights=weights, draw_batch=batch, loss=loss,
                evaluate=evaluate)
"""


@pytest.mark.parametrize(
    ("key", "source"),
    [
        ("data_seed", "data"),
        ("trainer.shuffleSeed", "data"),
        ("data.seed", "data"),
        ("init_seed", "init"),
        ("model.seed", "init"),
        ("model_seed", "init"),
        ("eval-seed", "eval"),
        ("seed", None),
        ("trainer.seed", None),
        ("n_seeds", None),
    ],
)
def test_keys_of_strangers_are_recognised(key: str, source: str | None) -> None:
    assert source_of_key(key) == source


def test_a_seed_that_no_other_key_names_stands_for_the_initialisation() -> None:
    runs = []
    for seed in (0, 1):
        for data_seed in (7, 8):
            runs.append(run_with({"seed": seed, "data_seed": data_seed}, seed=seed))
    levels = source_levels(runs)
    assert levels.varied == {"data": (7, 8, 7, 8), "init": (0, 0, 1, 1)}
    assert levels.keys == {"data": "data_seed", "init": "seed"}


def test_a_seed_key_that_is_null_follows_the_overall_seed() -> None:
    """As that of Hugging Face's trainer does: data_seed=None means the seed."""
    runs = [run_with({"seed": seed, "data_seed": None}, seed=seed) for seed in range(3)]
    levels = source_levels(runs)
    assert not levels.are_crossed


def test_a_key_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(DiagError, match="There are: weird_seed"):
        source_levels([run_with({"weird_seed": 1, "lr": 0.1})], {"init": "other"})
