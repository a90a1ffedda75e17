"""Is a printed n the number of runs that are there, and does it leave any out?

A claim over fewer seeds than the folder has is a selection: by whom and why has to be said. Runs that did not
finish do not count; those that diverged do, and a report that does not mention them leaves them out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, holds, refuted, unchecked
from ired_diag.claims.known_samples import why_unknown
from ired_diag.finding import Finding

MENTIONED = (
    r"diverg|fail|\bnan\b|crash|exclud|left out|omit|drop(?:ped)? (?:out|seed|run)|incomplete|subset|"
    r"first \w+ seeds"
)
MOST_NAMED = 5  # diverged runs in a message


def check_count(claim: Claim, book: Book) -> Verdict:
    """Return whether n is the number of complete runs, or of the values in the report's own table."""
    sizes = _sizes(claim.groups or _labels_of_levels(book), book)
    if not sizes or claim.number.unit != 1 or any(label not in sizes for label in claim.groups):
        return unchecked(claim, why_unknown(claim, book))
    n = round(claim.number.value)
    counts = set(sizes.values())
    # "n = 30" may be said of three groups of 10.
    if n == sum(sizes.values()) or counts == {n}:
        return holds(claim, f"{n} complete runs", *_left_out(claim, book, list(sizes)))
    is_of_all = len(claim.groups) == 1 or _is_the_only_count(claim, book)
    if len(counts) != 1 or not is_of_all:
        return unchecked(claim, "of which groups it is the number is not said")
    there = counts.pop()
    if any(book.group(label) for label in sizes):
        return _of_runs(claim, book, there)
    return _of_own_table(claim, there)


def _sizes(labels: Iterable[str], book: Book) -> dict[str, int]:
    """Return how many seeds each group has, where that is known."""
    sizes = {}
    for label in labels:
        size = _size(label, book)
        if size:
            sizes[label] = size
    return sizes


def _of_runs(claim: Claim, book: Book, there: int) -> Verdict:
    n = round(claim.number.value)
    failed = _most_failures(claim, book)
    if there < n <= there + failed:
        return holds(claim, f"{there} complete runs, and {n - there} of {failed} that failed")
    words = f"n is printed as {claim.said}; {there} complete runs are there"
    if n > there:
        return refuted(
            claim,
            rule="n",
            words=f"{words}.",
            advice="ired-diag ls says which runs are not complete.",
            evidence={"n": there},
        )
    return refuted(
        claim,
        rule="selection",
        severity="warning",
        words=f"{words}, so that {there - n} are left out{_mean_of_all(claim, book)}.",
        advice="Say which runs are left out and why, or count all.",
        evidence={"n": there},
    )


def _most_failures(claim: Claim, book: Book) -> int:
    """Return how many runs of a group of a claim failed; the most of any group, where it names none."""
    labels = claim.groups or _labels_of_levels(book)
    counts = [0]
    for label in labels:
        group = book.group(label)
        if group:
            counts.append(len(book.groups.members[group].failures))
    return max(counts)


def _of_own_table(claim: Claim, there: int) -> Verdict:
    if len(claim.groups) != 1 or not claim.table:
        return unchecked(claim, f"the table of values has {there}, and may hold a part of them")
    return refuted(
        claim,
        rule="n",
        severity="warning",
        words=f"n is printed as {claim.said}; the report's own table of values has {there}.",
        evidence={"n": there},
    )


def _mean_of_all(claim: Claim, book: Book) -> str:
    group = book.only_group(claim)
    sample = book.groups.sample(group, "last") if group else None
    if sample is None:
        return ""
    return f"; over all of them the mean of the last evaluation is {sample.mean.middle:.6g}"


def _left_out(claim: Claim, book: Book, labels: list[str]) -> list[Finding]:
    """Return a finding on diverged runs that a right n of the others leaves out, and the text too."""
    diverged = _diverged(labels, book)
    if not diverged or book.says(MENTIONED):
        return []
    which = ", ".join(diverged[:MOST_NAMED])
    left_out = f"{len(diverged)} runs that diverged ({which})"
    fault = Fault(
        rule="selection",
        severity="warning",
        words=f"n = {claim.said} leaves out {left_out}, and does not say so.",
        advice="Failed seeds are data: count them.",
    )
    return [fault.of(claim)]


def _diverged(labels: list[str], book: Book) -> list[str]:
    """Return the seeds of some groups that diverged."""
    diverged = []
    for label in labels:
        group = book.group(label)
        if group:
            failures = book.groups.members[group].failures
            diverged += [failure.label for failure in failures if failure.kind == "diverged"]
    return diverged


def _is_the_only_count(claim: Claim, book: Book) -> bool:
    """Say whether the report prints one number of seeds only, and it is one of seeds."""
    counts = {other.number.value for other in book.claims if other.kind == "n"}
    if len(counts) != 1:
        return False
    return re.search(r"seed|run|n\s*=", claim.context, re.IGNORECASE) is not None


def _labels_of_levels(book: Book) -> list[str]:
    """Return a label of each group that the report has means or values of."""
    label_of_group = {}
    for claim in book.claims:
        if claim.kind in ("mean", "value", "median") and len(claim.groups) == 1:
            label_of_group[book.key(claim.only_group)] = claim.only_group
    return list(label_of_group.values())


def _size(label: str, book: Book) -> int | None:
    """Return the number of complete runs of a group, else of its values in the report's table."""
    if group := book.group(label):
        return len(book.groups.members[group].seeds)
    sizes = set()
    for metric in {claim.metric for claim in book.stated("value", label)}:
        sample = book.of_seeds(label, metric)
        if sample is not None:
            sizes.add(sample.n)
    if len(sizes) != 1:
        return None
    return sizes.pop()
