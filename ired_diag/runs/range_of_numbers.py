"""Numbers that a computer can hold and no statistic can use: values near 1e308, steps near 2⁶³.

A double holds numbers up to 1.8e308, but a variance needs their squares and a test on variances the fourth
power: of a value beyond 1e75 that is no number any more. No loss is that large (the largest number of
float32, in which models train, is 3.4e38), and some loggers write 1.797e308 where they mean infinity. So a
value beyond ``LARGEST_VALUE`` counts as infinite, as a loss that overflowed, and a note says so.

The difference of two steps beyond 2⁶² does not fit into 64 bits, and beyond 2⁵³ neighbouring steps are the
same number as doubles. Rows at such steps are left out, and a warning says so. Time stamps in nanoseconds,
which loggers write as steps, are below 2⁶¹ and far enough apart.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding
from ired_diag.runs.history import History, Series

LARGEST_VALUE = 1e75
LARGEST_STEP = 2**62
EXACT = 2**53  # up to here each whole number is a double of its own


def within_range(history: History) -> tuple[History, list[Finding]]:
    """Return a history whose numbers can be computed with, and what was changed in it.

    The history itself is returned where nothing has to change.
    """
    series = {name: _usable_steps(one) for name, one in history.series.items()}
    left_out = {name: len(history.series[name]) - len(one) for name, one in series.items()}
    infinite = {name: int(np.count_nonzero(_is_too_large(one.values))) for name, one in series.items()}
    if not any(left_out.values()) and not any(infinite.values()):
        return history, []
    series = {name: _overflowed(one) if infinite[name] else one for name, one in series.items()}
    return replace(history, series=series), [*_of_steps(left_out), *_of_values(infinite)]


def bounded_value(value: float) -> float:
    """Return a value, infinite where it is beyond ``LARGEST_VALUE``.

    >>> bounded_value(0.5), bounded_value(-1e308)
    (0.5, -inf)
    """
    return math.copysign(math.inf, value) if abs(value) > LARGEST_VALUE else value


def _is_too_large(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((np.abs(values) > LARGEST_VALUE) & np.isfinite(values), dtype=np.bool_)


def _overflowed(series: Series) -> Series:
    values = np.where(_is_too_large(series.values), np.copysign(np.inf, series.values), series.values)
    return Series(series.steps, values)


def _usable_steps(series: Series) -> Series:
    """Return a series without the rows at steps that are too large; itself where there are none."""
    steps = series.steps
    if not len(steps) or (-EXACT <= steps[0] and steps[-1] <= EXACT):
        return series
    usable = (-LARGEST_STEP <= steps) & (steps <= LARGEST_STEP)
    last = np.append(steps.astype(np.float64)[1:] != steps.astype(np.float64)[:-1], True)
    if (kept := usable & last).all():
        return series
    return Series(steps[kept], series.values[kept])


def _of_steps(left_out: dict[str, int]) -> list[Finding]:
    rows = max(left_out.values(), default=0)
    if not rows:
        return []
    statement = f"{rows} rows are at steps too large to compute with (beyond 2^53) and were left out."
    return [Finding("steps_out_of_range", "warning", statement, {"rows": rows})]


def _of_values(infinite: dict[str, int]) -> list[Finding]:
    named = {name: count for name, count in infinite.items() if count}
    if not named:
        return []
    some = ", ".join(list(named)[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")
    statement = f"{sum(named.values())} values of {some} are beyond {LARGEST_VALUE:g} and count as infinite."
    return [Finding("values_out_of_range", "note", statement, {"values": sum(named.values())})]
