"""A sweep: how the readout answers one knob, over the variants of an experiment or any groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.readouts import Values
from ired_diag.comparison.seeds import Members
from ired_diag.errors import DiagError
from ired_diag.stats.sweep_response import SweepResponse, sweep_response


@dataclass(frozen=True)
class Sweep:
    """The answer to a knob.

    Attributes:
        knob: Name of the knob in the configuration.
        groups: Names of the groups, in the order of the knob's values.
        response: The means by setting, the best setting with its optimism, and the trend.
    """

    knob: str
    groups: Sequence[str]
    response: SweepResponse


def sweep_over(
    knob: str, members: Sequence[Members], values: Values, *, lower_is_better: bool, draw: int
) -> Sweep:
    """Return how the readout answers a knob.

    Args:
        knob: Name of the knob in the configuration.
        members: The groups, one for each value of the knob.
        values: The readout, by group and seed.
        lower_is_better: Whether a lower value of the metric is better.
        draw: Random seed of the resampling.

    Raises:
        DiagError: A group has no single number for the knob, or two have the same, or no seed finished.
    """
    settings = {group.name: _setting(knob, group) for group in members if group.seeds}
    if not settings:
        raise DiagError(f"There is no sweep over {knob}: no seed of any group finished.")
    if len(set(settings.values())) < len(settings):
        stated = ", ".join(f"{name}: {value:g}" for name, value in settings.items())
        raise DiagError(f"A sweep over {knob} needs groups that differ in it, found {stated}.")
    names = sorted(settings, key=lambda name: settings[name])
    response = sweep_response(
        sorted(settings.values()),
        _table(values, names),
        seed=draw,
        lower_is_better=lower_is_better,
    )
    return Sweep(knob, names, response)


def _table(values: Values, names: Sequence[str]) -> NDArray[np.float64]:
    """Return the numbers, of shape (settings, seeds); NaN where a setting lacks a seed."""
    labels: set[str] = set()
    for name in names:
        labels.update(values[name])
    rows = []
    for name in names:
        rows.append([values[name].get(label, math.nan) for label in sorted(labels)])
    return np.array(rows)


def _setting(knob: str, group: Members) -> float:
    """Return a group's value of the knob."""
    settings = {seed.knobs.get(knob, math.nan) for seed in group.seeds}
    is_missing = any(map(math.isnan, settings))
    if len(settings) == 1 and not is_missing:
        return settings.pop()
    stated = f"the values {sorted(settings)}"
    if is_missing:
        stated = "no number for it"
    # Only a key that every run states can be swept over.
    keys = set.intersection(*(set(seed.knobs) for seed in group.seeds))
    raise DiagError(
        f"{group.name}: its runs have {stated} ({knob}). Their configurations hold the numbers: "
        f"{', '.join(sorted(keys)) or 'none'}."
    )
