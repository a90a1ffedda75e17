"""The seeds that are compared: their curves, and what their configurations state."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from ired_diag.config_keys import METADATA
from ired_diag.curves.failure import Failure, FailureKind
from ired_diag.runs.cross_validation import CrossValidation
from ired_diag.runs.labels import is_seed_label
from ired_diag.runs.large_arrays import LargeArray
from ired_diag.runs.run import Run

DATA_KEYS = ("dataset", "rank", "ood")
APART = (*METADATA, "experiment_name", "seed")  # what may differ without a word


@dataclass(frozen=True)
class Seed:
    """One seed's curve.

    Attributes:
        label: ``seed0``, or ``unseeded-<job>``.
        steps: Steps of its evaluations, of shape (n,).
        values: Values of the metric, of the same shape.
        folder: Folder of the run; None where it has none.
        seconds: How long it trained; NaN where start or end is unknown.
        machine: What it trained on; empty where this is unknown.
        step_times: What a step took, by the metric that logged it.
        together: How many runs trained in the same steps; None where it is unknown.
        knobs: The settings of its configuration that are numbers.
        failure: How it diverged, where it has a number all the same because every seed of every group failed.
        unfinished: Whether its training did not finish, and its number is that of its last evaluation.
    """

    label: str
    steps: LargeArray[np.float64] = LargeArray()
    values: LargeArray[np.float64] = LargeArray()
    folder: Path | None = None
    seconds: float = math.nan
    machine: str = ""
    step_times: Mapping[str, float] = field(default_factory=dict)
    together: int | None = None
    knobs: Mapping[str, float] = field(default_factory=dict)
    failure: Failure | None = None
    unfinished: bool = False

    @cached_property
    def pairable(self) -> bool:
        """Whether its seed is known, and no other run of its group has the same."""
        return is_seed_label(self.label)


@dataclass(frozen=True)
class Members:
    """The seeds of a group.

    Attributes:
        name: Name of the group.
        strategy: Its mining strategy, where all configurations state the same one.
        seeds: Its seeds with a number, in the order given.
        settings: What each run states of its data and evaluation: by seed, by key, the value as text.
        knobs: Settings that all its runs state alike, but for names, notes and seeds.
        failures: Seeds that failed, or were stopped, and are therefore not among ``seeds``.
        of_table: Whether all its seeds are numbers of a table.
        cross_validation: The folds that its runs hold out; None where they are no folds.
    """

    name: str
    strategy: str | None
    seeds: Sequence[Seed]
    settings: Mapping[str, Mapping[str, str]]
    knobs: Mapping[str, Any] = field(default_factory=dict)
    failures: Sequence[Failure] = ()
    of_table: bool = False
    cross_validation: CrossValidation | None = None

    @cached_property
    def pairable_labels(self) -> list[str]:
        """The labels of its seeds that may be paired with those of another group."""
        return [seed.label for seed in self.seeds if seed.pairable]

    @property
    def failed(self) -> list[Failure]:
        """Seeds that failed; those that were stopped from outside are not among them."""
        return self.failures_of_kind("not finite", "diverged", "crashed")

    @property
    def failed_with_number(self) -> list[Failure]:
        """Seeds that failed and have a number all the same, because every seed of every group failed."""
        return [seed.failure for seed in self.seeds if seed.failure is not None]

    def failures_of_kind(self, *kinds: FailureKind) -> list[Failure]:
        """Return the seeds without a number that ended in one of several ways."""
        return [failure for failure in self.failures if failure.kind in kinds]


def differing_knobs(a: Members, b: Members) -> list[str]:
    """Return what both groups state, and state differently, with the values: ``mining_opt_steps (2, 10)``."""
    differing = []
    for key, value in a.knobs.items():
        if key in b.knobs and value != b.knobs[key]:
            differing.append(f"{key} ({value}, {b.knobs[key]})")
    return differing


def settings_alike(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the settings that all runs of a group state alike, but for names, notes and seeds."""
    first, *others = map(attrgetter("settings"), runs)
    alike = dict(first)
    for settings in others:
        for key, value in first.items():
            if key not in settings or settings[key] != value:
                alike.pop(key, None)
    for key in APART:
        alike.pop(key, None)
    return alike


def shared_seeds(*groups: Members) -> list[str]:
    """Return the labels of the seeds that all groups have, in the order of the first."""
    shared = list(groups[0].pairable_labels)
    for members in groups[1:]:
        labels = set(members.pairable_labels)
        shared = [label for label in shared if label in labels]
    return shared


def seconds_between(started: object, ended: object) -> float:
    """Return the seconds between two times in ISO format; NaN where either is missing."""
    try:
        start, end = datetime.fromisoformat(str(started)), datetime.fromisoformat(str(ended))
        return (end - start).total_seconds()
    except (ValueError, TypeError):  # a time is missing, or only one of the two has a time zone
        return math.nan
