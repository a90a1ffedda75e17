"""Is the number in bold the best of its column?

Bold marks the best by custom, not by law: a report that says what else it marks, or that sets several
numbers of a column in bold, is left alone; so is a table whose other columns do not keep the custom. A row
whose label is bold, too, is the report's own as often as the best: only a legend at the table settles that.
"""

from __future__ import annotations

import re

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.heads import DOWN, UP

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
    lower = claim.test == "lower"
    rivals = {label: n for label, n in claim.rivals.items() if not REFERENCE.search(label)}
    best_of = (min if lower else max)((n.value for n in rivals.values()), default=claim.number.value)
    if (claim.number.value - best_of) * (1 if lower else -1) <= claim.number.unit / 2:
        return holds(claim, "it is the best of its column")
    if not _keeps_custom(claim, book):
        return unchecked(claim, "whether bold marks the best is not certain")
    label, best = next((label, n) for label, n in rivals.items() if n.value == best_of)
    words = (
        f"{claim.said} is set in bold, and {label} has {best.text}, which is "
        f"{'lower' if lower else 'higher'}: bold does not mark the best."
    )
    evidence = {"best": best.value, "bold": claim.number.value}
    return fails(claim, Fault("bold", "warning", words, evidence=evidence).of(claim))


def _keeps_custom(claim: Claim, book: Book) -> bool:
    """Say whether bold is said to mark the best, or its column has an arrow and no other column breaks it."""
    if book.says(f"{LEGEND}[^.]*{OTHER_LEGEND}"):
        return False
    if claim.seed == WHOLE_ROW:
        return any(re.search(legend, claim.context, re.IGNORECASE) for legend in OF_THE_BEST)
    if any(map(book.says, OF_THE_BEST)):
        return True
    head = claim.context.split("\n")[0]
    others = [
        c
        for c in book.claims
        if c.kind == "bold" and c.table == claim.table and c is not claim and c.seed != WHOLE_ROW
    ]
    kept = sum(_is_best(c) for c in others)
    arrow = bool(DOWN.search(head) or UP.search(head))
    return kept * 2 > len(others) if others else arrow


def _is_best(claim: Claim) -> bool:
    values = [number.value for number in claim.rivals.values()]
    return claim.number.value == (min(values) if claim.test == "lower" else max(values))
