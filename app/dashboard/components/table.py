"""Tables: headers that sort, numbers in columns, links to runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dash import html

from app.dashboard.address import View
from app.dashboard.components.attributes import attributes

NONE = "-"  # where there is no number
CLASSES = {True: "number", False: ""}  # of cells, by whether they are numeric
SORTED = {True: ("descending", " ↓"), False: ("ascending", " ↑")}  # by whether the largest stands first


@dataclass(frozen=True)
class Heading:
    """A column's heading; with a ``key`` it sorts."""

    text: str
    key: str = ""
    numeric: bool = False


def head(headings: Sequence[Heading], view: View) -> html.Thead:
    """Return the headings of a table; an arrow marks the column by which it is sorted."""
    return html.Thead(html.Tr([_heading(heading, view) for heading in headings]))


def cell(content: Any, *, numeric: bool = False, **keys: Any) -> html.Td:
    """Return a cell; numbers stand to the right."""
    return html.Td(content, **{"className": CLASSES[numeric], **keys})


def run_link(id: str, text: str, *, view: View, row: bool = True) -> html.A:
    """Return a link to the page of a run, judged as in a view; ``row``: the keys j and k stop at it."""
    keys = attributes(data_page="run")
    if row:
        keys |= attributes(data_row="")
    target = View(page="run", run=id, theme=view.theme, metric=view.metric, higher=view.higher)
    return html.A(text, href=target.to_query(), **keys)


def number(value: float | None) -> str:
    """Return a number as tables show it.

    >>> number(0.00967612345), number(100000.0), number(None), number(float("nan"))
    ('0.00967612', '100000', '-', 'NaN')
    """
    if value is None:
        return NONE
    if math.isnan(value):
        return "NaN"
    return f"{value:.6g}"


def empty(words: str, command: str = "") -> html.Div:
    """Return the words of an empty place: why it is empty, and the command that fills it."""
    parts: list[Any] = [html.P(words)]
    if command:
        parts.append(html.Pre(command))
    return html.Div(parts, className="empty")


def no_such_run() -> html.Div:
    """Return the words in place of a run that is not there."""
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
    if isinstance(value, str):
        return cell(value)
    return cell(number(float(value)), numeric=True)


def _heading(heading: Heading, view: View) -> html.Th:
    name = CLASSES[heading.numeric]
    if not heading.key:
        return html.Th(heading.text, className=name, scope="col")
    direction, mark = "none", ""
    if view.sort == heading.key:
        direction, mark = SORTED[view.descending]
    button = html.Button(heading.text + mark, type="button", **attributes(data_sort=heading.key))
    return html.Th(button, className=name, scope="col", **attributes(aria_sort=direction))
