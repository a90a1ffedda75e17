"""Journal: what was declared and what was written down, held against the runs as they are now.

The plan and the journal are found next to the runs (``app.dashboard.records``) and are checked in a thread of
their own when this page is opened; meanwhile the page says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dash
from dash import Input, Output, State, dcc, html, no_update

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components.attributes import attributes
from app.dashboard.components.table import empty, scrolling
from app.dashboard.records import Records

if TYPE_CHECKING:
    from app.report_sections import Section

TITLE = "Journal"
NOTHING = "There is no plan.yaml and no journal.md in this folder or in the one above it. Begin them with"
COMMANDS = "ired-diag plan new\nired-diag journal new"
MARKS = {
    "supported": "complete",
    "holds": "complete",
    "refuted": "error",
    "changed": "error",
    "gone": "error",
    "undecided": "warning",
    "corrected": "warning",
    "not checked": "warning",
}


def layout(view: View, catalog: Catalog) -> html.Div:
    """Return the page; its sections come as soon as they are checked."""
    return html.Div(
        [
            html.H1(TITLE),
            html.Div(id="journal-content", **attributes(aria_live="polite")),
            dcc.Interval(id="journal-wait", interval=700),
            dcc.Store(id="journal-shown"),
        ],
        className="page",
    )


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Show the sections as soon as they are checked."""

    @app.callback(
        Output("journal-content", "children"),
        Output("journal-wait", "disabled"),
        Output("journal-shown", "data"),
        Input("version", "data"),
        Input("journal-wait", "n_intervals"),
        State("journal-shown", "data"),
    )
    def show(_version: int, _ticks: int, shown: Any) -> tuple[Any, Any, Any]:
        records, is_current = catalog.records.newest(catalog.judged(View()).version)
        now = [str(records.version) if records is not None else "", is_current]
        if now == shown:
            return no_update, no_update, no_update
        return content(records, is_current=is_current), is_current, now


def content(records: Records | None, *, is_current: bool) -> list[Any]:
    """Return the sections, or why they are still missing."""
    if records is None:
        return [html.P("Checking plan and journal …", className="count")]
    if not records.sections and not records.failures:
        return [empty(NOTHING, COMMANDS)]
    parts: list[Any] = []
    if not is_current:
        parts.append(html.P("Something changed; checking again …", className="count"))
    for failure in records.failures:
        parts.append(empty(failure))
    for section in records.sections:
        parts += _section(section)
    return parts


def _section(section: Section) -> list[Any]:
    parts: list[Any] = [html.H2(section.title)]
    parts += [html.P(line) for line in section.lines]
    if not section.rows:
        return parts
    headings = html.Tr([html.Th(column, scope="col") for column in section.columns])
    rows = [_row(section, cells) for cells in section.rows]
    table = html.Table([html.Thead(headings), html.Tbody(rows)], className="words")
    return [*parts, scrolling(table, section.title)]


def _row(section: Section, cells: tuple[str, ...]) -> html.Tr:
    contents = []
    for column, cell in zip(section.columns, cells, strict=True):
        written: Any = cell
        if column == section.marks:
            written = html.Span(cell, className=f"mark {MARKS.get(cell, '')}".strip())
        contents.append(html.Td(written))
    return html.Tr(contents)
