"""Layouts in which a history is written, brought to lists by metric and to rows.

    {"loss": {"0": 0.9, "1": 0.7}, …}                 pandas' ``DataFrame(history).to_json()``: lists
    {"epoch_0": {"loss": 0.9}, "epoch_1": {…}}        an object for each epoch: rows
    {"loss": ["0.9", "0.7"]}                          numbers as texts: numbers

Objects by bare numbers (``{"0": {"loss": …}}``) stay as they are: they may be epochs, seeds, folds or
classes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ired_diag.runs.metric_words import measures_in, words_of

FEWEST = 2
COUNTED = re.compile(r"(epoch|step|iteration|iter)[ _-]?(\d+)$", re.IGNORECASE)
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$", re.IGNORECASE)


def usual_layout(content: Any) -> Any:
    """Return a part of a file with lists of numbers by metric, or rows, where it is laid out otherwise."""
    if isinstance(content, list):
        return [_with_numbers(row) if isinstance(row, Mapping) else row for row in content]
    if not isinstance(content, Mapping) or not content:
        return content
    rows = _rows_of_epochs(content)
    if rows is not None:
        return rows
    return _with_numbers(_with_lists(content))


def _rows_of_epochs(content: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the rows that objects by counted names are, by their numbers; None where it holds others."""
    matches = [COUNTED.match(key) for key in content]
    if len(matches) < FEWEST or not all(isinstance(value, Mapping) for value in content.values()):
        return None
    rows = []
    for match, row in zip(matches, content.values(), strict=True):
        if match is None:
            return None
        rows.append({match[1].lower(): int(match[2]), **row})
    counters = {match[1].lower() for match in matches if match is not None}
    (counter, *others) = counters
    return None if others else sorted(rows, key=lambda row: row[counter])


def _with_lists(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with the columns of a pandas table as lists."""
    columns = {key: value for key, value in content.items() if _is_counted(value)}
    if len({len(column) for column in columns.values()}) > 1:  # the columns of a table are equally long
        return dict(content)
    return {**content, **{key: list(column.values()) for key, column in columns.items()}}


def _is_counted(value: object) -> bool:
    if not isinstance(value, Mapping) or len(value) < FEWEST:
        return False
    if any(isinstance(item, Mapping | list) for item in value.values()):
        return False
    return list(value) == [str(place) for place in range(len(value))]


def _with_numbers(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object whose measures are numbers where they stand as texts."""
    changed = {}
    for key, value in content.items():
        if measures_in(words_of(key)):
            changed[key] = _as_number(value)
    return {**content, **changed}


def _as_number(value: Any) -> Any:
    """Return the number that a text is, or a list of them; anything else as it is."""
    if isinstance(value, str) and NUMBER.match(value.strip()):
        return float(value)
    if isinstance(value, list) and any(isinstance(item, str) for item in value):
        return list(map(_as_number, value))
    return value
