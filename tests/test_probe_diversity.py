"""Diversity: a naive twin, planted collapse, planted equality, and what has no number."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ired_diag.drawing.paper import render
from ired_diag.inverse.config import InverseConfig
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.mined_batch import KINDS, MiningSettings
from ired_diag.probing.probe import ALL_LEVELS
from ired_diag.stats.set_diversity import median_distance, set_diversity
from ired_diag.stats.vendi import gaussian_kernel, vendi_score
from ired_diag.subject import Subject
from ired_diag.table import Table, concatenate, read_table, select, write_table
from probes.diversity import BLOCK, PROBE, QUANTITIES

Make = Callable[..., Subject]

LEVELS, DIM = 2, 16


def gaussian(generator: torch.Generator, count: int, *, levels: int = LEVELS, dim: int = DIM) -> Tensor:
    return torch.randn(levels, count, dim, generator=generator, dtype=torch.float64)


def answers(generator: torch.Generator, count: int, *, levels: int = LEVELS, dim: int = DIM) -> Tensor:
    """Right answers, the same at every level."""
    return 0.3 * gaussian(generator, count, levels=1, dim=dim).expand(levels, -1, -1)


def versus(table: Table, quantity: str, *, kind: str = "adversarial", other: str = "control") -> Table:
    """The rows of a contrast, over all levels first."""
    return select(PROBE.comparison(table), kind=kind, versus=other, quantity=quantity)


def said(table: Table) -> str:
    """What is concluded, the figure made besides."""
    assert PROBE.figure(table).panels
    return PROBE.conclude(table, PROBE.comparison(table)).statement


def test_table_equals_a_loop_over_pairs_of_problems(
    network_subject: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 24
    monkeypatch.setattr("probes.diversity.BLOCK", size)
    subject = next(network_subject(samples=2 * size + 5).chunks())
    table = PROBE(subject)
    assert len(table["n"]) == 2 * 4 * len(KINDS)
    for kind in ("start", "control"):
        row = select(table, kind=kind, level=2, block=1)
        points = subject.batch.candidates[kind][2, size : 2 * size].double().numpy()
        positive = subject.batch.candidates["positive"][2, size : 2 * size].double().numpy()
        control = subject.batch.candidates["control"][2, size : 2 * size].double().numpy()
        consecutive, pairs, between, similar = 0.0, [], [], np.ones((size, size))
        for i in range(size):
            for j in range(i):
                pairs.append(math.dist(points[i], points[j]) / 3)
                between.append(math.dist(control[i], control[j]) / 3)
                consecutive += pairs[-1] / (size - 1) if j == i - 1 else 0.0
        for i in range(size):
            for j in range(size):
                distance = math.dist(points[i], points[j]) / 3
                similar[i, j] = math.exp(-(distance**2) / (2 * np.median(between) ** 2))
        moved = points - positive
        values = np.sqrt(np.linalg.eigvalsh(np.cov(moved.T)))
        shares = values / values.sum()
        assert row["consecutive"][0] == pytest.approx(consecutive, rel=1e-12)
        assert row["pairs"][0] == pytest.approx(np.mean(pairs), rel=1e-12)
        assert row["bandwidth"][0] == pytest.approx(np.median(between), rel=1e-12)
        assert row["vendi"][0] == pytest.approx(vendi_score(similar), rel=1e-9)
        assert row["displacement_rank"][0] == pytest.approx(math.exp(-(shares @ np.log(shares))), rel=1e-9)


def test_blocks_are_the_same_whatever_the_number_of_problems(network_subject: Make) -> None:
    few, many = PROBE(network_subject(samples=200)), PROBE(network_subject(samples=512 + 130))
    assert np.unique(few["block"]).tolist() == [0]
    assert np.unique(many["block"]).tolist() == [0, 1, 2, 3, 4]
    assert set(many["n"].tolist()) == {BLOCK}
    alone = PROBE(next(network_subject(samples=512).chunks()))
    first = {name: column[many["block"] < 4] for name, column in many.items()}
    assert all(np.array_equal(alone[name], first[name]) for name in QUANTITIES if name != "displacement_rank")
    rest = list(network_subject(samples=512 + 100).chunks())
    assert len(PROBE.measure(rest[1])["n"]) == 0
    assert len(concatenate([PROBE.measure(chunk) for chunk in rest])["kind"]) == len(alone["kind"])


def test_random_perturbations_of_the_same_size_are_not_seen_to_differ(
    plant: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probes.diversity.BLOCK", 32)
    # The intervals hold for both levels together in 95% of studies: 5 of 20 missing have a chance of 0.3%.
    alarms, missed = 0, 0
    for study in range(20):
        generator = torch.Generator().manual_seed(study)
        positive = answers(generator, 6 * 32)
        negative = positive + gaussian(generator, 6 * 32)
        table = PROBE(plant({"positive": positive, "start": negative, "adversarial": negative}))
        comparison = PROBE.comparison(table)
        alarms += "not seen to differ at 2 " not in PROBE.conclude(table, comparison).statement
        row = select(comparison, level=ALL_LEVELS, versus="control", quantity="reverse_coverage")
        row = select(row, kind="adversarial")
        missed += not row["ratio_low"][0] <= 1 <= row["ratio_high"][0]
    assert alarms < 5
    assert missed < 5


def test_negatives_that_are_all_the_same_are_one_at_no_distance_and_a_warning(
    plant: Make, generator: torch.Generator
) -> None:
    positive = answers(generator, 4 * BLOCK)
    table = PROBE(plant({"positive": positive, "adversarial": torch.full_like(positive, 0.1)}))
    rows = select(table, kind="adversarial")
    np.testing.assert_allclose(rows["vendi"], 1.0, rtol=1e-12)
    assert not rows["consecutive"].any()
    assert not rows["pairs"].any()
    assert np.isnan(rows["effective_rank"]).all()
    assert set(rows["reason"]) == {"all candidates are the same and have no effective rank"}
    row = versus(table, "effective_rank")
    assert math.isnan(row["ratio"][0])
    assert row["reason"][0] == "all candidates are the same and have no effective rank"
    finding = PROBE.conclude(table, PROBE.comparison(table))
    assert finding.severity == "warning"
    assert "They collapse, to less than half of that, at every level" in finding.statement
    assert finding.evidence["levels_collapsed"] == LEVELS
    assert finding.evidence["consecutive_adversarial"] == 0.0
    assert render(PROBE.figure(table), "png")


def test_collapse_at_one_level_is_said_of_that_level(plant: Make, generator: torch.Generator) -> None:
    positive = answers(generator, 4 * BLOCK)
    negative = positive + gaussian(generator, 4 * BLOCK)
    negative[1] = 0.05 * negative[1]
    table = PROBE(plant({"positive": positive, "adversarial": negative}))
    assert "They collapse, to less than half of that, at level 1; are not seen to differ" in said(table)
    collapsed = select(table, kind="adversarial", level=1)
    assert (collapsed["density"] > 5).all()
    assert not collapsed["reverse_coverage"].any()


@pytest.mark.parametrize(("strategy", "severity"), [("adversarial", "warning"), ("random", "note")])
def test_collapse_is_a_warning_unless_the_run_trained_on_other_negatives(
    strategy: str, severity: str, plant: Make, generator: torch.Generator
) -> None:
    positive = answers(generator, 4 * BLOCK, levels=1)
    subject = plant({"positive": positive, "adversarial": torch.zeros_like(positive)})
    config = InverseConfig.model_validate({"experiment_name": "q900_synthetic", "mining_strategy": strategy})
    table = PROBE(replace(subject, config=config))
    assert PROBE.conclude(table, PROBE.comparison(table)).severity == severity


def test_displacements_along_a_line_have_effective_rank_1(plant: Make, generator: torch.Generator) -> None:
    positive = answers(generator, 4 * BLOCK)
    steps = torch.randn(LEVELS, 4 * BLOCK, 1, generator=generator, dtype=torch.float64)
    moved = positive + steps * torch.ones(DIM)
    spread = positive + gaussian(generator, 4 * BLOCK)
    table = PROBE(plant({"positive": positive, "start": spread, "adversarial": moved}))
    row = versus(table, "displacement_rank", other="start")
    np.testing.assert_allclose(row["mean"], 1.0, rtol=1e-10)
    assert row["ratio_high"][0] < 0.1
    assert (select(table, kind="adversarial")["effective_rank"] > 2).all()


def test_the_same_displacement_everywhere_has_no_effective_rank_and_is_said(
    plant: Make, generator: torch.Generator
) -> None:
    positive = answers(generator, 4 * BLOCK)
    exact = (1024 * positive).round() / 1024  # so that a difference of 2 is exact
    table = PROBE(plant({"positive": exact, "adversarial": exact + 2.0}))
    assert set(select(table, kind="adversarial")["reason"]) == {
        "all displacements are the same and have no effective rank"
    }
    assert "no effective rank at some level (all displacements are the same" in said(table)


def test_planted_duplicates_leave_the_vendi_score_of_half_as_many(rng: np.random.Generator) -> None:
    points = rng.standard_normal((20, 4))
    twice = np.repeat(points, 2, axis=0)
    bandwidth = median_distance(points)
    once, doubled = (set_diversity(p, 0 * p, p, bandwidth=bandwidth) for p in (points, twice))
    assert doubled.vendi == pytest.approx(once.vendi, rel=1e-10)
    assert doubled.effective_rank == pytest.approx(once.effective_rank, rel=1e-10)
    assert doubled.consecutive == pytest.approx(once.consecutive * 19 / 39, rel=1e-12)


def test_order_and_rotation_of_the_problems_change_no_number_but_that_of_consecutive_ones(
    plant: Make, generator: torch.Generator
) -> None:
    positive = answers(generator, BLOCK)
    candidates = {kind: positive + gaussian(generator, BLOCK) for kind in KINDS}
    candidates["positive"] = positive
    rotation = torch.linalg.qr(torch.randn(DIM, DIM, generator=generator).double())[0]
    half = torch.randperm(BLOCK // 2, generator=generator)
    order = torch.cat([half, BLOCK // 2 + half.flip(0)])
    table = PROBE(plant(candidates))
    rotated = PROBE(plant({kind: c @ rotation for kind, c in candidates.items()}))
    shuffled = PROBE(plant({kind: c[:, order] for kind, c in candidates.items()}))
    for name in QUANTITIES:
        np.testing.assert_allclose(rotated[name], table[name], rtol=1e-9)
        if name != "consecutive":
            np.testing.assert_allclose(shuffled[name], table[name], rtol=1e-9)


def test_effective_rank_is_compared_with_a_control_under_the_same_bound(
    plant: Make, generator: torch.Generator
) -> None:
    positive = answers(generator, 40, dim=400)
    negative = positive + gaussian(generator, 40, dim=400)
    table = PROBE(plant({"positive": positive, "adversarial": negative}, rank=20))
    for kind in ("adversarial", "control"):
        rank = select(table, kind=kind)["displacement_rank"]
        assert ((rank > 36) & (rank <= 39)).all()  # of 400 directions 39 can be seen
    assert PROBE.conclude(table, PROBE.comparison(table)).evidence["largest_rank"] == 39


def test_levels_have_wider_intervals_so_that_all_hold_together(
    plant: Make, generator: torch.Generator
) -> None:
    positive = answers(generator, 4 * BLOCK)
    negative = positive + gaussian(generator, 4 * BLOCK)
    rows = versus(PROBE(plant({"positive": positive, "adversarial": negative})), "pairs")
    assert rows["level"].tolist() == [ALL_LEVELS, 0, 1]
    np.testing.assert_allclose(rows["confidence"], [0.95, 0.975, 0.975])
    assert rows["n"].tolist() == [4, 4, 4]


def test_fewer_problems_than_a_block_are_used_and_said(network_subject: Make) -> None:
    table = PROBE(network_subject(samples=40))
    assert set(table["n"].tolist()) == {40}
    assert all(reason.startswith("a small block: n = 40, not 128") for reason in table["reason"])
    row = versus(table, "vendi")
    assert (row["n"][0], row["reason"][0]) == (1, "one block, n = 40, has no interval")
    assert "Too few problems for a verdict (512 are needed). " in said(table)


@pytest.mark.parametrize("samples", [1, 2, 11, 12])
def test_a_handful_of_problems_gives_what_it_can_and_reasons(samples: int, network_subject: Make) -> None:
    table = PROBE(network_subject(samples=samples))
    assert np.isnan(table["vendi"]).all() == (samples == 1)
    assert np.isnan(table["coverage"]).all() == (samples < 12)
    statement = said(table)
    if samples == 1:
        assert (
            "nothing can be said of the negatives' diversity: a small block: n = 1, not 128; one point"
            in statement
        )
    elif samples < 12:
        assert "density and coverage need 12 problems" in versus(table, "coverage")["reason"][0]


def test_weights_that_are_not_numbers_give_nan_the_defect_and_no_verdict(network_subject: Make) -> None:
    sound = network_subject(samples=2 * BLOCK)
    network = sound.energy_of(EnergyNetwork)
    broken = {name: torch.full_like(p, math.nan) for name, p in network.parameters.items()}
    subject = replace(sound, energy=replace(network, parameters=broken), defect="its weights are NaN")
    table = PROBE(subject)
    assert np.isnan(select(table, kind="adversarial")["pairs"]).all()
    assert np.isfinite(select(table, kind="random")["pairs"]).all()
    assert set(versus(table, "vendi")["reason"]) == {"its weights are NaN"}
    assert "nothing can be said of the negatives' diversity: its weights are NaN. 2 blocks" in said(table)


def test_one_broken_level_leaves_the_verdict_on_the_others(plant: Make, generator: torch.Generator) -> None:
    positive = answers(generator, 4 * BLOCK)
    negative = 0.01 * gaussian(generator, 4 * BLOCK)
    negative[0, 3] = math.inf
    table = PROBE(plant({"positive": positive, "adversarial": negative}))
    assert np.isnan(versus(table, "vendi")["ratio"]).tolist() == [
        False,
        False,
        False,
    ]  # three blocks are whole
    negative[0] = math.nan
    table = PROBE(plant({"positive": positive, "adversarial": negative}))
    assert np.isnan(versus(table, "vendi")["ratio"]).tolist() == [True, True, False]
    statement = said(table)
    assert (
        "nothing can be said of the negatives' diversity: 128 of 128 candidates are not finite" in statement
    )
    assert "They collapse, to less than half of that, at level 1 (" in statement


def test_one_dimension_has_one_direction(quadratic_subject: Make) -> None:
    table = PROBE(quadratic_subject(torch.eye(1), samples=BLOCK))
    assert set(select(table, kind="adversarial")["effective_rank"].tolist()) == {1.0}
    assert PROBE.conclude(table, PROBE.comparison(table)).evidence["largest_rank"] == 1
    assert "of at most 1 direction" in said(table)


def test_run_without_steps_of_mining_has_negatives_that_are_its_start(network_subject: Make) -> None:
    table = PROBE(network_subject(samples=BLOCK, mining=MiningSettings(opt_steps=0)))
    assert not versus(table, "vendi", other="start")["difference"].any()
    assert "The descent moved none of them: they are its start." in said(table)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"mining_strategy": "none"}, "The run trained without negatives; these are mined as"),
        ({"mining_strategy": "adversarial", "energy_loss_weight": 0.0}, "The run trained without negatives;"),
        ({"mining_strategy": "random"}, "The run trained on random negatives; these are mined as"),
        ({"mining_strategy": "adversarial"}, ""),
        ({}, ""),
    ],
)
def test_what_the_run_trained_on_is_said_where_it_is_told(
    told: dict[str, str], words: str, network_subject: Make
) -> None:
    config = InverseConfig.model_validate({"experiment_name": "q900_synthetic", **told})
    statement = said(PROBE(network_subject(samples=20, config=config)))
    assert words in statement
    assert ("trained" in statement) == bool(words)


def test_table_from_disk_answers_as_the_measured_one(network_subject: Make, tmp_path: Path) -> None:
    table = PROBE(network_subject(samples=2 * BLOCK))
    write_table(tmp_path / "diversity.parquet", table, {})
    again = read_table(tmp_path / "diversity.parquet")[0]
    assert said(again) == said(table)


def test_figure_shows_means_over_blocks_and_the_bounds(network_subject: Make) -> None:
    table = PROBE(network_subject(samples=2 * BLOCK))
    figure = PROBE.figure(table)
    line = next(line for line in figure.panels[1].lines if line.name == "random")
    assert line.y[1] == pytest.approx(select(table, kind="random", level=1)["vendi"].mean())
    assert line.low is not None
    assert (figure.panels[1].guides[0].y, figure.panels[2].guides[0].y) == (128, 9)
    assert "2 blocks of 128 problems" in figure.note
    assert [line.name for line in figure.panels[2].lines] == ["random", "start", "adversarial", "control"]


def test_kernel_of_the_median_distance_gives_the_control_the_same_score_at_any_scale(
    rng: np.random.Generator,
) -> None:
    points = rng.standard_normal((50, 9))
    scores = [
        set_diversity(c * points, points, c * points, bandwidth=median_distance(c * points)).vendi
        for c in (1e-3, 1.0, 1e3)
    ]
    np.testing.assert_allclose(scores, scores[0], rtol=1e-10)
    assert vendi_score(gaussian_kernel(np.zeros((4, 4)), 1.0)) == pytest.approx(1.0)
