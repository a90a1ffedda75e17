"""Tables of reStructuredText as Markdown's, line by line, so that line numbers stay.

    +---------+-------+      =======  =====
    | variant | loss  |      variant  loss
    +=========+=======+      =======  =====
    | muon    | 0.416 |      muon     0.416
    +---------+-------+      =======  =====

A grid without a row of equal signs is one that a program prints: its head is its first row. A simple table is
cut at the columns of its rules. A table whose rows do not fit its rules stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

SIMPLE = re.compile(r"^\s*=+(?: +=+)+\s*$")
GRID = re.compile(r"^\s*\+(?:[-=]+\+)+\s*$")
TITLE = re.compile(r"^\s*\.\. (?:table|list-table|csv-table)::\s*(.*)$")
OPTION = re.compile(r"^\s+:(?:widths|align|header-rows|name|class|width):.*$")
SPAN = re.compile(r"^[\s-]*-[\s-]*$")
Row = tuple[int, list[str]]


def with_markdown_tables(text: str) -> str:
    r"""Return a text, its reStructuredText tables written as Markdown's.

    >>> print(with_markdown_tables("== ====\na  loss\n== ====\nx  0.1\n== ===="))
    <BLANKLINE>
    | a | loss |
    |---|---|
    | x | 0.1 |
    <BLANKLINE>
    """
    lines = re.split(r"\r\n|\r|\n", text)
    if not any(SIMPLE.match(line) or GRID.match(line) for line in lines):
        return text
    at = 0
    while at < len(lines):
        end = at
        if SIMPLE.match(lines[at]):
            end = _write_simple(lines, at)
        elif GRID.match(lines[at]):
            end = _write_grid(lines, at)
        elif title := TITLE.match(lines[at]):
            lines[at] = title[1]
        elif OPTION.match(lines[at]):
            lines[at] = ""
        at = max(end, at + 1)
    return "\n".join(lines)


def _write_simple(lines: list[str], start: int) -> int:
    """Write a simple table as Markdown's; return the line after it, the first one where it is not one."""
    rules = [start]
    for number in range(start + 1, len(lines)):
        if SIMPLE.match(lines[number]):
            rules.append(number)
        if len(rules) == 3:
            break
    if len(rules) != 3 or rules[1] == start + 1:
        return start
    _, middle, end = rules
    starts = [hit.start() for hit in re.finditer("=+", lines[start])]
    head = _joined([_cut(lines[number], starts) for number in range(start + 1, middle)])
    rows: list[Row] = []
    for number in range(middle + 1, end):
        if not lines[number].strip() or SPAN.match(lines[number]):
            continue
        cells = _cut(lines[number], starts)
        if not cells[0] and rows:
            rows[-1] = (rows[-1][0], _joined([rows[-1][1], cells]))
        else:
            rows.append((number, cells))
    _write(lines, start, end + 1, head=(middle - 1, head), rule=middle, rows=rows)
    return end + 1


def _cut(line: str, starts: Sequence[int]) -> list[str]:
    """Return the cells of a line that is cut at the starts of the columns."""
    ends = [*starts[1:], len(line)]
    return [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]


def _write_grid(lines: list[str], start: int) -> int:
    """Write a grid as Markdown's; return the line after it, the first one where it is not one."""
    end = start
    while end < len(lines) and (GRID.match(lines[end]) or lines[end].lstrip().startswith("|")):
        end += 1
    rules = [number for number in range(start, end) if GRID.match(lines[number])]
    width = lines[start].count("+") - 1
    between = [number for number in range(start, end) if number not in rules]
    cells = {number: _cells(lines[number]) for number in between}
    if len(rules) < 3 or rules[-1] != end - 1 or any(len(row) != width for row in cells.values()):
        return start
    parts = [list(range(first + 1, last)) for first, last in pairwise(rules)]
    head, *body = parts
    if not head:
        return start
    # In a grid with a rule after each row, several lines between two rules are one row.
    is_ruled = len(body) > 1 and any("=" in lines[rule] for rule in rules)
    rows = _rows_of(body, cells, is_ruled=is_ruled)
    first_row = _joined([cells[number] for number in head])
    _write(lines, start, end, head=(head[-1], first_row), rule=rules[1], rows=rows)
    return end


def _rows_of(parts: Sequence[Sequence[int]], cells: Mapping[int, list[str]], *, is_ruled: bool) -> list[Row]:
    """Return the rows below a grid's head: one for each part between two rules, or one for each line."""
    rows: list[Row] = []
    for part in parts:
        if part and is_ruled:
            rows.append((part[0], _joined([cells[number] for number in part])))
        elif part:
            rows.extend((number, cells[number]) for number in part)
    return rows


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _joined(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return several lines of one row as one."""
    return [" ".join(filter(None, parts)) for parts in zip(*rows, strict=True)]


def _write(lines: list[str], start: int, end: int, *, head: Row, rule: int, rows: Sequence[Row]) -> None:
    """Write a table in Markdown over the lines from ``start`` to ``end``; a rule where no row stands.

    Args:
        lines: Of the text; they are changed.
        start: The first line of the table.
        end: The line after it.
        head: Its line and cells.
        rule: The line below the head.
        rows: Their lines and cells.
    """
    dashes = "|" + "---|" * len(head[1])
    written = dict([head, *rows])
    last = max(written)
    for number in range(start, end):
        if number in written:
            cells = [cell.replace("|", "\\|") for cell in written[number]]
            lines[number] = f"| {' | '.join(cells)} |"
        else:
            lines[number] = dashes if rule <= number < last else ""
