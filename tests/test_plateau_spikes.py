"""A spike on the plateau counts in the mean and its test, is said, and is no evaluation noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.comparison import Comparison, compare
from ired_diag.comparison.plateau_spikes import note_on_spikes, spikes_of
from ired_diag.comparison.seeds import Members, Seed
from ired_diag.runs.run import Run
from tests.made_runs import made_run

Array = Any


def curve(group: int, seed: int) -> Array:
    rng = np.random.default_rng([group, seed])
    fall = 3 * np.exp(-np.arange(100) / 8)
    return 0.5 + fall + 0.01 * rng.standard_normal(100) + 0.004 * rng.standard_normal()


def run(name: str, seed: int, values: Array) -> Run:
    return made_run(name, seed, path=Path(name), val_loss=values)


def compared(*places: int, factor: float = 30.0) -> Comparison:
    """Return a comparison of two groups; seed2 of the second has a spike at each place."""
    groups = {name: [curve(g, seed) for seed in range(5)] for g, name in enumerate("ab")}
    for place in places:
        groups["b"][2][place] *= factor
    return compare({name: [run(name, s, v) for s, v in enumerate(some)] for name, some in groups.items()})


@pytest.mark.parametrize("place", [93, 99])
def test_one_spike_does_not_make_the_split_its_own(place: int) -> None:
    clean, spiked = compared(), compared(place)
    assert spiked.readout == "plateau"
    start = spiked.plateau_step
    assert start == clean.plateau_step and start is not None and 100 * place >= start
    ours, theirs = (one.groups[1].noise.split for one in (spiked, clean))
    assert ours.evaluation_sd == pytest.approx(theirs.evaluation_sd, rel=0.1)
    assert ours.seed_sd == pytest.approx(theirs.seed_sd, abs=0.004)
    assert spiked.groups[0].noise == clean.groups[0].noise


def test_the_plateau_mean_counts_it_and_the_note_says_what_it_is_without() -> None:
    spiked, clean = compared(93), compared()
    values = curve(1, 2)
    values[93] *= 30
    window = values[int(spiked.plateau_step or 0) // 100 - 1 :]
    assert spiked.groups[1].values["seed2"] == pytest.approx(window.mean(), rel=1e-12)
    (note,) = [note for note in spiked.notes if "spike" in note]
    means = [one.groups[1].summary.mean for one in (spiked, clean)]
    assert note.startswith("b: 1 spike on the plateau (seed2).")
    assert f"count them: {means[0]:.4g}, without them {means[1]:.4g}." in note
    assert not any("spike" in note for note in clean.notes)


@pytest.mark.parametrize(("spike", "is_said"), [(1.1, False), (30.0, True)])
def test_a_spike_that_leaves_three_digits_of_the_mean_alone_is_not_spoken_of(
    spike: float, is_said: bool
) -> None:
    values = 1 + 0.001 * np.random.default_rng(0).standard_normal(400)
    values[200] = spike
    seed = Seed("seed0", np.arange(400.0), values)
    assert spikes_of(seed)[200]
    assert bool(note_on_spikes(Members("a", None, [seed], {}), {"seed0": 0})) == is_said


@pytest.mark.parametrize("metric_sign", [1.0, -1.0])
@pytest.mark.parametrize("factor", [30.0, 1 / 30])
def test_spikes_of_either_direction_are_found(metric_sign: float, factor: float) -> None:
    values = metric_sign * curve(1, 0)
    values[70] *= factor
    seed = Seed("seed0", np.arange(100.0), values)
    assert np.flatnonzero(spikes_of(seed)).tolist() == [70]


def test_white_noise_has_hardly_a_spike() -> None:
    rng = np.random.default_rng(0)
    counts = [
        spikes_of(Seed("s", np.arange(100.0), 1 + 0.05 * rng.standard_normal(100))).sum() for _ in range(100)
    ]
    assert sum(counts) <= 10


def test_evaluations_that_are_not_finite_are_no_spikes() -> None:
    values = curve(1, 0)
    values[[50, 60]] = np.nan, np.inf
    assert not spikes_of(Seed("s", np.arange(100.0), values)).any()
