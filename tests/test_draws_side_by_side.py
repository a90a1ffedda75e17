"""A batch drawn on several threads is the batch of one thread, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from ired_diag.inverse.config import parse_inverse
from ired_diag.inverse.draws import draw_batch
from ired_diag.inverse.matrices import BLOCK, MatrixData, draw_matrices
from ired_diag.streams import make_streams

COUNT = 2 * BLOCK + 44  # the last block is a part of one


@pytest.fixture(autouse=True)
def number_of_threads() -> Iterator[None]:
    number = torch.get_num_threads()
    yield
    torch.set_num_threads(number)


def batches(threads: int, **knobs: Any) -> list[Tensor | None]:
    """Return all that two steps draw."""
    torch.set_num_threads(threads)
    config = parse_inverse({"experiment_name": "q900_draws", "rank": 6, "batch_size": COUNT, **knobs})
    streams = make_streams(3, "cpu")
    tensors: list[Tensor | None] = []
    for _ in range(2):
        batch = draw_batch(config, streams, contrast=config.mining_strategy != "none")
        draws = batch.draws
        tensors += [batch.problem, batch.answer]
        tensors += [draws.t, draws.noise, draws.contrast_noise, draws.negative]
    assert torch.get_num_threads() == threads
    return tensors


@pytest.mark.parametrize("dataset", ["ired", "design"])
@pytest.mark.parametrize("strategy", ["none", "random", "adversarial"])
def test_threads_change_no_bit_of_a_batch(strategy: str, dataset: str) -> None:
    knobs = {"mining_strategy": strategy, "dataset": dataset}
    alone = batches(1, **knobs)
    for threads in (2, 3):
        for one, other in zip(alone, batches(threads, **knobs), strict=True):
            if one is None or other is None:
                assert one is other
            else:
                assert torch.equal(one, other)


def test_matrices_of_blocks_are_those_of_the_formula() -> None:
    """All numbers drawn at once, and each matrix inverted by itself."""
    torch.set_num_threads(2)
    data = MatrixData(rank=6)
    a, inverse = draw_matrices(data, COUNT, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    roots = torch.empty(COUNT, 6, 6, dtype=torch.float64)
    roots.uniform_(-1, 1, generator=torch.Generator().manual_seed(5))
    for k in range(COUNT):
        expected = 2 * roots[k] @ roots[k].T + 0.5 * torch.eye(6, dtype=torch.float64)
        torch.testing.assert_close(a[k].reshape(6, 6), expected, rtol=1e-13, atol=1e-13)
        torch.testing.assert_close(
            inverse[k].reshape(6, 6), torch.linalg.inv(expected), rtol=1e-11, atol=1e-12
        )
