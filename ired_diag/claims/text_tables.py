"""Tables in code blocks: printed by a program, or pasted from a file.

    method    val_loss    std      method,val_loss,std      | method | val_loss |
    baseline  0.433       0.011    baseline,0.433,0.011     +--------+----------+
    muon      0.416       0.010    muon,0.416,0.010         | muon   | 0.416    |

Columns are told apart by a bar, by a comma or tab, or by two blanks. Read is only a block that is a table
from its first line to its last: each row with as many cells as the head, the head of words, and numbers
below it. A table by step or epoch is a log, not a table of results; neither is a program.
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
LEVEL_OF_INTERVAL = re.compile(r"^9\d(?:\.\d)?\s?%\s*(?:ci|conf)", re.IGNORECASE)
LETTER = re.compile(r"[^\W\d_]")
FEWEST_ROWS = 2
Row = tuple[int, list[str]]
BRACKETS = re.compile(r"\([^()=]*\)|\[[^\[\]=]*\]|\bn\s*=\s*\d+")
BARS = re.compile("[\u2502\u2503\u2551]")


def table_in_text(lines: Sequence[str], first: int, above: str) -> Table | None:
    """Return the table that a block of text is, None where it is not one.

    Args:
        lines: Of the block.
        first: Line number of its first line.
        above: Its heading and the paragraph before it.
    """
    for split in (_by_bars, _by_commas, _by_blanks):
        rows = []
        for number, line in enumerate(lines, start=first):
            shown = line.rstrip()
            if shown and not RULE.match(shown):
                rows.append((number, split(shown)))
        if table := _table(rows, above):
            return table
    return None


def _table(rows: Sequence[Row], above: str) -> Table | None:
    """Return rows as a table, where they are one."""
    rows = _with_name_of_index(rows)
    widths = {len(cells) for _, cells in rows}
    if len(rows) <= FEWEST_ROWS or len(widths) != 1 or max(widths) < 2:
        return None
    (line, head), *body = rows
    if not _is_head(head):
        return None
    cells_of_body = [tuple(cells) for _, cells in body]
    if not _has_numbers(cells_of_body):
        return None
    lines = [number for number, _ in body]
    body_rows = zip(lines, cells_of_body, strict=True)
    return Table(head=tuple(head), rows=tuple(body_rows), line=line, above=above)


def _is_head(head: Sequence[str]) -> bool:
    """Say whether cells are the head of a table of results: words, no code, and not those of a log."""
    if LOG.match(head[0]):
        return False
    named = list(filter(None, head))
    return bool(named) and all(map(_is_name, named))


def _is_name(name: str) -> bool:
    if not LETTER.search(name) or (STARTS_AS_NUMBER.match(name) and not LEVEL_OF_INTERVAL.match(name)):
        return False
    without_brackets = BRACKETS.sub("", name)
    return not CODE.search(without_brackets)


def _has_numbers(body: Sequence[Sequence[str]]) -> bool:
    """Say whether a column after the first one holds numbers alone."""
    _, *columns = zip(*body, strict=True)
    for column in columns:
        if all(map(STARTS_AS_NUMBER.match, column)):
            return True
    return False


def _with_name_of_index(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of a printed data frame, its index named: by a row of its own, or not at all."""
    if len(rows) < 2 or [] in (cells for _, cells in rows):
        return list(rows)
    (line, head), second, *rest = rows
    width = len(rows[-1][1])
    # pandas prints no name above the index, so that the head is a cell shorter than the rows.
    if len(head) != width - 1:
        return list(rows)
    name = second[1]
    if len(name) == 1 and rest:
        return [(line, [*name, *head]), *rest]
    body = [second, *rest]
    if _is_counted(body):
        return [(line, head), *((number, cells[1:]) for number, cells in body)]
    return [(line, ["", *head]), *body]


def _is_counted(body: Sequence[Row]) -> bool:
    """Say whether the first cells are 0, 1, 2, …: an index that names nothing."""
    for count, (_, cells) in enumerate(body):
        if cells[0] != str(count):
            return False
    return True


def _by_bars(line: str) -> list[str]:
    with_bars = BARS.sub("|", line)
    if "|" not in with_bars:
        return []
    cells = with_bars.strip().strip("|").split("|")
    return list(map(str.strip, cells))


def _by_commas(line: str) -> list[str]:
    for mark in ("\t", ",", ";"):
        if mark in line:
            return [cell.strip().strip('"') for cell in line.split(mark)]
    return []


def _by_blanks(line: str) -> list[str]:
    return re.split(r"\s{2,}|\t+", line.strip())
