"""Which readout of the runs' curves does a report quote?

It is the one that most of the report's means, sds and values agree with. A report that quotes a step or a
number of last evaluations that no readout stands for is found by ``other_readout``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ired_diag.claims.claim import Claim
from ired_diag.claims.groups import READOUTS, RunGroups
from ired_diag.claims.numbers import Printed
from ired_diag.claims.ranges import Range, fits, fits_any
from ired_diag.claims.samples import Sample

Array = NDArray[np.float64]
QUOTING = ("mean", "value", "sd")  # kinds of claims that a readout can be told by


def matching(mean: Printed, group: str, groups: RunGroups) -> list[str]:
    """Return the readouts whose mean over the seeds a printed number agrees with."""
    readouts = []
    for readout, sample in groups.samples(group).items():
        if fits(mean, sample.mean):
            readouts.append(readout)
    return readouts


def quoted_readout(claims: Sequence[Claim], meant: Mapping[str, str | None], groups: RunGroups) -> str | None:
    """Return the readout that the report quotes; None where no mean and no value agrees with any."""
    scores = dict.fromkeys(READOUTS, 0)
    for claim in claims:
        group = meant.get(claim.only_group)
        if group is None or claim.kind not in QUOTING:
            continue
        for readout, sample in groups.samples(group).items():
            scores[readout] += _agrees(claim, sample)
    best = max(READOUTS, key=lambda readout: scores[readout])
    if not scores[best]:
        return None
    return best


def _agrees(claim: Claim, sample: Sample) -> bool:
    """Say whether a mean, value or sd is that of a sample."""
    number = claim.number
    if claim.kind == "mean":
        return fits(number, sample.mean)
    if claim.kind == "value":
        if claim.seed not in sample.values:
            return False
        return fits(number, sample.value_of(claim.seed))
    if sample.n < 2:
        return False
    return fits_any(number, (sample.sd, sample.population_sd))


def other_readout(mean: Printed, group: str, groups: RunGroups) -> str:
    """Say at which step, or over how many last evaluations, the seeds have a mean; empty where never."""
    seeds = groups.members[group].seeds
    steps = seeds[0].steps
    curves = []
    for seed in seeds:
        if not np.array_equal(steps, seed.steps):
            return ""
        curves.append(seed.values)
    half = groups.half_of_means(group) / math.sqrt(len(seeds))
    # Newest first, so that the mean of the last k evaluations is a running mean.
    from_last = np.mean(curves, axis=0)[::-1]
    step = _where(mean, from_last, steps[::-1], half)
    if step is not None:
        return f"at step {step:g}"
    counts = np.arange(1.0, len(from_last) + 1)
    means_of_last = np.cumsum(from_last) / counts
    count = _where(mean, means_of_last, counts, half)
    if count is not None:
        return f"over the last {count:g} evaluations"
    return ""


def _where(mean: Printed, values: Array, places: Array, half: float) -> float | None:
    """Return where a printed mean fits one of several values; the first of them is a readout of its own."""
    others = zip(places[1:].tolist(), values[1:].tolist(), strict=True)
    for place, value in others:
        if fits(mean, Range.around(value, half)):
            return float(place)
    return None
