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

    @property
    def is_bold(self) -> bool:
        """Whether all of its text is bold."""
        return bool(self.text) and self.bold.strip() == self.text


@dataclass
class _Row:
    line: int
    in_head: bool
    cells: list[_Cell] = field(default_factory=list)

    @property
    def is_head(self) -> bool:
        """Whether it is a row of the head by its tags."""
        return self.in_head or all(cell.is_head for cell in self.cells)


def html_table(lines: Sequence[str], at: int, above: str) -> tuple[Table | None, int]:
    """Return the table that starts on a line, None where it cannot be read, and the line after its end.

    Args:
        lines: Of the report.
        at: Index of the line with ``<table``.
        above: Its heading and the paragraph before it.
    """
    for end in range(at, len(lines)):
        if END.search(lines[end]):
            reader = _Reader()
            reader.feed("\n".join(lines[at : end + 1]))
            return _table(reader, at, above), end + 1
    return None, at + 1


def _table(reader: _Reader, at: int, above: str) -> Table | None:
    rows = [row for row in reader.rows if row.cells]
    if len(rows) < 2:
        return None
    # A table without rows of th has one row of names in td.
    count = _size_of_head(rows)
    if _shares_lines(rows[0], rows[count:]):
        return None
    grid = _grid(rows)
    body = []
    bold = set()
    for row, cells in zip(rows[count:], grid[count:], strict=True):
        line = at + row.line
        body.append((line, tuple(cell.text for cell in cells)))
        for k, cell in enumerate(cells):
            if cell.is_bold:
                bold.add((line, k))
    caption = reader.caption.strip()
    if caption:
        above = f"{above} {caption}"
    width = max(map(len, grid))
    return Table(
        head=_joined_head(grid[:count], width),
        rows=tuple(body),
        line=at + rows[0].line,
        above=above,
        bold=frozenset(bold),
    )


def _shares_lines(head: _Row, body: Sequence[_Row]) -> bool:
    """Say whether two rows stand on one line, so that their claims could not be told apart."""
    places = {row.line for row in body}
    places.add(head.line)
    return len(places) <= len(body)


def _size_of_head(rows: Sequence[_Row]) -> int:
    """Return how many rows at the top are of the head; at least one."""
    for count, row in enumerate(rows):
        if not row.is_head:
            return count or 1
    return len(rows)


def _joined_head(rows: Sequence[Sequence[_Cell]], width: int) -> tuple[str, ...]:
    """Return the words of each column of the head, from top to bottom, each once."""
    columns: list[dict[str, None]] = [{} for _ in range(width)]
    for row in rows:
        for words, cell in zip(columns, row, strict=False):
            if cell.text:
                words[cell.text] = None
    return tuple(map(" ".join, columns))


def _grid(rows: Sequence[_Row]) -> list[list[_Cell]]:
    """Return the cells of each row, those that span rows or columns repeated."""
    grid: list[list[_Cell]] = []
    open_cells: dict[int, tuple[int, _Cell]] = {}  # by column: for how many more rows
    for row in rows:
        cells: list[_Cell] = []
        own = _repeated(row)
        while own or len(cells) in open_cells:
            k = len(cells)
            if k in open_cells:
                left, cell = open_cells.pop(k)
            else:
                cell = own.pop(0)
                left = cell.rows
            cells.append(cell)
            if left > 1:
                open_cells[k] = (left - 1, cell)
        grid.append(cells)
        # A cell further right than the row reaches cannot be in the next one either.
        open_cells = {k: value for k, value in open_cells.items() if k < len(cells)}
    return grid


def _repeated(row: _Row) -> list[_Cell]:
    """Return the cells of a row, each as often as it has columns."""
    repeated = []
    for cell in row.cells:
        repeated += [cell] * cell.columns
    return repeated


def _span(value: str | None) -> int:
    """Return how many rows or columns an attribute of a cell says; one where it says nothing."""
    if not value or not value.isdigit():
        return 1
    return min(max(int(value), 1), MOST_SPANNED)


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
        elif self._cell is not None and not {"style", "script"}.intersection(self._inside):
            cell = self._cell
            cell.text = f"{cell.text}{shown}".lstrip()
            if self._bold:
                cell.bold = f"{cell.bold}{shown}".lstrip()
