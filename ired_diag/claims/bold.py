"""Is the number in bold the best of its column?

Bold marks the best by custom, not by law: a report that says what else it marks, or that sets several
numbers of a column in bold, is left alone; so is a table whose other columns do not keep the custom. A row
whose label is bold, too, is the report's own as often as the best: only a legend at the table settles that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.heads import DOWN, UP
from ired_diag.claims.numbers import Printed

LEGEND = (
    r"bold\w*\s*(?:\w+\s+){0,3}(?:=|:|indicates?|marks?|denotes?|means|highlights?|shows?|numbers? are|is)"
)
OTHER_LEGEND = (
    r"(?:ours|proposed|default|selected|chosen|baseline|submitted|final config|this (?:pr|work|record))"
)
OF_THE_BEST = (f"{LEGEND}[^.]*best", r"best\b[^.]{0,40}\bbold(?!symbol)")
REFERENCE = re.compile(
    r"oracle|upper|teacher|ground|human|reference|target|ensemble|previous|prior|sota|limit", re.I
)
WHOLE_ROW = "whole row"  # a bold claim of a row whose label is bold, too


def check_bold(claim: Claim, book: Book) -> Verdict:
    """Return whether a number in bold is the best of its column."""
    rivals = {label: number for label, number in claim.rivals.items() if not REFERENCE.search(label)}
    best = _best(rivals.values(), claim) or claim.number
    lead = claim.number.value - best.value
    if claim.test == "higher":
        lead = -lead
    if lead <= claim.number.unit / 2:
        return holds(claim, "it is the best of its column")
    if not _keeps_custom(claim, book):
        return unchecked(claim, "whether bold marks the best is not certain")
    label = next(label for label, number in rivals.items() if number is best)
    which = f"{label} has {best.text}, which is {claim.test}"
    return refuted(
        claim,
        rule="bold",
        severity="warning",
        words=f"{claim.said} is set in bold, and {which}: bold does not mark the best.",
        evidence={"best": best.value, "bold": claim.number.value},
    )


def _best(numbers: Iterable[Printed], claim: Claim) -> Printed | None:
    """Return the best of several numbers in the direction of a column, the first of equal ones."""
    if claim.test == "lower":
        return min(numbers, key=lambda number: number.value, default=None)
    return max(numbers, key=lambda number: number.value, default=None)


def _keeps_custom(claim: Claim, book: Book) -> bool:
    """Say whether bold is said to mark the best, or its column has an arrow and no other column breaks it."""
    if book.says(f"{LEGEND}[^.]*{OTHER_LEGEND}"):
        return False
    if claim.seed == WHOLE_ROW:
        return any(re.search(legend, claim.context, re.IGNORECASE) for legend in OF_THE_BEST)
    if any(map(book.says, OF_THE_BEST)):
        return True
    others = _others_in_bold(claim, book)
    # A single column shows no custom; an arrow at its head states one.
    if not others:
        head = claim.wording
        return bool(DOWN.search(head) or UP.search(head))
    kept = sum(_is_best(other) for other in others)
    return kept * 2 > len(others)


def _others_in_bold(claim: Claim, book: Book) -> list[Claim]:
    """Return the numbers in bold of the other columns of a table."""
    others = []
    for other in book.claims:
        is_of_table = other.kind == "bold" and other.table == claim.table
        if is_of_table and other is not claim and other.seed != WHOLE_ROW:
            others.append(other)
    return others


def _is_best(claim: Claim) -> bool:
    best = _best(claim.rivals.values(), claim)
    return best is not None and claim.number.value == best.value
