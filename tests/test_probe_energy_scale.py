"""Energy scale: a perfect denoiser, a dead one, runaways, a naive twin, and the alarms of training."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ired_diag.finding import Finding
from ired_diag.inverse.config import parse_inverse
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.troubles import DEAD_ROWS, troubles_of
from ired_diag.model.schedule import Schedule, cosine_schedule
from ired_diag.probing.probe import ALL_LEVELS
from ired_diag.subject import CHUNK, Subject
from ired_diag.table import Table, read_table, select, write_table
from ired_diag.training.trouble import Watch
from probes.inverse.energy_scale import PROBE

Make = Callable[..., Subject]
DIM, LEVELS, SAMPLES = 36, 3, 400


@dataclass(frozen=True)
class Planted:
    """E = scale ‖y - √ᾱ x‖² / (2σ) + offset, whose gradient is scale·ε where x is the right answer."""

    schedule: Schedule
    scale: float = 1.0
    offset: float = 0.0

    @property
    def levels(self) -> int:
        return self.schedule.levels

    def landscape(self, x: Tensor, t: Tensor) -> PlantedLandscape:
        signal, sigma = (
            table[t][:, None]
            for table in (self.schedule.sqrt_alphas_cumprod, self.schedule.sqrt_one_minus_alphas_cumprod)
        )
        return PlantedLandscape(signal * x, sigma, self)


@dataclass(frozen=True)
class PlantedLandscape:
    centre: Tensor
    sigma: Tensor
    model: Planted

    def energy(self, y: Tensor) -> Tensor:
        return self.energy_and_gradient(y)[0]

    def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
        noise = (y - self.centre) / self.sigma
        energy = self.model.scale * (self.sigma * noise.square()).sum(-1) / 2 + self.model.offset
        return energy, self.model.scale * noise


@pytest.fixture
def planted(quadratic_subject: Make) -> Make:
    """A function (scale=1, offset=0, dim=36, **Subject's) that returns a planted energy on its task."""

    def make(scale: float = 1.0, offset: float = 0.0, *, dim: int = DIM, **keys: int) -> Subject:
        subject = quadratic_subject(torch.eye(dim), levels=LEVELS, **{"samples": SAMPLES, **keys})
        return replace(subject, energy=Planted(cosine_schedule(LEVELS), scale, offset))

    return make


def watch_of(rank: int, **knobs: float) -> Watch:
    """What training looks for where an answer has rank² numbers."""
    return Watch(troubles_of(parse_inverse({"experiment_name": "q900_scale", "rank": rank, **knobs})))


def asked(subject: Subject) -> tuple[Table, Table, Finding]:
    table = PROBE(subject)
    comparison = PROBE.comparison(table)
    return table, comparison, PROBE.conclude(table, comparison)


def value(comparison: Table, quantity: str, level: int = ALL_LEVELS, name: str = "value") -> float:
    (found,) = select(comparison, quantity=quantity, level=level)[name]
    return float(found)


def test_a_perfect_denoiser_has_the_closed_forms(planted: Make) -> None:
    table, comparison, finding = asked(planted())
    np.testing.assert_allclose(table["energy"], table["sigma"] * table["noise_norm"] ** 2 / 2, rtol=1e-4)
    np.testing.assert_allclose(table["output_norm"], table["noise_norm"], rtol=1e-4)
    assert value(comparison, "mse") < 1e-9
    assert value(comparison, "r2") == pytest.approx(1, abs=1e-8)
    assert value(comparison, "output_ratio") == pytest.approx(1, rel=1e-5)
    # |E| over needed is χ²/dim: mean 1, sd √(2/dim); four standard errors
    for level in range(LEVELS):
        assert abs(value(comparison, "over_needed", level) - 1) < 4 * math.sqrt(2 / DIM / SAMPLES)
    assert (finding.evidence["verdict"], finding.severity) == ("healthy", "note")
    assert finding.evidence["limit"] == 50 * DIM


def test_a_shrunken_denoiser_keeps_its_share_of_length_and_error(planted: Make) -> None:
    _, comparison, _ = asked(planted(0.7))
    assert value(comparison, "output_ratio") == pytest.approx(0.7, rel=1e-5)
    assert value(comparison, "r2") == pytest.approx(1 - 0.3**2, rel=1e-5)
    assert value(comparison, "gradient_norm", 1) == pytest.approx(0.7 * math.sqrt(DIM), rel=0.02)


def test_a_dead_predictor_has_the_noise_as_its_error_with_its_sampling_error(planted: Make) -> None:
    table, comparison, finding = asked(planted(0.0, -3.0))
    np.testing.assert_allclose(table["error"], table["noise_norm"] ** 2 / DIM, rtol=1e-5)
    assert value(comparison, "r2") == pytest.approx(0, abs=1e-12)
    low, high = (value(comparison, "mse", name=f"value_{end}") for end in ("low", "high"))
    assert low < 1 < high  # at this seed
    theory = math.sqrt(2 / (DIM * LEVELS * SAMPLES))
    assert (high - low) / (2 * 1.96) == pytest.approx(theory, rel=0.15)
    assert value(comparison, "energy") == -3
    assert value(comparison, "size") == 3
    few = asked(planted(0.0, -3.0, samples=40))[2]  # their interval reaches below 0.98
    assert (few.evidence["verdict"], few.severity) == ("undecided", "note")
    assert (finding.evidence["verdict"], finding.severity) == ("collapse", "warning")
    assert "At levels 0, 1, 2 R² is not above 0." in finding.statement


@pytest.mark.parametrize("sign", [1, -1])
def test_a_constant_that_grew_is_a_runaway_of_either_sign_and_many_spreads(sign: int, planted: Make) -> None:
    _, comparison, finding = asked(planted(1.0, sign * 1e5))
    assert finding.evidence["verdict"] == "runaway"
    assert np.sign(value(comparison, "energy")) == sign
    plain = value(asked(planted())[1], "over_spread")
    assert value(comparison, "over_spread") > 100 * plain
    assert "The energy runs away: " in finding.statement


def test_a_scale_of_its_own_is_a_runaway_and_worse_than_no_denoiser(planted: Make) -> None:
    _, comparison, finding = asked(planted(1000.0))
    assert value(comparison, "mse") == pytest.approx(999**2, rel=0.03)
    assert value(comparison, "over_needed") == pytest.approx(1000, rel=0.03)
    assert finding.evidence["verdict"] == "runaway and wrong"
    assert "energy_reg_weight" in finding.advice
    assert "gradient_normalization" in finding.advice


@pytest.mark.parametrize("scale", [0.0, 0.005, 0.5, 1.0, 1.9, 1000.0])
@pytest.mark.parametrize("offset", [0.0, 1e4, -1e4])
def test_verdicts_are_what_training_announces(scale: float, offset: float, planted: Make) -> None:
    table, _, finding = asked(planted(scale, offset, samples=4000))
    watch, announced = watch_of(6), set()
    values = {
        "train/denoise": float(table["error"].mean()),
        "train/energy_positive": float(table["energy"].mean()),
    }
    for row in range(DEAD_ROWS):
        announced |= {told.rule for told in watch.look(1000 + row, values, None)}
    verdict = str(finding.evidence["verdict"])
    assert ("runaway" in verdict) == ("energy_runaway" in announced)
    assert ("collapse" in verdict) == ("dead_predictor" in announced)


def test_a_divided_gradient_asks_for_its_energy_as_in_training(network_subject: Make) -> None:
    subject = network_subject(head="scalar", samples=40)
    network = subject.energy_of(EnergyNetwork)
    weights = {**network.parameters, "energy_head.bias": torch.tensor([1000.0])}
    plain = replace(network, parameters=weights)
    divided = replace(plain, gradient_normalization=2048.0)
    findings = [asked(replace(subject, energy=energy))[2] for energy in (plain, divided)]
    assert "runaway" in str(findings[0].evidence["verdict"])
    assert "runaway" not in str(findings[1].evidence["verdict"])
    assert "large because the gradient is divided" in findings[1].statement
    values = {"train/energy_positive": 1000.0}
    severities = [
        announced.severity
        for divisor in (1.0, 2048.0)
        for announced in watch_of(3, gradient_normalization=divisor).look(0, values, None)
    ]
    assert severities == ["warning", "note"]
    one, other = (f.evidence for f in findings)
    assert one["gradient_norm"] == pytest.approx(other["gradient_norm"], rel=1e-5)
    assert float(str(one["output_ratio"])) == pytest.approx(
        2048 * float(str(other["output_ratio"])), rel=1e-5
    )
    assert other["needed"] == pytest.approx(2048 * float(str(one["needed"])))


def test_the_table_equals_a_loop_with_autograd(network_subject: Make) -> None:
    subject = network_subject(samples=5, dtype=torch.float64)
    table, generator = PROBE(subject), subject.generator("energy_scale", 0)
    x, answer = subject.problems.draw(5, generator=generator)
    random = torch.randn(answer.shape, generator=generator).clamp(-2, 2)
    for level in range(4):
        noise = torch.randn(answer.shape, generator=generator)
        signal = float(subject.schedule.alphas_cumprod[level])
        rows = select(table, level=level)
        for i in range(5):
            points = [math.sqrt(signal) * a[i] + math.sqrt(1 - signal) * noise[i] for a in (answer, random)]
            y = points[0].double().requires_grad_()
            landscape = subject.energy.landscape(x[i : i + 1].double(), torch.tensor([level]))
            energy = landscape.energy(y[None])[0]
            (gradient,) = torch.autograd.grad(energy, y)
            assert rows["energy"][i] == pytest.approx(energy.item(), rel=1e-5)
            assert rows["energy_random"][i] == pytest.approx(
                landscape.energy(points[1].double()[None]).item(), rel=1e-5
            )
            assert rows["output_norm"][i] == pytest.approx(gradient.norm().item(), rel=1e-5)
            assert rows["error"][i] == pytest.approx(((gradient - noise[i]) ** 2).mean().item(), rel=1e-5)


def test_samples_come_in_chunks_and_each_counts_once(planted: Make) -> None:
    table, comparison, _ = asked(planted(dim=4, samples=CHUNK + 3))
    assert np.unique(table["sample"]).tolist() == list(range(CHUNK + 3))
    assert len(table["sample"]) == LEVELS * (CHUNK + 3)
    assert set(comparison["n"].tolist()) == {CHUNK + 3}


@pytest.mark.parametrize("head", ["vector", "scalar"])
def test_weights_that_are_no_numbers_are_nan_with_a_reason(head: str, network_subject: Make) -> None:
    subject = network_subject(head=head, samples=4)
    network = subject.energy_of(EnergyNetwork)
    broken = {name: p * math.nan for name, p in network.parameters.items()}
    table, comparison, finding = asked(
        replace(subject, energy=replace(network, parameters=broken), defect="weights are not numbers")
    )
    assert "Nothing can be said" in finding.statement
    assert finding.evidence["verdict"] == "not a number"
    assert np.isnan(comparison["value"]).all()
    assert all(comparison["reason"])
    assert PROBE.figure(table).panels
    over = PROBE.trend([1000, 2000], [finding, finding])
    assert "no checkpoint has a number" in over.statement


def test_what_is_not_finite_is_left_out_and_said(planted: Make) -> None:
    table = PROBE(planted())
    table["energy"][7] = math.inf
    finding = PROBE.conclude(table, PROBE.comparison(table))
    assert "1 left out, whose numbers are not finite" in finding.statement
    assert finding.severity == "warning"


@pytest.mark.parametrize("rank", [1, 3])
def test_one_problem_has_numbers_and_no_verdict(rank: int, network_subject: Make) -> None:
    table, comparison, finding = asked(network_subject(rank=rank, samples=1))
    assert finding.statement.startswith("No verdict")
    assert "no interval: one value has no spread" in finding.statement
    assert math.isfinite(value(comparison, "mse"))
    assert math.isnan(value(comparison, "mse", name="value_low"))
    assert PROBE.figure(table).panels


def told(size: float, verdict: str = "healthy") -> Finding:
    severity = "note" if verdict == "healthy" else "warning"
    return Finding("energy_scale", severity, "", {"size": size, "verdict": verdict})  # type: ignore[arg-type]


def test_growth_over_training_is_the_slope_of_the_logarithm() -> None:
    steps = [1000, 2000, 4000, 5000]
    finding = PROBE.trend(steps, [told(3 * 2 ** (step / 1000)) for step in steps])
    assert finding.evidence["growth"] == pytest.approx(math.log(2))
    assert "a factor of 2 each 1000 steps" in finding.statement
    assert "it grows" in finding.statement


def test_two_checkpoints_have_no_interval_and_a_last_runaway_warns() -> None:
    finding = PROBE.trend([1000, 3000], [told(10.0), told(1000.0, "runaway")])
    assert "no interval: 2 points" in finding.statement
    assert "Verdicts: healthy at 1000, runaway at 3000." in finding.statement
    assert finding.severity == "warning"
    assert PROBE.trend([1000], [told(10.0)]).evidence["n"] == 1


def test_a_young_run_is_not_called_dead_over_training() -> None:
    assert PROBE.trend([400], [told(10.0, "collapse")]).severity == "note"
    assert PROBE.trend([4000], [told(10.0, "collapse")]).severity == "warning"


def test_a_table_from_disk_answers_again(tmp_path: Path, planted: Make) -> None:
    table, _, finding = asked(planted(0.9))
    write_table(tmp_path / "table.parquet", table, {})
    read = read_table(tmp_path / "table.parquet")[0]
    assert PROBE.conclude(read, PROBE.comparison(read)) == finding
    assert len(PROBE.figure(read).panels) == 2


def test_the_interval_of_r2_is_the_bootstraps_over_problems(planted: Make) -> None:
    table = PROBE(planted())
    rng = np.random.default_rng(5)
    table["error"] = np.tile(
        rng.uniform(0.2, 0.8, SAMPLES), LEVELS
    )  # some problems are harder at every level
    above, below = (
        column.reshape(LEVELS, SAMPLES).sum(0) for column in (table["error"] * DIM, table["noise_norm"] ** 2)
    )
    picks = rng.integers(0, SAMPLES, (4000, SAMPLES))
    low, high = np.quantile(1 - above[picks].sum(1) / below[picks].sum(1), [0.025, 0.975])
    comparison = PROBE.comparison(table)
    assert value(comparison, "r2") == pytest.approx(1 - above.sum() / below.sum(), rel=1e-12)
    told = [value(comparison, "r2", name=f"value_{end}") for end in ("low", "high")]
    assert told == pytest.approx([low, high], abs=0.1 * (high - low))
