"""False negatives: planted distances, planted shares, gradients in closed form, and a naive twin."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ired_diag.errors import NotApplicable
from ired_diag.inverse.config import parse_inverse
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.mined_batch import MiningSettings
from ired_diag.model.sampler import sample
from ired_diag.probing.probe import ALL_LEVELS
from ired_diag.subject import Subject
from ired_diag.table import Table, read_table, select, write_table
from probes.inverse.false_negatives import PROBE, TAUS, distances

Make = Callable[..., Subject]
LEVELS, SAMPLES, RANK = 4, 40, 3


@pytest.fixture
def planted(network_subject: Make, plant: Make, generator: torch.Generator) -> Callable[..., Subject]:
    """A function (negative) that plants Y* + negative(Y*) as adversarial negatives, at every level."""

    def make(off: Callable[[Tensor], Tensor]) -> Subject:
        subject = network_subject(rank=RANK, levels=LEVELS, samples=SAMPLES)
        problem, inverse = subject.problems.draw(SAMPLES, generator=generator)
        positive = inverse.expand(LEVELS, -1, -1)
        candidates = {
            "positive": positive,
            "adversarial": positive + off(positive),
            "start": positive + 100.0,
            "random": positive + 100.0,
        }
        return plant(candidates, problem=problem, subject=subject)

    return make


def answer(subject: Subject) -> tuple[Table, Table, str]:
    table = PROBE(subject)
    comparison = PROBE.comparison(table)
    assert PROBE.figure(table).panels
    return table, comparison, PROBE.conclude(table, comparison).statement


def value(comparison: Table, quantity: str, column: str = "x", **keys: object) -> float:
    keys = {"kind": "adversarial", "level": ALL_LEVELS, **keys}
    (found,) = select(comparison, quantity=quantity, **keys)[column]
    return float(found)


def test_duplicates_of_the_right_answer_are_within_every_distance(planted: Make) -> None:
    table, comparison, said = answer(planted(torch.zeros_like))
    rows = select(table, kind="adversarial")
    assert not rows["mse"].any()
    assert not rows["relative"].any()
    assert rows["residual"].max() < 1e-6
    for distance, taus in TAUS.items():
        assert all(value(comparison, distance, tau=tau) == 1.0 for tau in taus)
    assert value(comparison, "closer") == 1.0
    assert 0.9 < value(comparison, "closer", "x_low") < 1.0
    assert "all negatives are closer: none is left" in said
    assert math.isnan(value(comparison, "cosine"))


def test_a_planted_share_at_a_planted_distance_is_found(planted: Make, generator: torch.Generator) -> None:
    near = torch.arange(SAMPLES) < 12

    def off(positive: Tensor) -> Tensor:
        way = torch.randn(positive.shape, generator=generator)
        size = torch.where(near, 0.04, 50.0)[:, None] * positive.norm(dim=-1, keepdim=True)
        planted: Tensor = size * way / torch.linalg.vector_norm(way, dim=-1, keepdim=True)
        return planted

    table, comparison, said = answer(planted(off))
    rows = select(table, kind="adversarial", level=2)
    np.testing.assert_allclose(rows["relative"][:12], 0.04, rtol=1e-4)
    assert value(comparison, "relative", tau=0.02) == 0.0
    assert value(comparison, "relative", tau=0.05) == pytest.approx(0.3, rel=1e-12)
    assert value(comparison, "closer") == pytest.approx(0.3, rel=1e-12)
    assert "Of adversarial negatives, 30.0%" in said
    row = select(comparison, kind="adversarial", quantity="closer", level=1)
    z, n, p = 1.959964, SAMPLES, 0.3  # Wilson's interval by hand
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2)
    assert row["x_low"][0] == pytest.approx((centre - half) / (1 + z * z / n), rel=0.02)
    assert row["x_high"][0] == pytest.approx((centre + half) / (1 + z * z / n), rel=0.02)


def test_pairs_of_equal_candidates_have_no_gradient_so_leaving_them_out_only_lengthens_it(
    planted: Make,
) -> None:
    def off(positive: Tensor) -> Tensor:
        return torch.where(torch.arange(SAMPLES) < 10, 0.0, 20.0)[:, None].expand_as(positive)

    _, comparison, _ = answer(planted(off))
    assert value(comparison, "cosine") == pytest.approx(1, abs=1e-6)
    assert value(comparison, "norm_ratio") == pytest.approx(40 / 30, rel=1e-5)
    assert value(comparison, "cosine", "chance") < 1
    assert value(comparison, "cosine", "n") == 1
    assert "no negative is closer" in str(select(comparison, kind="random", quantity="cosine")["reason"][0])


def test_every_distance_equals_a_slow_loop(network_subject: Make) -> None:
    (chunk,) = network_subject(rank=RANK, samples=7).chunks()
    table, batch = PROBE(chunk), chunk.batch
    start = torch.randn(7, RANK**2, generator=chunk.generator("false_negatives start", 0))
    for i in range(7):
        own = sample(chunk.energy, batch.problem[i : i + 1], start[i : i + 1], chunk.schedule).answer[0]
        problem = batch.problem[i].double().numpy().reshape(RANK, RANK)
        right = batch.candidates["positive"][0, i].double().numpy()
        own_mse = float(((own.double().numpy() - right) ** 2).mean())
        assert select(table, kind="answer", sample=i)["mse"][0] == pytest.approx(own_mse, rel=1e-4)
        for kind in ("random", "start", "adversarial"):
            for level in range(batch.levels):
                (row,) = zip(*select(table, kind=kind, level=level, sample=i).values(), strict=True)
                told = dict(zip(table, row, strict=True))
                candidate = batch.candidates[kind][level, i].double().numpy()
                off = candidate - right
                product = problem @ candidate.reshape(RANK, RANK) - np.eye(RANK)
                assert told["mse"] == pytest.approx((off**2).mean(), rel=1e-9)
                assert told["relative"] == pytest.approx(
                    np.linalg.norm(off) / np.linalg.norm(right), rel=1e-9
                )
                assert told["residual"] == pytest.approx(np.linalg.norm(product) / RANK**0.5, rel=1e-9)
                assert told["closer"] == ((off**2).mean() < own_mse)


def test_relative_distance_and_residual_know_no_scale_and_no_basis(generator: torch.Generator) -> None:
    problem, inverse, candidate = torch.randn(3, 5, 9, generator=generator, dtype=torch.float64)
    before = distances(problem, inverse, candidate[None], 3)
    scaled = distances(problem / 4, 4 * inverse, 4 * candidate[None], 3)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))[0]
    turned = [(turn @ m.reshape(5, 3, 3) @ turn.T).reshape(5, 9) for m in (problem, inverse, candidate)]
    rotated = distances(turned[0], turned[1], turned[2][None], 3)
    for name in ("relative", "residual"):
        torch.testing.assert_close(scaled[name], before[name], rtol=1e-12, atol=0)
        torch.testing.assert_close(rotated[name], before[name], rtol=1e-12, atol=0)
    torch.testing.assert_close(scaled["mse"], 16 * before["mse"], rtol=1e-12, atol=0)


def test_the_answer_zero_is_at_relative_distance_and_residual_one(generator: torch.Generator) -> None:
    problem, inverse = torch.randn(2, 5, 9, generator=generator, dtype=torch.float64)
    told = distances(problem, inverse, torch.zeros(1, 5, 9).double(), 3)
    torch.testing.assert_close(told["relative"], torch.ones(1, 5).double(), rtol=1e-12, atol=0)
    torch.testing.assert_close(told["residual"], torch.ones(1, 5).double(), rtol=1e-12, atol=0)


def test_a_model_worse_than_zero_is_said_and_warns_of_nothing(planted: Make) -> None:
    subject = planted(torch.zeros_like)
    table = PROBE(subject)
    for name, bad in (("mse", 10.0), ("relative", 10.0)):  # zero has 10 / 10² = 0.1
        table[name] = np.where(table["kind"] == "answer", bad, table[name])
    finding = PROBE.conclude(table, PROBE.comparison(table))
    assert "being closer than such answers says little" in finding.statement
    assert finding.severity == "note"
    for name, good in (("mse", 0.01), ("relative", 0.1)):  # zero has 1
        table[name] = np.where(table["kind"] == "answer", good, table[name])
    assert PROBE.conclude(table, PROBE.comparison(table)).severity == "warning"


def test_a_mining_of_no_steps_is_said(network_subject: Make) -> None:
    said = answer(network_subject(samples=40, mining=MiningSettings(opt_steps=0)))[2]
    assert "The adversarial negatives are the noised starts: mining does not move them." in said
    assert "does not move them" not in answer(network_subject(samples=40))[2]


def test_a_run_that_trained_without_mined_negatives_is_said(network_subject: Make) -> None:
    config = parse_inverse({"experiment_name": "q102", "mining_strategy": "random"})
    said = answer(network_subject(samples=40, config=config))[2]
    assert "The run trained without mined negatives (mining_strategy random)." in said


def test_weights_that_are_not_numbers_say_nothing(network_subject: Make) -> None:
    subject = network_subject(samples=40)
    network = subject.energy_of(EnergyNetwork)
    broken = {name: torch.full_like(p, math.nan) for name, p in network.parameters.items()}
    _, comparison, said = answer(replace(subject, energy=replace(network, parameters=broken)))
    assert said.startswith("Nothing can be said of false negatives")
    assert math.isnan(value(comparison, "closer"))
    assert math.isnan(value(comparison, "cosine"))


def test_one_problem_of_one_number_gives_no_verdict_and_no_crash(network_subject: Make) -> None:
    _, comparison, said = answer(network_subject(samples=1, rank=1))
    assert "Too few problems for a verdict" in said
    assert value(comparison, "closer", "n") == 1


def test_identical_negatives_are_no_crash(planted: Make) -> None:
    _, comparison, _ = answer(planted(lambda positive: 1.0 - positive))
    assert math.isfinite(value(comparison, "closer"))


def test_other_peoples_energies_are_refused(quadratic_subject: Make) -> None:
    with pytest.raises(NotApplicable):
        PROBE(quadratic_subject(torch.eye(9), samples=4))


def test_a_table_from_disk_answers_again_whatever_the_chunks(network_subject: Make, tmp_path: Path) -> None:
    table, _, said = answer(network_subject(samples=520))
    assert sorted(set(table["batch"].tolist())) == [0, 1, 2]
    write_table(tmp_path / "table.parquet", table, {})
    again, _ = read_table(tmp_path / "table.parquet")
    assert PROBE.conclude(again, PROBE.comparison(again)).statement == said
