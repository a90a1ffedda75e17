"""Accuracy: planted answers whose errors are known, naive twins, the theory of the noise."""

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
from ired_diag.inverse.answer_errors import answer_errors
from ired_diag.inverse.answer_scores import condition_numbers, score
from ired_diag.inverse.evaluation import sample_errors
from ired_diag.inverse.frozen_set import Solver, frozen_set, solver_of, start_generator
from ired_diag.inverse.matrices import MatrixData
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.mined_batch import MiningSettings
from ired_diag.model.sampler import Sample
from ired_diag.subject import Subject
from ired_diag.table import Table, read_table, select, write_table
from probes.inverse.accuracy import PROBE

DATA, N = MatrixData(rank=4), 400
Answer = Callable[[Tensor], Tensor]


def inverse(problem: Tensor) -> Tensor:
    answer: Tensor = torch.linalg.inv(problem.reshape(-1, 4, 4)).flatten(1)
    return answer


def answering(answer: Answer, *, levels: int = 2) -> Solver:
    def solve(problem: Tensor, start: Tensor) -> Sample:
        found = answer(problem)
        return Sample(found, found.expand(levels, -1, -1))

    return solve


def scored(with_inner: Answer, without: Answer, samples: int = N, data: MatrixData = DATA) -> Table:
    return score({5: answering(with_inner), 0: answering(without)}, data, samples)


def row(comparison: Table, **keys: object) -> dict[str, Any]:
    chosen = {"data": "id", "inner_steps": 5, "versus": -1, "level": -1, "tenth": -1, "error": "mse"}
    found = select(comparison, **(chosen | keys))
    assert len(found["n"]) == 1
    return {name: values[0] for name, values in found.items()}


def test_the_inverse_itself_has_no_error() -> None:
    table = scored(inverse, inverse)
    for error in ("mse", "relative", "residual"):
        assert np.abs(table[error]).max() < 1e-11
    finding = PROBE.conclude(table, PROBE.comparison(table))
    assert finding.severity == "note"
    assert paper.render(PROBE.figure(table), "png")


def test_errors_are_those_of_a_naive_loop() -> None:
    answer = np.arange(16.0).reshape(4, 4) / 20  # not symmetric: A Ŷ is not Ŷ A
    constant = torch.from_numpy(answer).flatten()
    table = scored(lambda a: constant.expand(len(a), -1), lambda a: 0 * a, 25)
    for data, ood in (("id", False), ("ood", True)):
        rows = select(table, data=data, inner_steps=5, level=-1)
        chunk = next(frozen_set(replace(DATA, ood=ood), 25))
        for i in range(25):
            a = chunk.problem[i].reshape(4, 4).numpy()
            true = np.linalg.inv(a)
            squares = [(answer[j, k] - true[j, k]) ** 2 for j in range(4) for k in range(4)]
            assert rows["mse"][i] == pytest.approx(sum(squares) / 16, rel=1e-9)
            expected = math.sqrt(sum(squares)) / np.linalg.norm(true, "fro")
            assert rows["relative"][i] == pytest.approx(expected, rel=1e-9)
            expected = np.linalg.norm(a @ answer - np.eye(4), "fro")
            assert rows["residual"][i] == pytest.approx(expected, rel=1e-9)
            assert rows["cond"][i] == pytest.approx(np.linalg.cond(a), rel=1e-9)
        zero = select(table, data=data, inner_steps=0, level=-1)
        np.testing.assert_allclose(zero["relative"], 1.0, rtol=1e-12)
        np.testing.assert_allclose(zero["residual"], 2.0, rtol=1e-12)


def test_errors_of_a_trajectory_are_those_of_each_of_its_answers(generator: torch.Generator) -> None:
    chunk = next(frozen_set(DATA, 6))
    trajectory = torch.randn(3, 6, 16, generator=generator, dtype=torch.float64)
    together = answer_errors(chunk.problem, chunk.inverse, trajectory)
    for level in range(3):
        alone = answer_errors(chunk.problem, chunk.inverse, trajectory[level])
        for name in ("mse", "relative", "residual"):
            torch.testing.assert_close(getattr(together, name)[level], getattr(alone, name))


def test_mse_is_what_validation_measures_on_the_same_draws(network_subject: Callable[..., Subject]) -> None:
    subject = network_subject(rank=4, samples=32)
    table = PROBE(subject)
    for data, ood in (("id", False), ("ood", True)):
        chunk = next(frozen_set(replace(DATA, ood=ood), 32))
        expected = sample_errors(
            subject.energy_of(EnergyNetwork),
            subject.schedule,
            chunk.problem.float(),
            chunk.inverse.float(),
            generator=start_generator(0),
        )
        rows = select(table, data=data, inner_steps=5, level=-1)
        np.testing.assert_allclose(rows["mse"], expected.numpy(), rtol=1e-5)


