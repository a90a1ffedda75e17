"""Claims: the numbers and conclusions of a report, recomputed from the runs and from each other.

A report in Markdown is read for what it states (``tables``, ``sentences``), its labels are matched with
runs (``groups``), and each claim is put to the check of its kind. A claim holds, fails, or could not be
checked: what is not certain is never held against a report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ired_diag.claims import code, sentences, summaries, tables
from ired_diag.claims.bold import check_bold
from ired_diag.claims.bold_cells import bold_claims
from ired_diag.claims.book import Book
from ired_diag.claims.change_columns import agreeing_columns
from ired_diag.claims.claim import Claim, Verdict, softened, unchecked
from ired_diag.claims.conclusions import check_significance
from ired_diag.claims.counts import check_count
from ired_diag.claims.differences import check_difference, check_ratio
from ired_diag.claims.effects import check_effect
from ired_diag.claims.equivalence import check_equivalence
from ired_diag.claims.extremes import check_extreme, check_quartiles
from ired_diag.claims.folding import spreads_folded
from ired_diag.claims.groups import READOUTS, groups_of
from ired_diag.claims.impossible import impossible
from ired_diag.claims.intervals import check_interval
from ired_diag.claims.levels import check_level
from ired_diag.claims.markdown import Sentence, parts_of
from ired_diag.claims.means import check_mean
from ired_diag.claims.metrics import UNCLEAR
from ired_diag.claims.numbers import writes_decimal_commas
from ired_diag.claims.one_sample import check_one_sample
from ired_diag.claims.opening import names_in, open_book
from ired_diag.claims.other_data import other_data
from ired_diag.claims.other_metrics import OtherMetrics
from ired_diag.claims.other_units import in_another_unit
from ired_diag.claims.percentages import check_percent
from ired_diag.claims.rank_tests import check_rank_test, test_named
from ired_diag.claims.reference_p import check_statistic
from ired_diag.claims.reservations import reserved
from ired_diag.claims.rows_of_metrics import with_pairs
from ired_diag.claims.seed_values import check_value
from ired_diag.claims.spreads import check_spread
from ired_diag.claims.t_and_p import check_test
from ired_diag.claims.table import Table
from ired_diag.claims.units import in_units_of_runs
from ired_diag.claims.unread import count_not_read
from ired_diag.claims.wins import check_wins
from ired_diag.claims.z_tests import check_z
from ired_diag.finding import Finding
from ired_diag.runs.judged import judged_in_words
from ired_diag.runs.study import Study

__all__ = ["Checked", "check_report"]

WORST_FIRST = {"error": 0, "warning": 1, "note": 2}
CONCLUSIONS = ("significance", "equivalence", "wins", "selection", "bold", "best_readout", "p", "wrong_test")
ENOUGH = 2  # claims that agree: one may by chance
LONGEST_SENTENCE = 4000  # letters: no prose is, and to search longer text takes the square of its length
COMPARED = ("p", "t", "df", "effect", "interval")  # of two groups: their table may not name the metric


def _check_statistic(claim: Claim, book: Book) -> Verdict:
    if claim.test == "z":
        return check_z(claim, book)
    return check_rank_test(claim, book) if test_named(claim) else check_statistic(claim, book)


CHECKS: Mapping[str, Callable[[Claim, Book], Verdict]] = {
    "value": check_value,
    "mean": check_mean,
    "level": check_level,
    "difference": check_difference,
    "ratio": check_ratio,
    "wins": check_wins,
    "best": check_extreme,
    "worst": check_extreme,
    "median": check_extreme,
    "quartiles": check_quartiles,
    "sd": check_spread,
    "se": check_spread,
    "spread": check_spread,
    "interval": check_interval,
    "n": check_count,
    "t": check_test,
    "df": check_test,
    "p": check_test,
    "one sample p": check_one_sample,
    "statistic": _check_statistic,
    "effect": check_effect,
    "percent": check_percent,
    "bold": check_bold,
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
        not_read: How many numbers in tables and sentences are part of no claim.
    """

    verdicts: Sequence[Verdict]
    readout: str | None
    groups: Mapping[str, str | None]
    findings: Sequence[Finding]
    metric: Sequence[str] = ()
    not_read: int = 0

    @property
    def counts(self) -> Mapping[str, int]:
        """How many claims hold, fail, and could not be checked."""
        counted = Counter(verdict.outcome for verdict in self.verdicts)
        return {outcome: counted[outcome] for outcome in ("holds", "fails", "unchecked")}

    @property
    def share(self) -> float | None:
        """The share of the claims that could be checked; None of a report without a claim."""
        unchecked = self.counts["unchecked"]
        return 1 - unchecked / len(self.verdicts) if self.verdicts else None


