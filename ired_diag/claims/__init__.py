"""Claims: the numbers and conclusions of a report, recomputed from the runs and from each other.

A report in Markdown is read for what it states (``tables``, ``sentences``), its labels are matched with
runs (``groups``), and each claim is put to the check of its kind. A claim holds, fails, or could not be
checked: what is not certain is never held against a report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ired_diag.claims import sentences, tables
from ired_diag.claims.book import SYNONYMS, Book, names_in, open_book
from ired_diag.claims.claim import Claim, Verdict
from ired_diag.claims.conclusions import check_equivalence, check_significance
from ired_diag.claims.counts import check_count
from ired_diag.claims.effects import check_effect
from ired_diag.claims.groups import READOUTS
from ired_diag.claims.intervals import check_interval
from ired_diag.claims.markdown import Sentence, Table, parts_of
from ired_diag.claims.means import check_difference, check_extreme, check_mean, check_value
from ired_diag.claims.numbers import writes_decimal_commas
from ired_diag.claims.percentages import check_percent
from ired_diag.claims.spreads import check_spread
from ired_diag.claims.t_and_p import check_test
from ired_diag.finding import Finding
from ired_diag.runs.judged import judged_in_words, usual_metric
from ired_diag.runs.metric_words import LOWER, measures_in, words_of
from ired_diag.runs.study import Study

__all__ = ["Checked", "check_report"]

WORST_FIRST = {"error": 0, "warning": 1, "note": 2}
CHECKS: Mapping[str, Callable[[Claim, Book], Verdict]] = {
    "value": check_value,
    "mean": check_mean,
    "difference": check_difference,
    "best": check_extreme,
    "worst": check_extreme,
    "median": check_extreme,
    "sd": check_spread,
    "se": check_spread,
    "spread": check_spread,
    "interval": check_interval,
    "n": check_count,
    "t": check_test,
    "df": check_test,
    "p": check_test,
    "effect": check_effect,
    "percent": check_percent,
    "equivalent": check_equivalence,
    "significant": check_significance,
    "not significant": check_significance,
}


@dataclass(frozen=True)
class Checked:
    """A report, checked.

    Attributes:
        verdicts: One a claim, in reading order.
        readout: Which readout of the runs the report quotes; None where its numbers are of none.
        groups: The group of runs that each label means.
        findings: What is wrong or odd, worst first, then in reading order.
        metric: By which the runs are judged, in which direction: one line each; empty without runs.
    """

    verdicts: Sequence[Verdict]
    readout: str | None
    groups: Mapping[str, str | None]
    findings: Sequence[Finding]
    metric: Sequence[str] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        """How many claims hold, fail, and could not be checked."""
        counted = Counter(verdict.outcome for verdict in self.verdicts)
        return {outcome: counted[outcome] for outcome in ("holds", "fails", "unchecked")}


def check_report(text: str, study: Study | None = None) -> Checked:
    """Return the verdict on each claim of a report.

    Args:
        text: In Markdown.
        study: The runs it is about; without them it is checked against itself.
    """
    comma = writes_decimal_commas(text)
    parts = [_with_measure(part, study) for part in parts_of(text)]
    claims = _in_tables(parts, comma)
    labels = [label for claim in claims for label in claim.groups]
    names = names_in(text, labels, study)
    claims += _in_sentences(parts, names, comma)
    book = _with_readout(open_book(text, sorted(claims, key=lambda claim: claim.line), names, study))
    verdicts = _verdicts(book)
    judged = judged_in_words(study.runs) if study else []
    return Checked(verdicts, book.readout, book.meant, _findings(verdicts, book), judged)


def _with_measure(part: Table | Sentence, study: Study | None) -> Table | Sentence:
    """Return a table in which a column that is called as the runs' measure of success holds means of it."""
    metric = usual_metric(study.runs) if study else None
    own = {SYNONYMS.get(word, word) for word in measures_in(words_of(metric or ""))}
    if not isinstance(part, Table) or own <= LOWER:
        return part
    heads = [
        f"{head} mean" if tables.kind_of(head) is None and own & _measures(head) else head
        for head in part.head
    ]
    return replace(part, head=(part.head[0], *heads[1:]))


def _measures(head: str) -> set[str]:
    return {SYNONYMS.get(word, word) for word in measures_in(words_of(head))}


def _verdicts(book: Book) -> list[Verdict]:
    return [CHECKS[claim.kind](claim, book) for claim in book.claims]


def _with_readout(book: Book) -> Book:
    """Return the book; where a report prints no mean, with the readout that most of its claims hold with."""
    printed = any(
        c.kind in ("mean", "value") and book.group(label) for c in book.claims for label in c.groups
    )
    if book.readout or printed or not book.groups.members:
        return book
    books = [replace(book, readout=readout) for readout in READOUTS]
    held = [sum(verdict.outcome == "holds" for verdict in _verdicts(one)) for one in books]
    alone = sum(verdict.outcome == "holds" for verdict in _verdicts(book))
    return books[held.index(max(held))] if max(held) > alone else book


def _findings(verdicts: Sequence[Verdict], book: Book) -> list[Finding]:
    """Return the findings, worst first; a remark on the same groups is made once."""
    found: dict[object, Finding] = {}
    for number, verdict in enumerate(verdicts):
        groups = frozenset(book.key(label) for label in verdict.claim.groups)
        for finding in verdict.findings:
            again = (finding.rule, groups) if verdict.outcome == "holds" else (finding.rule, number)
            found.setdefault(again, finding)
    return sorted(found.values(), key=lambda finding: WORST_FIRST[finding.severity])


def _in_tables(parts: Sequence[Table | Sentence], comma: bool) -> list[Claim]:
    """Return the claims of all tables; a row is a block, numbered by its line."""
    return [c for part in parts if isinstance(part, Table) for c in tables.claims_of(part, comma=comma)]


def _in_sentences(parts: Sequence[Table | Sentence], names: Sequence[str], comma: bool) -> list[Claim]:
    """Return the claims of all sentences; their blocks are counted below 0, apart from those of tables."""
    return [
        claim
        for number, part in enumerate(parts, start=1)
        if isinstance(part, Sentence)
        for claim in sentences.claims_of(part, names, -number, comma=comma)
    ]
