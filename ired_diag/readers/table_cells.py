"""Cells of a table of results: which number one holds, and which rows repeat."""

from __future__ import annotations

import re
from collections.abc import Sequence

MISSING = frozenset(("", "na", "n/a", "#n/a", "-", "--", "none", "null", "<na>"))
THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?\s*%?")  # 11,207, quoted where commas separate

Row = list[str]
Rows = Sequence[tuple[int, Row]]  # each with its number in the file


def number_of(text: str, *, decimal_comma: bool = False) -> float | None:
    """Return the number in a cell, percent without their sign; None where it is empty or says so.

    >>> number_of("94.1%"), number_of("0,097", decimal_comma=True), number_of("n/a"), number_of("11,207")
    (94.1, 0.097, None, 11207.0)

    Raises:
        ValueError: It is not a number.
    """
    bare = text.strip()
    if bare.lower() in MISSING:
        return None
    if decimal_comma and re.fullmatch(r"[^.,]*,\d+\D*(?:e[-+]?\d+)?\D*", bare, re.IGNORECASE):
        bare = bare.replace(",", ".")
    elif THOUSANDS.fullmatch(bare):
        bare = bare.replace(",", "")
    return float(bare.removesuffix("%").strip())


def is_number(cell: str) -> bool:
    """Say whether a cell holds a number, or is empty."""
    try:
        number_of(cell, decimal_comma=True)
    except ValueError:
        return False
    return True


def repeats(rows: Rows, columns: Sequence[int]) -> bool:
    """Say whether two rows have the same cells in these columns."""
    seen: set[tuple[str, ...]] = set()
    for _, row in rows:
        cells = tuple(row[i] for i in columns)
        if cells in seen:
            return True
        seen.add(cells)
    return False
