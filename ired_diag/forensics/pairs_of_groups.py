"""Many pairs of groups: which may be compared, by which test, and the numbers that each group enters with.

What a pair of groups shares follows from what each group states, and most groups of a study state the same.
So it is decided once for each kind of group; the pairs themselves are arrays of places.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.many_pairs import (
    Differences,
    Summaries,
    paired_differences,
    summaries_of,
    unpaired_differences,
)
from ired_diag.comparison.noise import Windows
from ired_diag.comparison.one_program import may_be_one_program
from ired_diag.comparison.pairing import pairing_of
from ired_diag.comparison.seeds import Members
from ired_diag.comparison.stated_data import names_data
from ired_diag.curves.rest import FEWEST as FEWEST_EVALUATIONS
from ired_diag.forensics import identical_curves
from ired_diag.forensics.shared_noise import Curves
from ired_diag.runs.stated_settings import first_settings
from ired_diag.runs.study import Study
from ired_diag.stats.pairing_design import Estimator, estimator_for

FEWEST = 2  # seeds: one has no spread
AT_ONCE = ("welch", "paired")  # the tests that are computed for many pairs at once

Places = NDArray[np.intp]
Booleans = NDArray[np.bool_]


def may_be_compared(study: Study, groups: Sequence[Curves], a: Places, b: Places) -> Booleans:
    """Return which pairs of groups are judged by one metric, are not equal, and may be of one task.

    Args:
        study: The study.
        groups: Its groups.
        a: The place of the first group of each pair, of shape (pairs,).
        b: That of the second.
    """
    names = [curves.members.name for curves in groups]
    place_of = dict(zip(names, range(len(names)), strict=True))
    is_equal = np.zeros((len(names), len(names)), dtype=np.bool_)
    for pair in identical_curves.equal_groups(study):
        places = [place_of[name] for name in pair if name in place_of]
        is_equal[np.ix_(places, places)] = len(places) > 1
    runs_of = study.groups()
    settings = [first_settings(runs_of[name]) for name in names]
    # Whether stated data are the same is compared elsewhere.
    states_data = np.array([any(names_data(key, stated) for key in stated) for stated in settings])
    programs, examples = numbered(frozenset(stated) for stated in settings)
    is_one_program = np.zeros((len(examples), len(examples)), dtype=np.bool_)
    for program, example in enumerate(examples):
        for other, other_example in enumerate(examples):
            keys, other_keys = settings[example], settings[other_example]
            is_one_program[program, other] = _may_be_one_program(keys, other_keys)
    metrics, _ = numbered(curves.metric for curves in groups)
    may_be_of_one_task = (states_data[a] & states_data[b]) | is_one_program[programs[a], programs[b]]
    return np.asarray((metrics[a] == metrics[b]) & ~is_equal[a, b] & may_be_of_one_task)


def numbered(keys: Iterable[Hashable]) -> tuple[Places, list[int]]:
    """Return for each item the number of its key, from 0, and for each key the place of the first item."""
    numbers: dict[Hashable, int] = {}
    firsts: list[int] = []
    of_items = []
    for place, key in enumerate(keys):
        if key not in numbers:
            numbers[key] = len(numbers)
            firsts.append(place)
        of_items.append(numbers[key])
    return np.array(of_items, dtype=np.intp), firsts


def _may_be_one_program(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Say whether two groups may be of one program; one without a configuration may be of any."""
    return not (a and b) or may_be_one_program(a, b)


@dataclass(frozen=True)
class Design:
    """How pairs of groups are compared whose configurations state the same.

    Attributes:
        shared: The seeds that both have.
        estimator: Which test decides.
        is_compared: Whether they state no different data.
    """

    shared: tuple[str, ...]
    estimator: Estimator
    is_compared: bool

    @property
    def method(self) -> Hashable:
        """What is computed: the same for pairs of one test and, where seeds are paired, of the same seeds."""
        return self.estimator, self.shared if self.estimator == "paired" else ()


def designs_of(groups: Sequence[Curves], a: Places, b: Places) -> tuple[list[Design], Places]:
    """Return the designs of all pairs, and the number of each pair's, by seeds and stated data."""
    kinds, _ = numbered(map(_kind, groups))
    _, firsts, numbers = np.unique(
        kinds[a] * (int(kinds.max()) + 1) + kinds[b], return_index=True, return_inverse=True
    )
    designs = [_design(groups[a[first]].members, groups[b[first]].members) for first in firsts.tolist()]
    return designs, numbers.reshape(-1)


def _kind(curves: Curves) -> Hashable:
    """Return what decides how a group is compared: its seeds, and what they state of their data."""
    stated = [(label, tuple(values.items())) for label, values in curves.members.settings.items()]
    labels = [(seed.label, seed.pairable) for seed in curves.members.seeds]
    return tuple(labels), tuple(stated)


