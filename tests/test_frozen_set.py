"""The frozen evaluation set: the same for all, however it is cut; answers by the public sampler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from scipy import stats

from ired_diag.inverse.frozen_set import BLOCK, FrozenChunk, frozen_set, solver_of
from ired_diag.inverse.matrices import MatrixData
from ired_diag.model.sampler import sample
from ired_diag.subject import Subject

DATA = MatrixData(rank=3)
PARTS = ("problem", "inverse", "start")


def whole(data: MatrixData, samples: int, chunk: int = BLOCK) -> dict[str, torch.Tensor]:
    chunks = list(frozen_set(data, samples, chunk=chunk))
    assert [c.first for c in chunks] == [sum(len(c.start) for c in chunks[:i]) for i in range(len(chunks))]
    return {name: torch.cat([getattr(c, name) for c in chunks]) for name in PARTS}


@pytest.mark.parametrize("chunk", [1, 7, 999, 1024])
def test_first_problems_are_the_same_however_many_are_asked_for_and_however_cut(chunk: int) -> None:
    many = whole(DATA, BLOCK + 30)
    few = whole(DATA, 25 if chunk == 1 else BLOCK + 10, chunk)
    for name in PARTS:
        assert torch.equal(few[name], many[name][: len(few[name])])


def test_blocks_differ_from_each_other() -> None:
    found = whole(DATA, 2 * BLOCK)
    for name in PARTS:
        assert not torch.isin(found[name][:BLOCK], found[name][BLOCK:]).any()


def test_in_and_out_of_distribution_only_epsilon_differs() -> None:
    inside, outside = whole(DATA, 10), whole(replace(DATA, ood=True), 10)
    difference = (inside["problem"] - outside["problem"]).reshape(-1, 3, 3)
    torch.testing.assert_close(difference, 0.4 * torch.eye(3).double().expand(10, 3, 3))
    assert torch.equal(inside["start"], outside["start"])


def test_inverses_are_inverses_and_starts_are_standard_normal() -> None:
    found = whole(DATA, BLOCK)
    product = found["problem"].reshape(-1, 3, 3) @ found["inverse"].reshape(-1, 3, 3)
    torch.testing.assert_close(product, torch.eye(3).double().expand(BLOCK, 3, 3), rtol=0, atol=1e-12)
    assert stats.kstest(found["start"].flatten().numpy(), "norm").pvalue > 0.001


def test_solver_answers_as_the_public_sampler_does(network_subject: Callable[..., Subject]) -> None:
    subject = network_subject()
    chunk: FrozenChunk = next(frozen_set(DATA, 6))
    for inner_steps in (0, 5):
        expected = sample(
            subject.energy, chunk.problem.float(), chunk.start, subject.schedule, inner_steps=inner_steps
        )
        solve = solver_of(subject.energy, subject.schedule, subject.device, inner_steps=inner_steps)
        found = solve(chunk.problem, chunk.start)
        assert torch.equal(found.answer, expected.answer.double())
        assert torch.equal(found.trajectory, expected.trajectory.double())
