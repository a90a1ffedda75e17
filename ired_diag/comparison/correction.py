"""Verdicts on several pairs of groups, corrected for there being several.

Of k pairs that do not differ, each tested at 5%, at least one is called different in up to 1 - 0.95^k of all
studies: 14% of those with three groups, nearly half of those with six. So better or worse needs Holm's
adjusted p value to be at most 5%; the share of studies with any false one is then at most 5%. Equivalent, and
smaller than the margin, are claims of their own and need the same of the p values of the equivalence tests.
Of each readout the pairs are a family too, so that no line of a table says more than the headline. Unadjusted
p values and 95% intervals stay those of each pair by itself; the simultaneous interval stands next to them
(``stats.simultaneous``), and contains 0 where Holm's adjusted p is above 5%.

Reference: Holm (1979), A Simple Sequentially Rejective Multiple Test Procedure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ired_diag.comparison.by_readout import FINAL, ByReadout
from ired_diag.comparison.criteria import after_correction
from ired_diag.comparison.decisions import Claim, Corrected, corrected_claims
from ired_diag.comparison.later import changed
from ired_diag.comparison.pairs import PairOfGroups
from ired_diag.stats.multiplicity import benjamini_hochberg
from ired_diag.stats.simultaneous import simultaneous_interval
from ired_diag.stats.verdict import Verdict


def corrected(pairs: Sequence[PairOfGroups]) -> list[PairOfGroups]:
    """Return the pairs with p values, verdicts and readouts corrected for their number.

    Pairs of different problems are not compared (``skill``): they are no members of the family.
    """
    family = [pair for pair in pairs if not pair.other_problems]
    if len(family) < len(pairs):
        results = iter(corrected(family))
        return [pair if pair.other_problems else next(results) for pair in pairs]
    if not pairs:
        return []
    discoveries = benjamini_hochberg(np.array([pair.p for pair in pairs], dtype=np.float64))
    corrections = corrected_claims([_claim(pair) for pair in pairs])
    readouts = _readouts(pairs)
    tested = sum(not math.isnan(pair.p) for pair in pairs)
    corrected_pairs = []
    for i, pair in enumerate(pairs):
        result = _corrected(
            pair,
            corrections[i],
            readouts[i],
            p_bh=float(discoveries[i]),
            tested=tested,
        )
        corrected_pairs.append(result)
    return corrected_pairs


def _claim(pair: PairOfGroups) -> Claim:
    return Claim(
        verdict=pair.uncorrected,
        p=pair.p,
        p_equivalence=pair.equivalence.p,
        names=(pair.a, pair.b),
    )


def _corrected(
    pair: PairOfGroups,
    correction: Corrected,
    lines: Sequence[ByReadout],
    *,
    p_bh: float,
    tested: int,
) -> PairOfGroups:
    verdict = correction.verdict
    low, high = simultaneous_interval(pair.test, tested)
    return changed(
        pair,
        p_holm=correction.p,
        p_bh=p_bh,
        simultaneous_low=low,
        simultaneous_high=high,
        p_equivalence_holm=correction.p_equivalence,
        verdict=verdict,
        by_readout=lines,
        flips=not pair.identical and _disagree(lines),
        criteria=after_correction(pair.criteria, verdict.decision),
    )


def _disagree(lines: Sequence[ByReadout]) -> bool:
    """Say whether the readouts of the end of the curves come to several verdicts."""
    decisions = set()
    for line in lines:
        # Identical numbers are no verdict that another readout could turn around.
        if line.readout in FINAL and not line.reason and line.decision != "identical":
            decisions.add(line.decision)
    return len(decisions) > 1


def _readouts(pairs: Sequence[PairOfGroups]) -> list[list[ByReadout]]:
    """Return each pair's lines, every readout corrected over the pairs."""
    by_pair: list[list[ByReadout]] = [[] for _ in pairs]
    for lines in zip(*(pair.by_readout for pair in pairs), strict=True):
        for own_lines, line in zip(by_pair, _family(lines), strict=True):
            own_lines.append(line)
    return by_pair


def _family(lines: Sequence[ByReadout]) -> list[ByReadout]:
    """Return the lines of one readout, corrected over the pairs that have it."""
    claims = []
    for line in lines:
        verdict = Verdict(line.uncorrected, line.smaller_than_margin, "")
        claims.append(Claim(verdict, line.p, line.p_equivalence))
    family = []
    for line, correction in zip(lines, corrected_claims(claims), strict=True):
        corrected_line = replace(
            line,
            p_holm=correction.p,
            decision=correction.verdict.decision,
            smaller_than_margin=correction.verdict.smaller_than_margin,
        )
        family.append(corrected_line)
    return family
