"""How often a 95% interval of an aggregate really holds the truth: simulated, and shipped as a table.

``aggregate_coverage.json`` is written by ``benchmarks/aggregate_coverage.py``, for normal seeds of tasks of
unequal spread: an indication, since the coverage depends on how scores scatter. Between simulated numbers of
seeds and tasks it is interpolated; beyond them the nearest is taken.
"""

from __future__ import annotations

import functools
import json
import math
from importlib import resources
from typing import Any

import numpy as np

LEAST = 0.90  # of a nominal 0.95: an interval that covers less is withheld
TABLE = "aggregate_coverage.json"


def coverage_of_aggregate(name: str, *, seeds: int, tasks: int, separate: bool) -> float:
    """Return the simulated coverage of the stretched interval; NaN below the least simulated seeds.

    Args:
        name: ``iqm``, ``mean``, ``median``, ``optimality_gap`` or ``improvement``.
        seeds: Seeds of each task.
        tasks: Number of tasks.
        separate: Whether each task was drawn by itself.

    >>> bool(coverage_of_aggregate("mean", seeds=10, tasks=12, separate=True) > 0.9)
    True
    """
    table = _table()
    if seeds < table["sizes"][0]:
        return math.nan
    design = "separate" if separate else "shared"
    rows = table["coverage"][design][name]
    at_sizes = [np.interp(tasks, table["tasks"], row) for row in rows]
    return float(np.interp(seeds, table["sizes"], at_sizes))


@functools.cache
def _table() -> dict[str, Any]:
    text = resources.files("ired_diag.stats").joinpath(TABLE).read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return table
