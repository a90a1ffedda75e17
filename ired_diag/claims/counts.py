"""Is a printed n the number of runs that are there, and does it leave any out?

A claim over fewer seeds than the folder has is a selection: by whom and why has to be said. Runs that did not
finish do not count; those that diverged do, and a report that does not mention them leaves them out.
"""

from __future__ import annotations

import re

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.known_samples import why_unknown
from ired_diag.finding import Finding

MENTIONED = (
    r"diverg|fail|\bnan\b|crash|exclud|left out|omit|drop(?:ped)? (?:out|seed|run)|incomplete|subset|"
    r"first \w+ seeds"
)


def check_count(claim: Claim, book: Book) -> Verdict:
    """Return whether n is the number of complete runs, or of the values in the report's own table."""
    sizes = {label: n for label in (claim.groups or _everyone(book)) if (n := _size(label, book))}
    if not sizes or claim.number.unit != 1 or any(label not in sizes for label in claim.groups):
        return unchecked(claim, why_unknown(claim, book))
    n, counts = round(claim.number.value), set(sizes.values())
    if n == sum(sizes.values()) or (len(counts) == 1 and n in counts):
        return holds(claim, f"{n} complete runs", *_left_out(claim, book, list(sizes)))
    if len(counts) != 1 or (len(claim.groups) != 1 and not _is_the_only_count(claim, book)):
        return unchecked(claim, "of which groups it is the number is not said")
    if not any(book.group(label) for label in sizes):
        return _of_own_table(claim, next(iter(counts)))
    return _of_runs(claim, book, next(iter(counts)))


def _of_runs(claim: Claim, book: Book, there: int) -> Verdict:
    n = round(claim.number.value)
    evidence = {"n": there}
    if n < there:
        words = (
            f"n is printed as {claim.said}; {there} complete runs are there, so that {there - n} are left out"
            f"{_mean_of_all(claim, book)}."
        )
        advice = "Say which runs are left out and why, or count all."
        return fails(claim, Fault("selection", "warning", words, advice, evidence).of(claim))
    words = f"n is printed as {claim.said}; {there} complete runs are there."
    advice = "ired-diag ls says which runs are not complete."
    return fails(claim, Fault("n", "error", words, advice, evidence).of(claim))


def _of_own_table(claim: Claim, there: int) -> Verdict:
    if len(claim.groups) != 1 or not claim.table:
        return unchecked(claim, f"the table of values has {there}, and may hold a part of them")
    words = f"n is printed as {claim.said}; the report's own table of values has {there}."
    return fails(claim, Fault("n", "warning", words, evidence={"n": there}).of(claim))


def _mean_of_all(claim: Claim, book: Book) -> str:
    group = book.group(claim.groups[0]) if len(claim.groups) == 1 else None
    sample = book.groups.sample(group, "last") if group else None
    return f"; over all of them the mean of the last evaluation is {sample.mean.middle:.6g}" if sample else ""


def _left_out(claim: Claim, book: Book, labels: list[str]) -> list[Finding]:
    """Return a finding on diverged runs that a right n of the others leaves out, and the text too."""
    if book.says(MENTIONED):
        return []
    diverged = [
        failure.label
        for label in labels
        if (group := book.group(label))
        for failure in book.groups.members[group].failures
        if failure.kind == "diverged"
    ]
    if not diverged:
        return []
    which = ", ".join(diverged[:5])
    words = f"n = {claim.said} leaves out {len(diverged)} runs that diverged ({which}), and does not say so."
    return [Fault("selection", "warning", words, "Failed seeds are data: count them.").of(claim)]


def _is_the_only_count(claim: Claim, book: Book) -> bool:
    """Say whether the report prints one number of seeds only, and it is one of seeds."""
    counts = {c.number.value for c in book.claims if c.kind == "n"}
    return len(counts) == 1 and bool(re.search(r"seed|run|n\s*=", claim.context, re.IGNORECASE))


def _everyone(book: Book) -> list[str]:
    stated = [c for c in book.claims if c.kind in ("mean", "value") and len(c.groups) == 1]
    by_key = {book.key(claim.groups[0]): claim.groups[0] for claim in stated}
    return list(by_key.values())


def _size(label: str, book: Book) -> int | None:
    if group := book.group(label):
        return len(book.groups.members[group].seeds)
    metrics = {c.metric for c in book.stated("value", label)}
    sizes = {sample.n for metric in metrics if (sample := book.of_seeds(label, metric))}
    return sizes.pop() if len(sizes) == 1 else None
