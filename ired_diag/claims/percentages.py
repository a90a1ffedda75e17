"""Does a printed percentage follow from two means?

    "a is x% lower than b":  x = 100 |x̄_a - x̄_b| / |x̄_b|,    b the base

Found are percentages that are a factor 100 off (a share that was printed with a percent sign), that take
the other base, that have the wrong direction, or that are plainly others.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.differences import COST
from ired_diag.claims.from_to import check_from_to
from ired_diag.claims.known_samples import means_of_claim, why_unknown
from ired_diag.claims.ranges import Range, fits, printed_range, through

OF_SPREAD = re.compile(
    r"\bs\.?d\b|\bstd|variance|spread|scatter|standard|\bwider\b|narrow|interval|variab", re.IGNORECASE
)
THAN = re.compile(r"\b(?:than|relative to|compared (?:to|with)|against|over|als|vs\.?)\b", re.IGNORECASE)
LOWER = re.compile(r"^\W*(?:lower|smaller|less)\b", re.IGNORECASE)
HIGHER = re.compile(r"^\W*(?:higher|larger|more)\b", re.IGNORECASE)


def check_percent(claim: Claim, book: Book) -> Verdict:
    """Return whether a percentage is the difference of two means over one of them."""
    near = claim.context.split("\n")[0]
    beside = near[max(0, claim.number.start - 60) : claim.number.end + 12]
    if OF_SPREAD.search(
        beside if near[claim.number.start : claim.number.end].strip() == claim.said else near
    ):
        return unchecked(claim, "it may be of something else than a mean")
    if change := check_from_to(claim):
        return change
    if len(claim.groups) == 1:
        return _of_one(claim, book)
    if len(claim.groups) != 2 or book.key(claim.groups[0]) == book.key(claim.groups[1]):
        return unchecked(claim, "it does not say, for certain, which groups it is about")
    if level := _of_a_share(claim, book):
        return level
    bases = {
        label: _relative(claim, book, other, label) for other, label in (claim.groups, claim.groups[::-1])
    }
    if not all(bases.values()):
        return unchecked(claim, why_unknown(claim, book))
    if cost := COST.search(beside):
        return unchecked(claim, f"it is of another quantity ({cost[0]!r})")
    base = _base(claim, near)
    right = bases[base] if base else [value for values in bases.values() for value in values]
    if _fits_any(claim, right):
        return _direction(claim, book, near, base, right[0])
    if points := _points(claim, book):
        return points
    if not claim.table and not _links(near):
        return unchecked(claim, "whether the two groups are compared is not certain")
    return _slip(claim, bases, base)


def _of_a_share(claim: Claim, book: Book) -> Verdict | None:
    """Return the verdict on a percentage that may be a share, such as an accuracy, or a difference in points.

    It is None where the metric is no share of success, or where the percentage can only be relative.
    """
    means = [mean for label in claim.groups for mean in means_of_claim(claim, label, book)]
    if book.groups.lower_is_better or not all(0 <= mean.low and mean.high <= 1 for mean in means):
        return None
    points = [through(lambda x, y: 100 * (x - y), a, b) for a in means for b in means if a is not b]
    levels = [through(lambda x: 100 * x, mean) for mean in means]
    if _fits_any(claim, [*levels, *points]):
        return holds(claim, "the means, or their difference in percentage points, give it")
    if levels and claim.number.value >= min(level.low for level in levels) / 2:
        return unchecked(claim, "it may be the metric itself, of which readout is not said")
    return None


def _points(claim: Claim, book: Book) -> Verdict | None:
    """Return that a percentage is the difference in points of means that are printed in percent."""
    means = [[c.number for c in book.stated("mean", label, metric=claim.metric)] for label in claim.groups]
    pairs = [(a, b) for a in means[0] for b in means[1] if a.percent and b.percent]
    points = [through(lambda x, y: x - y, printed_range(a), printed_range(b)) for a, b in pairs]
    return holds(claim, "the means differ by so many points") if _fits_any(claim, points) else None


def _links(near: str) -> bool:
    """Say whether a sentence compares two groups, and does not name them side by side."""
    return bool(
        THAN.search(near) or re.search(r"\bfrom\b.*\bto\b|\bbetween\b|\bdifference\b|\s[-\u2212]\s", near)
    )


def _slip(claim: Claim, bases: dict[str, list[Range]], base: str | None) -> Verdict:
    shown = "; ".join(f"{abs(values[0].middle):.3g}% of {label}" for label, values in bases.items())
    expected = bases[base][0] if base else next(iter(bases.values()))[0]
    everyone = [value for values in bases.values() for value in values]
    evidence = {"recomputed": abs(expected.middle)}
    number = claim.number
    for factor, words in (
        (100.0, "a share printed with a percent sign"),
        (0.01, "a hundred times too large"),
    ):
        scaled = replace(number, value=number.value * factor, unit=number.unit * factor, relation="")
        if number.value and _fits_any(replace(claim, numbers=(scaled,)), everyone):
            words = f"{claim.said} is off by a factor 100 ({words}): the means give {shown}."
            return fails(claim, Fault("percent_factor", "error", words, evidence=evidence).of(claim))
    if base and _fits_any(claim, everyone):
        words = f"{claim.said} is relative to the wrong base: the means give {shown}, and {base} is named."
        return fails(claim, Fault("percent_base", "warning", words, evidence=evidence).of(claim))
    words = f"the difference is printed as {claim.said}; the means give {shown}."
    return fails(claim, Fault("percent", "error", words, evidence=evidence).of(claim))


def _relative(claim: Claim, book: Book, label: str, base: str) -> list[Range]:
    """Return the difference of a group from a base, in percent of the base."""

    def percent(x: float, y: float) -> float:
        return 100 * (x - y) / abs(y) if y else math.nan

    a, b = means_of_claim(claim, label, book), means_of_claim(claim, base, book)
    return [change for x in a for y in b if (change := through(percent, x, y)).known]


def _fits_any(claim: Claim, values: list[Range]) -> bool:
    return any(fits(claim.number, value, magnitude=True) for value in values)


def _base(claim: Claim, near: str) -> str | None:
    """Return the group that stands after "than", or first in "from a to b", where one does."""
    a, b = (re.escape(label) for label in claim.groups)
    if re.search(rf"\bfrom\s+{a}\s+to\s+{b}", near, re.IGNORECASE):
        return claim.groups[0]
    than = THAN.search(near, claim.number.end) if claim.number.end < len(near) else None
    if than is None or near[claim.number.start : claim.number.end].strip() != claim.said:
        return None
    after = [
        label
        for label in claim.groups
        if re.search(rf"(?<!\w){re.escape(label)}(?!\w)", near[than.end() : than.end() + 40], re.I)
    ]
    return after[0] if len(after) == 1 else None


def _direction(claim: Claim, book: Book, near: str, base: str | None, change: Range) -> Verdict:
    """Return whether "lower" and "higher" are the right way round; only where the base is named after it."""
    behind = near[claim.number.end : claim.number.end + 12]
    lower, higher = LOWER.search(behind), HIGHER.search(behind)
    wrong = (lower and change.low > 0) or (higher and change.high < 0)
    first = claim.groups[0] != base and re.match(
        r"[^,;]*\b(?:is|was|are|were|has|had)\b[^,;]*$", near[: claim.number.start]
    )
    if base and wrong and first:
        way = "higher" if lower else "lower"
        words = f"it is printed as {claim.said} {'lower' if lower else 'higher'}; by the means it is {way}."
        return fails(
            claim, Fault("percent_direction", "error", words, evidence={"change": change.middle}).of(claim)
        )
    return holds(claim, f"the means give {abs(change.middle):.3g}%")


def _of_one(claim: Claim, book: Book) -> Verdict:
    """Return whether a percentage of one group is relative to some other; which is not said."""
    label = claim.groups[0]
    others = [name for name in book.names if book.key(name) != book.key(label)]
    bases = [value for other in others for value in _relative(claim, book, label, other)]
    if _fits_any(claim, bases):
        return holds(claim, "relative to another group of the report")
    return unchecked(claim, "relative to whom is not said")
