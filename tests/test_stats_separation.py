"""From which step on two groups of curves are apart: the level under smooth noise, planted steps found."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from ired_diag.stats.separation import separation_of_groups, separation_of_pairs


def smooth(generator: np.random.Generator, seeds: int, steps: int) -> NDArray[np.float64]:
    """Return autoregressive curves with a correlation of 0.8 from one step to the next."""
    values = generator.standard_normal((seeds, steps))
    values[:, 0] /= math.sqrt(1 - 0.8**2)
    for step in range(1, steps):
        values[:, step] += 0.8 * values[:, step - 1]
    return values


def test_five_pairs_are_exact_over_all_exchanges_and_never_apart_at_five_percent() -> None:
    differences = smooth(np.random.default_rng(0), 5, 12) + 9
    found = separation_of_pairs(differences)
    largest = []
    for signs in itertools.product((1, -1), repeat=5):
        flipped = np.array(signs)[:, None] * differences
        t = flipped.mean(0) / (flipped.std(0, ddof=1) / math.sqrt(5))
        largest.append(np.abs(t).max())
    assert found.is_exact
    assert found.p == pytest.approx(np.mean(np.array(largest) >= largest[0] * (1 - 1e-12)))
    assert found.p == found.smallest_p == 2 / 32
    assert found.since is None
    assert separation_of_pairs(differences, alpha=0.1).is_apart.any()


def test_the_level_holds_for_smooth_curves() -> None:
    generator = np.random.default_rng(1)
    studies = 300
    apart = sum(separation_of_pairs(smooth(generator, 8, 40)).is_apart.any() for _ in range(studies))
    assert apart <= studies * 0.05 + 3 * math.sqrt(studies * 0.05 * 0.95)


def test_a_planted_step_is_found_within_two_evaluations() -> None:
    generator = np.random.default_rng(2)
    hits = 0
    for _ in range(60):
        differences = smooth(generator, 8, 40)
        differences[:, 25:] += 6
        since = separation_of_pairs(differences).since
        hits += since is not None and abs(since - 25) <= 2
    assert hits >= 54


def test_curves_that_meet_again_are_not_apart_at_the_end() -> None:
    differences = smooth(np.random.default_rng(3), 10, 30)
    differences[:, 10:20] += 9
    found = separation_of_pairs(differences)
    assert found.is_apart[12:18].all()
    assert found.since is None


def test_groups_that_are_no_pairs_exchange_whole_seeds() -> None:
    generator = np.random.default_rng(4)
    a, b = smooth(generator, 6, 20), smooth(generator, 7, 20)
    a[:, 8:] -= 9
    found = separation_of_groups(a, b)
    assert found.is_exact
    assert found.smallest_p == pytest.approx(1 / math.comb(13, 6))
    assert found.since is not None
    assert abs(found.since - 8) <= 1
    assert found.t[-1] < 0


def test_many_seeds_are_drawn_the_same_way_each_time() -> None:
    differences = smooth(np.random.default_rng(5), 14, 10) + 1
    first, second = (separation_of_pairs(differences, seed=7) for _ in range(2))
    assert not first.is_exact
    assert (first.p, first.bound) == (second.p, second.bound)
