"""The noise scale: planted gradients whose mean, covariance and shared part are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from ired_diag.stats import noise_scale as noise
from ired_diag.stats.noise_scale import Products

Array = NDArray[np.float64]
ENTRIES, SIZE, BATCHES = 40, 6, 32
SIGMA = np.linspace(0.2, 2.0, ENTRIES)  # standard deviations of a sample's gradient


def samples(rng: np.random.Generator, mean: Array, *, shared: float = 0.0) -> Array:
    """Gradients of the samples of each batch, of shape (batches, size, entries)."""
    own = SIGMA * rng.standard_normal((BATCHES, SIZE, ENTRIES))
    return mean + own + shared * rng.standard_normal((BATCHES, 1, ENTRIES))


def products(one: Array, other: Array) -> Products:
    """What is kept of two kinds of gradient, in a slow loop over batches."""
    rows = []
    for a, b in zip(one, other, strict=True):
        a1, a2, b1, b2 = (x[i::2].mean(axis=0) for x in (a, b) for i in (0, 1))
        whole = (a.mean(axis=0) @ other.mean(axis=(0, 1)) + one.mean(axis=(0, 1)) @ b.mean(axis=0)) / 2
        rows.append((a.mean(axis=0) @ b.mean(axis=0), whole, (a1 - a2) @ (b1 - b2) / 4))
    return Products(*np.array(rows).T)


def of(gradients: Array) -> Products:
    return products(gradients, gradients)


def direction(size: float, *, towards: int = 0) -> Array:
    mean = np.zeros(ENTRIES)
    mean[towards] = size
    return mean


def test_every_estimate_is_right_on_average(rng: np.random.Generator) -> None:
    mean, other = direction(0.7), direction(0.5) + direction(0.2, towards=1)
    found = []
    for _ in range(300):
        draws = samples(rng, mean, shared=0.3)
        also = draws - mean + other  # the same noise: what the two share must not look like agreement
        kept = of(draws)
        found.append(
            (
                noise.true_product(kept)[0],
                noise.true_product(products(draws, also))[0],
                noise.covariance_trace(kept, SIZE)[0],
                noise.shared_variance(kept)[0],
                noise.squared_norm_at(kept, SIZE, 100)[0],
            )
        )
    trace, shared = float((SIGMA**2).sum()), 0.09 * ENTRIES
    truth = [0.49, 0.35, trace, shared, 0.49 + shared + trace / 100]
    error = np.std(found, axis=0, ddof=1) / math.sqrt(len(found))
    assert (np.abs(np.mean(found, axis=0) - truth) < 4 * error).all()
    assert (error < 0.05 * np.array(truth)).all()


def test_both_cuts_are_mccandlishs_formulas(rng: np.random.Generator) -> None:
    draws = samples(rng, direction(0.7))
    kept, everything = of(draws), BATCHES * SIZE

    def square(gradient: Array) -> float:
        return float(gradient @ gradient)

    big, small = square(draws.mean(axis=(0, 1))), np.mean([square(batch.mean(axis=0)) for batch in draws])
    squared = (everything * big - SIZE * small) / (everything - SIZE)
    assert noise.true_product(kept)[0] == pytest.approx(squared, rel=1e-10)
    traces = []
    for batch in draws:
        halves = np.mean([square(batch[i::2].mean(axis=0)) for i in (0, 1)])
        traces.append((halves - square(batch.mean(axis=0))) / (2 / SIZE - 1 / SIZE))
    assert noise.covariance_trace(kept, SIZE)[0] == pytest.approx(np.mean(traces), rel=1e-10)


def test_the_true_product_is_the_mean_over_pairs_of_different_batches(rng: np.random.Generator) -> None:
    one, other = samples(rng, direction(0.7)), samples(rng, direction(0.3))
    a, b = one.mean(axis=1), other.mean(axis=1)
    found = noise.true_product(products(one, other))
    for left_out, value in zip([None, *range(BATCHES)], found, strict=True):
        some = [r for r in range(BATCHES) if r != left_out]
        slow = np.mean([a[r] @ b[s] for r in some for s in some if r != s])
        assert value == pytest.approx(slow, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("size", "most"), [(0.9, 1.0), (4.0, 0.98)])
def test_the_interval_holds_the_noise_scale_in_95_percent_of_studies_or_more(
    rng: np.random.Generator, size: float, most: float
) -> None:
    # Where noise drowns the mean the jackknife is too wide (Efron & Stein), and holds it more often.
    truth, held, studies = float((SIGMA**2).sum()) / size**2, 0, 300
    for _ in range(studies):
        found = noise.noise_scale(of(samples(rng, direction(size), shared=0.1)), SIZE)
        held += math.isnan(found.value) or found.low <= truth <= found.high
    assert 0.92 < held / studies <= most


def test_the_noise_scale_and_cosines_do_not_change_with_the_scale_of_the_loss(
    rng: np.random.Generator,
) -> None:
    draws, other = samples(rng, direction(2.0)), samples(rng, direction(2.0) + direction(2.0, towards=1))
    alike = [
        (
            noise.noise_scale(of(c * draws), SIZE).value,
            noise.shared_part(of(c * draws), SIZE, 64).value,
            noise.cosine(products(c * draws, other), of(c * draws), of(other)).value,
        )
        for c in (1.0, 0.01, 300.0)
    ]
    np.testing.assert_allclose(alike[1:], [alike[0]] * 2, rtol=1e-9)


def test_pure_noise_has_no_noise_scale_and_no_direction(rng: np.random.Generator) -> None:
    told = 0
    for _ in range(200):
        kept = of(samples(rng, direction(0.0)))
        found = noise.noise_scale(kept, SIZE)
        if math.isnan(found.value):
            assert found.reason == "the mean gradient cannot be distinguished from 0"
            assert noise.cosine(kept, kept, kept).reason == "a gradient cannot be distinguished from 0"
            assert noise.norm(kept).low == 0
        else:
            told += 1
    assert told <= 0.025 * 200 + 4 * math.sqrt(0.025 * 200)


def test_a_cosine_is_not_drawn_to_0_by_noise_nor_to_1_by_what_is_shared(rng: np.random.Generator) -> None:
    found = []
    for _ in range(100):
        draws = samples(rng, direction(2.0))
        other = draws - direction(2.0) + direction(1.2) + direction(1.6, towards=1)
        found.append(noise.cosine(products(draws, other), of(draws), of(other)))
    assert np.mean([f.value for f in found]) == pytest.approx(0.6, abs=0.02)
    assert np.mean([f.low <= 0.6 <= f.high for f in found]) > 0.88
    naive = [d.mean(axis=0) for d in samples(rng, direction(2.0))]
    assert naive[0] @ naive[1] < 0.6 * np.linalg.norm(naive[0]) * np.linalg.norm(naive[1])


def test_what_a_batch_shares_is_told_from_what_it_averages_away(rng: np.random.Generator) -> None:
    shared, trace = 0.25 * ENTRIES, float((SIGMA**2).sum())
    found = noise.shared_part(of(samples(rng, direction(1.0), shared=0.5)), SIZE, 512)
    assert found.low < shared / (shared + trace / 512) < found.high
    assert found.low > 0.9
    assert noise.shared_part(of(samples(rng, direction(1.0))), SIZE, SIZE).low == 0


def test_nan_gives_nan_with_a_reason() -> None:
    broken = of(np.full((4, 2, 3), math.nan))
    for found in (noise.noise_scale(broken, 2), noise.norm(broken), noise.cosine(broken, broken, broken)):
        assert math.isnan(found.value)
        assert found.reason == "not a finite number"
