"""The evaluation steps that all compared curves have.

The best of 100 noisy evaluations is lower than the best of 50, an area over half of a training is higher than
over all of it, and the last ten of a short training are earlier than those of a long one. So ``best``,
``area`` and ``last10`` are taken over common steps alone:

    best, area   all steps that every curve has, if these are ten, or half of the shortest curve
    last10       the last ten of them, if no training went on by more than half of their span

Else they are withheld, and the reason says which groups do not meet.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
from numpy.typing import NDArray

LAST = 10  # evaluations
ENOUGH = 10  # common steps: fewer are a chance meeting of two grids

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CommonSteps:
    """The steps that all curves have.

    Attributes:
        steps: Increasing, of shape (n,); None where every curve is taken over its own steps.
        note: That some curves have other steps too; empty where all have the same.
        reasons: By readout, why it is withheld.
    """

    steps: Array | None = None
    note: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)


def common_steps(groups: Mapping[str, Sequence[Array]]) -> CommonSteps:
    """Return the steps that all curves have.

    Args:
        groups: The steps of each seed's evaluations, increasing, of shape (n,), by group.
    """
    curves = [steps for group in groups.values() for steps in group]
    if not curves or all(np.array_equal(curves[0], other) for other in curves[1:]):
        return CommonSteps()
    common = reduce(np.intersect1d, curves)
    reasons = {}
    if len(common) < ENOUGH and 2 * len(common) < min(map(len, curves)):
        which = min(_pairs(groups), key=lambda names: len(_shared(groups, names)))
        share = f"share only {len(_shared(groups, which))} of their evaluation steps"
        reasons = dict.fromkeys(("best", "area"), f"{_named(which)} {share}")
    if not _ends_together(common, curves):
        reasons["last10"] = _last_in_words(groups)
    return CommonSteps(common, _note(common, reasons), reasons)


def _ends_together(common: Array, curves: Sequence[Array]) -> bool:
    """Say whether the last ten common steps stand at the end of every curve."""
    if len(common) < LAST:
        return False
    window = common[-LAST:]
    return bool(max(steps[-1] for steps in curves) - window[-1] <= (window[-1] - window[0]) / 2)


def _last_in_words(groups: Mapping[str, Sequence[Array]]) -> str:
    ends = {name: [steps[-LAST:] for steps in group] for name, group in groups.items()}
    which = min(_pairs(ends), key=lambda names: len(_shared(ends, names)))
    if min(len(steps) for name in which for steps in groups[name]) < LAST:
        return f"{_named(which)} do not all have {LAST} evaluations"
    return f"{_named(which)} share only {len(_shared(ends, which))} of their last {LAST} evaluation steps"


def _pairs(groups: Mapping[str, Sequence[Array]]) -> list[tuple[str, ...]]:
    """Return the pairs of groups with seeds; the only group where there is one."""
    names = [name for name, group in groups.items() if group]
    return list(itertools.combinations(names, 2)) or [tuple(names)]


def _shared(groups: Mapping[str, Sequence[Array]], names: Sequence[str]) -> Array:
    return reduce(np.intersect1d, [steps for name in names for steps in groups[name]])


def _named(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) > 1 else f"the seeds of {names[0]}"


def _note(common: Array, reasons: Mapping[str, str]) -> str:
    withheld = [
        f"{_and([name for name, why in reasons.items() if why == reason])} withheld: {reason}."
        for reason in dict.fromkeys(reasons.values())
    ]
    kept = [name for name in ("best", "last10", "area") if name not in reasons]
    if not kept:
        return " ".join(withheld)
    where = f"the {len(common)} evaluation steps that all seeds have, {common[0]:g} to {common[-1]:g}"
    note = f"{_and(kept)} taken over {where}: some seeds were evaluated at other steps too."
    return " ".join([note, *withheld])


def _and(names: Sequence[str]) -> str:
    """Return names with their verb: ``best and area are``."""
    if len(names) == 1:
        return f"{names[0]} is"
    return f"{', '.join(names[:-1])} and {names[-1]} are"
