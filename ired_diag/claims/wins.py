"""On how many seeds is one group better than the other?

"a beats b on k of n seeds" is counted over the seeds that both have: k of them have a better value of a.
"""

from __future__ import annotations

import re

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.known_samples import why_unknown
from ired_diag.claims.other_number import runs_of_claim
from ired_diag.claims.samples import Sample

LOWER = re.compile(r"\b(?:lower|smaller)\b", re.IGNORECASE)
HIGHER = re.compile(r"\b(?:higher|larger)\b", re.IGNORECASE)
WORSE = re.compile(r"\b(?:worse|loses)\b", re.IGNORECASE)


def check_wins(claim: Claim, book: Book) -> Verdict:
    """Return whether a group is better on as many seeds as the sentence says."""
    if len(claim.groups) != 2 or re.search(r"\b(?:beaten|outperformed) by\b", claim.context):
        return unchecked(claim, why_unknown(claim, book))
    first, second = (runs_of_claim(claim, x, book) or book.of_seeds(x, claim.metric) for x in claim.groups)
    shared = [seed for seed in first.values if seed in second.values] if first and second else []
    if first is None or second is None or not shared:
        return unchecked(claim, "the two groups have no seeds in common that are known")
    lower = _lower_wins(claim, book)
    if lower is None:
        return unchecked(claim, "which direction is better is not certain")
    wins, losses = _count(first, second, shared, lower=lower)
    k, n = (round(number.value) for number in claim.numbers)
    if (wins <= k <= len(shared) - losses) and n == len(shared):
        return holds(claim, f"{wins} of {len(shared)} seeds")
    words = (
        f"{claim.said} seeds is printed; by {first.source} and {second.source}, {claim.groups[0]} is "
        f"{'lower' if lower else 'higher'} than {claim.groups[1]} on {wins} of {len(shared)} seeds."
    )
    if n != len(shared):
        return unchecked(claim, f"the two groups share {len(shared)} seeds, and {n} are printed")
    return fails(claim, Fault("wins", "error", words, evidence={"wins": wins, "n": len(shared)}).of(claim))


def _count(first: Sample, second: Sample, shared: list[str], *, lower: bool) -> tuple[int, int]:
    """Return on how many seeds the first is better, and on how many it is worse."""
    signs = [(second.values[s] - first.values[s]) * (1 if lower else -1) for s in shared]
    return sum(sign > 0 for sign in signs), sum(sign < 0 for sign in signs)


def _lower_wins(claim: Claim, book: Book) -> bool | None:
    text = claim.context.split("\n")[0]
    if LOWER.search(text):
        return True
    if HIGHER.search(text):
        return False
    if not book.groups.metric:
        return None
    return book.groups.lower_is_better != bool(WORSE.search(text))
