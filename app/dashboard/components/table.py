"""Tables: headers that sort, numbers in columns, links to runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dash import html

from app.dashboard.address import View
from app.dashboard.components.attributes import attributes

NONE = "-"  # where there is no number


@dataclass(frozen=True)
class Heading:
    """A column's heading; with a ``key`` it sorts."""

    text: str
    key: str = ""
    numeric: bool = False


def head(headings: Sequence[Heading], view: View) -> html.Thead:
    """Return the headings of a table; the one it is sorted by says so."""
    return html.Thead(html.Tr([_heading(one, view) for one in headings]))


def cell(content: Any, *, numeric: bool = False, **keys: Any) -> html.Td:
    """Return a cell; numbers stand to the right."""
    return html.Td(content, className="number" if numeric else "", **keys)


def run_link(id: str, text: str, *, view: View, row: bool = True) -> html.A:
    """Return a link to the page of a run, judged as in a view; ``row``: it is where j and k go."""
    keys = attributes(data_page="run", **({"data-row": ""} if row else {}))
    target = View(page="run", run=id, theme=view.theme, metric=view.metric, higher=view.higher)
    return html.A(text, href=target.to_query(), **keys)


def number(value: float | None) -> str:
    """Return a number as tables say it.

    >>> number(0.00967612345), number(100000.0), number(None), number(float("nan"))
    ('0.00967612', '100000', '-', 'NaN')
    """
    if value is None:
        return NONE
    return "NaN" if value != value else f"{value:.6g}"


def empty(words: str, command: str = "") -> html.Div:
    """Return what stands where there is nothing to see: why, and the command that makes it."""
    return html.Div([html.P(words), html.Pre(command) if command else None], className="empty")


def no_such_run() -> html.Div:
    """Return what stands where a run was that is gone, or that never was."""
    return empty(
        "There is no such run here (any more): it was moved or removed, or the address is of another folder."
    )


def scrolling(table: html.Table, label: str) -> html.Div:
    """Return a table that scrolls by itself where it is wider than the page."""
    return html.Div(table, className="scroll", tabIndex=0, role="region", **attributes(aria_label=label))


def plain_rows(rows: Iterable[Sequence[Any]]) -> html.Tbody:
    """Return rows of words and numbers."""
    return html.Tbody([html.Tr([_plain(value) for value in row]) for row in rows])


def _plain(value: Any) -> html.Td:
    numeric = not isinstance(value, str)
    return cell(number(float(value)) if numeric else value, numeric=numeric)


def _heading(heading: Heading, view: View) -> html.Th:
    name = "number" if heading.numeric else ""
    if not heading.key:
        return html.Th(heading.text, className=name, scope="col")
    sorted_by = view.sort == heading.key
    direction = ("descending" if view.descending else "ascending") if sorted_by else "none"
    mark = {"ascending": " ↑", "descending": " ↓", "none": ""}[direction]
    button = html.Button(heading.text + mark, type="button", **attributes(data_sort=heading.key))
    return html.Th(button, className=name, scope="col", **attributes(aria_sort=direction))
