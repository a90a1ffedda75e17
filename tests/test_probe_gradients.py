"""Gradients: planted gradients, one long gradient of many problems, and what cannot be measured."""

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

from ired_diag.finding import Finding
from ired_diag.inverse.batch_gradients import LAYERS
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.gradient_survey import Survey
from ired_diag.inverse.mined_batches import draw_mined_batches
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.objective import training_loss
from ired_diag.inverse.survey_table import survey_rows, table_rows
from ired_diag.model.mined_batch import MiningSettings
from ired_diag.streams import make_streams
from ired_diag.subject import Subject
from ired_diag.table import Table, concatenate, read_table, select, write_table
from probes.inverse.gradients import PROBE

Make = Callable[..., Subject]
BATCHES, SIZE, ENTRIES = 16, 8, 30


def config_of(**keys: Any) -> InverseConfig:
    told = {"mining_strategy": "adversarial", "batch_size": 64, **keys}
    return InverseConfig(experiment_name="x", rank=3, width=16, diffusion_steps=4, **told)


def survey_of(gradients: Tensor) -> Survey:
    """A survey of planted gradients of shape (terms, batches, halves, entries), the same in each layer."""
    mean, difference = gradients.mean(2), (gradients[:, :, 0] - gradients[:, :, 1]) / 2
    half = torch.einsum("arx,bx->abr", mean, mean.mean(1))
    kinds = (
        torch.einsum("arx,brx->abr", mean, mean),
        (half + half.transpose(0, 1)) / 2,
        torch.einsum("arx,brx->abr", difference, difference),
    )
    layers = (*LAYERS, "all")
    updates = torch.ones(gradients.shape[1] + 1, dtype=torch.float64)
    own, whole, scatter = (dict.fromkeys(layers, kind) for kind in kinds)
    return Survey(own, whole, scatter, dict.fromkeys(layers, updates))


def planted(
    denoise: Tensor,
    nce: Tensor,
    *,
    sigma: float = 0.1,
    shared: float = 0.0,
    clip: float = math.nan,
    seed: int = 1,
) -> Table:
    """A table of planted mean gradients, in batches of 8 whose samples stray by sigma in each entry."""
    generator = torch.Generator().manual_seed(seed)
    shape = (2, BATCHES, 2, ENTRIES)
    stray = sigma * torch.randn(shape, generator=generator, dtype=torch.float64) / math.sqrt(SIZE / 2)
    stray[1] += shared * torch.randn(BATCHES, 1, ENTRIES, generator=generator, dtype=torch.float64)
    terms = torch.stack([denoise, nce])[:, None, None] + stray
    rows = survey_rows(survey_of(torch.cat([terms, terms.sum(0, keepdim=True)])), ("denoise", "nce", "total"))
    settings = {
        "size": SIZE,
        "batch_size": 64,
        "learning_rate": 1e-3,
        "clip": clip,
        "shares_bound": shared > 0,
    }
    rows += [table_rows([float(value)], quantity=name, first=-1) for name, value in settings.items()]
    for layer in (*LAYERS, "all"):
        rows += [table_rows([1.0], layer=layer, quantity=n, first=-1) for n in ("weight_norm", "entries")]
    return concatenate(rows)


def unit(*entries: float) -> Tensor:
    vector = torch.zeros(ENTRIES, dtype=torch.float64)
    vector[: len(entries)] = torch.tensor(entries, dtype=torch.float64)
    return vector


def of(comparison: Table, term: str, quantity: str, **keys: Any) -> tuple[float, float, float, str]:
    told = {"layer": "all", "versus": "", "level": -1, **keys}
    rows = select(comparison, term=term, quantity=quantity, **told)
    x, low, high = (float(rows[name][0]) for name in ("x", "x_low", "x_high"))
    return x, low, high, str(rows["reason"][0])


def conclusion(table: Table) -> Finding:
    return PROBE.conclude(table, PROBE.comparison(table))


def test_planted_norms_cosines_noise_and_clip_are_found() -> None:
    table = planted(unit(3.0), unit(-1.2, 1.6), clip=1.0)
    comparison = PROBE.comparison(table)
    trace = 2 * ENTRIES * 0.1**2  # of the total: the terms stray independently
    square = 1.8**2 + 1.6**2
    for term, quantity, keys, truth in (
        ("denoise", "norm", {}, 3.0),
        ("total", "step_norm", {}, math.sqrt(square + trace / 64)),
        ("nce", "share", {}, 0.4),
        ("nce", "cosine", {"versus": "denoise"}, -0.6),
        ("total", "noise_scale", {}, trace / square),
        ("total", "over_clip", {}, math.sqrt(square + trace / 64)),
    ):
        x, low, high, _ = of(comparison, term, quantity, **keys)
        assert low < truth < high, quantity
        assert x == pytest.approx(truth, rel=0.25), quantity
    assert of(comparison, "total", "gradient_to_weight")[0] == of(comparison, "total", "step_norm")[0]


