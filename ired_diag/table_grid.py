"""A column of a long table as an array with an axis for each key: levels by problems, problems by candidates.

A table of a probe has a row for each combination of its keys (level, sample, …). Statistics over problems
need the same numbers as an array of shape (levels, samples). A stored table may be in any order, so rows are
sorted by their keys first, the last key running fastest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ired_diag.table import Table

Grid = NDArray[np.float64]


def grid(rows: Table, name: str, *keys: str) -> Grid:
    """Return a column of a table as an array.

    Args:
        rows: A row for each combination of the keys.
        name: Name of the column.
        keys: Names of the columns that are the axes, the slowest first.

    >>> rows = {"level": np.array([1, 0, 1, 0]), "sample": np.array([7, 7, 5, 5]), "x": np.arange(4)}
    >>> grid(rows, "x", "level", "sample").tolist()
    [[3.0, 1.0], [2.0, 0.0]]
    """
    order = np.lexsort([rows[key] for key in reversed(keys)])
    shape = [len(np.unique(rows[key])) for key in keys[:-1]]
    values: Grid = rows[name][order].astype(np.float64).reshape(*shape, -1)
    return values
