"""Verdicts on several pairs of groups, corrected for there being several.

Of k pairs that do not differ, each tested at 5%, at least one is called different in up to 1 - 0.95^k of all
studies: 14% of those with three groups, nearly half of those with six. So better or worse needs Holm's
adjusted p value to be at most 5%; the share of studies with any false one is then at most 5%. Equivalent, and
smaller than the margin, are claims of their own and need the same of the p values of the equivalence tests.
Of each readout the pairs are a family too, so that no line of a table says more than the headline. Intervals
and unadjusted p values stay those of each pair by itself.

Reference: Holm (1979), A Simple Sequentially Rejective Multiple Test Procedure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from ired_diag.comparison.by_readout import FINAL, ByReadout
from ired_diag.comparison.criteria import after_correction
from ired_diag.comparison.pairs import PairOfGroups
from ired_diag.comparison.sample import Array
from ired_diag.stats.multiplicity import benjamini_hochberg, holm
from ired_diag.stats.verdict import Verdict, correct


def corrected(pairs: Sequence[PairOfGroups]) -> list[PairOfGroups]:
    """Return the pairs with p values, verdicts and readouts corrected for their number."""
    if not pairs:
        return []
    p, equivalence = _column(pair.p for pair in pairs), _column(pair.equivalence.p for pair in pairs)
    columns = zip(pairs, holm(p), benjamini_hochberg(p), holm(equivalence), _readouts(pairs), strict=True)
    return [
        _corrected(
            replace(pair, p_holm=float(family), p_bh=float(discovery), p_equivalence_holm=float(same)),
            lines,
            len(pairs),
        )
        for pair, family, discovery, same, lines in columns
    ]


def _corrected(pair: PairOfGroups, lines: Sequence[ByReadout], pairs: int) -> PairOfGroups:
    verdict = correct(
        pair.uncorrected,
        p=pair.p_holm,
        p_equivalence=pair.p_equivalence_holm,
        pairs=pairs,
        names=(pair.a, pair.b),
    )
    if pair.identical:
        verdict = Verdict("undecided", False, f"{pair.a} and {pair.b} are {pair.identical}")
    decisions = {line.decision for line in lines if line.readout in FINAL and not line.reason}
    return replace(
        pair,
        verdict=verdict,
        by_readout=lines,
        flips=len(decisions) > 1 and not pair.identical,
        criteria=after_correction(pair.criteria, verdict.decision),
    )


def _readouts(pairs: Sequence[PairOfGroups]) -> list[list[ByReadout]]:
    """Return each pair's lines, every readout corrected over the pairs."""
    by_readout = [_family(lines) for lines in zip(*(pair.by_readout for pair in pairs), strict=True)]
    return [list(lines) for lines in zip(*by_readout, strict=True)] or [[] for _ in pairs]


def _family(lines: Sequence[ByReadout]) -> list[ByReadout]:
    """Return the lines of one readout, corrected over the pairs that have it."""
    p = holm(_column(line.p for line in lines))
    equivalence = holm(_column(line.p_equivalence for line in lines))
    return [
        _line(replace(line, p_holm=float(different)), float(same), len(lines))
        for line, different, same in zip(lines, p, equivalence, strict=True)
    ]


def _line(line: ByReadout, p_equivalence: float, pairs: int) -> ByReadout:
    verdict = correct(
        Verdict(line.uncorrected, line.smaller_than_margin, ""),
        p=line.p_holm,
        p_equivalence=p_equivalence,
        pairs=pairs,
    )
    return replace(line, decision=verdict.decision, smaller_than_margin=verdict.smaller_than_margin)


def _column(values: Iterable[float]) -> Array:
    return np.fromiter(values, dtype=np.float64)