def check_report(text: str, study: Study | None = None) -> Checked:
    """Return the verdict on each claim of a report.

    Args:
        text: In Markdown.
        study: The runs it is about; without them it is checked against itself.
    """
    comma = writes_decimal_commas(text)
    parts = list(parts_of(text))
    claims = [*_in_tables(parts, comma), *code.claims_of(text)]
    names = names_in(text, [label for claim in claims for label in claim.groups], study)
    claims = with_pairs(claims, names)
    vocabulary = {claim.metric for claim in claims if claim.metric}
    claims += _in_sentences(parts, names, comma, vocabulary)
    groups = groups_of(study)
    claims = in_units_of_runs(sorted(claims, key=lambda claim: claim.line), groups, text)
    book = _with_metrics(_with_readout(open_book(text, claims, names, groups)))
    others = OtherMetrics(study)
    verdicts = [
        reserved(_verdict(claim, book, others), book)
        for claim in book.claims
        if not _is_evidence(claim, book)
    ]
    verdicts = agreeing_columns(verdicts)
    judged = judged_in_words(study.runs) if study else []
    readout = book.readout if book.readout_is_certain else None
    return Checked(
        verdicts,
        readout,
        book.meant,
        _findings(verdicts, book),
        judged,
        not_read=count_not_read(parts, book.claims, comma=comma),
    )


def _is_evidence(claim: Claim, book: Book) -> bool:
    """Say whether a number is a value by seed that no runs were given for: others are held against it."""
    return claim.kind == "value" and not book.groups.members


def _verdict(claim: Claim, book: Book, others: OtherMetrics) -> Verdict:
    """Return the verdict on a claim; where the report does not say which readout it quotes, any may be meant.

    A number that another readout has is right. A bound or a word that only another readout bears out rests on
    a choice that the report does not state.
    """
    if claim.doubt:
        return unchecked(claim, claim.doubt)
    if nonsense := impossible(claim, book):
        return nonsense
    verdict = CHECKS[claim.kind](claim, book)
    if verdict.outcome == "unchecked":
        return others.verdict_by_its_own(claim, book, CHECKS[claim.kind]) or verdict
    if verdict.outcome == "holds":
        return verdict
    if other_unit := in_another_unit(claim, book, CHECKS[claim.kind]):
        return other_unit
    if _is_beside_another_mean(claim, book):
        return unchecked(claim, "the mean beside it is not that of these runs")
    if metric := others.metric_of(claim, book, CHECKS[claim.kind]):
        why = f"it agrees with {metric}, and the runs are judged by {book.groups.metric}: --metric {metric}"
        return unchecked(claim, why)
    if any(_is_right_of(claim, label, book) for label in claim.others):
        return unchecked(claim, "of which of the groups beside it the number is, is not certain")
    if book.groups.members and (why := other_data(claim, book)):
        alone = CHECKS[claim.kind](claim, book.without_runs())
        return unchecked(claim, why) if alone.outcome == "unchecked" else alone
    for readout in book.other_readouts():
        other = CHECKS[claim.kind](claim, book.with_readout(readout))
        if other.outcome != "holds":
            continue
        if claim.numbers and not claim.number.relation and claim.number.unit != 1:
            return other
        words = f"Only by the readout {readout!r} it holds: the report does not say which it takes."
        return softened(verdict, words)
    return verdict


def _is_beside_another_mean(claim: Claim, book: Book) -> bool:
    """Say whether a spread stands beside a mean that may be of something else than the runs."""
    if claim.kind not in ("sd", "se", "spread", "interval") or len(claim.groups) != 1:
        return False
    mean = book.mean_beside(claim, claim.groups[0]) if book.group(claim.groups[0]) else None
    if mean is None:
        return False
    return CHECKS["mean"](mean, book).outcome == "unchecked"


def _is_right_of(claim: Claim, label: str, book: Book) -> bool:
    """Say whether a claim holds if it is about another group, by any readout that may be meant."""
    other = replace(claim, groups=(label,), others=())
    books = [book, *(book.with_readout(readout) for readout in book.other_readouts())]
    return any(CHECKS[claim.kind](other, b).outcome == "holds" for b in books)


