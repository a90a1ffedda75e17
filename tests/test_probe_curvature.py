"""Curvature: quadratics of known eigenvalues, the network's whole Hessian, verdicts, and bad input."""

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

from ired_diag.drawing.paper import draw as draw_figure
from ired_diag.finding import Finding
from ired_diag.inverse.architecture import initial_parameters
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.autograd_energy import AutogradEnergy
from ired_diag.model.hessian import expand, flatten, unflatten
from ired_diag.model.schedule import cosine_schedule
from ired_diag.probing.probe import ALL_LEVELS
from ired_diag.subject import Subject
from ired_diag.table import Table, read_table, select, write_table
from probes.inverse.curvature import PROBE, _loss

pytestmark = pytest.mark.slow

Make = Callable[..., Subject]


def config(**keys: Any) -> InverseConfig:
    return InverseConfig(experiment_name="q900", rank=3, width=16, diffusion_steps=4, **keys)


def answered(subject: Subject) -> tuple[Table, Table, Finding]:
    """Measure, compare, conclude, and draw."""
    table = PROBE(subject)
    comparison = PROBE.comparison(table)
    draw_figure(PROBE.figure(table))
    return table, comparison, PROBE.conclude(table, comparison)


def bowl(eigenvalues: list[float], generator: torch.Generator) -> Tensor:
    n = len(eigenvalues)
    q = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))[0]
    h = q @ torch.diag(torch.tensor(eigenvalues, dtype=torch.float64)) @ q.T
    symmetric: Tensor = (h + h.T) / 2
    return symmetric


def value(table: Table, quantity: str, column: str = "value") -> Any:
    return select(table, quantity=quantity)[column]


def told(comparison: Table, quantity: str, level: int = ALL_LEVELS) -> float:
    return float(select(comparison, quantity=quantity, level=level)["x"][0])


