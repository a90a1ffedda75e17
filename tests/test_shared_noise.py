"""Shared noise: numpy's and a naive twin's numbers, planted sharing, the level, and the study's seeds."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal, stats

from ired_diag.curves.common_plateau import common_plateau
from ired_diag.open import open_study
from ired_diag.stats.shared_noise import SharedNoise, shared_noise

Array = NDArray[np.float64]


def groups(rng: np.random.Generator, r: float, n: int = 10, k: int = 60) -> tuple[Array, Array]:
    """Two groups of curves whose noise correlates by r for equal seeds, each with a slope of its own."""
    common = rng.normal(size=(n, k))
    own = rng.normal(size=(2, n, k))
    lines = rng.normal(size=(2, n, 1)) * np.linspace(-5, 5, k) + 20
    a, b = math.sqrt(r) * common + math.sqrt(1 - r) * own + lines
    return a, b


def naive(a: Array, b: Array) -> tuple[float, float, float]:
    """Correlations run by run, and p by walking through every assignment."""
    n = len(a)
    r = [[np.corrcoef(signal.detrend(x), signal.detrend(y))[0, 1] for y in b] for x in a]
    same = sum(r[i][i] for i in range(n)) / n
    different = [r[i][j] for i in range(n) for j in range(n) if i != j]
    means = [sum(r[i][j] for i, j in enumerate(order)) / n for order in itertools.permutations(range(n))]
    return same, sum(different) / len(different), float(np.mean([mean >= same - 1e-12 for mean in means]))


@pytest.mark.parametrize("r", [0.0, 0.1, 0.6])
def test_up_to_seven_seeds_it_is_the_slow_loop(r: float, rng: np.random.Generator) -> None:
    a, b = groups(rng, r, n=5, k=20)
    told = shared_noise(a, b)
    assert (told.same, told.different, told.p) == pytest.approx(naive(a, b), rel=1e-10)
    assert told.exact


def test_a_drawn_p_is_near_the_exact_one() -> None:
    rng = np.random.default_rng(4)
    a, b = groups(rng, 0.1, n=8, k=40)
    told, exact = shared_noise(a, b, draws=40_000), naive(a, b)[2]
    assert not told.exact
    assert 0.01 < exact < 0.5
    # The larger of two drawn ones: each within four standard errors.
    assert told.p == pytest.approx(exact, abs=4 * math.sqrt(exact / 40_000))


def test_planted_sharing_is_found_and_unequal_seeds_show_none() -> None:
    rng = np.random.default_rng(5)
    told = [shared_noise(*groups(rng, 0.5), draws=200) for _ in range(100)]
    assert np.mean([t.same for t in told]) == pytest.approx(0.5, abs=0.02)
    assert np.mean([t.different for t in told]) == pytest.approx(0, abs=0.01)
    assert all(t.p < 0.01 for t in told)


@pytest.mark.parametrize("n", [5, 10])
def test_without_sharing_p_keeps_its_level(n: int) -> None:
    rng = np.random.default_rng(6)
    p = np.array([shared_noise(*groups(rng, 0.0, n=n, k=12), draws=400).p for _ in range(500)])
    for level in (0.05, 0.2):
        assert np.mean(p <= level) <= level + 3 * math.sqrt(level * (1 - level) / 500)
        assert np.mean(p <= level) >= level / 2


def test_pearsons_r_is_what_pairing_takes_out_of_the_variance(rng: np.random.Generator) -> None:
    a, b = (signal.detrend(x) for x in groups(rng, 0.6, n=1, k=500))
    r = shared_noise(a, b).same
    unpaired = a.var() + b.var()
    assert (a - b).var() == pytest.approx(unpaired - 2 * r * a.std() * b.std(), rel=1e-10)


def test_swapped_groups_scaled_ones_and_other_lines_give_the_same(rng: np.random.Generator) -> None:
    a, b = groups(rng, 0.02)
    told = shared_noise(a, b)
    line = 3 - 0.2 * np.arange(60)
    for other in (shared_noise(b, a), shared_noise(a * 1e-5, b * 1000), shared_noise(a + line, b - line)):
        assert other.p == told.p
        assert (other.same, other.different) == pytest.approx((told.same, told.different), rel=1e-7)
    assert shared_noise(a, b) == told
    assert shared_noise(a, b, seed=1).p != told.p


def test_numpys_global_random_state_is_left_alone(rng: np.random.Generator) -> None:
    before = np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    shared_noise(*groups(rng, 0.3))
    assert np.array_equal(before, np.random.get_state()[1])  # type: ignore[index]  # noqa: NPY002


def test_seeds_that_tell_nothing_are_left_out_and_said(rng: np.random.Generator) -> None:
    a, b = groups(rng, 0.5)
    rest = shared_noise(a[3:], b[3:])
    a[0, 5], b[1, 7], a[2] = math.nan, math.inf, 0.1 * np.arange(60)
    told = shared_noise(a, b)
    assert told.same == pytest.approx(rest.same, rel=1e-12)
    assert (told.p, told.n) == (rest.p, 7)
    assert told.reason == "3 of 10 seeds have a curve that is not finite or has no noise"


def test_what_cannot_be_told_is_nan_with_a_reason(rng: np.random.Generator) -> None:
    a, b = groups(rng, 0.5)
    assert shared_noise(a[:0], b[:0]).reason == "no seeds"
    assert shared_noise(a[:, :3], b[:, :3]).reason == "3 evaluations: at least 4 are needed"
    constant = shared_noise(np.full((4, 20), 0.1), b[:4, :20])
    assert math.isnan(constant.same)
    assert constant.reason.startswith("4 of 4 seeds")
    one = shared_noise(a[:1], b[:1])
    assert math.isfinite(one.same)
    assert math.isnan(one.p)
    assert one.reason == "1 seed has no others"
    with pytest.raises(ValueError, match=r"\(10, 60\) and \(9, 60\)"):
        shared_noise(a, b[:9])


def test_the_studys_runs_of_equal_seed_fluctuate_together(shared: Path) -> None:
    curves = {}
    for name in ("q101", "q102", "q103"):
        runs = open_study(sorted((shared / "ired_logs").glob(f"ired_{name}_*"))).select(name)
        series = [
            r.history.series["validation/mse"]
            for r in sorted(runs, key=lambda r: -1 if r.seed is None else r.seed)
        ]
        curves[name] = [(s.steps, s.values) for s in series]
    numbers = [number for number, group in enumerate(curves.values()) for _ in group]
    every = [curve for group in curves.values() for curve in group]
    found = common_plateau(every, groups=numbers).indices[0]
    table = {name: np.array([values for _, values in group]) for name, group in curves.items()}
    expected = {
        ("q101", "q102"): (0.46, 0.50),
        ("q101", "q103"): (0.65, 0.70),
        ("q102", "q103"): (0.34, 0.41),
    }
    for start in {14, found, 29}:  # every window from 15k to 30k
        for (a, b), (low, high) in expected.items():
            told = shared_noise(table[a][:, start:], table[b][:, start:])
            assert low <= told.same <= high
            assert abs(told.different) < 0.1
            assert told.p == 1 / 10_001
            assert min(told.by_seed) > 0
            shuffled = shared_noise(table[a][:, start:], np.roll(table[b][:, start:], 1, axis=0))
            assert abs(shuffled.same) < 0.1
            assert shuffled.p > 0.05
    assert _of_ranks(table["q101"][:, found:], table["q102"][:, found:]) == pytest.approx(0.61, abs=0.02)


def _of_ranks(a: Array, b: Array) -> float:
    pairs = zip(signal.detrend(a), signal.detrend(b), strict=True)
    return float(np.mean([stats.spearmanr(x, y).statistic for x, y in pairs]))


def test_the_result_is_plain_and_comparable() -> None:
    a = [[1.0, -1.0, 1.0, -1.0, 2.0], [0.0, 3.0, 1.0, 0.0, 1.0]]
    told = shared_noise(a, a)
    assert isinstance(told, SharedNoise)
    assert told.same == pytest.approx(1)
    assert told.p == 0.5  # two seeds have two assignments