@pytest.mark.parametrize("chunk", [1, 7, 50])
def test_chunks_change_nothing(chunk: int, network_subject: Callable[..., Subject]) -> None:
    subject = network_subject(rank=4, dtype=torch.float64)
    solvers = {k: solver_of(subject.energy, subject.schedule, subject.device, inner_steps=k) for k in (5, 0)}
    whole, cut = (score(solvers, DATA, 50, chunk=size) for size in (1000, chunk))
    order = [np.lexsort([t["sample"], t["level"], t["inner_steps"], t["data"]]) for t in (whole, cut)]
    for name in whole:
        a, b = whole[name][order[0]], cut[name][order[1]]
        if a.dtype.kind == "f":
            np.testing.assert_allclose(a, b, rtol=1e-9)
        else:
            assert np.array_equal(a, b)


def test_set_depends_on_no_seed_and_on_no_mining(network_subject: Callable[..., Subject]) -> None:
    subject = network_subject(samples=20)
    table = PROBE(subject)
    again = PROBE(replace(subject, seed=5, mining=MiningSettings(opt_steps=0)))
    for name, values in table.items():
        np.testing.assert_array_equal(values, again[name])
    fewer = PROBE(replace(subject, samples=12))
    rows = select(table, level=-1, data="ood", inner_steps=0)
    np.testing.assert_allclose(
        select(fewer, level=-1, data="ood", inner_steps=0)["mse"], rows["mse"][:12], rtol=1e-4
    )


def test_what_inner_optimisation_changes_is_taken_matrix_by_matrix() -> None:
    # Errors of 0.1 and 0.2 in every entry: the squares differ by 0.03 for each matrix, without spread.
    table = scored(lambda a: inverse(a) + 0.1, lambda a: inverse(a) - 0.2)
    comparison = PROBE.comparison(table)
    found = row(comparison, versus=0)
    assert (found["mean"], found["mean_low"], found["mean_high"]) == pytest.approx((-0.03,) * 3, rel=1e-9)
    statement = PROBE.conclude(table, comparison).statement
    assert "5 inner steps a level lower it by 0.03 (95% interval 0.03 to 0.03) from 0.04 without" in statement
    other = scored(lambda a: inverse(a) - 0.2, lambda a: inverse(a) + 0.1)
    assert "raise it by 0.03" in PROBE.conclude(other, PROBE.comparison(other)).statement


def test_noise_of_the_same_size_shows_no_change() -> None:
    alarms = 0
    for study in range(20):  # each may give a false alarm at 5%: 5 or more have a chance of 0.3%
        generator = torch.Generator().manual_seed(study)

        def noisy(a: Tensor, g: torch.Generator = generator) -> Tensor:
            return inverse(a) + 0.1 * torch.randn(a.shape, generator=g, dtype=a.dtype)

        table = scored(noisy, noisy, 100)
        alarms += (
            "are not seen to change it"
            not in PROBE.conclude(table, PROBE.comparison(table)).statement.split("Out of distribution")[0]
        )
    assert alarms < 5


def test_standard_error_is_that_of_gaussian_noise(generator: torch.Generator) -> None:
    sigma, n = 0.3, 1000

    def noisy(a: Tensor) -> Tensor:
        return inverse(a) + sigma * torch.randn(a.shape, generator=generator, dtype=a.dtype)

    comparison = PROBE.comparison(scored(noisy, noisy, n))
    theory = sigma**2 * math.sqrt(2 / 16 / n)  # the variance of a mean of d squares is 2 σ⁴ / d
    answers, level = row(comparison), row(comparison, level=1)
    assert answers["standard_error"] == pytest.approx(theory, rel=0.1)
    assert level["standard_error"] == pytest.approx(theory, rel=0.15)
    for found in (answers, level):
        assert found["n"] == n
        assert abs(found["mean"] - sigma**2) < 4 * theory


def test_tenths_by_condition_number_are_those_of_a_sorted_list() -> None:
    # An error of √cond in every entry: the MSE of each matrix is its condition number.
    def worse_with_cond(a: Tensor) -> Tensor:
        return inverse(a) + torch.from_numpy(condition_numbers(a)).sqrt()[:, None]

    table = scored(worse_with_cond, inverse)
    comparison = PROBE.comparison(table)
    a = next(frozen_set(DATA, N)).problem.reshape(-1, 4, 4).numpy()
    ordered = sorted(float(np.linalg.cond(matrix)) for matrix in a)
    for tenth in (0, 4, 9):
        part = ordered[40 * tenth : 40 * tenth + 40]
        found = row(comparison, tenth=tenth)
        assert found["mean"] == pytest.approx(sum(part) / 40, rel=1e-9)
        assert (found["cond_low"], found["cond_high"]) == pytest.approx((part[0], part[-1]), rel=1e-9)
    finding = PROBE.conclude(table, comparison)
    assert finding.evidence["worst_over_best_id"] == pytest.approx(sum(ordered[-40:]) / sum(ordered[:40]))


