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


def table_in_text(lines: Sequence[str], first: int, above: str) -> Table | None:
    """Return the table that a block of text is, None where it is none.

    Args:
        lines: Of the block.
        first: Line number of its first line.
        above: Its heading and the paragraph before it.
    """
    shown = [(first + k, line.rstrip()) for k, line in enumerate(lines) if line.strip()]
    for split in (_by_bars, _by_commas, _by_blanks):
        rows = [(number, split(line)) for number, line in shown if not RULE.match(line)]
        if table := _table(rows, above):
            return table
    return None


def _table(rows: Sequence[Row], above: str) -> Table | None:
    """Return rows as a table, where they are one."""
    rows = _with_name_of_index(rows)
    if not rows or len(rows[0][1]) < 2:
        return None
    (line, head), body = rows[0], rows[1:]
    if len(body) < FEWEST_ROWS or any(len(cells) != len(head) for _, cells in body):
        return None
    named = [name for name in head if name]
    if LOG.match(head[0]) or not named or not all(LETTER.search(name) for name in named):
        return None
    if any(STARTS_AS_NUMBER.match(name) or CODE.search(_without_brackets(name)) for name in named):
        return None
    numeric = any(all(STARTS_AS_NUMBER.match(cells[k]) for _, cells in body) for k in range(1, len(head)))
    if not numeric:
        return None
    return Table(tuple(head), tuple((number, tuple(cells)) for number, cells in body), line, above)


def _without_brackets(name: str) -> str:
    return re.sub(r"\([^()=]*\)|\[[^\[\]=]*\]|\bn\s*=\s*\d+", "", name)


def _with_name_of_index(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of a printed data frame, its index named: by a row of its own, or not at all."""
    if len(rows) < 2 or not all(cells for _, cells in rows):
        return list(rows)
    (line, head), (_, second) = rows[0], rows[1]
    width = len(rows[-1][1])
    if len(head) == width - 1 and len(second) == 1 and len(rows) > 2:
        return [(line, [second[0], *head]), *rows[2:]]
    if len(head) == width - 1:
        numbered = [cells[0] for _, cells in rows[1:]] == [str(k) for k in range(len(rows) - 1)]
        if numbered:
            return [(line, head), *((number, cells[1:]) for number, cells in rows[1:])]
        return [(line, ["", *head]), *rows[1:]]
    return list(rows)


def _by_bars(line: str) -> list[str]:
    bars = re.sub("[\u2502\u2503\u2551]", "|", line)
    return [cell.strip() for cell in bars.strip().strip("|").split("|")] if "|" in bars else []


def _by_commas(line: str) -> list[str]:
    mark = "\t" if "\t" in line else ("," if "," in line else ";")
    return [cell.strip().strip('"') for cell in line.split(mark)] if mark in line else []


def _by_blanks(line: str) -> list[str]:
    return re.split(r"\s{2,}|\t+", line.strip())
