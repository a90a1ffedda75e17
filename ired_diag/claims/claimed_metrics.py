"""The logged metric of each claim of a report: by its own words, else by those around it.

A number whose own words name no metric is of the only one that its caption names, or that its table is of.
In a sentence it is of the one that the sentences just before it speak of, else of the only one under its
heading. Where the words around it name several, it is not said which.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from ired_diag.claims.claim import Claim
from ired_diag.claims.metrics import UNCLEAR, metrics_in, relation_to
from ired_diag.claims.named_metrics import NamedMetric, named_metric
from ired_diag.claims.numbers import plain

NOTHING = NamedMetric()
OF_NO_METRIC = ("n", "bold", "one sample p")
REACH = 3  # sentences back in which a metric is still spoken of


def claimed_metrics(claims: Sequence[Claim], logged: Sequence[str]) -> list[NamedMetric]:
    """Return the logged metrics that each claim may be of; none where nothing names one.

    Args:
        claims: Of the report, in reading order.
        logged: The names of the logged metrics.
    """
    named = [_by_own_words(claim, logged) for claim in claims]
    return [
        metric if metric.candidates or not _is_open(claim) else _by_neighbours(place, claims, named)
        for place, (claim, metric) in enumerate(zip(claims, named, strict=True))
    ]


def _is_open(claim: Claim) -> bool:
    """Say whether a claim is of some metric, and its own words do not say of which."""
    if claim.kind in OF_NO_METRIC or claim.metric == UNCLEAR:
        return False
    return not claim.metric or relation_to(claim.metric, "loss") == "unnamed"


def _by_own_words(claim: Claim, logged: Sequence[str]) -> NamedMetric:
    """Return the metric that a claim names; of a table whose head names none, the one of its caption."""
    if claim.kind in OF_NO_METRIC:
        return NOTHING
    context = (claim.wording, claim.caption, claim.heading)
    if claim.table and _is_open(claim):
        return _in_caption(claim.caption, claim.heading, tuple(logged))
    return named_metric(claim.metric, logged, context)


@lru_cache(maxsize=256)
def _in_caption(caption: str, heading: str, logged: tuple[str, ...]) -> NamedMetric:
    """Return the one metric that a caption names, else the heading; none where they name several."""
    vocabulary = [" ".join(name.replace("/", " ").replace("_", " ").lower().split()) for name in logged]
    for text in (caption, heading):
        words = metrics_in(plain(text), vocabulary)
        named = [named_metric(name, logged, (text, heading)) for name in words]
        if logged_ones := [metric for metric in named if metric.candidates]:
            return _the_only(logged_ones)
    return NOTHING


def _by_neighbours(place: int, claims: Sequence[Claim], named: Sequence[NamedMetric]) -> NamedMetric:
    """Return the metric of the claims around one that names none.

    Args:
        place: Of the claim.
        claims: Of the report.
        named: What each of them names.
    """
    claim = claims[place]
    pairs = list(zip(claims, named, strict=True))
    if claim.table:
        return _the_only(metric for other, metric in pairs if other.table == claim.table)
    for other, metric in reversed(pairs[:place]):
        if other.table or other.heading != claim.heading or other.block - claim.block > REACH:
            break
        if metric.candidates:
            return metric
    return _the_only(metric for other, metric in pairs if other.heading == claim.heading)


def _the_only(named: Iterable[NamedMetric]) -> NamedMetric:
    """Return the one metric among several mentions; all of them as candidates where they are not one."""
    mentions = [metric for metric in named if metric.candidates]
    names = dict.fromkeys(name for metric in mentions for name in metric.candidates)
    if len(names) == 1:
        return mentions[0]
    return NamedMetric(candidates=tuple(names))
