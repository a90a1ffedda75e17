"""The energy gap: planted energies with known answers, a slow loop, autograd, and what must not crash."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ired_diag.drawing.paper import render
from ired_diag.inverse.config import parse_inverse
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.losses import nce_loss
from ired_diag.model.mined_batch import KINDS, Kind, MiningSettings
from ired_diag.probing.probe import ALL_LEVELS
from ired_diag.subject import Subject
from ired_diag.table import Table, select
from probes.energy_gap import NEGATIVES, PROBE, log_weight

LEVELS, SAMPLES = 3, 50

Make = Callable[..., Subject]


def with_energies(plant: Make, energies: Mapping[Kind, Tensor]) -> Subject:
    """A subject with given energies, of shape (levels, samples); a kind without has the positives'."""
    positive = energies["positive"]
    whole = {kind: energies.get(kind, positive) for kind in KINDS}
    return plant({"positive": torch.zeros(*positive.shape, 4, dtype=torch.float64)}, energies=whole)


def row(comparison: Table, kind: str, quantity: str, level: int = ALL_LEVELS) -> dict[str, Any]:
    found = select(comparison, kind=kind, quantity=quantity, level=level)
    assert len(found["value"]) == 1
    return {name: column[0] for name, column in found.items()}


@pytest.fixture
def energies(generator: torch.Generator) -> dict[Kind, Tensor]:
    """Energies whose height differs from problem to problem, and gaps around 1."""
    height = 20 * torch.rand(SAMPLES, generator=generator, dtype=torch.float64)
    positive = height + torch.rand(LEVELS, SAMPLES, generator=generator, dtype=torch.float64)
    noise = torch.randn(LEVELS, SAMPLES, generator=generator, dtype=torch.float64)
    return {"positive": positive, "adversarial": positive + 1 + 2 * noise, "random": positive + 9}