def _design(a: Members, b: Members) -> Design:
    pairing = pairing_of(a, b)
    shared = tuple(pairing.shared)
    estimator: Estimator = "welch"
    if not pairing.obstacle and len(shared) >= FEWEST:
        of_a = {seed.label for seed in a.seeds}
        of_b = {seed.label for seed in b.seeds}
        estimator = estimator_for(len(shared), len(of_a) - len(shared), len(of_b) - len(shared))
    return Design(shared, estimator, is_compared=not pairing.contradiction)


@dataclass(frozen=True)
class Readings:
    """One number a seed of each group, in each of the windows in which pairs read it.

    Attributes:
        numbers: The numbers of each reading, by seed.
        summaries: What is known of each; of one that is not finite, nothing.
        is_finite: Whether all its numbers are finite.
        a: The reading of the first group of each pair, of shape (pairs,).
        b: That of the second.
    """

    numbers: Sequence[Mapping[str, float]]
    summaries: Summaries
    is_finite: Booleans
    a: Places
    b: Places

    @classmethod
    def of(cls, groups: Sequence[Curves], a: Places, b: Places) -> Readings:
        """Return the readings that pairs need: in the window in which both groups rest, else at the end."""
        starts = np.array([np.nan if curves.start is None else curves.start for curves in groups])
        start = np.maximum(starts[a], starts[b])  # NaN where one of them never rests
        windows, window = np.unique(start, return_inverse=True)
        window = window.reshape(-1)
        codes, reading = np.unique(
            np.concatenate([a * len(windows) + window, b * len(windows) + window]), return_inverse=True
        )
        reading = reading.reshape(-1)
        shortest = []
        for code in codes.tolist():
            begin = float(windows[code % len(windows)])
            shortest.append(0 if np.isnan(begin) else _shortest(groups[code // len(windows)], begin))
        is_long = np.array(shortest, dtype=np.intp)[reading] >= FEWEST_EVALUATIONS
        rests = is_long[: len(a)] & is_long[len(a) :]
        at_the_end = len(windows)
        window = np.where(rests, window, at_the_end)
        codes, reading = np.unique(
            np.concatenate([a * (at_the_end + 1) + window, b * (at_the_end + 1) + window]),
            return_inverse=True,
        )
        reading = reading.reshape(-1)
        numbers = []
        for code in codes.tolist():
            curves, place = groups[code // (at_the_end + 1)], code % (at_the_end + 1)
            if place == at_the_end:
                numbers.append(last_values(curves))
            else:
                numbers.append(means_of(curves.windows(float(windows[place]))))
        arrays = [np.array(list(values.values())) for values in numbers]
        is_finite = np.array([bool(np.isfinite(values).all()) and len(values) >= FEWEST for values in arrays])
        known = [values if finite else np.zeros(2) for values, finite in zip(arrays, is_finite, strict=True)]
        return cls(
            numbers=numbers,
            summaries=summaries_of(known),
            is_finite=is_finite,
            a=reading[: len(a)],
            b=reading[len(a) :],
        )

    def are_at_once(self, pairs: Places, design: Design) -> Booleans:
        """Return which pairs of one design can be compared at once: numbers that are not finite cannot."""
        if design.estimator not in AT_ONCE:
            return np.zeros(len(pairs), dtype=np.bool_)
        return np.asarray(self.is_finite[self.a[pairs]] & self.is_finite[self.b[pairs]])

    def differences(self, pairs: Places, design: Design, *, share: float) -> Differences:
        """Return the differences of pairs of one method, whose numbers are finite.

        Args:
            pairs: The pairs.
            design: Their design.
            share: The margin, as a share of the mean of both means.
        """
        a, b = self.a[pairs], self.b[pairs]
        if design.estimator != "paired":
            return unpaired_differences(self.summaries, a, b, share=share)
        needed = np.union1d(a, b)
        rows = []
        for reading in needed.tolist():
            of_reading = self.numbers[reading]
            rows.append([of_reading[seed] for seed in design.shared])
        place_of = np.zeros(len(self.numbers), dtype=np.intp)
        place_of[needed] = np.arange(len(needed))
        numbers = np.array(rows, dtype=np.float64).reshape(-1, len(design.shared))
        differences = numbers[place_of[a]] - numbers[place_of[b]]
        return paired_differences(self.summaries, differences, a, b, share=share)


def _shortest(curves: Curves, start: float) -> int:
    """Return the number of evaluations from a step on, of the seed with fewest."""
    return min(map(len, curves.windows(start).values()))


def means_of(windows: Windows) -> dict[str, float]:
    """Return each seed's mean on the plateau, of its finite evaluations."""
    return {seed: float(values[np.isfinite(values)].mean()) for seed, values in windows.items()}


def last_values(curves: Curves) -> dict[str, float]:
    """Return each seed's last evaluation."""
    return {seed.label: float(seed.values[-1]) for seed in curves.members.seeds}
