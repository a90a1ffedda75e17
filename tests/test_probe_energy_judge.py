"""Energy as a judge: energies whose minima are known, slow loops over the table, and what must not crash."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from ired_diag.drawing.paper import render
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.candidates import mined, perturbed, sampled, size_of
from ired_diag.model.mined_batch import MiningSettings
from ired_diag.model.minima import sharp_minima
from ired_diag.model.mining import descend
from ired_diag.model.sampler import sample
from ired_diag.subject import Subject
from ired_diag.table import Table, select
from probes.energy_judge import ANSWERS, PROBE, SIZES, STARTS

DIM, SAMPLES = 4, 40

Make = Callable[..., Subject]


@dataclass(frozen=True)
class Planted:
    """E = scale Σ f(y - √ᾱ_0 x - shift): f is a parabola, or in the first entry a double well."""

    signal: float
    shift: float = 0.0
    scale: float = 1.0
    wells: bool = False
    levels: int = 3
    problem: Tensor | None = None

    def landscape(self, x: Tensor, t: Tensor) -> Planted:
        return replace(self, problem=x)

    def energy(self, y: Tensor) -> Tensor:
        return self.energy_and_gradient(y)[0]

    def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
        assert self.problem is not None
        z = y - self.signal * self.problem - self.shift
        if not self.wells:
            return 0.5 * self.scale * z.square().sum(-1), self.scale * z
        # In the first entry a well at 0 and one at 1, (z (z - 1))² with a slope that lowers the second.
        value, gradient = 0.5 * z.square(), z.clone()
        first = z[:, 0]
        value[:, 0] = 16 * (first * (first - 1)) ** 2 - 0.3 * first
        gradient[:, 0] = 32 * first * (first - 1) * (2 * first - 1) - 0.3
        return self.scale * value.sum(-1), self.scale * gradient


@pytest.fixture
def planted(quadratic_subject: Make) -> Make:
    """A function (**Planted's, samples=…) that returns a planted energy on the identity task."""

    def make(*, samples: int = SAMPLES, dtype: torch.dtype = torch.float32, **keys: Any) -> Subject:
        plain = quadratic_subject(torch.eye(DIM, dtype=dtype), samples=samples)
        signal = float(plain.schedule.sqrt_alphas_cumprod[0])
        return replace(plain, energy=Planted(signal, **keys))

    return make


def value(comparison: Table, quantity: str, level: int = 0) -> float:
    found = select(comparison, quantity=quantity, level=level)["value"]
    assert len(found) == 1
    return float(found[0])


def test_quadratic_with_its_minimum_at_the_right_answer_is_a_perfect_judge(planted: Make) -> None:
    table = PROBE(planted())
    comparison = PROBE.comparison(table)
    assert value(comparison, "spearman") == pytest.approx(1.0, abs=1e-12)
    assert value(comparison, "picks_perturbed") == value(comparison, "picks_close") == 1.0
    assert value(comparison, "below_mined") == 0.0
    assert value(comparison, "below_answer") < 0.1  # some answers are right to the last bit: ties
    assert value(comparison, "error_minimum") == pytest.approx(0, abs=2e-3)
    assert value(comparison, "minima") == 1.0
    assert value(comparison, "not_converged") == value(comparison, "spurious") == 0.0
    finding = PROBE.conclude(table, comparison)
    assert finding.severity == "note"
    assert "the energy prefers the right answers" in finding.statement


def test_displaced_minimum_is_found_at_its_distance_though_random_directions_miss_it(planted: Make) -> None:
    subject = planted(shift=0.2)
    comparison = PROBE.comparison(PROBE(subject))
    expected = 0.2 / float(subject.schedule.sqrt_alphas_cumprod[0])
    assert value(comparison, "error_minimum") == pytest.approx(expected, rel=1e-2)
    assert value(comparison, "spread") < 2e-3
    assert value(comparison, "spearman") > 0.8
    assert value(comparison, "below_end") == 1.0
    assert value(comparison, "spurious") == 0.0


def test_double_well_has_two_minima_and_the_deeper_one_is_spurious(planted: Make) -> None:
    subject = planted(wells=True)
    table = PROBE(subject)
    comparison = PROBE.comparison(table)
    assert 1.6 < value(comparison, "minima") <= 2.0
    assert value(comparison, "spurious") > 0.6
    signal = float(subject.schedule.sqrt_alphas_cumprod[0])
    ends = select(table, kind="end")
    other = ends["basin"] != 0
    assert 0.1 < other.mean() < 0.9
    expected = 1.0 / signal / math.sqrt(DIM)  # but where the box, or the slope, moves the well
    assert np.quantile(np.abs(ends["error"][other] / expected - 1), 0.9) < 0.03
    np.testing.assert_allclose(ends["error"][~other], 0.0, atol=0.02)
    assert ends["energy"][other].max() < ends["energy"][~other].min()


def test_right_answers_near_a_ridge_fall_on_their_own_side(planted: Make) -> None:
    subject = planted(wells=True, shift=-0.45)  # they stand at 0.45, the ridge at 0.48
    minimum = select(PROBE(subject), kind="minimum")
    expected = 0.45 / float(subject.schedule.sqrt_alphas_cumprod[0])
    np.testing.assert_allclose(minimum["error"], expected, rtol=0.03)


def test_scale_of_the_energy_changes_no_verdict(planted: Make) -> None:
    plain, steep = (PROBE.comparison(PROBE(planted(shift=0.1, scale=scale))) for scale in (1.0, 1024.0))
    for quantity in ("spearman", "picks_close", "minima"):
        assert value(steep, quantity) == pytest.approx(value(plain, quantity), abs=1e-9)
    assert value(steep, "error_minimum") == pytest.approx(value(plain, "error_minimum"), rel=1e-2)


def test_comparison_equals_slow_loops_over_the_table(network_subject: Make) -> None:
    table = PROBE(network_subject(samples=35))
    comparison = PROBE.comparison(table)
    for level in (0, 2):
        part = select(table, level=level)
        rho, below, close = [], [], []
        for problem in range(35):
            rows = select(part, sample=problem)
            right = select(rows, kind="right")
            around = select(rows, kind="perturbed")
            energies = [*right["energy"], *around["energy"]]
            errors = [*right["error"], *around["error"]]
            rho.append(stats.spearmanr(energies, errors).statistic)
            below.append(np.mean(select(rows, kind="answer")["energy"] < right["energy"][0]))
            pairs = [
                float(
                    (around["energy"][i] < around["energy"][j]) == (around["error"][i] < around["error"][j])
                )
                for i in range(len(SIZES))
                for j in range(i)
                if max(around["error"][[i, j]]) <= 2 * min(around["error"][[i, j]])
            ]
            close.append(np.mean(pairs))
        assert value(comparison, "spearman", level) == pytest.approx(np.mean(rho), rel=1e-10)
        assert value(comparison, "below_answer", level) == pytest.approx(np.mean(below), rel=1e-10)
        assert value(comparison, "picks_close", level) == pytest.approx(np.mean(close), rel=1e-10)


def test_minima_of_a_network_have_a_small_gradient_and_the_spread_is_that_of_the_ends(
    network_subject: Make, generator: torch.Generator
) -> None:
    subject = network_subject(samples=20, dtype=torch.float64)
    problem, right = (part.double() for part in subject.problems.draw(20, generator=generator))
    found = sharp_minima(subject.energy, subject.schedule, problem, right, STARTS, generator=generator)
    assert found.converged.double().mean() > 0.9
    signal = subject.schedule.sqrt_alphas_cumprod[0]
    landscape = subject.energy.landscape(problem, torch.zeros(20, dtype=torch.long))
    for i in range(1 + STARTS):
        y = (signal * found.ends[:, i]).clone().requires_grad_()
        energy = landscape.energy(y)
        (gradient,) = torch.autograd.grad(energy.sum(), y)
        inside = y.abs() < 2 * signal - 1e-9
        norm = (gradient * inside).norm(dim=-1) / found.gradient[:, i]
        told = (found.gradient[:, i] > 1e-7) & inside.all(-1)
        torch.testing.assert_close(norm[told], norm[told].mean().expand(int(told.sum())), rtol=1e-4, atol=0)
        torch.testing.assert_close(found.energy[:, i], energy.detach())
    table = PROBE(subject)
    ends = select(table, kind="end")["apart"].reshape(20, STARTS)
    expected = np.sqrt((ends**2).sum(axis=1) / (STARTS - 1)).mean()
    assert value(PROBE.comparison(table), "spread") == pytest.approx(expected, rel=1e-10)


def test_candidates_have_the_error_they_were_made_with(generator: torch.Generator) -> None:
    right = torch.randn(30, 9, generator=generator, dtype=torch.float64)
    points = perturbed(right, (0.1, 3.0), generator=generator)
    error = (points - right[:, None]).square().mean(-1).sqrt() / size_of(right)
    torch.testing.assert_close(error, torch.tensor([0.1, 3.0]).double().expand(30, 2), rtol=1e-6, atol=0)
    assert size_of(torch.zeros(3, 2)) == 1.0


def test_answers_and_negatives_are_those_of_sampler_and_mining(
    network_subject: Make, generator: torch.Generator
) -> None:
    subject = network_subject()
    problem, right = subject.problems.draw(5, generator=generator)
    energy, schedule = subject.energy, subject.schedule
    seed = torch.Generator().manual_seed(3)
    answers = sampled(energy, problem, right, schedule, MiningSettings(), 2, generator=seed)
    start = torch.randn(10, 9, generator=torch.Generator().manual_seed(3))
    expected = sample(energy, problem.repeat_interleave(2, dim=0), start, schedule).trajectory[-1]
    torch.testing.assert_close(answers.flatten(0, 1), expected)
    t = torch.ones(5, dtype=torch.long)
    noise = torch.randn(5, 9, generator=torch.Generator().manual_seed(4))
    begun = schedule.q_sample(right, t, 3.0 * noise)
    expected = descend(energy.landscape(problem, t), begun, t, schedule, steps=2).end
    again = torch.Generator().manual_seed(4)
    found = mined(energy, problem, right, 1, schedule, MiningSettings(), generator=again)
    torch.testing.assert_close(found, (expected / schedule.sqrt_alphas_cumprod[1]).clamp(-2, 2))


def test_table_has_a_row_for_each_candidate_at_each_level(planted: Make) -> None:
    table = PROBE(planted(samples=300))  # two chunks
    assert len(table["level"]) == 300 * (3 * (1 + 1 + len(SIZES) + ANSWERS + 1) + 1 + STARTS)
    assert len(np.unique(table["sample"])) == 300
    assert render(PROBE.figure(table), "png")


def test_answers_that_differ_by_less_than_a_percent_leave_nothing_to_choose(planted: Make) -> None:
    table = PROBE(planted())
    answers = table["kind"] == "answer"
    table["energy"][answers] = table["number"][answers]
    for step, expected in ((0.1, 1.0), (-0.1, 0.0), (0.001, math.nan)):
        table["error"][answers] = 1 + step * table["number"][answers]
        comparison = PROBE.comparison(table)
        assert value(comparison, "picks_answers") == pytest.approx(expected, nan_ok=True)
    assert (
        "differ by more than 1% in error in none of the problems"
        in PROBE.conclude(table, comparison).statement
    )


@pytest.mark.parametrize(
    ("minimum", "zero", "advice"),
    [(3.0, 5.0, "Do not descend"), (0.5, 0.1, "worse answer than 0"), (0.5, 5.0, "")],
)
def test_an_energy_that_prefers_wrong_answers_is_an_alarm_where_its_minimum_is_no_better(
    minimum: float, zero: float, advice: str, planted: Make
) -> None:
    table = PROBE(planted())
    for kind, error in (("answer", 1.0), ("minimum", minimum), ("zero", zero)):
        table["error"][table["kind"] == kind] = error
    table["energy"][table["kind"] == "answer"] = -1.0
    finding = PROBE.conclude(table, PROBE.comparison(table))
    assert "the energy prefers the model's answers" in finding.statement
    assert advice in finding.advice
    assert finding.severity == ("warning" if advice else "note")


@pytest.mark.parametrize("case", ["nan", "one sample", "rank 1", "no steps", "no minimum"])
def test_hard_cases_are_nan_with_a_reason_and_an_honest_sentence(case: str, network_subject: Make) -> None:
    subject = network_subject(samples=1 if case == "one sample" else 32, rank=1 if case == "rank 1" else 3)
    network = subject.energy_of(EnergyNetwork)
    if case == "nan":
        broken = {n: p * math.nan for n, p in network.parameters.items()}
        subject = replace(subject, energy=replace(network, parameters=broken))
    if case == "no steps":
        subject = replace(subject, mining=MiningSettings(opt_steps=0))
    table = PROBE(subject)
    if case == "no minimum":
        table["converged"][np.isin(table["kind"], ("minimum", "end"))] = False
    comparison = PROBE.comparison(table)
    finding = PROBE.conclude(table, comparison)
    assert render(PROBE.figure(table), "png")
    unknown = np.isnan(comparison["value"]) | np.isnan(comparison["value_low"])
    assert (comparison["reason"][unknown] != "").all()
    expected = {
        "nan": "No energy of the model's answers to 32 problems is a number",
        "one sample": "too few problems",
        "no minimum": "reached no minimum",
    }
    assert expected.get(case, "At the sharpest level") in finding.statement
    assert "nan" not in finding.statement
