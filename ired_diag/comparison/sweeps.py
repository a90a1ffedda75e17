"""A sweep: how the readout answers one knob, over the variants of an experiment or any groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.comparison.readouts import Values
from ired_diag.comparison.seeds import Members
from ired_diag.errors import DiagError
from ired_diag.stats.sweep_response import SweepResponse, sweep_response


@dataclass(frozen=True)
class Sweep:
    """The answer to a knob.

    Attributes:
        knob: Its name in the configuration.
        groups: Names of the groups, in the order of the knob's values.
        response: Curve, best setting with its optimism, trend.
    """

    knob: str
    groups: Sequence[str]
    response: SweepResponse


def sweep_over(
    knob: str, members: Sequence[Members], values: Values, *, lower_is_better: bool, draw: int
) -> Sweep:
    """Return how the readout answers a knob.

    Args:
        knob: Its name in the configuration.
        members: The groups, one for each value of the knob.
        values: The readout, by group and seed.
        lower_is_better: The direction.
        draw: Seed of the resampling.

    Raises:
        DiagError: A group has no single number for the knob, or two have the same, or no seed finished.
    """
    settings = {group.name: _setting(knob, group) for group in members if group.seeds}
    if not settings:
        raise DiagError(f"There is no sweep over {knob}: no seed of any group finished.")
    if len(set(settings.values())) < len(settings):
        told = ", ".join(f"{name}: {value:g}" for name, value in settings.items())
        raise DiagError(f"A sweep over {knob} needs groups that differ in it, found {told}.")
    names = sorted(settings, key=lambda name: settings[name])
    labels = sorted({seed for name in names for seed in values[name]})
    table = np.array([[values[name].get(label, math.nan) for label in labels] for name in names])
    knobs = [settings[name] for name in names]
    response = sweep_response(knobs, table, seed=draw, lower_is_better=lower_is_better)
    return Sweep(knob, names, response)


def _setting(knob: str, group: Members) -> float:
    """Return a group's value of the knob."""
    told = {seed.knobs.get(knob, math.nan) for seed in group.seeds}
    if len(told) > 1 or any(math.isnan(value) for value in told):
        known = sorted(set.intersection(*(set(seed.knobs) for seed in group.seeds)))
        found = "no number for it" if any(math.isnan(v) for v in told) else f"the values {sorted(told)}"
        raise DiagError(
            f"{group.name}: its runs have {found} ({knob}). Their configurations hold the numbers: "
            f"{', '.join(known) or 'none'}."
        )
    return told.pop()
