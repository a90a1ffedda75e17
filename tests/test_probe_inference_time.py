"""Inference time: planted times and errors, a sampler that stops early, the clock."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ired_diag.drawing import paper
from ired_diag.inverse.architecture import initial_parameters
from ired_diag.inverse.config import parse_inverse
from ired_diag.inverse.configured import architecture_of, network_of
from ired_diag.inverse.frozen_set import frozen_set
from ired_diag.inverse.matrices import MatrixData
from ired_diag.model.sampler import sample
from ired_diag.model.schedule import cosine_schedule
from ired_diag.subject import Subject
from ired_diag.table import Table, row_of, select, table_of_rows
from probes.inverse.inference_time import CHUNKS, COLUMNS, INNER, PROBE

DATA, LEVELS = MatrixData(rank=3), 4
SCHEDULE = cosine_schedule(LEVELS)
SIZES = {"rank": 3, "width": 16, "time_embedding": 8, "time_width": 8, "diffusion_steps": LEVELS}


def subject(samples: int = 60) -> Subject:
    config = parse_inverse({"experiment_name": "q1", **SIZES})
    generator = torch.Generator().manual_seed(1)
    network = network_of(config, initial_parameters(architecture_of(config), generator=generator))
    return Subject(energy=network, schedule=SCHEDULE, problems=DATA, samples=samples)


def planted(noise: float = 0.0) -> Table:
    """Times of 1 ms an evaluation, errors 1, 0.5, 0.2, 0.2 after each step, 1% lower with inner steps."""
    rng, rows = np.random.default_rng(0), []
    for chunk in range(CHUNKS):
        luck = rng.normal(0, noise)
        for inner in INNER:
            for step, error in enumerate((1.0, 0.5, 0.2, 0.2), start=1):
                mse = error * (0.99 if inner else 1.0) + luck
                key: dict[str, Any] = {
                    "inner_steps": inner,
                    "sampler_steps": step,
                    "chunk": chunk,
                    "count": 10,
                }
                rows.append({**key, "ms": float(step * (1 + inner)), "mse": mse, "device": "cpu, 1 thread"})
    return table_of_rows(COLUMNS, rows)


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_the_fastest_pair_within_the_margin_is_worth_it(noise: float) -> None:
    """Problems of a chunk are hard or easy for all pairs alike: their luck leaves the excess."""
    table = planted(noise)
    comparison = PROBE.comparison(table)
    finding = PROBE.conclude(table, comparison)
    evidence = finding.evidence
    assert (evidence["worth_inner_steps"], evidence["worth_sampler_steps"]) == (0, 3)
    assert evidence["worth_ms"] == 3.0
    assert evidence["public_ms"] == 24.0
    assert "3 sampler steps without inner steps are worth it: 3 ms a problem" in finding.statement
    excess = row_of(comparison, inner_steps=0, sampler_steps=2)
    assert excess["excess"] == pytest.approx(0.5 - 0.198)
    assert paper.render(PROBE.figure(table), "png")


def test_where_nothing_faster_is_within_the_margin_all_steps_are_worth_it() -> None:
    table = planted()
    better = (table["inner_steps"] == 10) & (table["sampler_steps"] == 4)
    table["mse"] = np.where(better, 0.1, table["mse"])
    statement = PROBE.conclude(table, PROBE.comparison(table)).statement
    assert "Nothing faster is shown to stay within 5% of it" in statement


def test_one_chunk_that_waited_for_other_work_slows_nothing_and_is_said() -> None:
    table = planted()
    table["ms"] = np.where(table["chunk"] > 2, 3 * table["ms"], table["ms"])
    comparison = PROBE.comparison(table)
    row = row_of(comparison, inner_steps=5, sampler_steps=4)
    assert (row["ms"], row["ms_median"]) == (24.0, 72.0)
    assert "other work ran on this machine" in PROBE.conclude(table, comparison).statement


def test_answers_that_are_no_numbers_say_nothing() -> None:
    table = planted()
    table["mse"] = np.full_like(table["mse"], np.nan)
    finding = PROBE.conclude(table, PROBE.comparison(table))
    assert finding.severity == "warning"
    assert "nothing can be said" in finding.statement


def test_errors_are_those_of_the_public_sampler_after_each_step() -> None:
    model = subject()
    table = PROBE(model)
    problems = list(frozen_set(DATA, 60, chunk=8))
    assert len(table["mse"]) == len(INNER) * LEVELS * len(problems)
    for inner in (0, 5):
        squares = []
        for chunk in problems:
            answers = sample(model.energy, chunk.problem.float(), chunk.start, SCHEDULE, inner_steps=inner)
            squares.append((answers.trajectory.double() - chunk.inverse).square().mean(-1))
        expected = torch.cat(squares, dim=1).mean(1).tolist()
        rows = select(PROBE.comparison(table), inner_steps=inner)
        assert rows["mse"].tolist() == pytest.approx(expected, rel=1e-5)
        assert rows["n"].tolist() == [60] * LEVELS


def test_time_goes_on_and_more_inner_steps_take_more_of_it() -> None:
    table = PROBE(subject(400))
    for inner in INNER:
        for chunk in range(CHUNKS):
            times = select(table, inner_steps=inner, chunk=chunk)["ms"]
            assert bool((np.diff(times) > 0).all())
    comparison = PROBE.comparison(table)
    whole = [row_of(comparison, inner_steps=inner, sampler_steps=LEVELS)["ms"] for inner in (0, 10)]
    assert whole[1] > 2 * whole[0]
