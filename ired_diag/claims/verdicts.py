"""The verdict on a claim, where a report leaves room for what it means.

What is not certain is never held against a report. Before a claim fails, it is tried in other units, by
other metrics and readouts of the runs, and for the other groups that its sentence names.
"""

from __future__ import annotations

from dataclasses import replace

from ired_diag.claims.book import Book
from ired_diag.claims.checks import check
from ired_diag.claims.claim import Claim, Verdict, softened, unchecked
from ired_diag.claims.impossible import impossible
from ired_diag.claims.other_data import other_data
from ired_diag.claims.other_metrics import OtherMetrics
from ired_diag.claims.other_units import in_another_unit
from ired_diag.claims.percent_words import hundredfold

SPREADS = ("sd", "se", "spread", "interval")


def verdict_on(claim: Claim, book: Book, others: OtherMetrics) -> Verdict:
    """Return the verdict on a claim; where the report does not say which readout it quotes, any may be meant.

    Args:
        claim: The claim.
        book: What is known.
        others: The other metrics that the runs log.
    """
    if claim.doubt:
        return unchecked(claim, claim.doubt)
    if nonsense := impossible(claim, book):
        return nonsense
    verdict = check(claim, book)
    if verdict.outcome == "holds":
        return verdict
    if verdict.outcome == "unchecked":
        why = (hundredfold(claim, book) if claim.table else "") or verdict.why
        return others.verdict_by_its_own(claim, book, check) or unchecked(claim, why)
    return _if_not_meant_otherwise(verdict, book, others)


def _if_not_meant_otherwise(verdict: Verdict, book: Book, others: OtherMetrics) -> Verdict:
    """Return a verdict that fails, or the one on what else the claim may mean."""
    claim = verdict.claim
    if other_unit := in_another_unit(claim, book, check):
        return other_unit
    if why := hundredfold(claim, book):
        return unchecked(claim, why)
    # A mean that is not of these runs says that its spread is not either.
    if _is_beside_another_mean(claim, book):
        return unchecked(claim, "the mean next to it is not that of these runs")
    if metric := others.metric_of(claim, book, check):
        why = f"it agrees with {metric}, and the runs are judged by {book.groups.metric}: --metric {metric}"
        return unchecked(claim, why)
    if any(_is_right_of(claim, label, book) for label in claim.others):
        return unchecked(claim, "of which of the groups next to it the number is, is not certain")
    if book.groups.members and (why := other_data(claim, book)):
        return _without_runs(claim, book, why)
    return _by_other_readouts(verdict, book)


def _without_runs(claim: Claim, book: Book, why: str) -> Verdict:
    """Return the verdict by the report alone on a claim that may be about something else than the runs."""
    alone = check(claim, book.without_runs())
    if alone.outcome == "unchecked":
        return unchecked(claim, why)
    return alone


def _by_other_readouts(verdict: Verdict, book: Book) -> Verdict:
    """Return a verdict that fails, or one by another readout that the report may mean.

    A number that another readout has is right. A bound or a word that only another readout bears out rests on
    a choice that the report does not state.
    """
    claim = verdict.claim
    for readout in book.other_readouts():
        other = check(claim, book.with_readout(readout))
        if other.outcome != "holds":
            continue
        if _is_exact(claim):
            return other
        words = f"Only by the readout {readout!r} it holds: the report does not say which it takes."
        return softened(verdict, words)
    return verdict


def _is_exact(claim: Claim) -> bool:
    """Say whether a claim is a number with decimals: neither a bound, nor a count, nor a word."""
    if not claim.numbers or claim.number.relation:
        return False
    return claim.number.unit != 1


def _is_beside_another_mean(claim: Claim, book: Book) -> bool:
    """Say whether a spread stands next to a mean that may be of something else than the runs."""
    if claim.kind not in SPREADS or book.only_group(claim) is None:
        return False
    mean = book.mean_beside(claim, claim.only_group)
    if mean is None:
        return False
    return check(mean, book).outcome == "unchecked"


def _is_right_of(claim: Claim, label: str, book: Book) -> bool:
    """Say whether a claim holds if it is about another group, by any readout that may be meant."""
    other = replace(claim, groups=(label,), others=())
    if check(other, book).outcome == "holds":
        return True
    for readout in book.other_readouts():
        if check(other, book.with_readout(readout)).outcome == "holds":
            return True
    return False
