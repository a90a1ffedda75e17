"""Mining dynamics: quadratics, planted walks, gradients that are noise, and a naive twin."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.inverse.config import parse_inverse
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.mined_batch import MiningSettings
from ired_diag.model.mining import Walk
from ired_diag.model.mining_verdict import WORKS
from ired_diag.probing.probe import ALL_LEVELS
from ired_diag.subject import Subject
from ired_diag.table import Table, read_table, select, write_table
from probes.mining_dynamics import PROBE, WHOLE, _by_verdict

Make = Callable[..., Subject]
DIM = 12


@dataclass(frozen=True)
class Bowl:
    """E = ½ |y - x|², of which the gradient is whatever it is told to be."""

    gradient: Callable[[Tensor], Tensor]
    minimum: Tensor

    def energy(self, y: Tensor) -> Tensor:
        return 0.5 * (y - self.minimum).square().sum(-1)

    def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
        return self.energy(y), self.gradient(y)


@dataclass(frozen=True)
class Pretender:
    """The bowl at every level, with a gradient that need not be its own."""

    gradient: Callable[[Tensor], Tensor]
    levels: int = 10

    def landscape(self, x: Tensor, t: Tensor) -> Bowl:
        return Bowl(self.gradient, x)


def noise_field(seed: int, length: float) -> Callable[[Tensor], Tensor]:
    """A field that a tiny step changes beyond recognition: noise, but the same at the same point."""
    generator = torch.Generator().manual_seed(seed)
    mixing = 1e4 * torch.randn(DIM, DIM, generator=generator, dtype=torch.float64)

    def field(y: Tensor) -> Tensor:
        uniform = torch.remainder(y.double() @ mixing, 1.0).clamp(1e-9, 1 - 1e-9)
        gaussian = torch.erfinv(2 * uniform - 1)
        unit: Tensor = gaussian / torch.linalg.vector_norm(gaussian, dim=-1, keepdim=True)
        return length * unit.to(y.dtype)

    return field


@pytest.fixture
def bowl(quadratic_subject: Make) -> Make:
    """A function (gradient=…, **Subject's) that returns ½ |y - x|² with a gradient of its own."""

    def make(gradient: Callable[[Tensor], Tensor] | None = None, **keys: object) -> Subject:
        subject = quadratic_subject(torch.eye(DIM, dtype=torch.float64), levels=10, **keys)
        return subject if gradient is None else replace(subject, energy=Pretender(gradient))

    return make


def answer(subject: Subject) -> tuple[Table, Table, str]:
    table = PROBE(subject)
    comparison = PROBE.comparison(table)
    assert PROBE.figure(table).panels
    return table, comparison, PROBE.conclude(table, comparison).statement


def test_on_a_quadratic_each_step_changes_the_energy_by_the_closed_form(
    quadratic_subject: Make, generator: torch.Generator
) -> None:
    root = torch.randn(DIM, DIM, generator=generator, dtype=torch.float64) / DIM**0.5
    hessian = root @ root.T
    mining = MiningSettings(noise_scale=0.5)
    subject = quadratic_subject(hessian, levels=10, samples=40, mining=mining)
    (chunk,) = subject.chunks()
    rows = select(PROBE(chunk), level=0, walker="descent")
    assert not rows["at_clamp"].any()
    eta = float(subject.schedule.opt_step_size[0])
    points, problem = chunk.batch.walk.points[0], chunk.batch.problem.double()
    for move, length in ((1, eta), (2, 2 * eta)):  # the faithful second step is twice as long
        g = (points[move - 1] - problem) @ hessian
        promised = -length * (g * g).sum(-1) + 0.5 * length**2 * ((g @ hessian) * g).sum(-1)
        step = select(rows, move=move)
        np.testing.assert_allclose(step["energy_change"], promised, rtol=1e-5)
        np.testing.assert_allclose(step["length"], length * g.norm(dim=-1), rtol=1e-5)
    np.testing.assert_allclose(select(rows, move=1)["down"], 1.0, rtol=1e-6)


def test_every_number_equals_a_slow_loop(network_subject: Make) -> None:
    subject = network_subject(samples=5, mining=MiningSettings(opt_steps=3))
    (chunk,) = subject.chunks()
    table, batch = PROBE(chunk), chunk.batch
    for level in range(batch.levels):
        signal = float(subject.schedule.sqrt_alphas_cumprod[level])
        landscape = subject.energy.landscape(batch.problem, torch.full((5,), level))
        points = batch.walk.points[level].clamp(-2 * signal, 2 * signal)
        energies = [landscape.energy(y).numpy() for y in points]
        raw = landscape.energy(batch.walk.points[level, 0]).numpy()
        down = -landscape.energy_and_gradient(points[0])[1].double().numpy()
        goal = signal * batch.candidates["positive"][level].double().numpy()
        b = points.double().numpy()
        for i in range(5):
            rows = select(table, level=level, walker="descent", sample=i)
            for k in range(4):
                now = {name: column[k] for name, column in rows.items()}
                before = raw[i] if k == 0 else energies[k - 1][i]
                assert now["energy"] == pytest.approx(energies[k][i], rel=1e-5)
                assert now["energy_change"] == pytest.approx(energies[k][i] - before, rel=1e-4, abs=1e-5)
                assert now["distance"] == pytest.approx(math.dist(b[k, i], goal[i]), rel=1e-5)
                if k == 0:
                    assert math.isnan(now["toward"])
                    continue
                move, way = b[k, i] - b[k - 1, i], b[k, i] - b[0, i]
                assert now["length"] == pytest.approx(np.linalg.norm(move), rel=1e-5)
                assert now["net"] == pytest.approx(np.linalg.norm(way), rel=1e-5)
                assert now["down"] == pytest.approx(_cosine(way, down[i]), rel=1e-4, nan_ok=True)
                assert now["toward"] == pytest.approx(_cosine(way, goal[i] - b[0, i]), rel=1e-4, nan_ok=True)
                assert now["accepted"] == bool(batch.walk.accepted[level, k - 1, i])
                if k > 1:
                    assert now["turn"] == pytest.approx(
                        _cosine(move, b[k - 1, i] - b[k - 2, i]), rel=1e-4, nan_ok=True
                    )


def _cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length else math.nan


@pytest.mark.parametrize(("shape", "coherence", "turn"), [("line", 2.0, 1.0), ("return", 0.0, 0.0)])
def test_planted_walks_have_the_coherence_of_their_shape(
    plant: Make, generator: torch.Generator, shape: str, coherence: float, turn: float
) -> None:
    samples, dim = 9, 25
    positive = torch.zeros(2, samples, dim, dtype=torch.float64)
    u, v = 0.001 * torch.linalg.qr(torch.randn(dim, dim, generator=generator, dtype=torch.float64))[0][:2]
    moves = [u, u, u, u] if shape == "line" else [u, v, -u, -v]
    path = torch.stack([0 * u, *moves]).cumsum(0)
    points = path[:, None].expand(5, samples, dim).expand(2, 5, samples, dim)
    nothing = torch.zeros(2, 4, samples, dtype=torch.float64)
    walk = Walk(
        points=points,
        energies=torch.zeros(2, 5, samples),
        gradient_norms=nothing,
        proposed=nothing,
        at_clamp=nothing,
        accepted=nothing == 0,
    )
    candidates = {"positive": positive + 0.1, "adversarial": positive}
    subject = plant(candidates, walk=walk)
    batch = replace(subject.batch, settings=MiningSettings(opt_steps=4))
    comparison = PROBE.comparison(PROBE(replace(subject, negatives=batch)))
    whole = select(comparison, move=WHOLE, level=0)
    assert select(whole, quantity="coherence")["x"][0] == pytest.approx(coherence, abs=1e-6)
    assert select(whole, quantity="turn")["x"][0] == pytest.approx(turn, abs=1e-6)


def test_a_gradient_of_noise_is_not_told_from_noise_at_the_rate_of_false_alarms(bowl: Make) -> None:
    # 5 studies of 10 levels; each may be taken for something at 5%: 9 or more have a chance of 0.1%.
    alarms, moved = 0, 0
    for seed in range(5):
        subject = bowl(noise_field(seed, 2.0), samples=150, seed=seed)
        evidence = PROBE.conclude(table := PROBE(subject), PROBE.comparison(table)).evidence
        said = [str(evidence[f"verdict_level_{level}"]) for level in range(10)]
        moved += sum("nothing" not in s and "only" not in s for s in said)
        alarms += sum("descends" in s or "less low" in s or "drifts" in s for s in said)
    assert moved == 50
    assert alarms < 9


def test_a_real_gradient_descends_and_moves_towards_the_answer(bowl: Make) -> None:
    subject = bowl(samples=60, mining=MiningSettings(noise_scale=1.0))
    _, comparison, said = answer(subject)
    assert "it descends at every level" in said
    whole = select(comparison, move=WHOLE, level=0)
    assert select(whole, quantity="energy_change")["x_high"][0] < 0
    assert select(whole, quantity="toward")["x_low"][0] > 0.5
    assert select(whole, quantity="distance_ratio")["x_high"][0] < 1


def test_without_a_gradient_only_the_clamp_moves_and_only_where_it_reaches(bowl: Make) -> None:
    subject = bowl(torch.zeros_like, samples=40)
    _, comparison, said = answer(subject)
    assert "only the clamp moves its points at levels" in said
    for level in range(10):
        row = select(comparison, move=WHOLE, level=level, quantity="moved")
        assert row["x"][0] == 0.0
    clamped = select(comparison, move=WHOLE, quantity="clamped")
    assert clamped["x"][clamped["level"] == 9] == 1.0
    quiet = replace(subject, mining=MiningSettings(noise_scale=0.0), samples=40)
    assert "it does nothing at every level" in answer(quiet)[2]


def test_a_miner_whose_steps_are_all_rejected_does_nothing(bowl: Make) -> None:
    (chunk,) = bowl(samples=40).chunks()
    uphill = replace(bowl(lambda y: -5 * y, samples=40, mining=MiningSettings(noise_scale=0.01)))
    table, comparison, _ = answer(uphill)
    rows = select(comparison, level=0, quantity="accepted")
    assert rows["x"].tolist() == [0.0, 0.0]
    assert select(comparison, level=0, move=WHOLE, quantity="moved")["x"][0] == 0.0
    assert PROBE.conclude(table, comparison).evidence["verdict_level_0"] == "it does nothing"
    assert chunk.batch.samples == 40


def test_no_steps_do_nothing_and_are_said(bowl: Make) -> None:
    subject = bowl(samples=40, mining=MiningSettings(opt_steps=0))
    table, comparison, said = answer(subject)
    assert said.startswith("Mining does nothing: it takes no steps (opt_steps = 0)")
    assert set(table["move"].tolist()) == {0}
    assert select(comparison, level=3, move=WHOLE, quantity="energy_change")["x"][0] == 0.0
    assert math.isnan(select(comparison, level=3, move=WHOLE, quantity="turn")["x"][0])


def test_ascent_climbs(bowl: Make) -> None:
    mining = MiningSettings(walk="ascent", noise_scale=0.3, ascent_learning_rate=0.05)
    _, _, said = answer(bowl(samples=60, mining=mining))
    assert "it climbs at " in said


def test_a_constant_added_to_the_energy_changes_no_verdict_and_no_change(network_subject: Make) -> None:
    subject = network_subject(samples=40, head="scalar", dtype=torch.float64)
    network = subject.energy_of(EnergyNetwork)
    raised = dict(network.parameters)
    raised["energy_head.bias"] = raised["energy_head.bias"] + 64.0
    other = replace(subject, energy=replace(network, parameters=raised))
    (table, _, said), (higher, _, again) = answer(subject), answer(other)
    np.testing.assert_allclose(higher["energy"] - table["energy"], 64.0, rtol=1e-5)
    np.testing.assert_allclose(higher["energy_change"], table["energy_change"], rtol=1e-5, atol=1e-7)
    assert said == again


def test_a_table_from_disk_answers_again(network_subject: Make, tmp_path: Path) -> None:
    table, _, said = answer(network_subject(samples=40))
    write_table(tmp_path / "table.parquet", table, {})
    again, _ = read_table(tmp_path / "table.parquet")
    assert PROBE.conclude(again, PROBE.comparison(again)).statement == said


def test_each_problem_counts_once_over_all_levels(network_subject: Make) -> None:
    table, comparison, _ = answer(network_subject(samples=40))
    row = select(comparison, level=ALL_LEVELS, move=1, quantity="energy_change")
    rows = select(table, walker="descent", move=1)
    means = [rows["energy_change"][rows["sample"] == i].astype(float).mean() for i in range(40)]
    assert row["n"][0] == 40
    assert row["x"][0] == pytest.approx(np.mean(means), rel=1e-9)


def test_weights_that_are_not_numbers_say_nothing(network_subject: Make) -> None:
    subject = network_subject(samples=40)
    network = subject.energy_of(EnergyNetwork)
    broken = {name: torch.full_like(p, math.nan) for name, p in network.parameters.items()}
    _, comparison, said = answer(replace(subject, energy=replace(network, parameters=broken)))
    assert "Nothing can be said of mining: its energies are not numbers" in said
    row = select(comparison, level=ALL_LEVELS, move=WHOLE, quantity="energy_change")
    assert math.isnan(row["x"][0])
    assert "no values" in row["reason"][0]


def test_one_problem_and_one_number_give_no_verdict_and_no_crash(network_subject: Make) -> None:
    _, comparison, said = answer(network_subject(samples=1, rank=1))
    assert "too few problems for a verdict" in said
    row = select(comparison, level=0, move=WHOLE, quantity="energy_change")
    assert math.isnan(row["x_low"][0])
    assert "one value has no spread" in row["reason"][0]


def test_a_run_that_trained_without_mined_negatives_is_said(network_subject: Make) -> None:
    config = parse_inverse({"experiment_name": "q101", "mining_strategy": "none"})
    said = answer(network_subject(samples=40, config=config))[2]
    assert "The run trained without mined negatives (mining_strategy none)." in said
    assert "without mined" not in answer(network_subject(samples=40))[2]
    untold = parse_inverse({"experiment_name": "unknown"})  # the default is none, and nobody said so
    assert "without mined" not in answer(network_subject(samples=40, config=untold))[2]


def test_the_same_problem_again_and_again_has_no_spread_and_no_crash(bowl: Make) -> None:
    (chunk,) = bowl(samples=40).chunks()
    batch = chunk.batch

    def first(values: Tensor, axis: int) -> Tensor:
        return values.narrow(axis, 0, 1).expand_as(values)

    walk = Walk(**{name: first(v, 2) for name, v in vars(batch.walk).items()})
    same = {kind: first(batch.candidates[kind], 1) for kind in batch.candidates}
    alike = replace(batch, walk=walk, candidates=same, problem=first(batch.problem, 0))
    _, comparison, _ = answer(replace(chunk, negatives=alike))
    row = select(comparison, level=0, move=WHOLE, quantity="energy_change")
    assert row["x_low"][0] == pytest.approx(row["x_high"][0], rel=1e-6)


def test_clauses_of_equal_rank_stand_in_the_order_of_their_levels() -> None:
    verdicts = [(0, "b"), (1, "a"), (2, WORKS["descent"]), (3, "c"), (4, "b")]
    clauses = _by_verdict(verdicts, "descent")
    assert clauses.startswith(
        f"{WORKS['descent']} at level 2; b at levels 0, 4; a at level 1; c at level 3 ("
    )
