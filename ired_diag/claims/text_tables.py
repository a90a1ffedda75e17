"""Tables in code blocks: printed by a program, or pasted from a file.

    method    val_loss    std      method,val_loss,std      | method | val_loss |
    baseline  0.433       0.011    baseline,0.433,0.011     +--------+----------+
    muon      0.416       0.010    muon,0.416,0.010         | muon   | 0.416    |

Columns are told apart by a bar, by a comma or tab, or by two blanks. Read is only a block that is a table
from its first line to its last: each row with as many cells as the head, the head of words, and numbers
below it. A table by step or epoch is a log, and so is none; neither is a program.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ired_diag.claims.table import Table

FENCE = re.compile(r"^\s*(?:```|~~~)\s*(.*?)\s*$")
OF_TEXT = re.compile(
    r"^(?:te?xt|plain(?:text)?|csv|tsv|console|output|stdout|log|ascii|markdown|md|none|no-highlight)?$",
    re.IGNORECASE,
)
RULE = re.compile(r"^[\s|+:=\u2500-\u257f-]*[-=\u2500\u2550]{2,}[\s|+:=\u2500-\u257f-]*$")
LOG = re.compile(r"^(?:global[\s_]?)?(?:step|epoch|iter\w*|time|timestamp|date)s?$", re.IGNORECASE)
CODE = re.compile(r"[={}\[\]();]|^\s*(?:\$|>>>|#|import\b|from\b|def\b)")
STARTS_AS_NUMBER = re.compile(r"^[-+<>≈~(\[]?\s*\.?\d")
LETTER = re.compile(r"[^\W\d_]")
FEWEST_ROWS = 2
Row = tuple[int, list[str]]


BRACKETS = re.compile(r"\([^()=]*\)|\[[^\[\]=]*\]|\bn\s*=\s*\d+")
BARS = re.compile("[\u2502\u2503\u2551]")


def table_in_text(lines: Sequence[str], first: int, above: str) -> Table | None:
    """Return the table that a block of text is, None where it is none.

    Args:
        lines: Of the block.
        first: Line number of its first line.
        above: Its heading and the paragraph before it.
    """
    shown = []
    for number, line in enumerate(lines, start=first):
        if line.strip() and not RULE.match(line.rstrip()):
            shown.append((number, line.rstrip()))
    for split in (_by_bars, _by_commas, _by_blanks):
        rows = [(number, split(line)) for number, line in shown]
        if table := _table(rows, above):
            return table
    return None


def _table(rows: Sequence[Row], above: str) -> Table | None:
    """Return rows as a table, where they are one."""
    rows = _with_name_of_index(rows)
    if not rows:
        return None
    (line, head), *body = rows
    if len(head) < 2 or len(body) < FEWEST_ROWS or not _is_head(head):
        return None
    if any(len(cells) != len(head) for _, cells in body) or not _has_numbers(body):
        return None
    body_rows = tuple((number, tuple(cells)) for number, cells in body)
    return Table(head=tuple(head), rows=body_rows, line=line, above=above)


def _is_head(head: Sequence[str]) -> bool:
    """Say whether cells are the head of a table of results: words, no code, and not those of a log."""
    named = [name for name in head if name]
    if LOG.match(head[0]) or not named:
        return False
    return all(_is_name(name) for name in named)


def _is_name(name: str) -> bool:
    if not LETTER.search(name) or STARTS_AS_NUMBER.match(name):
        return False
    without_brackets = BRACKETS.sub("", name)
    return not CODE.search(without_brackets)


def _has_numbers(body: Sequence[Row]) -> bool:
    """Say whether a column after the first one holds numbers alone."""
    columns = zip(*(cells[1:] for _, cells in body), strict=True)
    return any(all(map(STARTS_AS_NUMBER.match, column)) for column in columns)


def _with_name_of_index(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of a printed data frame, its index named: by a row of its own, or not at all."""
    if len(rows) < 2 or not all(cells for _, cells in rows):
        return list(rows)
    (line, head), second, *rest = rows
    width = len(rows[-1][1])
    if len(head) != width - 1:
        return list(rows)
    name = second[1]
    if len(name) == 1 and rest:
        return [(line, [*name, *head]), *rest]
    body = rows[1:]
    index = [cells[0] for _, cells in body]
    counted = [str(number) for number in range(len(body))]
    if index == counted:
        return [(line, head), *((number, cells[1:]) for number, cells in body)]
    return [(line, ["", *head]), *body]


def _by_bars(line: str) -> list[str]:
    with_bars = BARS.sub("|", line)
    if "|" not in with_bars:
        return []
    cells = with_bars.strip().strip("|").split("|")
    return [cell.strip() for cell in cells]


def _by_commas(line: str) -> list[str]:
    for mark in ("\t", ",", ";"):
        if mark in line:
            return [cell.strip().strip('"') for cell in line.split(mark)]
    return []


def _by_blanks(line: str) -> list[str]:
    return re.split(r"\s{2,}|\t+", line.strip())