def tiny(network_subject: Make) -> Subject:
    """A network of 225 parameters, in float64."""
    subject = network_subject(rank=2, width=5, dtype=torch.float64, samples=40)
    original = subject.energy_of(EnergyNetwork)
    sizes = replace(original.architecture, embedding=4, time_width=3)
    weights = initial_parameters(sizes, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return replace(subject, energy=replace(original, architecture=sizes, parameters=weights))


def test_a_quadratic_energy_has_its_eigenvalues_at_every_level(
    quadratic_subject: Make, generator: torch.Generator
) -> None:
    subject = quadratic_subject(bowl([0.25, 1.0, 2.0, 4.0], generator), samples=20)
    table, comparison, finding = answered(subject)
    np.testing.assert_allclose(value(table, "lambda_min"), 0.25, rtol=1e-8)
    np.testing.assert_allclose(value(table, "lambda_max"), 4.0, rtol=1e-8)
    np.testing.assert_allclose(value(table, "condition"), 16.0, rtol=1e-7)
    assert len(value(table, "lambda_max")) == 3 * 20
    for level in range(3):
        eta = float(subject.schedule.opt_step_size[level])
        assert told(comparison, "step_over_limit_first", level) == pytest.approx(eta * 4 / 2)
        assert told(comparison, "step_over_limit_later", level) == pytest.approx(eta * 4)
    assert told(comparison, "step_over_limit_later") == pytest.approx(
        4 * float(subject.schedule.opt_step_size.max())
    )
    assert "the energy bends down by more than 1% of λ_max in none" in finding.statement
    assert "the training loss of this energy is not known" in finding.statement


def test_the_limit_is_where_steps_of_descent_stop_to_converge(
    quadratic_subject: Make, generator: torch.Generator
) -> None:
    # η λ_max / 2 is 0.98 at one side, 1.02 at the other: 300 steps shrink or grow by more than 100.
    for over in (0.98, 1.02):
        subject = quadratic_subject(bowl([0.5, 1.0, 1.0], generator), samples=5)
        eta = float(subject.schedule.opt_step_size[0])
        h = bowl([0.5, 1.0, 2 * over / eta], generator)
        subject = quadratic_subject(h, samples=5)
        comparison = PROBE.comparison(PROBE(subject))
        assert told(comparison, "step_over_limit_first", 0) == pytest.approx(over)
        assert told(comparison, "share_over_limit_first", 0) == float(over > 1)
        y = torch.ones(3, dtype=torch.float64)
        for _ in range(300):
            y = y - eta * (h @ y)
        assert (float(y.norm()) > 100) == (over > 1)


def test_an_exact_denoiser_has_its_later_step_at_the_limit_at_level_0(generator: torch.Generator) -> None:
    schedule = cosine_schedule(10, dtype=torch.float64)

    def energy(x: Tensor, y: Tensor, t: Tensor) -> Tensor:
        signal, sigma = schedule.sqrt_alphas_cumprod[t], schedule.sqrt_one_minus_alphas_cumprod[t]
        return (y - signal[:, None] * x).square().sum(-1) / (2 * sigma)

    class Own:
        def draw(self, count: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
            x = torch.randn(count, 4, generator=generator, dtype=torch.float64)
            return x, x

    table, comparison, _ = answered(Subject(AutogradEnergy(energy, 10), schedule, Own(), samples=6))
    assert set(value(table, "lambda_max", "reason").tolist()) == {"by central differences"}
    exact = value(table, "exact_lambda")
    np.testing.assert_allclose(
        value(table, "lambda_max").reshape(10, 6), exact[:, None].repeat(6, 1), rtol=1e-8
    )
    np.testing.assert_allclose(value(table, "gradient_norm"), 0, atol=1e-12)
    assert told(comparison, "step_over_limit_later", 0) == pytest.approx(1.0, rel=1e-8)


def test_the_losss_numbers_are_those_of_its_whole_hessian(network_subject: Make) -> None:
    subject = tiny(network_subject)
    table, _, _ = answered(subject)
    loss, parameters = _loss(subject, 0, 40), subject.energy_of(EnergyNetwork).parameters
    gradient = torch.func.grad(lambda v: loss(unflatten(v, parameters)))
    h = torch.func.jacrev(gradient)(flatten(parameters))
    eigenvalues = np.linalg.eigvalsh(h.numpy())
    for name, exact in (("lowest", eigenvalues[0]), ("highest", eigenvalues[-1])):
        found, error = value(table, name)[0], value(table, name, "error")[0]
        assert abs(found - exact) <= error + 1e-10
        assert error < 1e-3 * abs(exact)
    traces = value(table, "trace")
    spread = math.sqrt(2 * float(h.square().sum() - h.diagonal().square().sum()) / len(traces))
    assert abs(traces.mean() - float(h.trace())) < 4 * spread
    assert 0.4 * spread < traces.std(ddof=1) / math.sqrt(len(traces)) < 2 * spread
    assert value(table, "parameters")[0] == len(h)
    assert value(table, "gradient_norm")[0] == pytest.approx(float(gradient(flatten(parameters)).norm()))
    x, density = value(table, "density", "x"), value(table, "density")
    assert density.sum() * (x[1] - x[0]) == pytest.approx(1, abs=1e-5)
    fresh = expand(_loss(subject, 1, 5), parameters)
    _, vectors = np.linalg.eigh(h.numpy())
    v = torch.as_tensor(vectors[:, -1])
    assert value(table, "highest_fresh")[0] == pytest.approx(float(v @ fresh.product(v)), rel=1e-3)


def test_slices_pass_through_the_loss_and_bend_as_the_hessian_says(
    network_subject: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probes.inverse.curvature.REACH", 0.002)
    table, _, _ = answered(tiny(network_subject))
    loss = value(table, "loss")[0]
    for name, bend in (
        ("slice_highest", value(table, "highest")[0]),
        ("slice_random", value(table, "random_bend")[0]),
    ):
        x, y = value(table, name, "x"), value(table, name)
        middle = len(x) // 2
        assert (x[middle], y[middle]) == (0, pytest.approx(loss, rel=1e-12))
        assert x[-1] == pytest.approx(0.002 * math.sqrt(2 * loss / abs(bend)))
        near = (y[-1] + y[0] - 2 * loss) / x[-1] ** 2
        assert near == pytest.approx(bend, rel=1e-2)
    a, b, plane = (value(table, "plane_random", column) for column in ("x", "y", "value"))
    assert len(plane) == 121
    assert plane[(a == 0) & (b == 0)][0] == pytest.approx(loss, rel=1e-12)


def test_dividing_the_gradient_divides_the_step_and_leaves_the_energy(network_subject: Make) -> None:
    subject = network_subject(dtype=torch.float64, samples=5)
    network = subject.energy_of(EnergyNetwork)
    divided = replace(subject, energy=replace(network, gradient_normalization=4.0))
    one, other = PROBE(subject), PROBE(divided)
    np.testing.assert_allclose(value(other, "lambda_max"), value(one, "lambda_max"), rtol=1e-10)
    np.testing.assert_allclose(value(other, "step_first"), value(one, "step_first") / 4)
    batch = replace(
        subject,
        energy=replace(network, gradient_normalization="batch"),
        config=config(batch_size=8),
    )
    np.testing.assert_allclose(value(PROBE(batch), "step_first"), value(one, "step_first") / 8)


def test_the_mended_walk_has_no_longer_later_step(
    quadratic_subject: Make, generator: torch.Generator
) -> None:
    subject = quadratic_subject(bowl([1.0, 2.0], generator), samples=3)
    mended = replace(subject, mining=replace(subject.mining, faithful=False))
    table = PROBE(mended)
    assert value(table, "step_first").tolist() == value(table, "step_later").tolist()
    assert value(PROBE(subject), "step_later").tolist() == (2 * value(table, "step_first")).tolist()


def test_steep_energies_are_warned_of_and_saddles_named(
    quadratic_subject: Make, generator: torch.Generator
) -> None:
    _, comparison, finding = answered(quadratic_subject(bowl([-10.0, 3.0, 500.0], generator), samples=20))
    assert finding.severity == "warning"
    assert "overshoots in most problems at levels 0, 1, 2" in finding.statement
    assert "bends down by more than 1% of λ_max in 100% at level 0, 100% at level 1" in finding.statement
    assert told(comparison, "share_indefinite", 1) == 1.0
    assert "λ_min is not above 0" in select(comparison, quantity="condition")["reason"][0]
    _, _, calm = answered(quadratic_subject(bowl([0.1, 0.2], generator), samples=20))
    assert (calm.severity, calm.advice) == ("note", "")
    flat = PROBE.comparison(PROBE(quadratic_subject(bowl([-0.001, 0.2], generator), samples=20)))
    assert told(flat, "share_indefinite") == 0.0
    assert calm.statement.count("overshoots in none") == 2


def test_few_problems_are_too_few_to_say_most(quadratic_subject: Make, generator: torch.Generator) -> None:
    _, _, finding = answered(quadratic_subject(bowl([1.0, 500.0], generator), samples=1))
    assert finding.severity == "note"
    assert "in 100% of problems" in finding.statement


def test_negative_curvature_is_a_verdict_only_where_fresh_problems_confirm_it(
    network_subject: Make,
) -> None:
    table, _, _ = answered(tiny(network_subject))
    said = {}
    for name, fresh in (("confirmed", -1.0), ("not", -0.002)):
        changed = {column: values.copy() for column, values in table.items()}
        for quantity, center in (("lowest", -2.0), ("lowest_fresh", fresh)):
            rows = changed["quantity"] == quantity
            changed["value"][rows] = center + 0.01 * np.linspace(-1, 1, rows.sum())
        said[name] = PROBE.conclude(changed, PROBE.comparison(changed)).statement
    assert "negative curvature that fresh problems confirm" in said["confirmed"]
    assert "not confirmed on fresh problems" in said["not"]
    rows = table["quantity"] == "lowest"
    table["value"][rows] = 0.0
    assert "which is no proof" in PROBE.conclude(table, PROBE.comparison(table)).statement


def test_weights_that_are_no_numbers_give_no_numbers_and_say_why(network_subject: Make) -> None:
    subject = network_subject(samples=4, defect="Its weights are not numbers.")
    network = subject.energy_of(EnergyNetwork)
    weights = {name: p * math.nan for name, p in network.parameters.items()}
    table, comparison, finding = answered(
        replace(subject, energy=replace(network, parameters=weights), config=config())
    )
    assert np.isnan(value(table, "lambda_max")).all()
    assert set(value(table, "lambda_max", "reason")) == {"Its weights are not numbers."}
    assert value(table, "loss", "reason")[0] == "Its weights are not numbers."
    assert "weights are not numbers" in select(comparison, quantity="trace")["reason"][0]
    assert finding.severity == "note"
    assert finding.statement.count("nothing") == 2


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("rank", [1, 2])
def test_one_sample_and_rank_one_are_answered(rank: int, samples: int, network_subject: Make) -> None:
    table, comparison, finding = answered(network_subject(rank=rank, samples=samples))
    assert len(value(table, "lambda_min")) == 4 * samples
    assert np.isfinite(value(table, "loss")).all()
    if samples == 1:
        assert select(comparison, quantity="lambda_max")["reason"][0] == "one value has no spread"
    assert "n" in finding.evidence


@pytest.mark.parametrize(
    "keys",
    [
        {"mining_strategy": "none"},
        {"mining_strategy": "adversarial", "mining_opt_steps": 0},
        {"mining_strategy": "mixed", "energy_reg_weight": 0.1},
        {"mining_strategy": "random", "use_scalar_energy": True, "stop_gradient_head": True},
    ],
)
def test_the_loss_is_that_of_the_runs_mining(keys: dict[str, Any], network_subject: Make) -> None:
    head = "scalar" if keys.get("use_scalar_energy") else "vector"
    table, _, finding = answered(network_subject(samples=9, head=head, config=config(**keys)))
    assert np.isfinite(value(table, "highest")).all()
    assert ("is not stopped here" in finding.statement) == bool(keys.get("stop_gradient_head"))


def test_a_table_from_disk_answers_again(network_subject: Make, tmp_path: Path) -> None:
    table, comparison, finding = answered(network_subject(samples=5))
    write_table(tmp_path / "t.parquet", table, {})
    again, _ = read_table(tmp_path / "t.parquet")
    np.testing.assert_equal(PROBE.comparison(again), comparison)
    answer = PROBE.conclude(again, comparison)
    assert (answer.statement, answer.severity) == (finding.statement, finding.severity)
    np.testing.assert_equal(dict(answer.evidence), dict(finding.evidence))


def test_more_numbers_than_a_hessian_can_hold_are_refused_with_a_reason(
    quadratic_subject: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probes.inverse.curvature.MAX_DIM", 3)
    _, comparison, finding = answered(quadratic_subject(torch.eye(4, dtype=torch.float64), samples=5))
    assert "above 3 no whole Hessian is made" in finding.statement
    assert "above 3" in select(comparison, quantity="lambda_max")["reason"][0]


def test_the_figure_shows_the_numbers_of_the_comparison(network_subject: Make) -> None:
    table, comparison, _ = answered(network_subject(samples=11))
    panels = {panel.y_label: panel for panel in PROBE.figure(table).panels}
    width = value(table, "density_width")[0] * np.sqrt(2 * np.pi)
    assert list(panels) == [
        "loss / loss at the weights",
        f"eigenvalues (per width {width:.2g})",
        "step / longest stable step",
    ]
    later = next(line for line in panels["step / longest stable step"].lines if line.name == "later step")
    step = value(table, "step_later")
    high = value(table, "lambda_max").reshape(4, 11)
    np.testing.assert_allclose(later.y, np.median(step[:, None] * high / 2, axis=1))
    assert told(comparison, "step_over_limit_later", 2) == pytest.approx((step[2] * high[2] / 2).mean())
    assert "quartiles of 11" in PROBE.figure(table).note
