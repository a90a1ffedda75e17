"""A report, checked: its claims are read, its labels matched with runs, each claim put to its check."""

from __future__ import annotations

from ired_diag.claims.book import Book
from ired_diag.claims.change_columns import agreeing_columns
from ired_diag.claims.checked import Checked
from ired_diag.claims.claim import Claim, Verdict
from ired_diag.claims.conditions import under_their_own_condition
from ired_diag.claims.findings_of_report import findings_of
from ired_diag.claims.groups import RunGroups, groups_of
from ired_diag.claims.markdown import parts_of
from ired_diag.claims.most_agreeing import with_metrics, with_readout
from ired_diag.claims.numbers import writes_decimal_commas
from ired_diag.claims.one_statistic import of_one_statistic
from ired_diag.claims.opening import names_in, open_book
from ired_diag.claims.other_metrics import OtherMetrics
from ired_diag.claims.reservations import reserved
from ired_diag.claims.rows_of_metrics import with_pairs
from ired_diag.claims.stated_claims import Parts, claims_of_sentences, claims_of_tables
from ired_diag.claims.two_groups import about_the_two, supported
from ired_diag.claims.units import in_units_of_runs
from ired_diag.claims.unread import count_not_read
from ired_diag.claims.verdicts import verdict_on
from ired_diag.runs.judged import judged_in_words
from ired_diag.runs.study import Study


def check_report(text: str, study: Study | None = None) -> Checked:
    """Return the verdict on each claim of a report.

    Args:
        text: In Markdown.
        study: The runs it is about; without them it is checked against itself.
    """
    comma = writes_decimal_commas(text)
    parts = list(parts_of(text))
    book = _book_of(text, parts, study, comma=comma)
    verdicts = _verdicts(book, OtherMetrics(study))
    return Checked(
        verdicts=verdicts,
        readout=book.readout if book.readout_is_certain else None,
        groups=book.meant,
        findings=findings_of(verdicts, book),
        metric=judged_in_words(study.runs) if study else [],
        not_read=count_not_read(parts, book.claims, comma=comma),
    )


def _book_of(text: str, parts: Parts, study: Study | None, *, comma: bool) -> Book:
    """Return the book of a report: its claims in the unit of the runs, its labels matched with them.

    Args:
        text: The report.
        parts: Its tables and sentences.
        study: The runs.
        comma: Whether the text writes decimal commas.
    """
    groups = groups_of(study)
    claims = claims_of_tables(parts, text, comma=comma)
    labels = [label for claim in claims for label in claim.groups]
    names = names_in(text, labels, study)
    claims = with_pairs(claims, names)
    vocabulary = {claim.metric for claim in claims if claim.metric}
    claims += claims_of_sentences(parts, names, comma=comma, vocabulary=vocabulary)
    claims = about_the_two(claims, parts, names)
    claims.sort(key=lambda claim: claim.line)
    claims = in_units_of_runs(claims, groups, text)
    book = open_book(text, claims, names, groups)
    return with_metrics(with_readout(book))


def _verdicts(book: Book, others: OtherMetrics) -> list[Verdict]:
    """Return the verdict on each claim, in reading order."""
    verdicts = []
    for claim in book.claims:
        if not _is_evidence(claim, book.groups):
            verdict = verdict_on(claim, book, others)
            verdicts.append(reserved(verdict, book))
    verdicts = of_one_statistic(agreeing_columns(verdicts))
    return supported(under_their_own_condition(verdicts, book), book)


def _is_evidence(claim: Claim, groups: RunGroups) -> bool:
    """Say whether a number is a value by seed that no runs were given for: others are held against it."""
    return claim.kind == "value" and not groups.members
