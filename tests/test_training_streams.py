"""Random streams: what a seed fixes whatever the strategy, and what training leaves alone."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.inverse.configured import data_of
from ired_diag.inverse.draws import draw
from ired_diag.inverse.evaluation import evaluate
from ired_diag.inverse.matrices import draw_matrices
from ired_diag.inverse.training import network_in, schedule_in
from ired_diag.runs.history import read_history
from ired_diag.streams import PURPOSES, make_streams
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.compiled import loss_function
from ired_diag.training.ensemble import Ensemble
from ired_diag.training.state import new_state
from ired_diag.training.trainer import train

STRATEGIES = [
    {"mining_strategy": "none"},
    {"mining_strategy": "random"},
    {"mining_strategy": "random", "random_negative": "noised_start"},
    {"mining_strategy": "adversarial"},
]
TINY = {
    "experiment_name": "q900_tiny",
    "rank": 2,
    "width": 8,
    "diffusion_steps": 4,
    "batch_size": 8,
    "train_steps": 12,
    "learning_rate": 0.01,
    "validate_every": 4,
    "validation_batches": 2,
    "validation_batch_size": 8,
    "log_every": 3,
}


def config_of(**knobs: Any) -> InverseConfig:
    return parse_inverse({**TINY, **knobs})


def three_steps(config: InverseConfig) -> list[Tensor]:
    """Return the matrices, levels and noise of three steps."""
    streams, drawn = make_streams(config.seed, "cpu"), []
    for _ in range(3):
        batch = draw_matrices(data_of(config), config.batch_size, generator=streams.data)
        draws = draw(config, batch[1], streams)
        drawn += [*batch, draws.t, draws.noise]
    return drawn


@pytest.mark.parametrize("strategy", STRATEGIES[1:])
def test_strategies_see_the_same_matrices_levels_and_noise(strategy: dict[str, Any]) -> None:
    plain, mined = three_steps(config_of()), three_steps(config_of(**strategy))
    assert all(map(torch.equal, plain, mined))
    assert not any(map(torch.equal, plain[:4], plain[4:8]))  # each step sees others


@pytest.mark.parametrize("strategy", STRATEGIES[1:])
def test_training_moves_all_streams_but_mining_alike(strategy: dict[str, Any]) -> None:
    configs = [config_of(**s) for s in (STRATEGIES[0], strategy)]
    states = [new_state(INVERSE, config, "cpu") for config in configs]
    assert all(torch.equal(p, states[1].weights[n]) for n, p in states[0].weights.items())
    ensembles = [Ensemble([s], loss_function(INVERSE, s.config, s.constants, compiled=False)) for s in states]
    for _ in range(3):
        one, two = (ensemble.advance().batches[0] for ensemble in ensembles)
        assert torch.equal(one["problem"], two["problem"])
        assert torch.equal(one["answer"], two["answer"])
    plain, mined = (state.streams.state() for state in states)
    moved = {purpose for purpose in PURPOSES if not torch.equal(plain[purpose], mined[purpose])}
    assert moved == {"mining"}
    network, schedule = network_in(configs[0], states[0].tensors), schedule_in(states[0].tensors)
    results = [evaluate(network, schedule, configs[0], generator=s.streams.evaluation) for s in states]
    assert results[0] == results[1]


@pytest.mark.parametrize("strategy", STRATEGIES[1:])
def test_mining_of_no_weight_trains_the_very_same_model(strategy: dict[str, Any], tmp_path: Path) -> None:
    plain = train(INVERSE, config_of(), tmp_path / "plain")
    mined = train(INVERSE, config_of(energy_loss_weight=0.0, **strategy), tmp_path / "mined")
    told, other = (read_history(folder / "metrics.jsonl").series for folder in (plain, mined))
    assert set(told) < set(other)
    # Without mining E_pos is the energy of another noisy answer; and no two runs take the same time.
    shared = set(told) - {"train/energy_positive", "time/seconds_per_step"}
    assert {"train/loss", "train/gradient_norm", "validation/mse"} < shared
    assert all(told[name].values.tolist() == other[name].values.tolist() for name in shared)


def test_every_stream_of_every_seed_is_another() -> None:
    def first(seed: int, purpose: str) -> float:
        generator: torch.Generator = getattr(make_streams(seed, "cpu"), purpose)
        return float(torch.rand((), generator=generator, dtype=torch.float64))

    drawn = [first(seed, purpose) for seed in range(40) for purpose in PURPOSES]
    assert drawn == [first(seed, purpose) for seed in range(40) for purpose in PURPOSES]
    assert len(set(drawn)) == 40 * len(PURPOSES)


def test_different_seeds_differ_in_weights_data_noise_and_evaluation() -> None:
    configs = [config_of(seed=seed) for seed in (0, 1)]
    states = [new_state(INVERSE, config, "cpu") for config in configs]
    assert not any(torch.equal(p, states[1].weights[n]) for n, p in states[0].weights.items())
    first, second = map(three_steps, configs)
    assert not any(map(torch.equal, first, second))
    network, schedule = network_in(configs[0], states[0].tensors), schedule_in(states[0].tensors)
    results = [evaluate(network, schedule, configs[0], generator=s.streams.evaluation).mse for s in states]
    assert results[0] != results[1]


def test_weights_do_not_depend_on_steps_batch_or_strategy() -> None:
    one = new_state(INVERSE, config_of(), "cpu").weights
    other = new_state(
        INVERSE, config_of(train_steps=99, batch_size=3, mining_strategy="adversarial"), "cpu"
    ).weights
    assert all(torch.equal(p, other[name]) for name, p in one.items())


def test_restored_streams_go_on_exactly_where_they_were() -> None:
    streams = make_streams(3, "cpu")
    for purpose in PURPOSES:  # an odd number of normals: half a pair is kept for the next draw
        torch.randn(7, generator=getattr(streams, purpose))
    buffer = io.BytesIO()
    torch.save(streams.state(), buffer)
    buffer.seek(0)
    restored = make_streams(8, "cpu")
    restored.restore(torch.load(buffer, weights_only=True))
    for purpose in PURPOSES:
        generators = getattr(streams, purpose), getattr(restored, purpose)
        for _ in range(3):
            one, other = (torch.randn(5, generator=g) for g in generators)
            assert torch.equal(one, other)


def test_the_state_is_a_snapshot_that_later_draws_do_not_move() -> None:
    streams = make_streams(3, "cpu")
    state = streams.state()
    first = torch.randn(5, generator=streams.noise)
    streams.restore(state)
    assert torch.equal(torch.randn(5, generator=streams.noise), first)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_training_leaves_the_global_random_numbers_alone(strategy: dict[str, Any], tmp_path: Path) -> None:
    torch_before, python_before = torch.get_rng_state(), random.getstate()
    train(INVERSE, config_of(train_steps=4, **strategy), tmp_path / "run")
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert random.getstate() == python_before


def test_training_does_not_depend_on_the_global_random_numbers(tmp_path: Path) -> None:
    for place in ("one", "two"):
        torch.rand(3)
        train(INVERSE, config_of(mining_strategy="random"), tmp_path / place)
    one, two = (read_history(tmp_path / place / "metrics.jsonl").series for place in ("one", "two"))
    assert one.keys() == two.keys()
    for name in one.keys() - {"time/seconds_per_step"}:
        assert one[name].steps.tolist() == two[name].steps.tolist()
        assert one[name].values.tolist() == two[name].values.tolist()
