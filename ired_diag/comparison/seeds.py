"""The seeds that are compared: their curves, and what their configurations state."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.outcomes import Failure
from ired_diag.config_keys import METADATA
from ired_diag.runs.labels import is_seed_label

DATA_KEYS = ("dataset", "rank", "ood")
APART = (*METADATA, "experiment_name", "seed")  # what may differ without a word


@dataclass(frozen=True)
class Seed:
    """One seed's curve.

    Attributes:
        label: ``seed0``, or ``unseeded-<job>``.
        steps: Of its evaluations, of shape (n,).
        values: Of the metric, of the same shape.
        folder: Of the run, where it has one.
        seconds: How long it trained; NaN where start or end is not told.
        machine: What it trained on.
        knobs: Its configuration, as far as it is numbers.
        failure: That it diverged, where it has a number all the same: no seed of any group has another.
        unfinished: Whether its training did not finish, and its number is that of its last evaluation.
    """

    label: str
    steps: NDArray[np.float64]
    values: NDArray[np.float64]
    folder: Path | None = None
    seconds: float = math.nan
    machine: str = ""
    knobs: Mapping[str, float] = field(default_factory=dict)
    failure: Failure | None = None
    unfinished: bool = False

    @property
    def pairable(self) -> bool:
        """Whether its seed is known, and no other run of its group has the same."""
        return is_seed_label(self.label)


@dataclass(frozen=True)
class Members:
    """The seeds of a group.

    Attributes:
        name: Of the group.
        strategy: Its mining strategy, where the configuration tells one for all.
        seeds: In the order given.
        settings: What each run states of its data and evaluation: by seed, by key, the value as text.
        knobs: What all its runs tell alike, but for names, notes and seeds.
        failures: Seeds that failed, or were stopped, and are therefore not among ``seeds``.
        of_table: Whether all its seeds are numbers of a table.
    """

    name: str
    strategy: str | None
    seeds: Sequence[Seed]
    settings: Mapping[str, Mapping[str, str]]
    knobs: Mapping[str, Any] = field(default_factory=dict)
    failures: Sequence[Failure] = ()
    of_table: bool = False


def differing_knobs(a: Members, b: Members) -> list[str]:
    """Return what both groups tell and tell differently, with the values: ``mining_opt_steps (2, 10)``."""
    return [
        f"{key} ({a.knobs[key]}, {b.knobs[key]})"
        for key in a.knobs
        if key in b.knobs and a.knobs[key] != b.knobs[key]
    ]


def shared_seeds(*groups: Members) -> list[str]:
    """Return the labels of the seeds that all groups have, in the order of the first."""
    first, *others = ([seed.label for seed in members.seeds if seed.pairable] for members in groups)
    return [label for label in first if all(label in other for other in others)]


def seconds_between(started: object, ended: object) -> float:
    """Return the seconds from a start to an end as logs tell them; NaN where either is not told."""
    try:
        return (datetime.fromisoformat(str(ended)) - datetime.fromisoformat(str(started))).total_seconds()
    except (ValueError, TypeError):  # not told, or one with and one without a time zone
        return math.nan