def _with_readout(book: Book) -> Book:
    """Return the book; where a report prints no mean, with the readout that most of its numbers hold with."""
    if book.readout_is_certain or not book.groups.members:
        return book
    exact = [
        c for c in book.claims if c.kind in (*COMPARED, "difference") and c.numbers and not c.number.relation
    ]
    groups = book.groups  # by a readout that they do not have nothing is refuted
    there = [r for r in READOUTS if all(groups.sample(group, r) for group in groups.members)]
    scores = {
        r: sum(CHECKS[c.kind](c, book.with_readout(r)).outcome == "holds" for c in exact) for r in there
    }
    best = max(scores, key=lambda readout: scores[readout], default=READOUTS[0])
    return (
        replace(book, readout=best, readout_is_certain=scores[best] >= ENOUGH) if scores.get(best) else book
    )


def _with_metrics(book: Book) -> Book:
    """Return the book, in which the claims of a table of pairs are of the metric that most of them hold with.

    Where none stands out they are of no metric that is certain.
    """
    if len(book.metrics) < 2:
        return book
    open_tables = {
        c.table for c in book.claims if c.table and c.kind in COMPARED and len(c.groups) == 2 and not c.metric
    }
    chosen = {table: _metric_of(table, book) for table in open_tables}
    claims = [
        replace(c, metric=chosen[c.table]) if c.table in chosen and not c.metric and len(c.groups) == 2 else c
        for c in book.claims
    ]
    return replace(book, claims=claims)


def _metric_of(table: int, book: Book) -> str:
    of_table = [c for c in book.claims if c.table == table and c.kind in COMPARED and len(c.groups) == 2]
    scores = {}
    for metric in sorted(book.metrics):
        outcomes = [CHECKS[c.kind](replace(c, metric=metric), book).outcome for c in of_table]
        scores[metric] = (outcomes.count("holds"), outcomes.count("fails"))
    best = max(scores, key=lambda metric: scores[metric][0])
    held, failed = scores[best]
    others = [hold for metric, (hold, _) in scores.items() if metric != best]
    return best if held >= ENOUGH and held > failed and held > max(others) else UNCLEAR


def _findings(verdicts: Sequence[Verdict], book: Book) -> list[Finding]:
    """Return the findings, worst first; a remark on the same groups is made once."""
    kept: dict[object, Finding] = {}
    for number, verdict in enumerate(spreads_folded(verdicts, book)):
        groups = frozenset(book.key(label) for label in verdict.claim.groups)
        for finding in verdict.findings:
            again: object = (finding.rule, groups) if verdict.outcome == "holds" else (finding.rule, number)
            if finding.severity == "note" and finding.rule == "claim_p_zero":  # a habit of the whole report
                again = finding.rule
            kept.setdefault(again, finding)
    return sorted(kept.values(), key=_consequence)


def _consequence(finding: Finding) -> tuple[int, bool]:
    """Return a key that sorts the most consequential first: a wrong conclusion before a wrong number."""
    rule = finding.rule.removeprefix("claim_")
    return WORST_FIRST[finding.severity], rule not in CONCLUSIONS


def _in_tables(parts: Sequence[Table | Sentence], comma: bool) -> list[Claim]:
    """Return the claims of all tables; a row is a block, numbered by its line."""
    every = [part for part in parts if isinstance(part, Table)]
    claims = [claim for table in every for claim in tables.claims_of(table, comma=comma)]
    return claims + [claim for table in every for claim in bold_claims(table, comma=comma)]


def _in_sentences(
    parts: Sequence[Table | Sentence], names: Sequence[str], comma: bool, vocabulary: set[str]
) -> list[Claim]:
    """Return the claims of all sentences; their blocks are counted below 0, apart from those of tables.

    The numbers of a sentence that is longer than a page are counted as not read.
    """
    return [
        claim
        for number, part in enumerate(parts, start=1)
        if isinstance(part, Sentence) and len(part.text) <= LONGEST_SENTENCE
        for claim in summaries.claims_of_summaries(
            part,
            list(sentences.claims_of(part, names, -number, comma=comma, vocabulary=vocabulary)),
            -number,
            comma=comma,
        )
    ]
