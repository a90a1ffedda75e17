"""Which readout, and which metric, does a report mean where it does not say?

The one that most of its numbers hold with: where it prints no mean, that of its p values, effects and
differences; in a table of pairs that names no metric, that of the numbers of this table. At least two of
them must agree, because one may by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ired_diag.claims.book import Book
from ired_diag.claims.checks import COMPARED, check
from ired_diag.claims.claim import Claim
from ired_diag.claims.groups import READOUTS
from ired_diag.claims.metrics import UNCLEAR

ENOUGH = 2  # claims that agree


def with_readout(book: Book) -> Book:
    """Return the book; where a report prints no mean, with the readout that most of its numbers hold with."""
    if book.readout_is_certain or not book.groups.members:
        return book
    exact = [claim for claim in book.claims if _is_exact_comparison(claim)]
    best = ""
    most = 0
    for readout in _readouts_of_all_groups(book):
        agreeing = _agreeing(exact, book.with_readout(readout))
        if agreeing > most:
            best, most = readout, agreeing
    # By no readout anything holds: nothing says which one is meant.
    if not most:
        return book
    return replace(book, readout=best, readout_is_certain=most >= ENOUGH)


def _is_exact_comparison(claim: Claim) -> bool:
    if claim.kind not in (*COMPARED, "difference"):
        return False
    return bool(claim.numbers) and not claim.number.relation


def _readouts_of_all_groups(book: Book) -> list[str]:
    """Return the readouts that all groups have: by another one nothing could be refuted."""
    groups = book.groups
    readouts = []
    for readout in READOUTS:
        if all(groups.sample(group, readout) for group in groups.members):
            readouts.append(readout)
    return readouts


def _agreeing(claims: Sequence[Claim], book: Book) -> int:
    return sum(check(claim, book).outcome == "holds" for claim in claims)


def with_metrics(book: Book) -> Book:
    """Return the book, in which the claims of a table of pairs are of the metric that most of them hold with.

    Where none stands out they are of no metric that is certain.
    """
    if len(book.metrics) < 2:
        return book
    chosen: dict[int, str] = {}
    for claim in book.claims:
        if _compares_in_table(claim) and not claim.metric and claim.table not in chosen:
            chosen[claim.table] = _metric_of(claim.table, book)
    claims = [_with_metric(claim, chosen.get(claim.table, "")) for claim in book.claims]
    return replace(book, claims=claims)


def _compares_in_table(claim: Claim) -> bool:
    return bool(claim.table) and claim.kind in COMPARED and len(claim.groups) == 2


def _with_metric(claim: Claim, metric: str) -> Claim:
    """Return a claim about two groups with a metric, if it has none of its own."""
    if not metric or claim.metric or len(claim.groups) != 2:
        return claim
    return replace(claim, metric=metric)


def _metric_of(table: int, book: Book) -> str:
    """Return the metric by which most claims of a table of pairs hold; ``?`` where none stands out."""
    claims = [claim for claim in book.claims if claim.table == table and _compares_in_table(claim)]
    best, most, second, failed = "", -1, -1, 0
    for metric in sorted(book.metrics):
        outcomes = []
        for claim in claims:
            outcomes.append(check(replace(claim, metric=metric), book).outcome)
        held = outcomes.count("holds")
        if held > most:
            second = most
            best, most, failed = metric, held, outcomes.count("fails")
        else:
            second = max(second, held)
    if most < ENOUGH or most <= failed or most <= second:
        return UNCLEAR
    return best
