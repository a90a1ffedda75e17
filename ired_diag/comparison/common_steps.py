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

from ired_diag.comparison.names_in_words import is_or_are, joined

LAST = 10  # evaluations
ENOUGH = 10  # common steps: fewer are a chance meeting of two grids
READOUTS = ("best", "last10", "area")  # those that depend on which steps there are

Array = NDArray[np.float64]
Groups = Mapping[str, Sequence[Array]]  # steps of each seed, by group


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

    @property
    def last(self) -> float | None:
        """The last step that all curves have; None where every curve is taken over its own steps."""
        if self.steps is None or not len(self.steps):
            return None
        return float(self.steps[-1])


def common_steps(groups: Groups) -> CommonSteps:
    """Return the steps that all curves have.

    Args:
        groups: The steps of each seed's evaluations, increasing, of shape (n,), by group.
    """
    curves = _curves_of(list(groups), groups)
    if not curves or _are_equal(curves):
        return CommonSteps()
    common = reduce(np.intersect1d, curves)
    count_common = len(common)
    shortest = min(map(len, curves))
    reasons = {}
    if count_common < ENOUGH and 2 * count_common < shortest:
        names, count = _fewest_shared(groups)
        reason = f"{_named(names)} share only {count} of their evaluation steps"
        reasons = {"best": reason, "area": reason}
    if not _ends_together(common, curves):
        reasons["last10"] = _why_no_common_end(groups)
    return CommonSteps(
        steps=common,
        note=_note(common, reasons),
        reasons=reasons,
    )


def _are_equal(curves: Sequence[Array]) -> bool:
    """Say whether all curves have the same steps."""
    first, *others = curves
    return all(np.array_equal(first, steps) for steps in others)


def _ends_together(common: Array, curves: Sequence[Array]) -> bool:
    """Say whether the last ten common steps stand at the end of every curve."""
    if len(common) < LAST:
        return False
    first = common[-LAST]
    last = common[-1]
    half_span = (last - first) / 2
    # A training that went on for much longer has its last ten evaluations at another stage.
    end_of_longest = max(steps[-1] for steps in curves)
    went_on = end_of_longest - last
    return bool(went_on <= half_span)


def _why_no_common_end(groups: Groups) -> str:
    ends = {}
    for name, curves in groups.items():
        ends[name] = _last_steps(curves)
    names, count = _fewest_shared(ends)
    lengths = [len(steps) for steps in _curves_of(names, ends)]
    if min(lengths) < LAST:
        return f"{_named(names)} do not all have {LAST} evaluations"
    return f"{_named(names)} share only {count} of their last {LAST} evaluation steps"


def _last_steps(curves: Sequence[Array]) -> list[Array]:
    return [steps[-LAST:] for steps in curves]


def _curves_of(names: Sequence[str], groups: Groups) -> list[Array]:
    curves: list[Array] = []
    for name in names:
        curves += groups[name]
    return curves


def _fewest_shared(groups: Groups) -> tuple[Sequence[str], int]:
    """Return the pair of groups that shares the fewest steps, with their count; of one group, its own."""
    with_seeds = [name for name, curves in groups.items() if curves]
    compared: list[tuple[str, ...]] = list(itertools.combinations(with_seeds, 2))
    if not compared:
        compared = [tuple(with_seeds)]
    counts = {}
    for names in compared:
        curves = _curves_of(names, groups)
        shared = reduce(np.intersect1d, curves)
        counts[names] = len(shared)
    fewest = min(counts, key=lambda names: counts[names])
    return fewest, counts[fewest]


def _named(names: Sequence[str]) -> str:
    if len(names) == 1:
        (name,) = names
        return f"the seeds of {name}"
    return joined(names)


def _note(common: Array, reasons: Mapping[str, str]) -> str:
    """Return which readouts are taken over the common steps, and which are withheld."""
    sentences = []
    kept = [name for name in READOUTS if name not in reasons]
    if kept:
        count = len(common)
        first = common[0]
        last = common[-1]
        steps = f"the {count} evaluation steps that all seeds have, {first:g} to {last:g}"
        taken = f"{_are(kept)} taken over {steps}"
        sentences.append(f"{taken}: some seeds were evaluated at other steps too.")
    withheld: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        withheld.setdefault(reason, []).append(name)
    for reason, names in withheld.items():
        sentences.append(f"{_are(names)} withheld: {reason}.")
    return " ".join(sentences)


def _are(names: Sequence[str]) -> str:
    """Return names with their verb: ``best and area are``."""
    verb = is_or_are(len(names))
    return f"{joined(names)} {verb}"
