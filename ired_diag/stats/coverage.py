"""How often a 95% interval of n values really holds the truth: simulated, and shipped as a table.

An interval keeps its promise only under its assumptions. The table (``interval_coverage.json``, written by
``benchmarks/interval_coverage.py`` with its seed) says the share of simulated sets of data whose interval
held the truth, by n and by the skewness of the data: normal at 0, else a shifted gamma. Of two samples of n
values each, the skewness is that of the first less that of the second: to first order, at equal spread, only
this difference counts. For the difference of pairs ask for an interval of a mean ("t", "bca_mean",
"studentised_mean") and the skewness of the differences; for the ratio r of pairs, the same and the skewness
of a - r b.

The skewness of a sample of ten says little about the population: before correction it cannot exceed
(n - 2)/√(n - 1) = 2.67 however skewed the population is, and for normal data its standard error is 0.69. So
the coverage at a sample's skewness is an indication, and no interval is accepted for it: ``holds`` looks at
normal data, where a failure is sure, and says nothing about other data.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import Array
from ired_diag.stats.defects import as_sample, defect_of, is_constant, joined

LEAST = 0.935  # of a nominal 0.95: what falls below it is refused
TABLE = "interval_coverage.json"


@dataclass(frozen=True)
class Coverage:
    """How often an interval holds the truth.

    Attributes:
        coverage: Between 0 and 1; sets of data without an interval count as not held.
        standard_error: Standard error of the simulated coverage.
        n: Values of each sample.
        skewness: Skewness of the population.
        reason: Why it is NaN, or what it is the coverage of instead.
    """

    coverage: float
    standard_error: float
    n: int
    skewness: float
    reason: str = ""


def coverage_of(interval: str, n: int, skewness: float = 0.0) -> Coverage:
    """Return the simulated coverage of a 95% interval, interpolated between simulated n and skewnesses.

    Args:
        interval: Name of the interval, one of ``intervals()``.
        n: Values of each sample; above the largest simulated, that one's coverage is returned and said.
        skewness: Skewness of the population; its sign does not matter.

    >>> bool(abs(coverage_of("t", 10).coverage - 0.95) < 0.005)
    True
    """
    table = _table()
    size = abs(skewness)
    if interval not in table["coverage"]:
        raise ValueError(f"no interval {interval!r}; simulated are {', '.join(intervals())}")
    sizes, skewnesses = table["sizes"], table["skewness"]
    unknown = Coverage(math.nan, standard_error=math.nan, n=n, skewness=skewness)
    if n < sizes[0]:
        return replace(unknown, reason=f"simulated from n = {sizes[0]} on")
    if not size <= skewnesses[-1]:
        return replace(unknown, reason=f"simulated up to a skewness of {skewnesses[-1]:g}")
    coverage = _interpolated(table["coverage"][interval], n, size)
    reason = ""
    if coverage == 0:
        reason = f"{n} values have no such interval"
    elif n > sizes[-1]:
        reason = f"simulated up to n = {sizes[-1]}"
    return Coverage(
        coverage,
        standard_error=_interpolated(table["standard_error"][interval], n, size),
        n=n,
        skewness=skewness,
        reason=reason,
    )


def _interpolated(rows: Sequence[Sequence[float]], n: int, skewness: float) -> float:
    """Return the value between simulated sizes, one row each, and skewnesses, one column each."""
    table = _table()
    at_sizes = [np.interp(skewness, table["skewness"], row) for row in rows]
    return float(np.interp(n, table["sizes"], at_sizes))


def indicated_coverage(interval: str, values: ArrayLike) -> Coverage:
    """Return the coverage at the skewness of a sample of shape (n,): an indication, no more."""
    x = as_sample(values)
    n = len(x)
    defect = defect_of(x, fewest=3)
    if not defect and is_constant(x, scale=np.abs(x).max()):
        defect = "all values are equal: no skewness"
    if defect:
        nan = math.nan
        return Coverage(nan, standard_error=nan, n=n, skewness=nan, reason=defect)
    coverage = coverage_of(interval, n, skewness(x))
    note = f"a skewness of {coverage.skewness:.2g} of {n} values is badly known"
    return replace(coverage, reason=joined(coverage.reason, note))


def holds(interval: str, n: int) -> bool:
    """Say whether a 95% interval of n normal values holds the truth in at least 93.5% of simulated cases."""
    return coverage_of(interval, n).coverage >= LEAST


def intervals() -> tuple[str, ...]:
    """Return the names of the intervals that were simulated."""
    return tuple(_table()["coverage"])


@functools.cache
def _table() -> dict[str, Any]:
    text = resources.files("ired_diag.stats").joinpath(TABLE).read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def skewness(x: Array) -> float:
    """Return the skewness of n ≥ 3 values, corrected for its bias; NaN where they hardly vary.

    It is ``scipy.stats.skew(x, bias=False)``, without the import of all of ``scipy.stats``.

    >>> round(skewness(np.array([1.0, 2.0, 4.0])), 6)
    0.93522
    """
    n = len(x)
    mean = x.mean()
    deviation = x - mean
    square = deviation**2
    variance = square.mean()
    if variance <= (np.finfo(np.float64).eps * mean) ** 2:
        return math.nan
    third = (square * deviation).mean()
    correction = math.sqrt((n - 1.0) * n) / (n - 2.0)
    return float(correction * third / variance**1.5)
