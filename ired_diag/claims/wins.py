"""On how many seeds is one group better than the other?

"a beats b on k of n seeds" is counted over the seeds that both have: k of them have a better value of a.
"""

from __future__ import annotations

import re

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.known_samples import why_unknown
from ired_diag.claims.other_number import runs_of_claim
from ired_diag.claims.samples import Sample

LOWER = re.compile(r"\b(?:lower|smaller)\b", re.IGNORECASE)
HIGHER = re.compile(r"\b(?:higher|larger)\b", re.IGNORECASE)
WORSE = re.compile(r"\b(?:worse|loses)\b", re.IGNORECASE)
PASSIVE = re.compile(r"\b(?:beaten|outperformed) by\b")


def check_wins(claim: Claim, book: Book) -> Verdict:
    """Return whether a group is better on as many seeds as the sentence says."""
    if len(claim.groups) != 2 or PASSIVE.search(claim.context):
        return unchecked(claim, why_unknown(claim, book))
    first = _sample(claim, claim.groups[0], book)
    second = _sample(claim, claim.groups[1], book)
    if first is None or second is None or not first.shared_seeds(second):
        return unchecked(claim, "the two groups have no seeds in common that are known")
    lower = _lower_wins(claim, book)
    if lower is None:
        return unchecked(claim, "which direction is better is not certain")
    return _counted(claim, first, second, lower=lower)


def _sample(claim: Claim, label: str, book: Book) -> Sample | None:
    return runs_of_claim(claim, label, book) or book.of_seeds(label, claim.metric)


def _counted(claim: Claim, first: Sample, second: Sample, *, lower: bool) -> Verdict:
    """Return whether the printed wins are those over the shared seeds; a tie may be counted as either."""
    n = len(first.shared_seeds(second))
    wins, losses = _wins_and_losses(first, second, lower=lower)
    printed_wins, printed_n = claim.numbers
    # Over other seeds than the shared ones, k of n cannot be counted again.
    if round(printed_n.value) != n:
        return unchecked(claim, f"the two groups share {n} seeds, and {round(printed_n.value)} are printed")
    if wins <= round(printed_wins.value) <= n - losses:
        return holds(claim, f"{wins} of {n} seeds")
    way = "lower" if lower else "higher"
    label, other = claim.groups
    counted = f"{label} is {way} than {other} on {wins} of {n} seeds"
    return refuted(
        claim,
        rule="wins",
        words=f"{claim.said} seeds is printed; by {first.source} and {second.source}, {counted}.",
        evidence={"wins": wins, "n": n},
    )


def _wins_and_losses(first: Sample, second: Sample, *, lower: bool) -> tuple[int, int]:
    """Return on how many seeds the first is better, and on how many it is worse."""
    smaller = 0
    larger = 0
    for seed in first.shared_seeds(second):
        a = first.values[seed]
        b = second.values[seed]
        smaller += a < b
        larger += a > b
    if lower:
        return smaller, larger
    return larger, smaller


def _lower_wins(claim: Claim, book: Book) -> bool | None:
    if LOWER.search(claim.wording):
        return True
    if HIGHER.search(claim.wording):
        return False
    if not book.groups.metric:
        return None
    says_worse = WORSE.search(claim.wording) is not None
    return book.groups.lower_is_better != says_worse
