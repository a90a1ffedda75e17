"""The verdict on each claim of a report, by the logged metric that it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ired_diag.claims.at_best_evaluation import is_at_best_evaluation
from ired_diag.claims.book import Book
from ired_diag.claims.checks import check
from ired_diag.claims.claim import Claim, Kind, Verdict, unchecked
from ired_diag.claims.conditions import under_their_own_condition
from ired_diag.claims.groups import RunGroups
from ired_diag.claims.metrics import relation_to, telling_words
from ired_diag.claims.named_metrics import DATA_SETS
from ired_diag.claims.other_metrics import OtherMetrics
from ired_diag.claims.reservations import reserved
from ired_diag.claims.shelf import Shelf
from ired_diag.claims.verdicts import verdict_on
from ired_diag.finding import Finding
from ired_diag.runs.metric_words import ALL_MEASURES, SPLITS, TRAINING

LEVELS: tuple[Kind, ...] = ("mean", "level", "value", "median", "best", "worst")
WITHOUT_DIRECTION: tuple[Kind, ...] = (
    *LEVELS[:4],
    "difference",
    "sd",
    "se",
    "spread",
    "interval",
    "quartiles",
)
SPREADS: tuple[Kind, ...] = ("sd", "se", "spread", "interval")
STATS = "ired-diag stats"
IGNORED = DATA_SETS | {*SPLITS, *TRAINING}  # of which data a metric is, other rules say


def verdicts_of(shelf: Shelf) -> list[Verdict]:
    """Return the verdict on each claim, in reading order."""
    others: dict[str, OtherMetrics] = {}
    verdicts = []
    metrics = []
    for place, claim in enumerate(shelf.judged.claims):
        if _is_evidence(claim, shelf.judged.groups):
            continue
        metric = shelf.metric_of(place)
        by_metric = others.setdefault(metric, OtherMetrics(shelf.study))
        verdicts.append(_verdict(place, shelf, by_metric))
        metrics.append(metric)
    verdicts = _accused_only_next_to_agreeing(verdicts, metrics)
    verdicts = _without_spreads_of_unchecked_means(verdicts, shelf.judged)
    for metric in dict.fromkeys(metrics):
        if book := shelf.book_by(metric):
            judged = under_their_own_condition(verdicts, book)
            verdicts = [
                new if of == metric else old for old, new, of in zip(verdicts, judged, metrics, strict=True)
            ]
    # A condition may have left a mean open whose spread was held against the runs.
    return _without_spreads_of_unchecked_means(verdicts, shelf.judged)


def _is_evidence(claim: Claim, groups: RunGroups) -> bool:
    """Say whether a number is a value by seed that no runs were given for: others are held against it."""
    return claim.kind == "value" and not groups.members


def _verdict(place: int, shelf: Shelf, others: OtherMetrics) -> Verdict:
    """Return the verdict on the claim at a place, by the metric that it names."""
    claim = shelf.judged.claims[place]
    metric = shelf.metric_of(place)
    if not metric:
        if other := _other_in_words(claim, shelf):
            return unchecked(claim, f"it may be of {other}, or of a metric that is not logged")
        verdict = reserved(verdict_on(claim, shelf.judged, others), shelf.judged)
        return _unless_ambiguous(verdict, place, shelf)
    book = shelf.book_by(metric)
    if book is None:
        return unchecked(claim, f"it is of {metric}, which not all runs of its groups log")
    if claim.kind not in WITHOUT_DIRECTION and not shelf.knows_direction(metric):
        return unchecked(claim, f"in which direction {metric} improves is not known")
    verdict = reserved(verdict_on(book.claims[place], book, others), book)
    if verdict.outcome == "fails" and is_at_best_evaluation(verdict.claim, book, shelf.judged):
        return unchecked(
            claim, f"it is {metric} where {shelf.judged.groups.metric} is best, not the last value"
        )
    if verdict.outcome == "fails" and (twin := _agreeing_twin(place, shelf)):
        return unchecked(claim, f"it agrees with {twin}, and may be of {metric}")
    verdict = replace(verdict, claim=claim)
    return _naming(metric, verdict) if claim.groups else verdict


def _other_in_words(claim: Claim, shelf: Shelf) -> str:
    """Return the logged metric that a word of a claim's metric is of, where the runs are judged by another.

    "Robust acc. (AA)" is no ``test_clean_acc`` where ``test_robust_acc`` is logged as well.
    """
    own = telling_words(shelf.judged.groups.metric)
    spoken = telling_words(claim.metric)
    if not claim.table or not spoken or spoken & own - ALL_MEASURES:
        return ""
    for name in shelf.logged:
        telling = telling_words(name) - own - ALL_MEASURES - IGNORED
        if name != shelf.judged.groups.metric and telling & spoken and spoken & own:
            return name
    return ""


def _unless_ambiguous(verdict: Verdict, place: int, shelf: Shelf) -> Verdict:
    """Return a verdict by the metric that judges the runs, where the words may not mean two of them."""
    candidates = shelf.metrics[place].candidates
    if len(candidates) < 2 or not _rests_on_runs(verdict, shelf.judged):
        return verdict
    own = relation_to(verdict.claim.metric, shelf.judged.groups.metric)
    is_own = shelf.judged.groups.metric in candidates and own == "unnamed"
    if verdict.outcome == "holds" and is_own:
        return verdict
    return unchecked(verdict.claim, f"it may be of {' or '.join(candidates)}")


def _rests_on_runs(verdict: Verdict, book: Book) -> bool:
    """Say whether a verdict was reached by the runs, and not by the report alone."""
    claim = verdict.claim
    if verdict.outcome == "unchecked" or not claim.groups:
        return False
    return verdict.outcome != check(claim, book.without_runs()).outcome


def _agreeing_twin(place: int, shelf: Shelf) -> str:
    """Return the metric of the training data that a claim agrees with; empty where there is none."""
    for twin in shelf.metrics[place].twins:
        book = shelf.book_by(twin)
        if book and check(book.claims[place], book).outcome == "holds":
            return twin
    return ""


def _accused_only_next_to_agreeing(verdicts: Sequence[Verdict], metrics: Sequence[str]) -> list[Verdict]:
    """Return the verdicts; of a metric of which no level of the report agrees, nothing is accused."""
    agreeing = set()
    for verdict, metric in zip(verdicts, metrics, strict=True):
        if verdict.outcome == "holds" and verdict.claim.kind in LEVELS:
            agreeing.add(metric)
    kept = []
    for verdict, metric in zip(verdicts, metrics, strict=True):
        if metric and verdict.outcome == "fails" and metric not in agreeing:
            why = f"no number of the report agrees with {metric}, so that it may be of something else"
            verdict = unchecked(verdict.claim, why)
        kept.append(verdict)
    return kept


def _without_spreads_of_unchecked_means(verdicts: Sequence[Verdict], book: Book) -> list[Verdict]:
    """Return the verdicts; a spread that fails next to a mean that was not checked is not checked either.

    Without runs no mean is checked, and a spread fails by the report's own numbers.
    """
    if not book.groups.members:
        return list(verdicts)
    open_means = {id(verdict.claim) for verdict in verdicts if verdict.outcome == "unchecked"}
    kept = []
    for verdict in verdicts:
        claim = verdict.claim
        if verdict.outcome == "fails" and claim.kind in SPREADS and claim.groups:
            mean = book.mean_beside(claim, claim.only_group)
            if mean is not None and id(mean) in open_means:
                verdict = unchecked(claim, "the mean next to it could not be checked")
        kept.append(verdict)
    return kept


def _naming(metric: str, verdict: Verdict) -> Verdict:
    """Return a verdict that says by which metric it was reached."""
    findings = tuple(_finding_naming(metric, finding) for finding in verdict.findings)
    return replace(verdict, why=f"{verdict.why} (by {metric})", findings=findings)


def _finding_naming(metric: str, finding: Finding) -> Finding:
    advice = finding.advice
    if STATS in advice:
        advice = f"{advice} --metric {metric}"
    return replace(finding, statement=f"{finding.statement} (By {metric}.)", advice=advice)
