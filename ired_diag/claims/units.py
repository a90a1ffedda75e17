"""Numbers of a report in the unit of the runs: percent or shares, and which way a ×10⁻³ is meant.

A column "accuracy (%)" of runs that log shares is divided by 100. A head "(×10⁻³)" may say that its numbers
are to be multiplied by it, or that they have been: where the other reading alone agrees with the runs in
size, it is taken. A number whose unit does not agree in either way stays, and is then too far off to be held
against them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ired_diag.claims.claim import Claim
from ired_diag.claims.groups import RunGroups
from ired_diag.claims.heads import SCALE, head_of
from ired_diag.claims.metrics import relation_to

NEAR = 10.0
LEVELS = ("mean", "value", "median", "best", "worst")
SPREADS = ("sd", "se", "spread", "interval", "quartiles")


def in_units_of_runs(claims: Sequence[Claim], groups: RunGroups) -> list[Claim]:
    """Return the claims, those of each column in the unit of the runs."""
    ends = [abs(v) for values in groups.values.get("last", {}).values() for v in values.values()]
    if not ends:
        return list(claims)
    middle = float(np.median(ends))
    factors = {
        key: _factor(key, claims, middle, groups.metric) for key in {_column(c) for c in claims if c.table}
    }
    return [_scaled(c, factors.get(_column(c), 1.0)) if c.table else c for c in claims]


def _column(claim: Claim) -> tuple[int, str]:
    return claim.table, claim.metric


def _factor(column: tuple[int, str], claims: Sequence[Claim], middle: float, metric: str) -> float:
    """Return what the numbers of a column are to be multiplied with."""
    here = [c for c in claims if _column(c) == column and c.kind in LEVELS]
    if not here or relation_to(column[1], metric) not in ("same", "generic", "unnamed"):
        return 1.0
    size = float(np.median([abs(c.number.value) for c in here]))
    if not size or not middle or 1 / NEAR < size / middle < NEAR:
        in_percent = size and any(c.number.percent or head_of(c.context.split("\n")[0]).percent for c in here)
        return 0.01 if in_percent and middle <= 1 < size else 1.0
    heads = [c.context for c in here]
    candidates = (
        [0.01] if any(head_of(h.split("\n")[0]).percent for h in heads) or here[0].number.percent else []
    )
    scale = SCALE.search("\n".join(heads[:1]))
    power = 10.0 ** int(scale[1] or scale[2]) if scale else 1.0
    in_head = head_of(heads[0].split("\n")[0]).factor is not None
    candidates += [power**-2 if in_head else power, 1 / power] if scale else []
    fitting = [factor for factor in candidates if 1 / NEAR < size * factor / middle < NEAR]
    return fitting[0] if fitting else 1.0


def _scaled(claim: Claim, factor: float) -> Claim:
    if factor == 1.0 or claim.kind not in (*LEVELS, *SPREADS):
        return claim
    numbers = tuple(replace(n.scaled(factor), percent=False) for n in claim.numbers)
    return replace(claim, numbers=numbers)
