"""A report, checked: its claims are read, its labels matched with runs, each claim put to its check."""

from __future__ import annotations

from dataclasses import dataclass

from ired_diag.claims.book import Book
from ired_diag.claims.change_columns import agreeing_columns
from ired_diag.claims.checked import Checked
from ired_diag.claims.claim import Claim
from ired_diag.claims.findings_of_report import findings_of
from ired_diag.claims.groups import groups_of
from ired_diag.claims.logged_heads import benchmarks_of
from ired_diag.claims.markdown import parts_of
from ired_diag.claims.most_agreeing import with_metrics, with_readout
from ired_diag.claims.names_of_report import names_in
from ired_diag.claims.numbers import writes_decimal_commas
from ired_diag.claims.one_statistic import of_one_statistic
from ired_diag.claims.opening import open_book
from ired_diag.claims.rows_of_metrics import with_pairs
from ired_diag.claims.shelf import shelf_of
from ired_diag.claims.stated_claims import Parts, claims_of_sentences, claims_of_tables
from ired_diag.claims.two_groups import about_the_two, supported
from ired_diag.claims.units import in_units_of_runs
from ired_diag.claims.unread import count_not_read
from ired_diag.claims.verdicts_by_metric import verdicts_of
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
    stated = _stated_in(text, parts, study, comma=comma)
    book = _book_of(stated, study)
    shelf = shelf_of(book, study, lambda other: _book_of(stated, other))
    verdicts = supported(of_one_statistic(agreeing_columns(verdicts_of(shelf))), book)
    return Checked(
        verdicts=verdicts,
        readout=book.readout if book.readout_is_certain else None,
        groups=book.meant,
        findings=findings_of(verdicts, book),
        metric=judged_in_words(study.runs) if study else [],
        not_read=count_not_read(parts, book.claims, comma=comma),
    )


@dataclass(frozen=True)
class _Stated:
    """What a report states: its text, its claims in reading order, and the names of its groups."""

    text: str
    claims: list[Claim]
    names: list[str]


def _stated_in(text: str, parts: Parts, study: Study | None, *, comma: bool) -> _Stated:
    """Return what a report states, before it is held against any runs.

    Args:
        text: The report.
        parts: Its tables and sentences.
        study: The runs.
        comma: Whether the text writes decimal commas.
    """
    groups = list(study.groups()) if study else []
    claims = claims_of_tables(
        parts,
        text,
        comma=comma,
        groups=groups,
        benchmarks=benchmarks_of(study),
    )
    names = names_in(text, claims, study)
    claims = with_pairs(claims, names)
    vocabulary = {claim.metric for claim in claims if claim.metric}
    claims += claims_of_sentences(parts, names, comma=comma, vocabulary=vocabulary)
    claims = about_the_two(claims, parts, names)
    claims.sort(key=lambda claim: claim.line)
    return _Stated(text=text, claims=claims, names=names)


def _book_of(stated: _Stated, study: Study | None) -> Book:
    """Return the book of a report: its claims in the unit of the runs, its labels matched with them."""
    groups = groups_of(study)
    claims = in_units_of_runs(stated.claims, groups, stated.text)
    book = open_book(stated.text, claims, stated.names, groups)
    return with_metrics(with_readout(book))