def test_levels_are_counted_from_the_noisiest_down() -> None:
    def solve(problem: Tensor, start: Tensor) -> Sample:
        steps = torch.tensor([0.3, 0.2, 0.1], dtype=torch.float64)  # off by so much after levels 2, 1, 0
        held = inverse(problem) + steps[:, None, None]
        return Sample(held[-1], held)

    comparison = PROBE.comparison(score({5: solve, 0: solve}, DATA, 50))
    for level, off in ((2, 0.3), (1, 0.2), (0, 0.1)):
        assert row(comparison, level=level)["mean"] == pytest.approx(off**2, rel=1e-9)


def test_table_stays_small_and_levels_average_to_all_matrices(
    network_subject: Callable[..., Subject],
) -> None:
    table = PROBE(network_subject(samples=450))
    assert len(table["mse"]) == 4 * (450 + 4 * 150)  # groups of 3
    held = select(table, data="id", inner_steps=5, level=0)
    assert held["count"].sum() == 450
    final = row(PROBE.comparison(table))["mean"]
    shrink = float(network_subject().schedule.sqrt_alphas_cumprod[0])
    assert held["count"] @ held["mse"] / 450 == pytest.approx(final / shrink**2, rel=0.1)


def test_a_table_from_disk_answers_again(tmp_path: Path) -> None:
    table = scored(lambda a: a / 10, inverse, 60)
    write_table(tmp_path / "accuracy.parquet", table, {})
    read, _ = read_table(tmp_path / "accuracy.parquet")
    first, second = (PROBE.conclude(t, PROBE.comparison(t)) for t in (table, read))
    assert first.statement == second.statement


def test_nan_weights_are_nan_with_a_reason_and_an_honest_sentence(
    network_subject: Callable[..., Subject],
) -> None:
    subject = network_subject(samples=40)
    network = subject.energy_of(EnergyNetwork)
    broken = {name: p * math.nan for name, p in network.parameters.items()}
    table = PROBE(replace(subject, energy=EnergyNetwork(network.architecture, broken)))
    comparison = PROBE.comparison(table)
    assert row(comparison)["reason"] == "40 of 40 are not finite"
    assert math.isnan(row(comparison, versus=0)["mean"])
    finding = PROBE.conclude(table, comparison)
    assert "none of the answers is a number: nothing can be said of their error" in finding.statement
    assert finding.severity == "warning"
    assert paper.render(PROBE.figure(table), "png")


def test_answers_that_are_no_numbers_are_left_out_and_said() -> None:
    def some(a: Tensor) -> Tensor:
        answer = inverse(a) + 0.1
        answer[:7] = math.nan
        return answer

    table = scored(some, inverse)
    comparison = PROBE.comparison(table)
    found = row(comparison)
    assert (found["n"], found["reason"]) == (N - 7, "7 of 400 are not finite")
    assert found["mean"] == pytest.approx(0.01)
    assert row(comparison, level=0)["n"] == N - 7
    finding = PROBE.conclude(table, comparison)
    assert "(left out: 7 of 400 are not finite)" in finding.statement
    assert finding.severity == "warning"


@pytest.mark.parametrize(("rank", "samples"), [(3, 1), (1, 400), (1, 1), (2, 12)])
def test_one_matrix_and_matrices_of_one_number_are_borne(
    rank: int, samples: int, network_subject: Callable[..., Subject]
) -> None:
    table = PROBE(network_subject(rank=rank, samples=samples))
    comparison = PROBE.comparison(table)
    statement = PROBE.conclude(table, comparison).statement
    if samples < 30:
        assert "too few matrices to say what inner optimisation does" in statement
    if samples == 1:
        assert row(comparison)["reason"] == "one value has no spread"
        assert row(comparison, tenth=9)["reason"] == "1 are too few for tenths"
    if (rank, samples) == (1, 400):
        assert "nothing can be said of the condition number (all have the same value)" in statement
    assert paper.render(PROBE.figure(table), "png")


def test_figure_shows_the_comparison() -> None:
    table = scored(lambda a: inverse(a) + 0.1, lambda a: inverse(a) + 0.2)
    figure = PROBE.figure(table)
    by_cond, along = (panel.lines[0] for panel in figure.panels)
    assert by_cond.name == "ID, 5 inner steps"
    assert by_cond.y == pytest.approx(np.full(10, 0.01))
    assert along.x.tolist() == [0, 1]
    assert "n = 400" in figure.method
