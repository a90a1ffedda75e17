"""The unit of a logged time: by the column's name, else by the letters that the log prints behind a number.

A table gives numbers alone, so a column ``time`` has no known unit there. A text log often prints one:
``train_time:23.965s``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ired_diag.runs.run import Run

MOST_READ = 65_536  # bytes from the end of a log
MOST_RUNS = 3  # whose logs are read
SYMBOLS = {
    "ms": "ms",
    "msec": "ms",
    "milliseconds": "ms",
    "s": "s",
    "sec": "s",
    "secs": "s",
    "seconds": "s",
    "min": "min",
    "mins": "min",
    "minutes": "min",
    "h": "h",
    "hours": "h",
}
LAST_WORD = re.compile(r"(?:^|[^A-Za-z])([A-Za-z]+)[^A-Za-z]*$")


def unit_of_time(runs: Iterable[Run], column: str) -> str:
    """Return the unit of a column of times: ``ms``, ``s``, ``min`` or ``h``; empty where it is unknown.

    Args:
        runs: Runs that log it; where their logs print several units, it is unknown.
        column: Name of the column.
    """
    last_word = LAST_WORD.search(column)
    if last_word is not None and last_word[1].lower() in SYMBOLS:
        return SYMBOLS[last_word[1].lower()]
    units: set[str] = set()
    for run in list(runs)[:MOST_RUNS]:
        units |= _printed_units(run.path, column)
    return units.pop() if len(units) == 1 else ""


def _printed_units(path: Path, column: str) -> set[str]:
    """Return the letters behind the numbers of a column at the end of a text log; an empty text for none."""
    if not path.is_file():
        return {""}
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - MOST_READ))
            text = file.read().decode(errors="replace")
    except OSError:  # the log was moved or may not be read: its unit is unknown
        return {""}
    printed = re.findall(
        rf"(?<![\w/.]){re.escape(column)}\s*[:=]?\s*[\d.,]+(?:e[+-]?\d+)?\s?([A-Za-z]*)", text
    )
    return {SYMBOLS.get(letters.lower(), "") for letters in printed} or {""}
