"""Is a printed n the number of runs that are there?"""

from __future__ import annotations

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked


def check_count(claim: Claim, book: Book) -> Verdict:
    """Return whether n is the number of complete runs, or of the values in the report's own table."""
    sizes = {label: n for label in (claim.groups or _everyone(book)) if (n := _size(label, book))}
    if not sizes or claim.number.unit != 1 or any(label not in sizes for label in claim.groups):
        return unchecked(claim, book.why_unknown(claim))
    n, counts = round(claim.number.value), set(sizes.values())
    if n == sum(sizes.values()) or (len(counts) == 1 and n in counts):
        return holds(claim, f"{n} complete runs")
    if len(claim.groups) != 1:
        return unchecked(claim, "of which groups it is the number is not said")
    ((there,)) = sizes.values()
    words = f"n is printed as {claim.said}; {there} complete runs are there."
    evidence = {"n": there}
    return fails(
        claim,
        Fault("n", "error", words, "ired-diag ls says which runs are not complete.", evidence).of(claim),
    )


def _everyone(book: Book) -> list[str]:
    told = [c for c in book.claims if c.kind in ("mean", "value") and len(c.groups) == 1]
    by_key = {book.key(claim.groups[0]): claim.groups[0] for claim in told}
    return list(by_key.values())


def _size(label: str, book: Book) -> int | None:
    if group := book.group(label):
        return len(book.groups.members[group].seeds)
    seeds = book.of_seeds(label)
    return seeds.n if seeds else None
