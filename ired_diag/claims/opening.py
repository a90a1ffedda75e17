"""A book, opened: labels matched with runs, and the readout that the report quotes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ired_diag.claims.agreeing_readouts import quoted_readout
from ired_diag.claims.book import ANONYMOUS, Book
from ired_diag.claims.claim import Claim
from ired_diag.claims.groups import RunGroups, only
from ired_diag.claims.label_meaning import numbered_groups, resolve
from ired_diag.claims.labels import same_name
from ired_diag.claims.unnamed_metric import with_metric_of_report


def open_book(text: str, claims: Sequence[Claim], names: Sequence[str], every: RunGroups) -> Book:
    """Return the book of a report.

    Args:
        text: The report.
        claims: What it states.
        names: Its labels.
        every: The runs it is about.
    """
    metrics = _metrics_of(claims)
    blank = Book(text=text, claims=claims, names=names, metrics=metrics)
    meant: dict[str, str | None] = {}
    reasons: dict[str, str] = {}
    for name in names:
        meant[name], reasons[name] = _meaning(name, blank, every)
    for name, group in numbered_groups(names, list(every.members)).items():
        meant[name] = meant[name] or group
    # A report on the only group of runs need not name it.
    if len(every.members) == 1:
        (alone,) = every.members
        meant[alone] = alone
    groups = only(every, [group for group in meant.values() if group])
    by_label = _groups_by_label(claims, names, meant)
    groups = with_metric_of_report(groups, claims, by_label)
    readout = quoted_readout(claims, by_label, groups)
    default = "last" if groups.members else None
    return Book(
        text=text,
        claims=claims,
        names=names,
        metrics=metrics,
        groups=groups,
        meant=meant,
        reasons=reasons,
        readout=readout or default,
        readout_is_certain=readout is not None,
    )


def _metrics_of(claims: Sequence[Claim]) -> frozenset[str]:
    """Return the metrics of the report's tables; empty for values by seed of a metric without a name."""
    metrics = set()
    for claim in claims:
        if claim.table and claim.metric and claim.kind in ("mean", "value", "median"):
            metrics.add(claim.metric)
        if claim.kind == "value" and not claim.metric:
            metrics.add("")
    return frozenset(metrics)


def _groups_by_label(
    claims: Sequence[Claim], names: Sequence[str], meant: Mapping[str, str | None]
) -> dict[str, str | None]:
    """Return the group of runs of each label, in whichever spelling a claim has it."""
    labels = {label for claim in claims for label in claim.groups}
    return {label: meant.get(same_name(label, names) or label) for label in labels}


def _meaning(name: str, blank: Book, every: RunGroups) -> tuple[str | None, str]:
    """Return the runs that a name means, or why none; a table without names is of the only group there is."""
    if ANONYMOUS.match(name) and every.members:
        alone = list(every.members)
        if len(alone) == 1:
            return alone[0], ""
        return None, "of which group of runs it is, is not said"
    claims = blank.stated("n", name) + blank.stated("mean", name)
    return resolve(name, claims, every)
