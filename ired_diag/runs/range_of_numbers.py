"""Numbers that a computer can hold and no statistic can use: values near 1e308, steps near 2⁶³.

A double holds numbers up to 1.8e308, but a variance needs their squares and a test on variances the fourth
power: of a value beyond 1e75 that exceeds what a double holds. No loss is that large (the largest number of
float32, in which models train, is 3.4e38), and some loggers write 1.797e308 where they mean infinity. So a
value beyond ``LARGEST_VALUE`` counts as infinite, as a loss that overflowed, and a note says so.

The difference of two steps beyond 2⁶² does not fit into 64 bits, and beyond 2⁵³ neighbouring steps are the
same number as doubles. Rows at such steps are left out, and a warning says so. Time stamps in nanoseconds,
which loggers write as steps, are below 2⁶¹ and far enough apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding
from ired_diag.runs.history import History, Series
from ired_diag.runs.name_list import first_names

LARGEST_VALUE = 1e75
LARGEST_STEP = 2**62
EXACT = 2**53  # up to here each whole number is a double of its own
MOST_METRICS = 3  # in a message


def within_range(history: History) -> tuple[History, list[Finding]]:
    """Return a history whose numbers can be computed with, and what was changed in it.

    The history itself is returned where nothing has to change.
    """
    usable: dict[str, Series] = {}
    left_out: dict[str, int] = {}
    infinite: dict[str, int] = {}
    for name, series in history.series.items():
        usable[name] = _usable_steps(series)
        if rows := len(series) - len(usable[name]):
            left_out[name] = rows
        too_large = _is_too_large(usable[name].values)
        if values := int(np.count_nonzero(too_large)):
            infinite[name] = values
            usable[name] = _overflowed(usable[name])
    if not left_out and not infinite:
        return history, []
    findings = [*_findings_on_steps(left_out), *_findings_on_values(infinite)]
    return replace(history, series=usable), findings


def bounded_value(value: float) -> float:
    """Return a value, infinite where it is beyond ``LARGEST_VALUE``.

    >>> bounded_value(0.5), bounded_value(-1e308)
    (0.5, -inf)
    """
    if abs(value) > LARGEST_VALUE:
        return math.copysign(math.inf, value)
    return value


def _is_too_large(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    is_large = np.abs(values) > LARGEST_VALUE
    return np.asarray(is_large & np.isfinite(values), dtype=np.bool_)


def _overflowed(series: Series) -> Series:
    infinity = np.copysign(np.inf, series.values)
    values = np.where(_is_too_large(series.values), infinity, series.values)
    return Series(series.steps, values)


def _usable_steps(series: Series) -> Series:
    """Return a series without the rows at steps that are too large; itself where there are none."""
    steps = series.steps
    if not len(steps):
        return series
    if -EXACT <= steps[0] and steps[-1] <= EXACT:
        return series
    doubles = steps.astype(np.float64)
    differs_from_next = doubles[1:] != doubles[:-1]
    is_last = np.append(differs_from_next, True)
    is_in_range = (-LARGEST_STEP <= steps) & (steps <= LARGEST_STEP)
    usable = is_in_range & is_last
    if usable.all():
        return series
    return Series(steps[usable], series.values[usable])


def _findings_on_steps(left_out: Mapping[str, int]) -> list[Finding]:
    if not left_out:
        return []
    rows = max(left_out.values())
    statement = f"{rows} rows are at steps too large to compute with (beyond 2^53) and were left out."
    return [Finding("steps_out_of_range", "warning", statement, {"rows": rows})]


def _findings_on_values(infinite: Mapping[str, int]) -> list[Finding]:
    if not infinite:
        return []
    values = sum(infinite.values())
    metrics = first_names(list(infinite), MOST_METRICS)
    beyond = f"beyond {LARGEST_VALUE:g}"
    statement = f"{values} values of {metrics} are {beyond} and count as infinite."
    return [Finding("values_out_of_range", "note", statement, {"values": values})]
