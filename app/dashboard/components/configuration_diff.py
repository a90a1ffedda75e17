"""Configurations side by side: what differs between groups, and folded below it what all state alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from app.dashboard.components.table import scrolling
from app.dashboard.configuration_keys import UNSTATED, shared_value
from ired_diag.readers.foreign_configuration import flatten
from ired_diag.runs.name_list import counted
from ired_diag.runs.run import Run

MOST_GROUPS = 8  # columns
MOST_LETTERS = 60  # of a value

Groups = Mapping[str, Sequence[Run]]


def configuration_diff(groups: Groups) -> html.Section | None:
    """Return the keys in which groups differ, side by side; None where no run states a configuration."""
    shown = dict(list(groups.items())[:MOST_GROUPS])
    differing: list[Any] = []
    equal: list[Any] = []
    for key in _keys(shown):
        values = [shared_value(runs, key) for runs in shown.values()]
        if len(set(values)) > 1:
            cells = [html.Td(_cut(value), className="long differs") for value in values]
            differing.append(html.Tr([html.Th(key, scope="row"), *cells]))
        else:
            equal.append(html.Li([html.Code(key), f" = {_cut(values[0])}"]))
    if not differing and not equal:
        return None
    parts: list[Any] = [html.H2("Configurations side by side")]
    left_out = len(groups) - len(shown)
    if left_out:
        parts.append(html.P(f"The first {len(shown)} of {len(groups)} groups.", className="count"))
    if differing:
        heads = [html.Th(name, scope="col") for name in ("Key", *shown)]
        table = html.Table([html.Thead(html.Tr(heads)), html.Tbody(differing)], className="part")
        parts.append(scrolling(table, "Configurations side by side"))
    else:
        parts.append(html.P("No key differs between them, by what their configurations state."))
    if equal:
        summary = html.Summary(f"Equal in all groups: {counted(len(equal), 'key')}")
        parts.append(html.Details([summary, html.Ul(equal)]))
    return html.Section(parts, className="block")


def _keys(groups: Groups) -> list[str]:
    """Return the keys that any run states, by name, without those that only identify a run."""
    keys: set[str] = set()
    for runs in groups.values():
        for run in runs:
            keys.update(set(flatten(run.configuration or {})) - run.identity_keys)
    return sorted(keys)


def _cut(value: str) -> str:
    if len(value) <= MOST_LETTERS or value == UNSTATED:
        return value
    return f"{value[:MOST_LETTERS]}…"
