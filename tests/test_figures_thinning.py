"""A thinned curve looks like the whole one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ired_diag.drawing.thinning import thin

Floats = NDArray[np.float64]


def naive_kept(x: Floats, y: Floats, most: int) -> set[int]:
    """The slow twin: stretch by stretch, by the module's words."""
    stretches = (most - 2) // 3
    edges = np.linspace(x[0], x[-1], stretches + 1)
    kept = {0, len(x) - 1}
    for number in range(stretches):
        last = number == stretches - 1
        inside = [i for i in range(len(x)) if edges[number] <= x[i] and (last or x[i] < edges[number + 1])]
        known = [i for i in inside if not np.isnan(y[i])]
        gaps = [i for i in inside if np.isnan(y[i])]
        if known:
            kept.add(min(known, key=lambda i: (y[i], i)))
            kept.add(max(known, key=lambda i: (y[i], i)))
        kept |= set(gaps[:1])
    return kept


curves = st.lists(
    st.tuples(
        st.integers(1, 50),
        st.one_of(st.floats(-1e6, 1e6), st.sampled_from([np.nan, np.inf, -np.inf, 0.0])),
    ),
    min_size=1,
    max_size=200,
)


@given(curves, st.integers(8, 60))
def test_thinning_agrees_with_its_slow_twin(points: list[tuple[int, float]], most: int) -> None:
    x = np.cumsum([step for step, _ in points])
    y = np.array([value for _, value in points])
    thinned = thin(x, y, most)
    assert len(thinned.indices) <= most or len(x) <= most
    assert thinned.inside == len(x)
    assert list(thinned.indices) == sorted(set(thinned.indices))
    if len(x) > most:
        assert set(thinned.indices.tolist()) == naive_kept(x.astype(float), y, most)
    else:
        assert list(thinned.indices) == list(range(len(x)))


@pytest.mark.parametrize(
    "x_range", [None, (0, 99_999), (40_000, 60_000), (49_900, 50_100), (49_999.5, 50_000.5)]
)
def test_a_spike_of_one_step_is_seen_at_every_zoom(
    x_range: tuple[float, float] | None, rng: np.random.Generator
) -> None:
    x, y = np.arange(100_000), rng.normal(size=100_000)
    y[50_000] = 100.0
    thinned = thin(x, y, 1000, x_range)
    assert 50_000 in thinned.indices and len(thinned.indices) <= 1000


@given(st.integers(0, 900), st.integers(1, 900))
def test_a_zoom_keeps_its_points_and_one_beyond_each_end(low: int, width: int) -> None:
    x = np.arange(1000)
    thinned = thin(x, np.sin(x), 2000, (low, low + width))
    assert thinned.indices[0] == max(low - 1, 0)
    assert thinned.indices[-1] == min(low + width + 1, 999)


def test_the_extremes_of_the_whole_are_kept(rng: np.random.Generator) -> None:
    y = rng.normal(size=12_345)
    shown = y[thin(np.arange(12_345), y, 100).indices]
    assert shown.min() == y.min() and shown.max() == y.max()
    assert shown[0] == y[0] and shown[-1] == y[-1]


def test_a_gap_stays_a_gap() -> None:
    y = np.ones(10_000)
    y[5000] = np.nan
    assert np.isnan(y[thin(np.arange(10_000), y, 200).indices]).sum() == 1


def test_it_is_said_how_many_points_are_drawn() -> None:
    x = np.arange(5000)
    assert thin(x, np.sin(x), 300).words.endswith(
        "of 5,000 points drawn: smallest and largest of each stretch"
    )
    assert thin(x[:10], x[:10], 300).words == ""


def test_nothing_is_thinned_to_nothing() -> None:
    empty = np.array([])
    assert len(thin(empty, empty, 100).indices) == 0
    assert len(thin(np.arange(10), np.arange(10), 100, (20, 30)).indices) <= 1


def test_scale_and_shift_choose_the_same_points(rng: np.random.Generator) -> None:
    x, y = np.arange(3000), rng.normal(size=3000)
    assert np.array_equal(thin(x, y, 90).indices, thin(x, 4 * y - 8, 90).indices)