def test_weight_is_the_gradient_of_the_contrastive_loss(plant: Make, energies: dict[Kind, Tensor]) -> None:
    table = PROBE(with_energies(plant, energies))
    positive, negative = energies["positive"].clone(), energies["adversarial"].clone()
    positive.requires_grad_()
    negative.requires_grad_()
    nce_loss(positive, negative).sum().backward()  # type: ignore[no-untyped-call]
    assert positive.grad is not None and negative.grad is not None
    measured = select(table, kind="adversarial")["weight"].reshape(LEVELS, SAMPLES)
    np.testing.assert_allclose(measured, positive.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(measured, -negative.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("level", [ALL_LEVELS, 1])
def test_comparison_equals_a_slow_loop(level: int, plant: Make, energies: dict[Kind, Tensor]) -> None:
    comparison = PROBE.comparison(PROBE(with_energies(plant, energies)))
    levels = range(LEVELS) if level == ALL_LEVELS else [level]
    positive, negative = energies["positive"].numpy(), energies["adversarial"].numpy()
    weights = [1 / (1 + math.exp(negative[i, j] - positive[i, j])) for i in levels for j in range(SAMPLES)]
    areas = [
        np.mean([positive[i, j] < negative[i, k] for j in range(SAMPLES) for k in range(SAMPLES)])
        for i in levels
    ]
    lower = [positive[i, j] < negative[i, j] for i in levels for j in range(SAMPLES)]
    expected = {
        "gap": np.mean([negative[i, j] - positive[i, j] for i in levels for j in range(SAMPLES)]),
        "lower": np.mean(lower),
        "auroc": np.mean(areas),
        "weight": np.mean(weights),
        "saturated": np.mean([w < 0.01 for w in weights]),
        "effective": sum(weights) ** 2 / sum(w**2 for w in weights) / len(weights),
        "energy_positive": positive[list(levels)].mean(),
    }
    for quantity, value in expected.items():
        assert row(comparison, "adversarial", quantity, level)["value"] == pytest.approx(value, rel=1e-10)
        told = row(comparison, "adversarial", quantity, level)
        assert told["n"] == SAMPLES
        assert told["value_low"] < told["value"] < told["value_high"] or quantity == "saturated"


def test_energies_of_any_height_told_apart_within_a_problem_are_not_over_problems(
    plant: Make, energies: dict[Kind, Tensor]
) -> None:
    comparison = PROBE.comparison(PROBE(with_energies(plant, energies)))
    assert row(comparison, "random", "lower")["value"] == 1.0
    assert 0.6 < row(comparison, "random", "auroc")["value"] < 0.97
    raised = {kind: e + 1e6 * torch.arange(SAMPLES) for kind, e in energies.items()}
    higher = PROBE.comparison(PROBE(with_energies(plant, raised)))
    assert row(higher, "random", "lower")["value"] == 1.0
    assert row(higher, "random", "auroc")["value"] == pytest.approx(0.5 + 0.5 / SAMPLES)


def test_a_constant_added_to_all_energies_changes_nothing_but_them(
    plant: Make, energies: dict[Kind, Tensor]
) -> None:
    plain = PROBE.comparison(PROBE(with_energies(plant, energies)))
    raised = PROBE.comparison(PROBE(with_energies(plant, {k: e + 1024 for k, e in energies.items()})))
    kept = ~np.isin(plain["quantity"], ("energy_positive", "energy_negative"))
    np.testing.assert_allclose(raised["value"][kept], plain["value"][kept], rtol=1e-9, atol=1e-12)


def test_runaway_energies_have_a_weight_of_zero_and_still_an_effective_size(plant: Make) -> None:
    positive = torch.zeros(LEVELS, SAMPLES, dtype=torch.float64)
    gaps = positive + 1e6
    gaps[0, :] = 1e6 - math.log(3)  # weights in the ratio 3 : 1 : 1
    comparison = PROBE.comparison(PROBE(with_energies(plant, {"positive": positive, "adversarial": gaps})))
    assert row(comparison, "adversarial", "weight")["value"] == 0.0
    assert row(comparison, "adversarial", "saturated")["value"] == 1.0
    assert row(comparison, "adversarial", "effective")["value"] == pytest.approx(25 / 11 / 3, rel=1e-6)


def test_log_weight_is_exact_on_both_sides() -> None:
    gaps = np.array([-800.0, -1.0, 0.0, 1.0, 800.0])
    np.testing.assert_allclose(log_weight(gaps)[1:4], -np.log1p(np.exp(gaps[1:4])), rtol=1e-14)
    assert log_weight(gaps)[[0, 4]].tolist() == [0.0, -800.0]


def test_gaps_below_the_rounding_of_their_energies_are_counted(plant: Make) -> None:
    positive = torch.full((LEVELS, SAMPLES), 1e6)
    negative = positive + 1
    negative[0] = torch.nextafter(positive[0], torch.tensor(math.inf))  # 1/16 above
    comparison = PROBE.comparison(
        PROBE(with_energies(plant, {"positive": positive, "adversarial": negative}))
    )
    expected = f"{SAMPLES} of {LEVELS * SAMPLES} are not above the rounding of their energies"
    assert row(comparison, "adversarial", "gap")["reason"] == expected


def test_sentence_says_the_levels_at_which_right_answers_lie_lower_and_higher(plant: Make) -> None:
    positive = torch.zeros(LEVELS, SAMPLES, dtype=torch.float64)
    gap = positive + torch.tensor([5.0, -5.0, 0.0])[:, None]
    table = PROBE(with_energies(plant, {"positive": positive, "adversarial": gap}))
    statement = PROBE.conclude(table, PROBE.comparison(table)).statement
    assert "mostly lower at level 0, mostly higher at level 1, undecided at level 2" in statement
    few = select(table, level=0)
    few = {name: column[few["sample"] < 20] for name, column in few.items()}
    assert "too few problems" in PROBE.conclude(few, PROBE.comparison(few)).statement


@pytest.mark.parametrize(
    ("strategy", "gap", "severity"),
    [
        ("none", 9.0, "note"),
        ("adversarial", 9.0, "warning"),
        ("adversarial", 1.0, "note"),
        ("ascent", -1.0, "warning"),
    ],
)
def test_only_the_negatives_that_a_run_trained_with_raise_an_alarm(
    strategy: str, gap: float, severity: str, plant: Make
) -> None:
    positive = torch.zeros(LEVELS, SAMPLES, dtype=torch.float64)
    subject = with_energies(plant, {"positive": positive, "adversarial": positive + gap})
    config = parse_inverse({"experiment_name": "q1", "mining_strategy": strategy})
    table = PROBE(replace(subject, config=config))
    finding = PROBE.conclude(table, PROBE.comparison(table))
    assert finding.severity == severity
    assert bool(finding.advice) == (severity == "warning")
    expected = "trained without negatives" if strategy == "none" else f"trained with {strategy} negatives"
    assert expected in finding.statement


def test_a_strategy_that_no_configuration_tells_is_not_guessed(
    plant: Make, energies: dict[Kind, Tensor]
) -> None:
    subject = with_energies(plant, energies)
    for config in (None, parse_inverse({"experiment_name": "unknown"})):
        table = PROBE(replace(subject, config=config))
        assert "trained with" not in PROBE.conclude(table, PROBE.comparison(table)).statement


def test_mined_chunks_give_one_row_for_each_negative_and_steps_of_zero_give_the_start(
    network_subject: Make,
) -> None:
    subject = network_subject(samples=40, mining=MiningSettings(opt_steps=0))
    table = PROBE(subject)
    assert len(table["gap"]) == len(NEGATIVES) * 4 * 40
    start, adversarial = (select(table, kind=kind)["gap"] for kind in ("start", "adversarial"))
    np.testing.assert_array_equal(start, adversarial)
    assert render(PROBE.figure(table), "png")


@pytest.mark.parametrize("case", ["nan", "one sample", "rank 1", "identical"])
def test_hard_cases_are_nan_with_a_reason_and_an_honest_sentence(
    case: str, network_subject: Make, plant: Make
) -> None:
    if case == "nan":
        healthy = network_subject(samples=5)
        network = healthy.energy_of(EnergyNetwork)
        broken = {n: p * math.nan for n, p in network.parameters.items()}
        subject = replace(healthy, energy=replace(network, parameters=broken))
    elif case == "identical":
        subject = with_energies(plant, {"positive": torch.full((LEVELS, SAMPLES), 7.0)})
    else:
        subject = network_subject(
            samples=1 if case == "one sample" else 35, rank=1 if case == "rank 1" else 3
        )
    table = PROBE(subject)
    comparison = PROBE.comparison(table)
    statement = PROBE.conclude(table, comparison).statement
    assert render(PROBE.figure(table), "png")
    unknown = np.isnan(comparison["value"]) | np.isnan(comparison["value_low"])
    assert (comparison["reason"][unknown] != "").all()
    expected = {
        "nan": "No energy gap of 5 problems is a number",
        "one sample": "too few problems",
        "rank 1": "35 problems at 4 noise levels",
        "identical": "undecided at every level",
    }
    assert expected[case] in statement
    if case == "identical":
        assert row(comparison, "adversarial", "lower")["value"] == 0.5
        assert row(comparison, "adversarial", "effective")["value"] == pytest.approx(1.0)
