"""The benchmark of a training step: its products are those of the step, and no share is above the whole."""

from __future__ import annotations

import argparse

import pytest
import torch

from benchmarks.matrix_products import Layout, Product, RecordedProducts, Replay, square
from benchmarks.plain_reading import Strategy
from benchmarks.train_step import Timing, _config, _say_shares, machine_rate, measure, recorded_products
from ired_diag.inverse.config import InverseConfig

CPU = torch.device("cpu")
LEVELS = 10
OPTIONS = argparse.Namespace(rank=5, width=32, batch=64, repeats=3, eager=True)


def operations_of(config: InverseConfig) -> float:
    """Return the operations of the network's matrix products in a step of one seed, without its embedding's.

    A product's backward pass is one product for each factor that needs a gradient. With e an energy at y, g
    its gradient: training needs e + g of the noisy answer once with its backward pass; mining K times e + g
    and one e without; the contrast two e with their backward pass. The problem's half of W₁ is applied once.
    """
    dim, width = config.rank**2, config.width
    first, middle, last = dim * width, width * width, width * dim
    energy = first + 2 * middle + last
    gradient = last + 2 * middle + first
    back_energy = first + 2 * (2 * middle + last)  # no gradient flows to y
    back_gradient = 2 * gradient
    total = 2 * first + energy + gradient + back_energy + back_gradient
    if config.mining_strategy == "adversarial":
        total += config.mining_opt_steps * (energy + gradient) + energy
    if config.mining_strategy != "none":
        total += 2 * (energy + back_energy)
    return 2.0 * total * config.batch_size


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("strategy", ["none", "adversarial"])
def test_recorded_products_are_those_that_the_algorithm_needs(strategy: Strategy, precision: str) -> None:
    config = _config(strategy, precision, OPTIONS)
    recorded = 0.0
    for product in recorded_products(config, 1, CPU):
        sizes = {*product.left.shape, product.right.shape[-1]}
        if LEVELS not in sizes:  # the embedding of the levels is none of the network's layers
            assert OPTIONS.batch in sizes
            recorded += product.operations
    assert recorded == operations_of(config)


def test_products_are_noted_with_their_layouts_and_done_again() -> None:
    a, b = torch.randn(3, 4, 5), torch.randn(3, 6, 5)
    c, d = torch.randn(4, 5, dtype=torch.bfloat16), torch.randn(5, 2, dtype=torch.bfloat16)
    with RecordedProducts() as record:
        a @ b.mT
        c @ d
    first, second = record.products
    assert first.right == Layout((3, 5, 6), (30, 1, 5), torch.float32)
    assert (first.operations, second.operations) == (2 * 3 * 4 * 5 * 6, 2 * 4 * 5 * 2)
    with RecordedProducts() as again:
        Replay(record.products, CPU)()
    assert again.products == record.products


def test_the_rate_is_the_best_of_products_and_steps() -> None:
    assert machine_rate(400.0, [100.0, 300.0]) == (400.0, False)
    assert machine_rate(400.0, [100.0, 500.0]) == (500.0, True)


def test_a_step_faster_than_every_product_makes_the_rate_a_lower_bound(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Products that were measured while the machine was slow: no step is at 125% of its rate."""
    slow = Timing(
        strategy="none",
        precision="bf16",
        seeds=1,
        ours_ms=1.0,
        products_ms=0.8,
        over_products=1.25,
        plain_ms=2.0,
        ratio=2.0,
        plain_fp32_ms=3.0,
        ratio_fp32=3.0,
        step_rate=5e11,
        product_rate=4e11,
    )
    assert _say_shares([slow]) == [1.0]
    lines = capsys.readouterr().out
    assert "at least 500 GFLOP/s, the rate of a step: the best product alone had 400" in lines
    assert "100% of the matrix rate" in lines


def test_a_measured_step_has_a_share_of_the_rate_of_its_own_products() -> None:
    timing = measure("adversarial", "fp32", 1, CPU, OPTIONS)
    assert timing.products_ms < timing.ours_ms
    assert timing.over_products > 1
    (share,) = _say_shares([timing])
    assert 0 < share <= 1
    assert timing.product_rate > 0


def test_a_square_has_the_operations_of_its_size() -> None:
    product = square(8, torch.float32)
    assert isinstance(product, Product)
    assert product.operations == 2 * 8**3