@pytest.mark.parametrize(
    ("nce", "said", "severity"),
    [
        (unit(-1.2, 1.6), "it pulls against the denoising term", "warning"),
        (unit(1.2, 1.6), "it pulls with the denoising term", "note"),
        (unit(0.0, 2.0), "it is not seen to pull with or against the denoising term", "note"),
        (unit(0.0), "a gradient cannot be distinguished from 0", "note"),
    ],
)
def test_the_sentence_says_whether_terms_fight(nce: Tensor, said: str, severity: str) -> None:
    finding = conclusion(planted(unit(3.0), nce))
    assert said in finding.statement
    assert finding.severity == severity


def test_the_sentence_says_what_a_batch_shares_and_what_is_clipped() -> None:
    finding = conclusion(planted(unit(3.0), unit(0.0, 1.0), shared=0.4, clip=0.5))
    assert "no larger batch averages it away" in finding.statement
    assert "above the clip at 0.5" in finding.statement
    assert finding.severity == "warning"
    quiet = conclusion(planted(unit(3.0), unit(0.0, 1.0), clip=50.0))
    assert "below the clip at 50" in quiet.statement
    assert "averages it away" not in quiet.statement
    assert quiet.severity == "note"


@pytest.mark.parametrize("strategy", ["random", "adversarial"])
def test_the_norm_of_a_step_is_that_of_long_batches_of_the_training_loss(
    network_subject: Make, strategy: str
) -> None:
    config = config_of(mining_strategy=strategy, energy_reg_weight=0.01)
    subject = network_subject(config=config, samples=1024)
    original = subject.energy_of(EnergyNetwork)
    x, low, high, _ = of(PROBE.comparison(PROBE(subject)), "total", "step_norm")
    squares = []
    for number in range(100):
        leaves = {n: p.clone().requires_grad_() for n, p in original.parameters.items()}
        network = EnergyNetwork(original.architecture, leaves)
        streams = [make_streams(500 + number, "cpu")]
        batch, _ = draw_mined_batches(network, subject.schedule, config, subject.problems, streams, size=64)
        loss = training_loss(network, subject.schedule, config, batch.problem, batch.answer, batch.draws)
        gradients = torch.autograd.grad(loss.total.sum(), list(leaves.values()), materialize_grads=True)
        squares.append(sum(float(g.square().sum()) for g in gradients))
    error = np.std(squares, ddof=1) / math.sqrt(100) / (2 * math.sqrt(np.mean(squares)))
    truth = math.sqrt(np.mean(squares))
    assert low - 2 * error < truth < high + 2 * error
    assert high - low < 0.6 * x


def test_a_table_from_disk_answers_again(network_subject: Make, tmp_path: Path) -> None:
    table = PROBE(network_subject(config=config_of(), samples=64))
    write_table(tmp_path / "table.parquet", table, {})
    again, _ = read_table(tmp_path / "table.parquet")
    assert conclusion(again).statement == conclusion(table).statement
    np.testing.assert_array_equal(PROBE.comparison(again)["x"], PROBE.comparison(table)["x"])


def test_measuring_twice_gives_the_same_and_another_seed_another(network_subject: Make) -> None:
    subject = network_subject(config=config_of(), samples=64)
    np.testing.assert_array_equal(PROBE(subject)["value"], PROBE(subject)["value"])
    assert not np.array_equal(
        PROBE(replace(subject, seed=1))["value"], PROBE(subject)["value"], equal_nan=True
    )


def test_a_run_without_mining_says_so_and_tells_what_the_term_would_be(network_subject: Make) -> None:
    table = PROBE(network_subject(config=config_of(mining_strategy="none"), samples=256))
    comparison = PROBE.comparison(table)
    assert math.isnan(of(comparison, "nce", "norm")[0])
    assert of(comparison, "nce", "norm")[3] == "its configuration tells of no mining"
    assert of(comparison, "nce_if_mined", "step_norm")[0] > 0
    assert of(comparison, "denoise", "share")[0] == 1
    assert of(comparison, "total", "norm")[:3] == of(comparison, "denoise", "norm")[:3]
    finding = PROBE.conclude(table, comparison)
    assert "There is no contrastive term (its configuration tells of no mining)" in finding.statement
    assert [line.name for line in PROBE.figure(table).panels[0].lines][-1] == "denoising"


