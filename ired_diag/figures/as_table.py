"""The data of a picture as a table, a row a point: beside each paper figure, and behind "view as table".

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@`` as a formula, and names come from
strangers' files. So text that begins so, and is no number, gets an apostrophe before it, which a spreadsheet
takes for "this is text".

Reference: OWASP, CSV injection.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from ired_diag.figures.data import FigureData, Panel

COLUMNS = ("panel", "kind", "name", "x", "y", "low", "high", "text")

FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|\t")  # the wide forms are taken for them
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)? ?%?", re.IGNORECASE)

Row = tuple[str, str, str, Any, Any, Any, Any, str]


def rows_of(figure: FigureData) -> Iterator[Row]:
    """Yield a row for each point of a picture; what a row has no value for is empty."""
    for number, panel in enumerate(figure.panels, start=1):
        label = panel.y_label or panel.x_label or str(number)
        for kind, name, x, y, low, high, text in _points(panel):
            yield label, kind, name, x, y, low, high, text


def to_csv(figure: FigureData) -> str:
    r"""Return the table as CSV; numbers in full.

    >>> from ired_diag.figures.data import Line
    >>> line = Line("q101", np.array([1000]), np.array([0.0097]))
    >>> to_csv(FigureData("f", "", "step", (Panel("MSE", (line,)),), ""))
    'panel,kind,name,x,y,low,high,text\nMSE,line,q101,1000,0.0097,,,\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_plain(value) for value in row] for row in rows_of(figure))
    return text.getvalue()


def _points(panel: Panel) -> Iterator[tuple[str, str, Any, Any, Any, Any, str]]:
    for line in panel.lines:
        kind = "single run" if line.faint else "line"
        empty = [""] * len(line.x)
        low, high = (empty if end is None else end for end in (line.low, line.high))
        for point in zip(line.x, line.y, low, high, strict=True):
            yield kind, line.name, *point, ""
    for outline in panel.outlines:
        yield from (
            ("outline", outline.name, x, y, "", "", "") for x, y in zip(outline.x, outline.y, strict=True)
        )
    for guide in panel.guides:
        yield "guide", guide.label, "", guide.y, "", "", ""
    for mark in panel.marks:
        yield "mark", mark.of, mark.x, mark.y, "", "", mark.label
    for segment in panel.segments:
        yield from (
            ("segment", segment.of, x, y, "", "", "") for x, y in zip(segment.x, segment.y, strict=True)
        )
    for text in panel.texts:
        yield "text", "", text.x, text.y, "", "", text.text
    if panel.cells is not None:
        columns, rows = dict(panel.x_ticks), dict(panel.y_ticks)
        for (row, column), value in np.ndenumerate(panel.cells.values):
            text_in = panel.cells.texts[row][column]
            yield (
                "cell",
                f"{rows.get(row, row)}, {columns.get(column, column)}",
                column,
                row,
                value,
                "",
                text_in,
            )


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        value = value.replace("\r", " ")  # which the csv module of Python 3.11 does not quote
        return f"'{value}" if FORMULA.match(value) and not NUMBER.fullmatch(value) else value
    return value.item() if isinstance(value, np.generic) else value
