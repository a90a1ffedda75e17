"""Tables in HTML, in Markdown or in a page: of pandas, of notebooks, written by hand.

    <table><thead><tr><th>method</th><th>loss</th></tr></thead>
    <tbody><tr><th>muon</th><td><b>0.416 &plusmn; 0.010</b></td></tr></tbody></table>

Rows of ``<th>`` at the top are its head; where there are several, the words of each column are joined
(``val_loss mean``). Cells that span rows or columns are repeated. A table with two rows of
its body on one line is not read: its claims could not be told apart by their lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

from ired_diag.claims.table import Table

START, END = re.compile(r"<table\b", re.IGNORECASE), re.compile(r"</table\s*>", re.IGNORECASE)
BOLD_STYLE = re.compile(r"font-weight:\s*(?:bold|[6-9]00)", re.IGNORECASE)
BOLD_TAGS = ("b", "strong")
MOST_SPANNED = 50  # rows or columns of one cell


@dataclass
class _Cell:
    is_head: bool
    rows: int
    columns: int
    text: str = ""
    bold: str = ""  # of its text


@dataclass
class _Row:
    line: int
    in_head: bool
    cells: list[_Cell] = field(default_factory=list)


def html_table(lines: Sequence[str], at: int, above: str) -> tuple[Table | None, int]:
    """Return the table that starts on a line, None where it cannot be read, and the line after its end.

    Args:
        lines: Of the report.
        at: Index of the line with ``<table``.
        above: Its heading and the paragraph before it.
    """
    end = next((k for k in range(at, len(lines)) if END.search(lines[k])), None)
    if end is None:
        return None, at + 1
    reader = _Reader()
    reader.feed("\n".join(lines[at : end + 1]))
    return _table(reader, at, above), end + 1


def _table(reader: _Reader, at: int, above: str) -> Table | None:
    rows = [row for row in reader.rows if row.cells]
    if len(rows) < 2:
        return None
    heads = [k for k, row in enumerate(rows) if row.in_head or all(cell.is_head for cell in row.cells)]
    count = next((k for k in range(len(rows)) if k not in heads), len(rows)) or 1
    places = [row.line for row in rows[count:]]
    if len({rows[0].line, *places}) <= len(places):
        return None
    grid = _grid(rows)
    width = max(len(row) for row in grid)
    head = [" ".join(dict.fromkeys(filter(None, _column(grid[:count], k)))) for k in range(width)]
    body = [
        (at + row.line, tuple(cell.text for cell in cells))
        for row, cells in zip(rows[count:], grid[count:], strict=True)
    ]
    bold = {
        (at + row.line, k)
        for row, cells in zip(rows[count:], grid[count:], strict=True)
        for k, cell in enumerate(cells)
        if cell.text and cell.bold.strip() == cell.text
    }
    caption = f" {reader.caption.strip()}" if reader.caption.strip() else ""
    return Table(tuple(head), tuple(body), at + rows[0].line, above + caption, frozenset(bold))


def _column(rows: Sequence[Sequence[_Cell]], k: int) -> list[str]:
    return [row[k].text for row in rows if k < len(row)]


def _grid(rows: Sequence[_Row]) -> list[list[_Cell]]:
    """Return the cells of each row, those that span rows or columns repeated."""
    grid: list[list[_Cell]] = []
    open_cells: dict[int, tuple[int, _Cell]] = {}  # by column: for how many more rows
    for row in rows:
        cells: list[_Cell] = []
        own = [cell for cell in row.cells for _ in range(cell.columns)]
        while own or len(cells) in open_cells:
            k = len(cells)
            left, cell = open_cells.pop(k) if k in open_cells else (own[0].rows, own.pop(0))
            cells.append(cell)
            if left > 1:
                open_cells[k] = (left - 1, cell)
        grid.append(cells)
        open_cells = {k: value for k, value in open_cells.items() if k < len(cells)}
    return grid


def _span(value: str | None) -> int:
    return min(max(int(value), 1), MOST_SPANNED) if value and value.isdigit() else 1


class _Reader(HTMLParser):
    """Collects the rows of one table."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[_Row] = []
        self.caption = ""
        self._inside: list[str] = []
        self._cell: _Cell | None = None
        self._bold = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a row, a cell, or bold."""
        given = dict(attrs)
        if tag in ("thead", "caption", "style", "script"):
            self._inside.append(tag)
        elif tag == "tr":
            self._cell = None
            self.rows.append(_Row(self.getpos()[0], "thead" in self._inside))
        elif tag in ("td", "th") and self.rows:
            self._cell = _Cell(tag == "th", _span(given.get("rowspan")), _span(given.get("colspan")))
            self._bold = int(bool(BOLD_STYLE.search(given.get("style") or "")))
            self.rows[-1].cells.append(self._cell)
        elif tag in BOLD_TAGS:
            self._bold += 1
        elif tag == "br":
            self.handle_data(" ")
        elif tag == "sup":
            self.handle_data("^")

    def handle_endtag(self, tag: str) -> None:
        """Close a cell, bold, or a part that holds no cells."""
        if tag in self._inside:
            self._inside.remove(tag)
        elif tag in ("td", "th", "tr"):
            self._cell = None
        elif tag in BOLD_TAGS:
            self._bold = max(self._bold - 1, 0)

    def handle_data(self, data: str) -> None:
        """Add text to the cell, or to the caption."""
        shown = re.sub(r"\s+", " ", data)
        if "caption" in self._inside:
            self.caption += shown
        elif self._cell is not None and not {"style", "script"} & set(self._inside):
            cell = self._cell
            cell.text = f"{cell.text}{shown}".lstrip()
            cell.bold = f"{cell.bold}{shown}".lstrip() if self._bold else cell.bold
