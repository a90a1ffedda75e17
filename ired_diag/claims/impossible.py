"""Numbers that no sample can have, whatever its values.

min ≤ mean ≤ max
sd ≤ (max - min)/2 · √(n/(n - 1))           Popoviciu (1935)
sd ≤ √(m (100 - m) · n/(n - 1))             of a share with mean m percent; Bhatia & Davis (2000)
"""

from __future__ import annotations

import math
import re

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails

SHARE = re.compile(
    r"\b(?:accuracy|acc|recall|precision|success(?: rate)?|win ?rate|f1|auroc|auc|solved)\b", re.IGNORECASE
)
DESCRIBED = re.compile(r"group \d+ of line \d+$")  # in one sentence: see ``summaries``


def impossible(claim: Claim, book: Book) -> Verdict | None:
    """Return that a mean or a sd is impossible beside the numbers of its row; None where it is possible."""
    if (
        not (claim.table or DESCRIBED.match(claim.about))
        or claim.kind not in ("mean", "sd")
        or not claim.groups
    ):
        return None
    row = [c for c in book.beside(claim) if c.groups == claim.groups]
    ends = _ends(claim, row)
    if claim.kind == "mean":
        return _mean_outside(claim, ends) if ends else None
    n = book.size(claim.groups[0]) or 2
    grow = math.sqrt(n / (n - 1)) if n > 1 else math.sqrt(2)
    if ends:
        bound = (ends[1] - ends[0]) / 2 * grow
        where = f"values between {ends[0]:.6g} and {ends[1]:.6g}"
    elif share := _share_of(claim, row):
        bound = math.sqrt(share * (100 - share)) * grow
        where = f"a share with the mean {share:g}%"
    else:
        return None
    if claim.number.value - claim.number.unit <= bound:
        return None
    words = f"the standard deviation is printed as {claim.said}; {where} cannot have one above {bound:.4g}."
    return fails(claim, Fault("impossible", "error", words, evidence={"bound": bound, "n": n}).of(claim))


def _ends(claim: Claim, row: list[Claim]) -> tuple[float, float] | None:
    """Return the smallest and the largest value that the row prints, each once, a last digit apart."""
    worst = [c.number for c in row if c.kind == "worst" and c.metric == claim.metric]
    best = [c.number for c in row if c.kind == "best" and c.metric == claim.metric]
    if len(worst) != 1 or len(best) != 1 or sum(c.kind == claim.kind for c in row) != 1:
        return None
    low, high = sorted((worst[0], best[0]), key=lambda number: number.value)
    return low.value - low.unit, high.value + high.unit


def _mean_outside(claim: Claim, ends: tuple[float, float]) -> Verdict | None:
    low, high = ends
    if low - claim.number.unit <= claim.number.value <= high + claim.number.unit:
        return None
    words = f"the mean is printed as {claim.said}; smallest and largest value are {low:.6g} and {high:.6g}."
    return fails(claim, Fault("impossible", "error", words, evidence={"low": low, "high": high}).of(claim))


def _share_of(claim: Claim, row: list[Claim]) -> float | None:
    """Return the mean of a share in percent that a sd in percent stands beside."""
    means = [c.number for c in row if c.kind == "mean" and c.metric == claim.metric]
    if len(means) != 1 or not SHARE.search(claim.metric):
        return None
    (mean,) = means
    in_percent = mean.percent and claim.number.percent
    return mean.value if in_percent and 0 <= mean.value <= 100 else None
