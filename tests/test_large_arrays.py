"""Long arrays lie in a file until they are read, and are the same numbers."""

from __future__ import annotations

import gc
import multiprocessing
import pickle
import tempfile
from collections.abc import Iterator

import numpy as np
import pytest

from ired_diag.runs import large_arrays
from ired_diag.runs.history import Series
from ired_diag.runs.large_arrays import ArrayMemory, GrowingArray, LargeArrays, Placed

LENGTH = 10_000  # numbers: 80 kB


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[ArrayMemory]:
    """A memory that holds nothing: every large array is placed in the file."""
    empty = ArrayMemory(most_held=0)
    monkeypatch.setattr(large_arrays, "_MEMORY", empty)
    yield empty


def curve(seed: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(LENGTH), np.random.default_rng(seed).standard_normal(LENGTH)


def test_a_series_in_the_file_is_the_same_series(memory: ArrayMemory) -> None:
    steps, values = curve(0)
    series = Series(steps, values)
    assert isinstance(series.__dict__["values"], Placed)
    np.testing.assert_array_equal(series.steps, steps)
    np.testing.assert_array_equal(series.values, values)
    assert series == Series(steps, values)
    assert series.values.dtype == np.float64
    assert not series.values.flags.writeable


def test_metrics_at_the_same_steps_share_them(memory: ArrayMemory) -> None:
    steps, values = curve(0)
    first, second = Series(steps, values), Series(steps.copy(), 2 * values)
    assert first.__dict__["steps"] is second.__dict__["steps"]


def test_room_is_used_again_but_not_while_an_array_is_held(memory: ArrayMemory) -> None:
    steps, values = curve(0)
    held = Series(steps, values).values
    gc.collect()
    others = [Series(steps, curve(seed)[1]) for seed in (1, 2)]
    np.testing.assert_array_equal(held, values)
    assert memory._file is not None
    end = memory._file._end
    del held
    gc.collect()
    others.append(Series(steps, curve(3)[1]))
    assert memory._file._end == end
    for seed, series in enumerate(others, start=1):
        np.testing.assert_array_equal(series.values, curve(seed)[1])


def test_short_arrays_and_the_first_long_ones_stay_in_memory() -> None:
    memory = ArrayMemory(most_held=100_000)
    first, second = np.zeros(LENGTH), np.ones(LENGTH)
    assert memory.kept(first) is first
    assert isinstance(memory.kept(second), Placed)
    del first
    gc.collect()
    assert memory.held == 0
    assert memory.kept(second) is second


def test_without_a_file_arrays_stay_in_memory(memory: ArrayMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    steps, values = curve(0)
    assert Series(steps, values).values is values


def test_a_pickled_series_needs_no_file(memory: ArrayMemory) -> None:
    series = Series(*curve(4))
    content = pickle.dumps(series)
    memory.begin_again()
    assert pickle.loads(content) == series


def _placed_in_child(seed: int) -> bool:
    mine = Series(*curve(seed))
    return bool(np.array_equal(mine.values, curve(seed)[1]))


def test_a_forked_process_writes_to_a_file_of_its_own(memory: ArrayMemory) -> None:
    before = [Series(*curve(seed)) for seed in range(4)]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert all(pool.map(_placed_in_child, range(100, 108)))
    for seed, series in enumerate(before):
        np.testing.assert_array_equal(series.values, curve(seed)[1])


def test_parts_that_grow_are_one_array(memory: ArrayMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_arrays, "PART", 50_000)
    parts = [np.random.default_rng(k).standard_normal(3000 + k) for k in range(9)]
    growing = GrowingArray()
    for part in parts:
        growing.append(part)
    assert len(growing) == sum(map(len, parts))
    np.testing.assert_array_equal(growing.whole(), np.concatenate(parts))


def test_arrays_by_name(memory: ArrayMemory) -> None:
    arrays = {"a": curve(0)[1], "b": curve(1)[1]}
    kept = LargeArrays(dict(arrays))
    assert list(kept) == ["a", "b"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(kept[name], array)
