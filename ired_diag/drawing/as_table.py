"""The data of a picture as a table, a row a point: next to each paper figure, and behind "view as table".

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@`` as a formula, and names come from
strangers' files. So text that begins so, and is no number, gets an apostrophe before it, which a spreadsheet
takes for "this is text".

Reference: OWASP, CSV injection.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ired_diag.drawing.data import Areas, Cells, FigureData, Line, Panel, Raster

COLUMNS = ("panel", "kind", "name", "x", "y", "low", "high", "text")

HALF = 0.5  # of the way to the next name
FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|\t")  # the wide forms are taken for them
NUMBER = re.compile(r"[+-]?(\d+(?:\.\d*)?|\.\d+)(e[+-]?\d+)? ?%?", re.IGNORECASE)

Row = tuple[str, str, str, Any, Any, Any, Any, str]
Point = tuple[str, str, Any, Any, Any, Any, str]  # a row without the name of its panel


def rows_of(figure: FigureData, *, named: bool = False) -> Iterator[Row]:
    """Yield a row for each point of a picture; what a row has no value for is empty.

    Args:
        figure: The picture.
        named: Whether a place on an axis of names is its name. Points of one name are drawn next to each
            other, so that their place itself says nothing. Default: places as they are drawn.
    """
    for number, panel in enumerate(figure.panels, start=1):
        label = panel.name or panel.x_label or str(number)
        for kind, name, x, y, *rest in _points(panel):
            if named:
                x, y = _named(x, panel.x_ticks), _named(y, panel.y_ticks)
            yield label, kind, name, x, y, *rest


def to_csv(figure: FigureData) -> str:
    r"""Return the table as CSV; numbers in full.

    >>> from ired_diag.drawing.data import Line
    >>> line = Line("q101", np.array([1000]), np.array([0.0097]))
    >>> to_csv(FigureData("f", "", "step", (Panel("MSE", (line,)),), ""))
    'panel,kind,name,x,y,low,high,text\nMSE,line,q101,1000,0.0097,,,\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_plain(value) for value in row] for row in rows_of(figure))
    return text.getvalue()


def _named(place: Any, ticks: Sequence[tuple[float, str]]) -> Any:
    """Return the name at a place; the place itself where the axis has numbers, or no name is near."""
    if isinstance(place, str) or not ticks or all(_is_number(name, at) for at, name in ticks):
        return place
    at, name = min(ticks, key=lambda tick: abs(tick[0] - place))
    return name.replace("\n", " ") if abs(at - place) < HALF else place


def _is_number(name: str, place: float) -> bool:
    try:
        return float(name) == place
    except ValueError:
        return False


def _points(panel: Panel) -> Iterator[Point]:
    for line in panel.lines:
        yield from _line_points(line)
    for outline in panel.outlines:
        for x, y in zip(outline.x, outline.y, strict=True):
            yield "outline", outline.name, x, y, "", "", ""
    for guide in panel.guides:
        yield "guide", guide.label, "", guide.y, "", "", ""
    for mark in panel.marks:
        yield "mark", mark.of, mark.x, mark.y, "", "", mark.label
    for segment in panel.segments:
        for x, y in zip(segment.x, segment.y, strict=True):
            yield "segment", segment.name or segment.of, x, y, "", "", ""
    for text in panel.texts:
        yield "text", "", text.x, text.y, "", "", text.text
    if panel.cells is not None:
        yield from _cell_points(panel, panel.cells)
    if panel.raster is not None:
        for (row, column), colour in _pixels(panel.raster):
            yield "pixel", "", column, row, "", "", colour
    if panel.areas is not None:
        yield from _area_points(panel.areas)


def _line_points(line: Line) -> Iterator[Point]:
    kind = "single run" if line.faint else "line"
    empty = [""] * len(line.x)
    low = empty if line.low is None else line.low
    high = empty if line.high is None else line.high
    for numbers in zip(line.x, line.y, low, high, strict=True):
        yield kind, line.name, *numbers, ""


def _cell_points(panel: Panel, cells: Cells) -> Iterator[Point]:
    column_names = dict(panel.x_ticks)
    row_names = dict(panel.y_ticks)
    for (row, column), value in np.ndenumerate(cells.values):
        row_name = row_names.get(row, row)
        column_name = column_names.get(column, column)
        text = cells.texts[row][column]
        yield "cell", f"{row_name}, {column_name}", column, row, value, "", text


def _pixels(raster: Raster) -> Iterator[tuple[tuple[int, int], str]]:
    """Yield row and column of each pixel, and its colour as red, green, blue from 0 to 255."""
    for row, pixels in enumerate(raster.as_bytes.tolist()):
        for column, colour in enumerate(pixels):
            yield (row, column), " ".join(map(str, colour))


def _area_points(areas: Areas) -> Iterator[Point]:
    for (row, column), kind in np.ndenumerate(areas.kinds):
        yield "area", areas.names[kind], areas.x[column], areas.y[row], "", "", ""


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        value = value.replace("\r", " ")  # which the csv module of Python 3.11 does not quote
        looks_like_formula = FORMULA.match(value) and not NUMBER.fullmatch(value)
        return f"'{value}" if looks_like_formula else value
    if isinstance(value, np.generic):
        return value.item()
    return value
