"""Does a printed difference, or a ratio, follow from two means?

"the difference a - b is x":  x = x̄_a - x̄_b          "a is x times lower than b":  x = x̄_b / x̄_a
"""

from __future__ import annotations

import math
import re

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.known_samples import means_of_claim, why_unknown
from ired_diag.claims.metrics import relation_to
from ired_diag.claims.phrases import RATIO
from ired_diag.claims.ranges import Range, fits, through
from ired_diag.claims.time_ratios import check_time_ratio

SLACK = 0.1  # of a ratio: "3x" is said of 2.8
COST = re.compile(
    r"\b(?:faster|slower|quicker|fewer|longer|shorter|speed-?ups?)|memory|parameters?|params|flops|compute|time|costs?\b|price|latency|cheaper|tokens|speed|throughput|data\b|steps|samples",
    re.I,
)


def check_difference(claim: Claim, book: Book) -> Verdict:
    """Return whether a difference is that of two means."""
    if len(claim.groups) != 2:
        return unchecked(
            claim, why_unknown(claim, book) if not claim.groups else "of which two means is not certain"
        )
    a, b = (means_of_claim(claim, label, book) for label in claim.groups)
    differences = [through(lambda x, y: x - y, x, y) for x in a for y in b]
    if claim.number.percent and not _in_percent(claim, book):
        return unchecked(claim, "whether it is relative or in percentage points is not certain")
    if not differences:
        return unchecked(claim, why_unknown(claim, book))
    if any(fits(claim.number, difference, magnitude=True) for difference in differences):
        return holds(claim, f"the means differ by {differences[0].middle:.4g}")
    orders = [(x, y) for x in a for y in b] + [(y, x) for x in a for y in b]
    relative = [through(_percent, x, y) for x, y in orders]
    in_percent = claim.number.percent or "%" in claim.context.split("\n")[0]
    if in_percent and any(fits(claim.number, r, magnitude=True) for r in relative):
        return holds(claim, "the means give it as a relative difference in percent")
    if len(book.metrics) > 1 and not claim.metric:
        return unchecked(claim, "of which metric it is, is not certain")
    words = f"the difference is printed as {claim.said}; the means differ by {differences[0].middle:.4g}."
    evidence = {"recomputed": differences[0].middle}
    return fails(claim, Fault("difference", "error", words, evidence=evidence).of(claim))


def _percent(x: float, y: float) -> float:
    return 100 * (x - y) / abs(y) if y else math.nan


def _in_percent(claim: Claim, book: Book) -> bool:
    """Say whether the means of the two groups are themselves printed in percent."""
    means = [c for label in claim.groups for c in book.stated("mean", label, metric=claim.metric)]
    return bool(means) and all(c.number.percent for c in means)


def check_ratio(claim: Claim, book: Book) -> Verdict:
    """Return whether "x times lower" is the ratio of two means."""
    near = claim.context.split("\n")[0]
    clause = _clause(near, claim.number.start, claim.number.end)
    if COST.search(clause):
        return check_time_ratio(claim, book, clause)
    if len(claim.groups) != 2:
        return unchecked(claim, why_unknown(claim, book))
    a, b = (means_of_claim(claim, label, book) for label in claim.groups)
    ratios = [r for x in a for y in b if (r := through(_larger_over_smaller, x, y)).known]
    if not ratios:
        return unchecked(claim, why_unknown(claim, book))
    said = claim.number.value
    reach = [Range(r.low * (1 - SLACK), r.middle, r.high * (1 + SLACK)) for r in ratios]
    if any(fits(claim.number, r) for r in reach):
        return holds(claim, f"the ratio of the means is {ratios[0].middle:.3g}")
    runs = bool(book.group(claim.groups[0]))
    named = (
        relation_to(claim.metric, book.groups.metric) in ("same", "unnamed") if runs else bool(claim.metric)
    )
    if not named and len(book.metrics) != 1:
        return unchecked(claim, "of which metric it is, is not certain")
    word = hit[1] if (hit := RATIO.match(near[claim.number.end :])) else ""
    words = f"{claim.said}x {word} is printed; the ratio of the means is {ratios[0].middle:.4g}."
    evidence = {"recomputed": ratios[0].middle, "printed": said}
    return fails(claim, Fault("ratio", "error", words, evidence=evidence).of(claim))


def _clause(text: str, start: int, end: int) -> str:
    """Return the part of a sentence around a number, up to the next comma or "and" on each side."""
    before = re.split(r"[,;]|\band\b", text[max(0, start - 60) : start])[-1]
    return before + re.split(r"[,;]|\band\b", text[start : end + 60])[0]


def _larger_over_smaller(x: float, y: float) -> float:
    small, large = sorted((abs(x), abs(y)))
    return large / small if small and x * y > 0 else math.nan
