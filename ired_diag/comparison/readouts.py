"""What is read off every seed's curve: one number each, in five ways side by side.

    plateau   mean of the evaluations from the step on where all compared curves are at rest
    last      the last evaluation
    best      the best evaluation: of many noisy ones the luckiest
    last10    mean of the last ten evaluations
    area      area under the whole curve over its span

The plateau is found (``curves.plateau``), and is one window for all groups, so that none is read out earlier
than another.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.seeds import Members, Seed
from ired_diag.curves.common_plateau import common_plateau
from ired_diag.stats.readouts import area_under_curve, best, last, mean_of_last, plateau_mean

READOUTS = ("plateau", "last", "best", "last10", "area")
LAST = 10  # evaluations

Values = Mapping[str, Mapping[str, float]]  # by group, by seed


@dataclass(frozen=True)
class Readouts:
    """What was read off, and where the plateau starts.

    Attributes:
        values: By readout, by group, by seed; only what is a number.
        plateau_step: First step of the common plateau; None without one.
        plateau_reason: Why there is none.
        windows: Of each group the seeds' evaluations on the plateau, by seed.
    """

    values: Mapping[str, Values]
    plateau_step: float | None
    plateau_reason: str = ""
    windows: Mapping[str, Mapping[str, NDArray[np.float64]]] = field(default_factory=dict)


def read_out(groups: Sequence[Members], *, lower_is_better: bool = True) -> Readouts:
    """Return all readouts of all seeds.

    Args:
        groups: Those that are compared.
        lower_is_better: The direction.
    """
    everyone = [(members, seed) for members in groups for seed in members.seeds]
    curves = [(seed.steps, seed.values) for _, seed in everyone]
    plateau = common_plateau(curves, lower_is_better=lower_is_better)
    starts = dict(zip([id(seed) for _, seed in everyone], plateau.indices, strict=False))
    values: dict[str, dict[str, dict[str, float]]] = {
        name: {members.name: {} for members in groups} for name in READOUTS
    }
    windows: dict[str, dict[str, NDArray[np.float64]]] = {members.name: {} for members in groups}
    for members, seed in everyone:
        start = starts.get(id(seed))
        for name, value in _of(seed, start, lower_is_better).items():
            if math.isfinite(value):
                values[name][members.name][seed.label] = value
        if start is not None:
            windows[members.name][seed.label] = seed.values[start:]
    labels = [f"{members.name}/{seed.label}" for members, seed in everyone]
    return Readouts(values, plateau.step, _named(plateau.reason, labels), windows)


def _of(seed: Seed, start: int | None, lower_is_better: bool) -> dict[str, float]:
    s, v = seed.steps, seed.values
    found = (
        plateau_mean(s, v, start),
        last(s, v),
        best(s, v, lower_is_better=lower_is_better),
        mean_of_last(s, v, LAST),
        area_under_curve(s, v),
    )
    return dict(zip(READOUTS, (readout.value for readout in found), strict=True))


def _named(reason: str, labels: Sequence[str]) -> str:
    """Return a reason that names curves by their places, naming the first by its label, counting the rest.

    >>> _named("curve 1: no rest; curve 2: short", ["a", "b", "c"])
    'b: no rest (and 1 more)'
    """
    first, *more = reason.split("; curve ")
    told = re.sub(r"^curve (\d+)", lambda found: labels[int(found[1])], first)
    return f"{told} (and {len(more)} more)" if more else told
