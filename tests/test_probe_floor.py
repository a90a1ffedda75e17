"""Floor: planted predictors whose skill is known, a naive twin, and what cannot be said."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ired_diag.drawing import paper
from ired_diag.inverse.floors import TITLES, references
from ired_diag.inverse.frozen_set import Solver, frozen_set
from ired_diag.inverse.matrices import MatrixData
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.mined_batch import MiningSettings
from ired_diag.model.sampler import Sample, sample
from ired_diag.stats.ladder import Standing
from ired_diag.subject import Subject
from ired_diag.table import Table, read_table, select, write_table
from probes.inverse.floor import PROBE, score

DATA, N = MatrixData(rank=3), 300


def linear(problem: Tensor) -> Tensor:
    (of_linear,) = (r.answer for r in references(DATA) if r.name == "linear")
    return of_linear(problem.reshape(-1, 3, 3)).flatten(1)


def inverse(problem: Tensor) -> Tensor:
    answer: Tensor = torch.linalg.inv(problem.reshape(-1, 3, 3)).flatten(1)
    return answer


def answering(answer: Callable[[Tensor], Tensor], last: Callable[[Tensor], Tensor] | None = None) -> Solver:
    def solve(problem: Tensor, start: Tensor) -> Sample:
        return Sample(answer(problem), (last or answer)(problem)[None])

    return solve


def row(comparison: Table, **keys: object) -> dict[str, Any]:
    found = select(comparison, **({"predictor": "model"} | keys))
    assert len(found["n"]) == 1
    return {name: values[0] for name, values in found.items()}


def ends(comparison: Table, **keys: object) -> tuple[float, float, float]:
    found = row(comparison, **keys)
    return found["value"], found["value_low"], found["value_high"]


@pytest.mark.parametrize("data", ["id", "ood"])
def test_linear_map_itself_has_no_skill_and_is_all_of_the_linear_map(data: str) -> None:
    table = score(answering(linear), DATA, N)
    comparison = PROBE.comparison(table)
    assert ends(comparison, data=data, quantity="skill", reference="linear") == (0.0, 0.0, 0.0)
    r2 = ends(comparison, data=data, quantity="r2")
    assert r2 == pytest.approx((1, 1, 1), abs=1e-9)
    finding = PROBE.conclude(table, comparison)
    assert finding.severity == "warning"
    assert "not seen to be better than linear regression" in finding.statement
    assert "is not told apart from linear regression" in finding.statement
    assert "explains 100.0% of the model's answers" in finding.statement


def test_going_half_way_from_the_linear_map_to_the_inverse_quarters_the_error() -> None:
    table = score(answering(lambda a: 0.5 * linear(a) + 0.5 * inverse(a)), DATA, N)
    comparison = PROBE.comparison(table)
    for data in ("id", "ood"):
        found = ends(comparison, data=data, quantity="skill", reference="linear")
        assert found == pytest.approx((0.75, 0.75, 0.75), abs=1e-9)
    finding = PROBE.conclude(table, comparison)
    assert finding.severity == "note"
    assert "(skill 75.0%, 95% interval 75.0 to 75.0%): better than linear regression." in finding.statement


def test_noise_on_the_linear_map_costs_what_its_variance_says(generator: torch.Generator) -> None:
    sigma, n = 0.05, 1000

    def noisy(a: Tensor) -> Tensor:
        return linear(a) + sigma * torch.randn(a.shape, generator=generator, dtype=a.dtype)

    table = score(answering(noisy), DATA, n)
    comparison = PROBE.comparison(table)
    of_linear = ends(comparison, data="id", quantity="mse", reference="", predictor="linear")[0]
    skill, low, high = ends(comparison, data="id", quantity="skill", reference="linear")
    assert low < -(sigma**2) / of_linear < high < 0
    assert skill == pytest.approx(-(sigma**2) / of_linear, rel=0.1)
    chunk = next(frozen_set(DATA, n))
    line = linear(chunk.problem)
    unit = torch.eye(3, dtype=torch.float64).flatten()
    varied = float((line - line[:, ::4].mean() * unit).square().mean())
    _, low, high = ends(comparison, data="id", quantity="r2")
    assert low < varied / (varied + sigma**2) < high
    assert high - low < 0.1
    assert "worse than linear regression" in PROBE.conclude(table, comparison).statement


def test_r2_is_that_of_a_loop_over_all_entries(generator: torch.Generator) -> None:
    table = score(answering(lambda a: a.sin()), DATA, 50)
    chunk = next(frozen_set(DATA, 50))
    of_model, of_linear = chunk.problem.sin().tolist(), linear(chunk.problem).tolist()
    means = [sum(answer[k] for answer in told for k in (0, 4, 8)) / 150 for told in (of_model, of_linear)]
    products = [0.0, 0.0, 0.0]
    for model, line in zip(of_model, of_linear, strict=True):
        for k in range(9):
            x = model[k] - (means[0] if k in (0, 4, 8) else 0.0)
            y = line[k] - (means[1] if k in (0, 4, 8) else 0.0)
            products = [products[0] + x * y, products[1] + x * x, products[2] + y * y]
    expected = products[0] ** 2 / (products[1] * products[2])
    assert ends(PROBE.comparison(table), data="id", quantity="r2")[0] == pytest.approx(expected, rel=1e-9)


def test_the_inverse_beats_every_reference_and_figure_and_sentence_bear_it() -> None:
    table = score(answering(inverse), DATA, N)
    comparison = PROBE.comparison(table)
    skill = select(comparison, predictor="model", quantity="skill", data="id")
    told = skill["reference"] != "newton_15"  # at rank 3 it is exact, too
    assert skill["value"][told] == pytest.approx(np.ones(len(TITLES) - 1), abs=1e-12)
    assert skill["reason"][~told].tolist() == ["the reference is exact"]
    finding = PROBE.conclude(table, comparison)
    assert finding.evidence["next_better_id"] == ""
    assert paper.render(PROBE.figure(table), "png")


def test_references_are_those_of_a_naive_loop() -> None:
    table = score(answering(torch.zeros_like), DATA, 20)
    for data, ood in (("id", False), ("ood", True)):
        chunk = next(frozen_set(replace(DATA, ood=ood), 20))
        for reference in references(DATA):  # fitted in distribution, wherever they are scored
            rows = select(table, data=data, predictor=reference.name)
            assert rows["sample"].tolist() == list(range(20))
            for i, (a, y) in enumerate(zip(chunk.problem, chunk.inverse, strict=True)):
                answer = reference.answer(a.reshape(1, 3, 3)).flatten()
                assert rows["mse"][i] == pytest.approx(float(((answer - y) ** 2).mean()), rel=1e-9)


def test_model_is_scored_on_what_the_public_sampler_answers(network_subject: Callable[..., Subject]) -> None:
    subject = network_subject(samples=8)
    table = PROBE(subject)
    chunk = next(frozen_set(DATA, 8))
    found = sample(subject.energy, chunk.problem.float(), chunk.start, subject.schedule)
    for predictor, answer in (("model", found.answer), ("unshrunk", found.trajectory[-1])):
        expected = ((answer.double() - chunk.inverse) ** 2).mean(1).numpy()
        np.testing.assert_array_equal(select(table, data="id", predictor=predictor)["mse"], expected)
    again = PROBE(replace(subject, seed=99, mining=MiningSettings(opt_steps=0)))  # a run without negatives
    assert all(np.array_equal(table[name], again[name]) for name in table)


def test_what_the_samplers_last_factor_changes_is_said() -> None:
    table = score(answering(lambda a: 0.5 * linear(a), inverse), DATA, N)
    statement = PROBE.conclude(table, PROBE.comparison(table)).statement
    assert statement.count("Without the sampler's last factor √ᾱ_0 its MSE is") == 2
    same = score(answering(linear), DATA, N)
    assert "last factor" not in PROBE.conclude(same, PROBE.comparison(same)).statement


def test_polynomials_whose_error_few_matrices_decide_are_said_to_be() -> None:
    table = score(answering(lambda a: 0.9 * linear(a) + 0.1 * inverse(a)), DATA, 2000)
    rows = select(PROBE.comparison(table), data="id", quantity="skill", predictor="model")
    unsure = {str(name) for name, why in zip(rows["reference"], rows["reason"], strict=True) if "few" in why}
    assert unsure >= {"degree_8"}
    assert not unsure & {"zero", "mean_inverse", "linear"}


def test_rung_is_between_the_best_that_is_beaten_and_the_worst_that_is_better() -> None:
    errors = {"a": 4.0, "b": 3.0, "c": 2.0, "d": 1.0, "e": 0.5}
    skill = {"a": (0.4, 0.3, 0.5), "b": (0.3, 0.1, 0.4), "c": (0.0, -0.1, 0.1)}
    standing = Standing(
        2.0, errors, skill | {"d": (-1.0, -1.1, -0.9), "e": (-3.0, -3.1, -2.9), "f": (math.nan,) * 3}, 100
    )
    assert (standing.below, standing.beside, standing.above) == ("b", ["c"], "d")
    assert Standing(9.0, errors, {}, 100).below == ""


def test_a_table_from_disk_answers_again(tmp_path: Path) -> None:
    table = score(answering(lambda a: a / 10), DATA, 40)
    write_table(tmp_path / "floor.parquet", table, {})
    read, _ = read_table(tmp_path / "floor.parquet")
    first, second = (PROBE.conclude(t, PROBE.comparison(t)) for t in (table, read))
    assert first.statement == second.statement
    assert dict(first.evidence) == dict(second.evidence)


def test_nan_weights_are_nan_with_a_reason_and_an_honest_sentence(
    network_subject: Callable[..., Subject],
) -> None:
    subject = network_subject(samples=40)
    network = subject.energy_of(EnergyNetwork)
    broken = {name: p * math.nan for name, p in network.parameters.items()}
    table = PROBE(replace(subject, energy=EnergyNetwork(network.architecture, broken)))
    comparison = PROBE.comparison(table)
    assert (
        row(comparison, data="id", quantity="skill", reference="linear")["reason"]
        == "40 of 40 are not finite"
    )
    assert math.isnan(ends(comparison, data="id", quantity="r2")[0])
    finding = PROBE.conclude(table, comparison)
    assert "none of the model's answers is a number: nothing can be said" in finding.statement
    assert finding.severity == "warning"
    assert paper.render(PROBE.figure(table), "png")


def test_answers_that_are_no_numbers_are_left_out_and_said() -> None:
    def some(a: Tensor) -> Tensor:
        answer = linear(a)
        answer[:7] = math.nan
        return answer

    table = score(answering(some), DATA, N)
    statement = PROBE.conclude(table, PROBE.comparison(table)).statement
    assert "Left out: 7 of 300 are not finite." in statement


@pytest.mark.parametrize(("rank", "samples"), [(3, 1), (1, 40), (1, 1), (2, 5)])
def test_one_matrix_and_matrices_of_one_number_are_borne(
    rank: int, samples: int, network_subject: Callable[..., Subject]
) -> None:
    table = PROBE(network_subject(rank=rank, samples=samples))
    comparison = PROBE.comparison(table)
    finding = PROBE.conclude(table, comparison)
    if samples < 30:
        assert "too few matrices for a verdict (30 are needed)" in finding.statement
        assert finding.severity == "note"
    if samples == 1:
        assert row(comparison, data="id", quantity="skill", reference="linear")["reason"] == (
            "one value has no spread"
        )
    if rank == 1:  # the first step of Newton and Schulz inverts a number
        assert row(comparison, data="id", quantity="skill", reference="newton_5")["reason"] == (
            "the reference is exact"
        )
    assert paper.render(PROBE.figure(table), "png")


def test_figure_shows_the_table_and_says_what_lies_below_its_axis() -> None:
    table = score(answering(lambda a: 0.9 * linear(a)), DATA, N)
    figure = PROBE.figure(table)
    line = figure.panels[0].lines[0]
    names = [name for _, name in figure.panels[0].x_ticks]
    place = names.index("mean inverse")
    values = select(table, data="id", predictor="mean_inverse")["mse"]
    assert line.y[np.flatnonzero(line.x == place)[0]] == pytest.approx(values.mean(), rel=1e-12)
    assert "n = 300" in figure.method
    assert "newton 15 (id)" in figure.note
