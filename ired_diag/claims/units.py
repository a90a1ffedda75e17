"""Numbers of a report in the unit of the runs: percent or shares, and which way a ×10⁻³ is meant.

A column "accuracy (%)" of runs that log shares is divided by 100; so is one whose caption says percent
(``percent_words``). A head "(×10⁻³)" may say that its numbers are to be multiplied by it, or that they have
been: where the other reading alone agrees with the runs in size, it is taken. So is a scale in the caption,
the heading, or the text ("all losses are multiplied by 100"). A power of ten that is not stated is taken
where it makes most of the column's numbers means or values of the runs: several numbers do not agree by
chance. A factor of 100 is never taken in this way: it is a matter of words whether a number is in percent. A
number whose unit does not agree in any way stays, and is then too far off to be held against them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ired_diag.claims.claim import Claim
from ired_diag.claims.groups import RunGroups
from ired_diag.claims.heads import head_of
from ired_diag.claims.metric_names import SCALE
from ired_diag.claims.metrics import relation_to
from ired_diag.claims.numbers import Printed, plain
from ired_diag.claims.percent_words import is_in_percent, is_share
from ired_diag.claims.ranges import Range, fits_any
from ired_diag.runs.metric_words import measures_in, words_of

NEAR = 10.0
LEVELS = ("mean", "value", "median", "best", "worst")
LEVELS_OF_SENTENCES = (*LEVELS, "level")
SPREADS = ("sd", "se", "spread", "interval", "quartiles")
MULTIPLIED = re.compile(
    r"\b(?:multiplied|scaled|times)\s+(?:by\s+)?(?:a factor (?:of )?)?(10+)\b", re.IGNORECASE
)
POWERS = tuple(power for power in range(-6, 7) if power)
PERCENT = 0.01
POWERS_OF_PERCENT = (-2, 2)
LARGEST_PERCENTAGE = 100.0
ENOUGH = 2  # numbers that agree


def in_units_of_runs(claims: Sequence[Claim], groups: RunGroups, text: str = "") -> list[Claim]:
    """Return the claims, those of each column in the unit of the runs.

    Args:
        claims: Of the report.
        groups: The runs.
        text: The report.
    """
    middle = _middle_of_ends(groups)
    if middle is None:
        return list(claims)
    stated = _stated_factors(text)
    columns: dict[tuple[int, str], list[Claim]] = {}
    for claim in claims:
        if claim.table and claim.kind in LEVELS:
            columns.setdefault(_column(claim), []).append(claim)
    factors = {}
    for column, levels in columns.items():
        factors[column] = _factor(levels, middle, groups, stated)
    scaled = [_scaled(claim, factors.get(_column(claim), 1.0)) for claim in claims]
    return [_share_of_sentence(claim, groups) for claim in scaled]


def _middle_of_ends(groups: RunGroups) -> float | None:
    """Return the median size of the last values of all runs; None where there are no runs."""
    ends: list[float] = []
    for by_seed in groups.values.get("last", {}).values():
        ends += by_seed.values()
    if not ends:
        return None
    return float(np.median(np.abs(ends)))


def _stated_factors(text: str) -> list[float]:
    """Return the factors of "multiplied by 100" in a text: it may be meant either way."""
    factors = set()
    for power_of_ten in MULTIPLIED.findall(plain(text)):
        zeros = len(power_of_ten) - 1
        factors |= {10.0**zeros, 10.0**-zeros}
    return sorted(factors)


def _column(claim: Claim) -> tuple[int, str]:
    return claim.table, claim.metric


def in_other_unit(number: Printed, group: str, groups: RunGroups) -> float | None:
    """Return the power of ten by which a number is a mean of a group; None where it is by none, or by 1."""
    means = [sample.mean for sample in groups.samples(group).values()]
    # A number of one digit agrees with something at one power of ten or another.
    if fits_any(number, means) or abs(number.value) < 10 * number.unit:
        return None
    for power in POWERS:
        factor = 10.0**power
        if fits_any(number.scaled(factor), means):
            return factor
    return None


def _factor(levels: Sequence[Claim], middle: float, groups: RunGroups, stated: Sequence[float]) -> float:
    """Return what the numbers of a column are to be multiplied with.

    Args:
        levels: The means and values of the column; at least one.
        middle: The median of the runs' last values.
        groups: The runs.
        stated: The factors that the text of the report states.
    """
    if relation_to(levels[0].metric, groups.metric) not in ("same", "generic", "unnamed"):
        return 1.0
    size = float(np.median([abs(claim.number.value) for claim in levels]))
    if not size:
        return 1.0
    if _is_percent_by_arithmetic(levels, groups):
        return PERCENT
    if not middle or _is_near(size, middle):
        # A small percentage is near a share in size: 1.5 in percent, and 0.9.
        if middle <= 1 < size and any(map(is_in_percent, levels)):
            return PERCENT
        return 1.0
    for factor in (*_of_words(levels), *stated):
        if _is_near(size * factor, middle):
            return factor
    return _by_agreement(levels, groups)


def _is_percent_by_arithmetic(levels: Sequence[Claim], groups: RunGroups) -> bool:
    """Say whether levels can only be in percent: shares that are logged up to 1, and printed above it.

    No accuracy is 1.2. An error rate can be above 1, so that of these most numbers have to agree.
    """
    # What a benchmark without a known measure counts, only the agreement of its numbers says.
    is_known = bool(measures_in(words_of(groups.metric)))
    if (is_known and not is_share(groups.metric)) or _largest_value(groups) > 1:
        return False
    sizes = [abs(claim.number.value) for claim in levels]
    if min(sizes) <= 1 or max(sizes) > LARGEST_PERCENTAGE:
        return False
    if is_share(groups.metric, bounded=True):
        return True
    known = _levels_of(groups)
    agreeing = 0
    for claim in levels:
        agreeing += fits_any(claim.number.scaled(PERCENT), known)
    # A table of benchmarks has rows of others' models as well.
    is_most = 2 * agreeing > len(levels) or not is_known
    return agreeing >= ENOUGH and is_most


def _share_of_sentence(claim: Claim, groups: RunGroups) -> Claim:
    """Return a claim; the level of a sentence that can only be in percent as a share: "an F1 of 91.0"."""
    if (
        claim.table
        or claim.kind not in LEVELS_OF_SENTENCES
        or any(number.percent for number in claim.numbers)
    ):
        return claim
    if relation_to(claim.metric, groups.metric) != "same" or not is_share(groups.metric, bounded=True):
        return claim
    if not _is_percent_by_arithmetic([claim], groups):
        return claim
    return replace(claim, numbers=tuple(number.scaled(PERCENT) for number in claim.numbers))


def _largest_value(groups: RunGroups) -> float:
    """Return the largest value of any run by any readout, in size."""
    sizes = [0.0]
    for by_group in groups.every.values():
        for by_seed in by_group.values():
            sizes += map(abs, by_seed.values())
    return max(sizes)


def _is_near(size: float, middle: float) -> bool:
    return 1 / NEAR < size / middle < NEAR


def _of_words(levels: Sequence[Claim]) -> list[float]:
    """Return the factors that the head of a column, its caption and its heading may mean."""
    first = levels[0]
    factors = []
    if any(map(is_in_percent, levels)):
        factors.append(PERCENT)
    scale = SCALE.search(plain(first.context))
    if scale:
        power = 10.0 ** int(scale[1] or scale[2])
        # A scale in the head has been applied once already: the other way round it is its inverse square.
        in_head = head_of(first.wording).factor is not None
        factors += [power**-2 if in_head else power, 1 / power]
    return factors


def _by_agreement(column: Sequence[Claim], groups: RunGroups) -> float:
    """Return the power of ten that makes most numbers of a column means or values of the runs, else 1.

    A power that is that of a percentage has to be stated.
    """
    levels = _levels_of(groups)
    numbers = [claim.number for claim in column if claim.kind in ("mean", "value")]
    best, most = 1.0, 0
    for power in POWERS:
        if power in POWERS_OF_PERCENT:
            continue
        factor = 10.0**power
        agreeing = 0
        for number in numbers:
            agreeing += fits_any(number.scaled(factor), levels)
        if agreeing > most:
            best, most = factor, agreeing
    if 2 * most > len(numbers):
        return best
    return 1.0


def _levels_of(groups: RunGroups) -> list[Range]:
    """Return all means over seeds, and all values of seeds, by any readout."""
    levels = []
    for group in groups.members:
        for sample in groups.samples(group).values():
            levels.append(sample.mean)
            levels += map(sample.value_of, sample.values)
    return levels


def _scaled(claim: Claim, factor: float) -> Claim:
    if factor == 1.0 or not claim.table or claim.kind not in (*LEVELS, *SPREADS):
        return claim
    numbers = tuple(replace(number.scaled(factor), percent=False) for number in claim.numbers)
    return replace(claim, numbers=numbers)