def test_without_a_configuration_the_public_codes_training_is_assumed_and_said(network_subject: Make) -> None:
    subject = network_subject(config=None, samples=64, mining=MiningSettings(opt_steps=0))
    table = PROBE(subject)
    assert select(table, quantity="batch_size")["value"].tolist() == [2048]
    assert not select(table, quantity="shares_bound")["value"][0]
    assert "(assumed: no configuration is known)" in conclusion(table).statement
    assert "nce" in table["term"]
    deeper = PROBE(replace(subject, mining=MiningSettings(opt_steps=2)))
    assert select(deeper, quantity="shares_bound")["value"][0]


def test_mining_without_steps_is_measured(network_subject: Make) -> None:
    table = PROBE(network_subject(config=config_of(mining_opt_steps=0), samples=64))
    assert of(PROBE.comparison(table), "nce", "step_norm")[0] > 0


def test_weights_that_are_no_numbers_give_nan_and_the_reason(network_subject: Make) -> None:
    subject = network_subject(config=config_of(), samples=64)
    network = subject.energy_of(EnergyNetwork)
    broken = {name: torch.full_like(p, math.nan) for name, p in network.parameters.items()}
    subject = replace(subject, energy=replace(network, parameters=broken))
    table = PROBE(replace(subject, defect="Its weights are not numbers."))
    comparison = PROBE.comparison(table)
    assert math.isnan(of(comparison, "total", "step_norm")[0])
    assert of(comparison, "total", "noise_scale")[3] == "not a finite number"
    finding = PROBE.conclude(table, comparison)
    assert finding.statement == "Nothing can be said of the gradients: Its weights are not numbers."
    assert PROBE.figure(table).panels
    assert "not a finite number" in conclusion(PROBE(subject)).statement


def test_gradients_of_0_have_no_direction_and_no_noise_scale(network_subject: Make) -> None:
    subject = network_subject(config=config_of(), samples=64)
    network = subject.energy_of(EnergyNetwork)
    zeros = {name: torch.zeros_like(p) for name, p in network.parameters.items()}
    table = PROBE(replace(subject, energy=replace(network, parameters=zeros)))
    comparison = PROBE.comparison(table)
    assert of(comparison, "total", "norm")[0] == 0
    assert of(comparison, "nce", "cosine", versus="denoise")[3] == "a gradient cannot be distinguished from 0"
    assert of(comparison, "nce", "share")[3] == "divided by a length of 0"
    assert "The noise scale cannot be told" in PROBE.conclude(table, comparison).statement
    assert PROBE.figure(table).panels


@pytest.mark.parametrize("samples", [1, 5, 7])
def test_few_problems_have_no_verdict(network_subject: Make, samples: int) -> None:
    table = PROBE(network_subject(config=config_of(), samples=samples))
    statement = conclusion(table).statement
    assert ("fewer than 3 batches" if samples < 6 else "too few for a verdict") in statement
    assert PROBE.figure(table).panels


@pytest.mark.parametrize("head", ["vector", "scalar"])
def test_rank_1_one_level_and_either_head_are_measured(network_subject: Make, head: str) -> None:
    subject = network_subject(rank=1, levels=1, head=head, config=config_of(), samples=64)
    comparison = PROBE.comparison(PROBE(subject))
    assert of(comparison, "total", "step_norm", layer="head")[0] > 0
    assert not len(select(comparison, quantity="cosine", level=0)["x"])


def test_a_run_without_a_clip_and_one_whose_clip_meets_scaled_gradients(network_subject: Make) -> None:
    subject = network_subject(config=config_of(gradient_clip=None), samples=64)
    table = PROBE(subject)
    assert of(PROBE.comparison(table), "total", "over_clip")[3] == "no clip"
    assert "clip" not in conclusion(table).statement
    scaled = PROBE(replace(subject, config=config_of(clip_scaled_gradients=True)))
    assert select(scaled, quantity="clip")["value"].tolist() == [1 / 65536]
    assert "above the clip at 1.53e-05" in conclusion(scaled).statement


def test_the_figure_shows_the_comparison(network_subject: Make) -> None:
    table = PROBE(network_subject(config=config_of(), samples=256))
    comparison, figure = PROBE.comparison(table), PROBE.figure(table)
    lines = {line.name: line for line in figure.panels[0].lines}
    assert list(lines) == ["contrastive", "total", "denoising"]
    assert lines["contrastive"].y[-1] == of(comparison, "nce", "step_norm")[0]
    assert lines["contrastive"].y[2] == of(comparison, "nce", "step_norm", layer="fc3")[0]
    assert "n = 32 batches of 8 problems" in figure.method
