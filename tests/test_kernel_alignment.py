"""Linear CKA: of equal, of rotated and of independent features, and how good its interval is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ired_diag.stats.effective_rank import effective_rank, effective_rank_of_variances
from ired_diag.stats.kernel_alignment import alignment, bias_of_independent, biased_alignment, gram


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_equal_and_rotated_features_are_the_same(generator: np.random.Generator) -> None:
    features = generator.standard_normal((60, 9)) * np.linspace(3, 0.1, 9)
    rotation = np.linalg.qr(generator.standard_normal((9, 9)))[0]
    for other in (features, features @ rotation, 5 * features @ rotation + 2):
        found = alignment([(gram(features), gram(other))])
        assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1), abs=1e-12)
        assert biased_alignment(gram(features), gram(other)) == pytest.approx(1, abs=1e-12)


def test_independent_features_have_none_in_common_and_the_usual_estimate_its_known_bias(
    generator: np.random.Generator,
) -> None:
    n, p, q = 96, 64, 32
    found, usual = [], []
    for _ in range(300):
        pair = gram(generator.standard_normal((n, p))), gram(generator.standard_normal((n, q)))
        found.append(alignment([pair]).value)
        usual.append(biased_alignment(*pair))
    assert abs(np.mean(found)) < 4 * np.std(found) / math.sqrt(300)
    assert np.mean(usual) == pytest.approx(bias_of_independent(n, p, q), rel=0.01)


def test_the_interval_covers_what_many_inputs_give(generator: np.random.Generator) -> None:
    one, other = generator.standard_normal((2, 12, 40))

    def pair(n: int) -> tuple[np.ndarray, np.ndarray]:
        hidden = generator.standard_normal((n, 12)) * np.linspace(2, 0.3, 12)
        noise = 0.3 * generator.standard_normal((2, n, 40))
        return gram(np.tanh(hidden @ one) + noise[0]), gram(np.tanh(hidden @ other) + noise[1])

    truth = alignment([pair(3000)]).value
    found = [alignment([pair(80)]) for _ in range(200)]
    covered = sum(each.low <= truth <= each.high for each in found)
    assert 0.90 <= covered / 200 <= 0.99
    assert 0.2 < truth < 0.95


def test_one_input_left_out_is_what_is_left_of_the_others(generator: np.random.Generator) -> None:
    """The interval's replicates, formed from sums, against those formed anew."""
    x, y = generator.standard_normal((12, 4)), generator.standard_normal((12, 3))
    y[:, 0] += x[:, 0]
    values = []
    for left in range(12):
        keep = np.delete(np.arange(12), left)
        values.append(alignment([(gram(x[keep]), gram(y[keep]))]).value)
    whole = alignment([(gram(x), gram(y))])
    deviations = np.array(values) - np.mean(values)
    error = math.sqrt(11 / 12 * (deviations**2).sum())
    assert whole.high - whole.value == pytest.approx(2.200985160082949 * error, rel=1e-9)


def test_what_has_no_answer_says_why(generator: np.random.Generator) -> None:
    x = gram(generator.standard_normal((10, 4)))
    assert "same for all inputs" in alignment([(x, np.zeros((10, 10)))]).reason
    assert "at least 6" in alignment([(x[:5, :5], x[:5, :5])]).reason
    assert "not a finite number" in alignment([(x, x * math.nan)]).reason
    with pytest.raises(ValueError, match="same inputs"):
        alignment([(x, x[:8, :8])])
    assert math.isnan(biased_alignment(x, np.zeros((10, 10))))


def test_the_effective_rank_of_variances_is_that_of_the_samples(generator: np.random.Generator) -> None:
    samples = generator.standard_normal((30, 8)) * np.linspace(2, 0.1, 8)
    variances = np.linalg.svd(samples - samples.mean(axis=0), compute_uv=False) ** 2 / 29
    assert effective_rank_of_variances(variances) == pytest.approx(effective_rank(samples), rel=1e-12)
    assert math.isnan(effective_rank_of_variances(np.zeros(3)))
