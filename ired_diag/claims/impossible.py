"""Numbers that no sample can have, whatever its values.

min ≤ mean ≤ max
sd ≤ (max - min)/2 · √(n/(n - 1))           Popoviciu (1935)
sd ≤ √(m (100 - m) · n/(n - 1))             of a share with mean m percent; Bhatia & Davis (2000)
"""

from __future__ import annotations

import math
import re

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Kind, Verdict, refuted
from ired_diag.claims.numbers import Printed

SHARE = re.compile(
    r"\b(?:accuracy|acc|recall|precision|success(?: rate)?|win ?rate|f1|auroc|auc|solved)\b", re.IGNORECASE
)
DESCRIBED = re.compile(r"group \d+ of line \d+$")  # in one sentence: see ``summaries``


def impossible(claim: Claim, book: Book) -> Verdict | None:
    """Return that a mean or a sd is impossible next to the numbers of its row; None where it is possible."""
    is_of_one_row = claim.table or DESCRIBED.match(claim.about)
    if not is_of_one_row or not claim.groups:
        return None
    row = [other for other in book.beside(claim) if other.groups == claim.groups]
    if claim.kind == "mean":
        return _mean_outside(claim, row)
    if claim.kind == "sd":
        return _sd_above_bound(claim, row, book.size(claim.groups[0]))
    return None


def _sd_above_bound(claim: Claim, row: list[Claim], size: int | None) -> Verdict | None:
    """Return that a sd is larger than the range of the values, or a share, allows.

    Args:
        claim: The sd.
        row: The claims of its row.
        size: The number of values, where it is printed.
    """
    # With an unknown n, that of two values: it allows the largest sd.
    n = size or 2
    grow = math.sqrt(n / (n - 1)) if n > 1 else math.sqrt(2)
    ends = _ends(claim, row)
    share = _share_of(claim, row)
    if ends:
        low, high = ends
        bound = (high - low) / 2 * grow
        where = f"values between {low:.6g} and {high:.6g}"
    elif share:
        bound = math.sqrt(share * (100 - share)) * grow
        where = f"a share with the mean {share:g}%"
    else:
        return None
    smallest = claim.number.value - claim.number.unit
    if smallest <= bound:
        return None
    printed = f"the standard deviation is printed as {claim.said}"
    return refuted(
        claim,
        rule="impossible",
        words=f"{printed}; {where} cannot have one above {bound:.4g}.",
        evidence={"bound": bound, "n": n},
    )


def _ends(claim: Claim, row: list[Claim]) -> tuple[float, float] | None:
    """Return the smallest and the largest value that the row prints, each once, a last digit apart."""
    worst = _numbers_of("worst", claim, row)
    best = _numbers_of("best", claim, row)
    kinds = [other.kind for other in row]
    if len(worst) != 1 or len(best) != 1 or kinds.count(claim.kind) != 1:
        return None
    numbers = worst + best
    low, high = sorted(numbers, key=lambda number: number.value)
    return low.value - low.unit, high.value + high.unit


def _numbers_of(kind: Kind, claim: Claim, row: list[Claim]) -> list[Printed]:
    """Return the numbers of a kind in a row that are of the metric of a claim."""
    numbers = []
    for other in row:
        if other.kind == kind and other.metric == claim.metric:
            numbers.append(other.number)
    return numbers


def _mean_outside(claim: Claim, row: list[Claim]) -> Verdict | None:
    """Return that a mean lies outside of the values that its row prints as smallest and largest."""
    ends = _ends(claim, row)
    if ends is None:
        return None
    low, high = ends
    value = claim.number.value
    unit = claim.number.unit
    if low - unit <= value <= high + unit:
        return None
    printed = f"the mean is printed as {claim.said}"
    return refuted(
        claim,
        rule="impossible",
        words=f"{printed}; smallest and largest value are {low:.6g} and {high:.6g}.",
        evidence={"low": low, "high": high},
    )


def _share_of(claim: Claim, row: list[Claim]) -> float | None:
    """Return the mean of a share in percent that a sd in percent stands next to."""
    means = _numbers_of("mean", claim, row)
    if len(means) != 1 or not SHARE.search(claim.metric):
        return None
    (mean,) = means
    if not mean.percent or not claim.number.percent or not 0 <= mean.value <= 100:
        return None
    return mean.value
