"""Numbers of a report in the unit of the runs: percent or shares, and which way a ×10⁻³ is meant.

A column "accuracy (%)" of runs that log shares is divided by 100. A head "(×10⁻³)" may say that its numbers
are to be multiplied by it, or that they have been: where the other reading alone agrees with the runs in
size, it is taken. So is a scale in the caption, the heading, or the text ("all losses are multiplied by
100"). A scale that is not stated is taken where it makes most of the column's numbers means or values of the
runs: to a power of ten, several numbers do not agree by chance. A number whose unit does not agree in any
way stays, and is then too far off to be held against them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ired_diag.claims.claim import Claim
from ired_diag.claims.groups import READOUTS, RunGroups
from ired_diag.claims.heads import head_of
from ired_diag.claims.metric_names import SCALE
from ired_diag.claims.metrics import relation_to
from ired_diag.claims.numbers import Printed, plain
from ired_diag.claims.ranges import Range, fits

NEAR = 10.0
LEVELS = ("mean", "value", "median", "best", "worst")
SPREADS = ("sd", "se", "spread", "interval", "quartiles")
MULTIPLIED = re.compile(
    r"\b(?:multiplied|scaled|times)\s+(?:by\s+)?(?:a factor (?:of )?)?(10+)\b", re.IGNORECASE
)
POWERS = tuple(power for power in range(-6, 7) if power)


def in_units_of_runs(claims: Sequence[Claim], groups: RunGroups, text: str = "") -> list[Claim]:
    """Return the claims, those of each column in the unit of the runs.

    Args:
        claims: Of the report.
        groups: The runs.
        text: The report.
    """
    ends = [abs(v) for values in groups.values.get("last", {}).values() for v in values.values()]
    if not ends:
        return list(claims)
    middle = float(np.median(ends))
    stated = {10.0 ** (sign * (len(hit) - 1)) for hit in MULTIPLIED.findall(plain(text)) for sign in (-1, 1)}
    factors = {
        key: _factor(key, claims, middle, groups, sorted(stated))
        for key in {_column(c) for c in claims if c.table}
    }
    return [_scaled(c, factors.get(_column(c), 1.0)) if c.table else c for c in claims]


def _column(claim: Claim) -> tuple[int, str]:
    return claim.table, claim.metric


def in_other_unit(number: Printed, group: str, groups: RunGroups) -> float | None:
    """Return the power of ten by which a number is a mean of a group; None where it is by none, or by 1."""
    samples = [sample for readout in READOUTS if (sample := groups.sample(group, readout))]
    if any(fits(number, sample.mean) for sample in samples) or abs(number.value) < 10 * number.unit:
        return None
    for power in POWERS:
        if any(fits(number.scaled(10.0**power), sample.mean) for sample in samples):
            return 10.0**power
    return None


def _factor(
    column: tuple[int, str],
    claims: Sequence[Claim],
    middle: float,
    groups: RunGroups,
    stated: Sequence[float],
) -> float:
    """Return what the numbers of a column are to be multiplied with."""
    here = [c for c in claims if _column(c) == column and c.kind in LEVELS]
    if not here or relation_to(column[1], groups.metric) not in ("same", "generic", "unnamed"):
        return 1.0
    size = float(np.median([abs(c.number.value) for c in here]))
    if not size or not middle or 1 / NEAR < size / middle < NEAR:
        in_percent = size and any(c.number.percent or head_of(c.context.split("\n")[0]).percent for c in here)
        return 0.01 if in_percent and middle <= 1 < size else 1.0
    fitting = [f for f in (*_of_words(here), *stated) if 1 / NEAR < size * f / middle < NEAR]
    return fitting[0] if fitting else _by_agreement(here, groups)


def _of_words(here: Sequence[Claim]) -> list[float]:
    """Return the factors that the head of a column, its caption and its heading may mean."""
    head = head_of(here[0].context.split("\n")[0])
    percent = here[0].number.percent or any(head_of(c.context.split("\n")[0]).percent for c in here)
    scale = SCALE.search(plain(here[0].context))
    power = 10.0 ** int(scale[1] or scale[2]) if scale else 1.0
    written = [power**-2 if head.factor is not None else power, 1 / power] if scale else []
    return [0.01, *written] if percent else written


def _by_agreement(here: Sequence[Claim], groups: RunGroups) -> float:
    """Return the power of ten that makes most numbers of a column means or values of the runs, else 1."""
    samples = [s for g in groups.members for r in READOUTS if (s := groups.sample(g, r))]
    levels = [s.mean for s in samples]
    levels += [Range.around(v, s.half) for s in samples for v in s.values.values()]
    numbers = [c.number for c in here if c.kind in ("mean", "value")]
    agreeing = {
        power: sum(any(fits(n.scaled(10.0**power), level) for level in levels) for n in numbers)
        for power in POWERS
    }
    best = max(POWERS, key=lambda power: agreeing[power])
    return 10.0**best if 2 * agreeing[best] > len(numbers) else 1.0


def _scaled(claim: Claim, factor: float) -> Claim:
    if factor == 1.0 or claim.kind not in (*LEVELS, *SPREADS):
        return claim
    numbers = tuple(replace(n.scaled(factor), percent=False) for n in claim.numbers)
    return replace(claim, numbers=numbers)
