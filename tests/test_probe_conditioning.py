"""Conditioning: planted matrices, planted negatives, and a naive twin."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from ired_diag.inverse.architecture import Architecture
from ired_diag.inverse.matrices import MatrixData, draw_matrices
from ired_diag.inverse.matrix_form import describe, singular_values
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.mined_batch import Kind, MinedBatch, MiningSettings, matched_control
from ired_diag.model.mining import Walk
from ired_diag.model.schedule import cosine_schedule
from ired_diag.probing.probe import ALL_LEVELS
from ired_diag.subject import Subject
from ired_diag.table import Table, select
from probes.inverse.conditioning import PROBE, paired_over_levels

RANK, SAMPLES, LEVELS = 6, 40, 3


def planted(singular: list[float], generator: torch.Generator, *, flip: bool = False) -> Tensor:
    """A matrix with the given singular values, between random rotations; determinant of the given sign."""
    n = len(singular)
    left, right = (
        torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))[0] for _ in "uv"
    )
    sign = torch.linalg.det(left) * torch.linalg.det(right)
    left[:, 0] *= torch.sign(sign) * (-1.0 if flip else 1.0)
    matrix: Tensor = left @ torch.diag(torch.tensor(singular, dtype=torch.float64)) @ right
    return matrix


def batch_of(adversarial: Tensor, positive: Tensor, generator: torch.Generator) -> Subject:
    """A subject with chosen negatives, of shape (levels, samples, dim), and the control that matches them."""
    repeated = positive.expand(LEVELS, -1, -1)
    directions = torch.randn(adversarial.shape, generator=generator, dtype=positive.dtype)
    candidates: dict[Kind, Tensor] = {
        "positive": repeated,
        "random": repeated + torch.randn(repeated.shape, generator=generator, dtype=positive.dtype),
        "start": repeated,
        "adversarial": adversarial,
        "control": matched_control(repeated, adversarial, directions),
    }
    energies = dict.fromkeys(candidates, torch.zeros(LEVELS, len(positive)))
    nothing = torch.zeros(LEVELS, 2, len(positive))
    points = repeated[:, None].expand(-1, 3, -1, -1)
    walk = Walk(
        points=points,
        energies=torch.zeros(LEVELS, 3, len(positive)),
        gradient_norms=nothing,
        proposed=nothing,
        at_clamp=nothing,
        accepted=nothing == 0,
    )
    batch = MinedBatch(
        settings=MiningSettings(),
        problem=positive,
        candidates=candidates,
        noisy=candidates,
        energies=energies,
        walk=walk,
    )
    energy = EnergyNetwork(Architecture(rank=RANK), {})
    return Subject(energy, cosine_schedule(LEVELS), MatrixData(rank=RANK), negatives=batch)


def answers(generator: torch.Generator, count: int = SAMPLES) -> Tensor:
    return draw_matrices(MatrixData(rank=RANK), count, generator=generator, dtype=torch.float64)[1]


def effect(comparison: Table, kind: str, versus: str, quantity: str, level: int = ALL_LEVELS) -> Table:
    return select(comparison, kind=kind, versus=versus, quantity=quantity, level=level)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("flip", [False, True])
def test_planted_matrices_are_measured_to_1e_5(
    dtype: torch.dtype, flip: bool, generator: torch.Generator
) -> None:
    values = [8.0, 3.0, 1.0, 0.5, 0.25, 0.02]
    matrices = torch.stack([planted(values, generator, flip=flip).flatten() for _ in range(9)]).to(dtype)
    measured = describe(matrices, RANK)
    np.testing.assert_allclose(measured["log_abs_det"], math.log(math.prod(values)), rtol=1e-5)
    np.testing.assert_allclose(measured["cond"], 8.0 / 0.02, rtol=1e-5 if dtype == torch.float64 else 1e-4)
    np.testing.assert_allclose(measured["sigma_min"], 0.02, rtol=1e-5 if dtype == torch.float64 else 1e-4)
    assert set(measured["sign"].tolist()) == {-1.0 if flip else 1.0}


def test_singular_and_broken_matrices_are_infinite_and_nan_never_a_guess(generator: torch.Generator) -> None:
    singular = torch.ones(RANK, RANK, dtype=torch.float64)
    broken = torch.full((RANK, RANK), math.nan, dtype=torch.float64)
    measured = describe(torch.stack([singular.flatten(), broken.flatten()]), RANK)
    assert measured["cond"][0] == math.inf
    assert (measured["sign"][0], measured["sigma_min"][0], measured["log_abs_det"][0]) == (0, 0, -math.inf)
    assert all(math.isnan(measured[name][1]) for name in measured)


def test_table_equals_a_loop_over_numpys_linear_algebra(generator: torch.Generator) -> None:
    positive = answers(generator)
    noise = torch.randn(LEVELS, SAMPLES, RANK**2, generator=generator, dtype=torch.float64)
    batch = batch_of(positive + 0.3 * noise, positive, generator)
    table = PROBE(batch)
    for kind, candidates in batch.batch.candidates.items():
        for level in range(LEVELS):
            rows = select(table, kind=kind, level=level)
            assert rows["sample"].tolist() == list(range(SAMPLES))
            for sample in range(0, SAMPLES, 7):
                matrix = candidates[level, sample].reshape(RANK, RANK).numpy()
                sign, logdet = np.linalg.slogdet(matrix)
                assert rows["cond"][sample] == pytest.approx(np.linalg.cond(matrix), rel=1e-9)
                assert rows["log_abs_det"][sample] == pytest.approx(logdet, rel=1e-9)
                assert rows["sign"][sample] == sign
                assert rows["sigma_min"][sample] == pytest.approx(
                    np.linalg.svd(matrix, compute_uv=False)[-1], rel=1e-9
                )


def test_negatives_equal_to_positives_have_an_effect_of_exactly_zero(generator: torch.Generator) -> None:
    positive = answers(generator)
    table = PROBE(batch_of(positive.expand(LEVELS, -1, -1), positive, generator))
    comparison = PROBE.comparison(table)
    for quantity in ("log10_cond", "log_abs_det", "log10_sigma_min"):
        for versus in ("positive", "control"):
            row = effect(comparison, "adversarial", versus, quantity)
            assert (row["mean"][0], row["d"][0], row["larger"][0]) == (0.0, 0.0, 0.5)


@pytest.mark.slow
def test_gaussian_copies_show_no_effect_against_the_control() -> None:
    # Each of 20 independent studies may give a false alarm at 5%: 5 or more have a chance of 0.3%.
    alarms = 0
    for study in range(20):
        generator = torch.Generator().manual_seed(study)
        positive = answers(generator, 100)
        noise = torch.randn(LEVELS, 100, RANK**2, generator=generator, dtype=torch.float64)
        comparison = PROBE.comparison(PROBE(batch_of(positive + 0.5 * noise, positive, generator)))
        row = effect(comparison, "adversarial", "control", "log10_cond")
        alarms += bool(row["d_low"][0] > 0 or row["d_high"][0] < 0)
    assert alarms < 5


def test_scaled_negatives_shift_the_determinant_and_leave_the_condition(generator: torch.Generator) -> None:
    positive = answers(generator)
    comparison = PROBE.comparison(PROBE(batch_of((3 * positive).expand(LEVELS, -1, -1), positive, generator)))
    determinant = effect(comparison, "adversarial", "positive", "log_abs_det")
    assert determinant["mean"][0] == pytest.approx(RANK * math.log(3), rel=1e-12)
    sigma = effect(comparison, "adversarial", "positive", "log10_sigma_min")
    assert sigma["mean"][0] == pytest.approx(math.log10(3), rel=1e-12)
    condition = effect(comparison, "adversarial", "positive", "log10_cond")
    assert condition["mean"][0] == pytest.approx(0, abs=1e-12)


def test_worse_conditioned_negatives_are_found_and_said(generator: torch.Generator) -> None:
    positive = answers(generator)
    squeezed = torch.linalg.svd(positive.reshape(-1, RANK, RANK))
    values = squeezed.S.clone()
    values[:, -1] /= 50
    worse = (squeezed.U @ torch.diag_embed(values) @ squeezed.Vh).flatten(1).expand(LEVELS, -1, -1)
    table = PROBE(batch_of(worse, positive, generator))
    comparison = PROBE.comparison(table)
    row = effect(comparison, "adversarial", "positive", "log10_cond")
    assert row["mean"][0] == pytest.approx(math.log10(50), rel=1e-6)
    assert row["larger"][0] == 1.0
    finding = PROBE.conclude(table, comparison)
    assert "the descent conditions them worse at levels 0, 1, 2" in finding.statement
    assert finding.evidence["larger_vs_positive"] == 1.0


def test_singular_negatives_leave_the_mean_and_stay_in_the_share_and_are_said(
    generator: torch.Generator,
) -> None:
    positive = answers(generator)
    negative = positive.expand(LEVELS, -1, -1).clone()
    negative[0, : SAMPLES // 2] = 1.0
    table = PROBE(batch_of(negative, positive, generator))
    row = effect(PROBE.comparison(table), "adversarial", "positive", "log10_cond")
    assert row["mean"][0] == 0.0
    assert row["larger"][0] == pytest.approx(0.5 + 0.5 / (2 * LEVELS))
    assert row["reason"][0] == f"{SAMPLES // 2} of {LEVELS * SAMPLES} pairs are not finite"
    assert (
        f"Singular are {SAMPLES // 2} of {LEVELS * SAMPLES} adversarial"
        in PROBE.conclude(table, PROBE.comparison(table)).statement
    )


def test_each_problem_counts_once_however_many_levels(generator: torch.Generator) -> None:
    a = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 7.0]])
    effect_, share = paired_over_levels(a, np.zeros((2, 3)))
    assert (effect_.n, effect_.mean) == (3, 3.0)  # means 2, 2, 5
    assert share.n == 3


def test_nan_everywhere_is_nan_with_a_reason_and_no_crash(generator: torch.Generator) -> None:
    positive = answers(generator)
    table = PROBE(batch_of(torch.full((LEVELS, SAMPLES, RANK**2), math.nan).double(), positive, generator))
    comparison = PROBE.comparison(table)
    row = effect(comparison, "adversarial", "positive", "log10_cond")
    assert math.isnan(row["d"][0])
    assert "not finite" in row["reason"][0]
    assert "nothing can be said of the descent" in PROBE.conclude(table, comparison).statement
    assert PROBE.figure(table).panels


def test_figure_shows_medians_and_quartiles_of_the_table(generator: torch.Generator) -> None:
    positive = answers(generator, 41)
    batch = batch_of(positive.expand(LEVELS, -1, -1), positive, generator)
    table = PROBE(batch)
    line = next(line for line in PROBE.figure(table).panels[0].lines if line.name == "random")
    values = select(table, kind="random", level=1)["cond"]
    assert line.y[1] == np.median(values)
    assert line.low is not None
    assert line.low[1] == np.sort(values)[10]
    assert "n = 41" in PROBE.figure(table).method


def test_residual_asymmetry_and_definiteness_of_planted_matrices(generator: torch.Generator) -> None:
    problem, inverse = draw_matrices(MatrixData(rank=RANK), 7, generator=generator, dtype=torch.float64)
    antisymmetric = torch.zeros(RANK, RANK, dtype=torch.float64)
    antisymmetric[0, 1], antisymmetric[1, 0] = 3.0, -3.0
    right = describe(inverse, RANK, problem=problem)
    np.testing.assert_allclose(right["residual"], 0, atol=1e-10)
    np.testing.assert_allclose(right["asymmetry"], 0, atol=1e-12)
    assert right["positive_definite"].tolist() == [1.0] * 7
    turned = describe(inverse + antisymmetric.flatten(), RANK, problem=problem)
    for i in range(7):
        a, y = (
            problem[i].view(RANK, RANK).numpy(),
            inverse[i].view(RANK, RANK).numpy() + antisymmetric.numpy(),
        )
        np.testing.assert_allclose(turned["residual"][i], np.linalg.norm(a @ y - np.eye(RANK)), rtol=1e-10)
        np.testing.assert_allclose(turned["asymmetry"][i], math.sqrt(72) / np.linalg.norm(y), rtol=1e-12)
    assert turned["positive_definite"].tolist() == [1.0] * 7  # only the symmetric part counts
    assert describe(-inverse, RANK, problem=problem)["positive_definite"].tolist() == [0.0] * 7


def test_the_number_of_threads_changes_no_number(generator: torch.Generator) -> None:
    candidates = torch.randn(11, RANK**2, generator=generator)
    torch.set_num_threads(3)
    try:
        several = describe(candidates, RANK, problem=candidates)
    finally:
        torch.set_num_threads(1)
    once = describe(candidates, RANK, problem=candidates)
    for name, values in once.items():
        np.testing.assert_array_equal(several[name], values)


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("broken", [False, True])
def test_rank_one_one_sample_and_nan_weights_give_a_sentence_and_a_reason(
    samples: int, broken: bool, network_subject: Callable[..., Subject]
) -> None:
    subject = network_subject(rank=1, samples=samples)
    network = subject.energy_of(EnergyNetwork)
    if broken:
        weights = {name: p * math.nan for name, p in network.parameters.items()}
        subject = replace(subject, energy=replace(network, parameters=weights))
    table = PROBE(subject)
    comparison = PROBE.comparison(table)
    finding = PROBE.conclude(table, comparison)
    assert f"{samples} problems" in finding.statement
    assert "too few problems for a verdict" in finding.statement
    undefined = np.isnan(comparison["d"])
    assert (comparison["reason"][undefined] != "").all()
    PROBE.figure(table)


def test_singular_values_are_those_of_the_decomposition_at_every_conditioning(
    generator: torch.Generator,
) -> None:
    smallest = (1.0, 1e-2, 0.9e-3, 1.1e-3, 1e-6, 1e-12, 0.0)
    matrices = torch.stack([planted([1.0, 0.9, 0.8, 0.7, 0.6, low], generator) for low in smallest])
    torch.testing.assert_close(
        singular_values(matrices), torch.linalg.svdvals(matrices), rtol=1e-9, atol=1e-15
    )
