"""Pairs of groups, their p values corrected for there being several of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ired_diag.comparison.pairs import PairOfGroups
from ired_diag.stats.multiplicity import benjamini_hochberg, holm


def corrected(pairs: Sequence[PairOfGroups]) -> list[PairOfGroups]:
    """Return the pairs with their p values corrected by Holm, and by Benjamini and Hochberg."""
    p = np.array([pair.test.p for pair in pairs], dtype=np.float64)
    if not len(p):
        return []
    return [
        replace(pair, p_holm=float(family_wise), p_bh=float(discovery))
        for pair, family_wise, discovery in zip(pairs, holm(p), benjamini_hochberg(p), strict=True)
    ]
