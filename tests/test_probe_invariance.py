"""Invariance: exact models, a planted batch size, a naive twin sample by sample, and the clamp's quirk."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.outcome import Arrangement, Inputs, Quantity
from ired_diag.inverse.variations import another_order, draw_inputs
from ired_diag.model.mined_batch import MiningSettings
from ired_diag.probing.probe import ALL_LEVELS
from ired_diag.probing.targets import open_subject
from ired_diag.subject import Subject
from ired_diag.table import Table, read_table, select, write_table
from probes.inverse.invariance import PROBE, TOLERANCE

Make = Callable[..., Subject]
SAMPLES = 8
CONFIG = InverseConfig(
    experiment_name="q900", rank=3, batch_size=64, validation_batch_size=8, mining_strategy="adversarial"
)


def compared(subject: Subject) -> tuple[Table, Table, str]:
    table = PROBE(subject)
    comparison = PROBE.comparison(table)
    return table, comparison, PROBE.conclude(table, comparison).statement


def row(comparison: Table, **keys: str) -> dict[str, float]:
    rows = select(comparison, **keys)
    assert len(rows["n"]) == 1, keys
    return {name: column[0].item() for name, column in rows.items()}


def lively(subject: Subject) -> Subject:
    """The same with weights four times as large: steps long enough that some are rejected."""
    network = subject.energy_of(EnergyNetwork)
    weights = {name: 4 * p for name, p in network.parameters.items()}
    return replace(subject, energy=replace(network, parameters=weights))


def naive(
    network: EnergyNetwork, subject: Subject, inputs: Inputs, i: int, bound_of: int
) -> dict[str, Tensor]:
    """One problem alone: its gradient by autograd, mining and sampling step by step in plain numbers."""
    schedule, mining = subject.schedule.to("cpu", torch.float64), subject.mining
    x, answer, noise, start = (
        v[i].double() for v in (inputs.problem, inputs.answer, inputs.noise, inputs.start)
    )
    divisor = network.gradient_normalization or 1.0
    assert isinstance(divisor, float)

    def look(y: Tensor, level: int) -> tuple[float, Tensor]:
        leaf = y.clone().requires_grad_()
        energy = network.landscape(x[None], torch.tensor([level])).energy(leaf[None])[0]
        (gradient,) = torch.autograd.grad(energy, leaf)
        return energy.item(), gradient / divisor

    def descend(y: Tensor, level: int, bound: float, steps: int, later: float) -> Tensor:
        for step in range(steps):
            before, gradient = look(y, level)
            length = float(schedule.opt_step_size[level]) * (later if step else 1.0)
            candidate = (y - length * gradient).clamp(-bound, bound)
            if look(candidate, level)[0] <= before:
                y = candidate
        return y

    def signal(level: int) -> float:
        return float(schedule.sqrt_alphas_cumprod[level])

    t, first = int(inputs.t[i]), int(inputs.t[bound_of])
    noisy, far = (
        schedule.q_sample(answer[None], inputs.t[i : i + 1], scale * noise[None])[0]
        for scale in (1.0, mining.noise_scale)
    )
    corrected, published = (
        descend(far, t, 2 * signal(level), mining.opt_steps, later)
        for level, later in ((t, 1.0), (first, 2.0))
    )
    y = start
    for level in reversed(range(schedule.levels)):
        estimate = (y - math.sqrt(1 - signal(level) ** 2) * look(y, level)[1]) / signal(level)
        y = descend(signal(level) * estimate.clamp(-2, 2), level, 2 * signal(level), 5, 2.0)
        y = y.clamp(-2 * signal(level), 2 * signal(level))
        if level:
            y = y / signal(level) * signal(level - 1)
    return {
        "denoiser": look(noisy, t)[1],
        "negative_corrected": (corrected / signal(t)).clamp(-2, 2),
        "negative_published": (published / signal(t)).clamp(-2, 2),
        "answer": y,
    }


@pytest.mark.parametrize("batch", [None, 3])
def test_outcomes_equal_a_loop_over_single_problems(batch: int | None, network_subject: Make) -> None:
    subject = lively(network_subject(dtype=torch.float64))
    network = replace(subject.energy_of(EnergyNetwork), gradient_normalization=1.5)
    inputs = draw_inputs(subject.problems, 4, SAMPLES, generator=subject.generator("test"))
    arranged = Arrangement(network, subject.schedule, subject.mining, subject.device, batch=batch)
    outcome = arranged.outcome(inputs)
    for i in range(SAMPLES):
        expected = naive(network, subject, inputs, i, bound_of=0 if batch is None else i - i % batch)
        for quantity, value in expected.items():
            key: Quantity = quantity  # type: ignore[assignment]
            torch.testing.assert_close(outcome[key][i], value, rtol=1e-6, atol=1e-7)


def test_a_model_without_weights_gives_the_same_to_the_last_bit(network_subject: Make) -> None:
    subject = network_subject(samples=SAMPLES)
    network = subject.energy_of(EnergyNetwork)
    empty = {name: torch.zeros_like(p) for name, p in network.parameters.items()}
    _, comparison, statement = compared(
        replace(subject, energy=replace(network, parameters=empty), mining=MiningSettings(opt_steps=0))
    )
    judged = comparison["tolerance"] == TOLERANCE
    assert set(comparison["axis"][judged].tolist()) == {"batch size", "order"}
    assert not comparison["worst"][judged].any()
    assert not comparison["difference"][judged & (comparison["quantity"] == "answer")].any()
    assert "in float64 not the last digit" in statement
    assert "published mining, too, gives the same negatives in another order" in statement


def test_division_by_the_batch_size_is_found_with_its_closed_form(network_subject: Make) -> None:
    subject = lively(network_subject(samples=SAMPLES))
    config = CONFIG.model_copy(update={"gradient_normalization": "batch"})
    subject = replace(
        subject, energy=replace(subject.energy_of(EnergyNetwork), gradient_normalization=64.0), config=config
    )
    table, comparison, statement = compared(subject)
    for size in (1, 2, 8):  # g/b in place of g/64
        found = row(
            comparison, axis="batch size", setting=str(size), precision="float64", quantity="denoiser"
        )
        assert found["size_ratio"] == pytest.approx(64 / size, rel=1e-12)
        assert found["relative"] == pytest.approx(64 / size - 1, rel=1e-12)
        assert found["depends"] == 1.0
    for setting, factor in (("/8", 8.0), ("none", 64.0)):
        found = row(comparison, axis="normalization", setting=setting, quantity="denoiser")
        assert found["size_ratio"] == pytest.approx(factor, rel=1e-6)
    assert "in validation batches of 8 the denoiser's output is 8 times that in training batches of 64" in (
        statement
    )
    finding = PROBE.conclude(table, comparison)
    assert (finding.severity, finding.evidence["depends_on_batch_size"]) == ("warning", 1.0)
    assert finding.evidence["depends_on_order"] == 0.0
    assert "gradient_normalization=64" in finding.advice


def test_batches_of_b_do_what_the_divisor_b_does(network_subject: Make) -> None:
    subject = lively(network_subject(samples=16))
    inputs = draw_inputs(subject.problems, 4, 16, generator=subject.generator("test"))
    outcomes = [
        Arrangement(
            replace(subject.energy_of(EnergyNetwork), gradient_normalization=divisor),
            subject.schedule,
            subject.mining,
            subject.device,
            batch=8,
        ).outcome(inputs)
        for divisor in ("batch", 8.0)
    ]
    for quantity in ("denoiser", "negative_corrected", "answer"):
        torch.testing.assert_close(outcomes[0][quantity], outcomes[1][quantity], rtol=1e-12, atol=1e-12)


def test_a_fixed_divisor_depends_on_no_batch(network_subject: Make) -> None:
    subject = lively(network_subject(samples=SAMPLES, config=CONFIG))
    config = CONFIG.model_copy(update={"gradient_normalization": 64.0})
    energy = replace(subject.energy_of(EnergyNetwork), gradient_normalization=64.0)
    table, comparison, statement = compared(replace(subject, energy=energy, config=config))
    assert "Nothing but rounding changes with batch size (1, 2) and order" in statement
    assert PROBE.conclude(table, comparison).severity == "note"


def test_the_published_clamp_depends_on_who_stands_first_and_the_corrected_one_does_not(
    network_subject: Make,
) -> None:
    subject = lively(network_subject(samples=SAMPLES, dtype=torch.float64))
    network = subject.energy_of(EnergyNetwork)
    _, comparison, statement = compared(subject)
    keys = {"axis": "order", "precision": "float64"}
    published, corrected = (
        row(comparison, quantity=f"negative_{kind}", **keys) for kind in ("published", "corrected")
    )
    assert corrected["worst"] < 1e-12
    # who changes, sample by sample: the naive twin with the bound of either first problem
    inputs = draw_inputs(subject.problems, 4, SAMPLES, generator=subject.generator("invariance"))
    order = another_order(inputs.t, generator=subject.generator("order"))
    twins = [
        torch.stack([naive(network, subject, inputs, i, first)["negative_published"] for i in range(SAMPLES)])
        for first in (0, int(order[0]))
    ]
    moved = (twins[1] - twins[0]).norm(dim=1) / twins[0].norm(dim=1)
    assert published["relative"] == pytest.approx(float(moved.mean()), rel=1e-6)
    assert published["depends"] == float((moved > TOLERANCE).double().mean()) > 0
    assert "published mining clamps a batch to its first problem's level" in statement
    assert "corrected mining changes none" in statement


def test_one_level_has_no_first_problem_to_depend_on(network_subject: Make) -> None:
    _, comparison, statement = compared(lively(network_subject(levels=1, samples=SAMPLES)))
    assert row(comparison, axis="order", precision="float64", quantity="negative_published")["worst"] < 1e-12
    assert "published mining, too" in statement


def test_rounding_is_that_of_the_number_type(network_subject: Make) -> None:
    _, comparison, _ = compared(network_subject(samples=64, width=64))
    single, half = (
        row(comparison, axis="precision", setting=setting, quantity="denoiser")["relative"]
        for setting in ("float32", "bfloat16")
    )
    assert 2.0**-25 < single < 2.0**-20
    # the same sums with 16 bits less; the points stay float32, so that some of the roundings are missing
    assert 2.0**14 < half / single < 2.0**18


def test_answers_are_scored_as_the_evaluation_of_training_does(network_subject: Make) -> None:
    from ired_diag.inverse.evaluation import _errors

    subject = lively(network_subject(samples=SAMPLES))
    table = PROBE(subject)
    inputs = draw_inputs(subject.problems, 4, SAMPLES, generator=subject.generator("invariance"))
    expected = _errors(
        subject.energy_of(EnergyNetwork), subject.schedule, inputs.problem, inputs.answer, inputs.start
    )
    found = select(table, axis="precision", setting="float32", quantity="answer")
    assert set(found["level"].tolist()) == {ALL_LEVELS}
    np.testing.assert_allclose(found["mse"], expected.numpy(), rtol=1e-5)


def test_another_order_is_a_permutation_with_another_level_in_front(generator: torch.Generator) -> None:
    t = torch.tensor([4, 4, 9, 0, 5, 4])
    order = another_order(t, generator=generator)
    assert sorted(order.tolist()) == list(range(6))
    assert int(t[order[0]]) == 9


def test_weights_that_are_no_numbers_are_nan_with_a_reason(network_subject: Make) -> None:
    subject = network_subject(samples=4)
    network = subject.energy_of(EnergyNetwork)
    broken = {name: p * math.nan for name, p in network.parameters.items()}
    table, comparison, statement = compared(
        replace(subject, energy=replace(network, parameters=broken), defect="weights are not numbers")
    )
    assert "the denoiser's output is no number (4 problems)" in statement
    others = (
        comparison["quantity"] != "negative_corrected"
    )  # which rejects every step, and stays at its start
    assert np.isnan(comparison["relative"][others]).all()
    assert "4 of 4 changes are not finite" in comparison["reason"].tolist()
    assert PROBE.figure(table).panels


@pytest.mark.parametrize("rank", [1, 2])
def test_one_problem_has_no_batch_and_no_order_and_no_interval(rank: int, network_subject: Make) -> None:
    table, comparison, statement = compared(network_subject(rank=rank, samples=1))
    assert statement.startswith("With one problem neither batch size nor order can be varied.")
    assert "nothing can be said" in statement
    assert np.isnan(comparison["difference"]).all()
    assert PROBE.figure(table).panels


def test_a_run_without_mining_is_told_and_zero_steps_move_nothing(network_subject: Make) -> None:
    config = CONFIG.model_copy(update={"mining_strategy": "none"})
    _, comparison, statement = compared(
        network_subject(samples=SAMPLES, config=config, mining=MiningSettings(opt_steps=0))
    )
    assert "The run trained without mined negatives (mining_strategy none)" in statement
    assert row(comparison, axis="order", precision="float64", quantity="negative_published")["worst"] == 0
    assert row(comparison, axis="quirks", quantity="negative_published")["worst"] == 0


def test_ascent_has_no_quirks(network_subject: Make) -> None:
    _, comparison, _ = compared(network_subject(samples=SAMPLES, mining=MiningSettings(walk="ascent")))
    assert row(comparison, axis="quirks", quantity="negative_published")["worst"] == 0


def test_a_table_from_disk_answers_again(tmp_path: Path, network_subject: Make) -> None:
    table, _, statement = compared(network_subject(samples=SAMPLES, config=CONFIG))
    write_table(tmp_path / "table.parquet", table, {})
    read = read_table(tmp_path / "table.parquet")[0]
    assert PROBE.conclude(read, PROBE.comparison(read)).statement == statement
    assert len(PROBE.figure(read).panels) == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_is_compared_with_the_cpu(network_subject: Make) -> None:
    subject, device = network_subject(samples=SAMPLES), torch.device("cuda")
    there = replace(
        subject,
        energy=subject.energy_of(EnergyNetwork).to(device),
        schedule=subject.schedule.to(device),
        device=device,
    )
    _, comparison, statement = compared(there)
    assert row(comparison, axis="device", precision="float64", quantity="denoiser")["depends"] == 0
    assert "device" in statement


def test_the_public_checkpoint_depends_on_a_divisor_and_on_the_published_clamp_alone(shared: Path) -> None:
    path = shared / "ired_checkpoint" / "model-1.pt"
    subject = replace(open_subject(path, weights="ema"), samples=4, seed=0)
    energy = replace(subject.energy_of(EnergyNetwork), gradient_normalization=256.0)
    told = PROBE.measure(replace(subject, samples=1))["strategy"][0]
    assert told == "unknown"  # nothing tells how it trained
    config = CONFIG.model_copy(update={"batch_size": 256, "gradient_normalization": "batch"})
    _, comparison, statement = compared(replace(subject, energy=energy, config=config))
    assert "Nothing but rounding changes with order" in statement
    assert row(comparison, axis="order", precision="float64", quantity="negative_published")["depends"] > 0.5
    assert row(comparison, axis="order", precision="float64", quantity="negative_corrected")["depends"] == 0
    for size in (1, 2):
        found = row(
            comparison, axis="batch size", setting=str(size), precision="float64", quantity="denoiser"
        )
        assert found["size_ratio"] == pytest.approx(256 / size, rel=1e-12)
