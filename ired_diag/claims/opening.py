"""A book, opened: labels matched with runs, and the readout that the report quotes."""

from __future__ import annotations

from collections.abc import Sequence

from ired_diag.claims.book import ANONYMOUS, Book
from ired_diag.claims.claim import Claim
from ired_diag.claims.groups import RunGroups, only, quoted_readout, resolve
from ired_diag.claims.labels import mentions, same_name
from ired_diag.claims.unnamed_metric import with_metric_of_report
from ired_diag.runs.study import Study


def open_book(text: str, claims: Sequence[Claim], names: Sequence[str], every: RunGroups) -> Book:
    """Return the book of a report.

    Args:
        text: The report.
        claims: What it states.
        names: Its labels.
        every: The runs it is about.
    """
    means = {c.metric for c in claims if c.table and c.metric and c.kind in ("mean", "value", "median")}
    unnamed = {c.metric for c in claims if c.kind == "value" and not c.metric}
    metrics = frozenset(means | unnamed)
    blank = Book(text=text, claims=claims, names=names, metrics=metrics)
    resolved = {name: _meaning(name, blank, every) for name in names}
    meant = {name: group for name, (group, _) in resolved.items()}
    if len(every.members) == 1:
        (alone,) = every.members
        meant |= {alone: alone}
    groups = only(every, [group for group in meant.values() if group])
    by_label = {label: meant.get(same_name(label, names) or label) for c in claims for label in c.groups}
    groups = with_metric_of_report(groups, claims, by_label)
    readout = quoted_readout(claims, by_label, groups)
    return Book(
        text=text,
        claims=claims,
        names=names,
        metrics=metrics,
        groups=groups,
        meant=meant,
        reasons={name: why for name, (_, why) in resolved.items()},
        readout=readout or ("last" if groups.members else None),
        readout_is_certain=readout is not None,
    )


def _meaning(name: str, blank: Book, every: RunGroups) -> tuple[str | None, str]:
    """Return the runs that a name means, or why none; a table without names is of the only group there is."""
    if ANONYMOUS.match(name) and every.members:
        alone = list(every.members)
        return (alone[0], "") if len(alone) == 1 else (None, "of which group of runs it is, is not said")
    claims = [c for kind in ("n", "mean") for c in blank.stated(kind, name)]
    return resolve(name, claims, every)


def names_in(text: str, labels: Sequence[str], study: Study | None) -> list[str]:
    """Return the report's labels, each group once, and the groups of runs that it names besides."""
    names: list[str] = []
    for label in dict.fromkeys(labels):
        if same_name(label, names) is None:
            names.append(label)
    groups = study.groups() if study else {}
    strategies = {str((runs[0].configuration or {}).get("mining_strategy", "")) for runs in groups.values()}
    for name in (*groups, *sorted(strategies - {"", "None"})):
        if mentions(text, [name]) and same_name(name, names) is None:
            names.append(name)
    return names
