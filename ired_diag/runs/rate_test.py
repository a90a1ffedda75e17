"""Is a run a range test of the learning rate, which raises the rate until the loss explodes?

A range test multiplies the rate by a constant factor at each step, over two orders of magnitude or more, from
the first row to the last. Its loss is meant to explode: the explosion is the measurement. A linear warm-up
rises by a constant difference and is not one, and so is a schedule that comes down again.

Reference: Smith (2017), Cyclical Learning Rates for Training Neural Networks, section 3.3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ired_diag.runs.metric_words import words_of
from ired_diag.runs.run import Run

FEWEST = 10  # logged rates
LEAST_RISE = 100.0  # times
STRAIGHT = 0.99  # squared correlation of ln(rate) with the step

Array = NDArray[np.float64]


def rate_test_of(run: Run) -> tuple[str, float, float] | None:
    """Return name, first and last value of a rate that rises exponentially throughout, if there is one."""
    for name, series in run.history.series.items():
        if "lr" not in words_of(name):
            continue
        steps = np.asarray(series.steps, dtype=np.float64)
        rates = np.asarray(series.values, dtype=np.float64)
        if is_exponential_rise(steps, rates):
            return name, float(rates[0]), float(rates[-1])
    return None


def is_exponential_rise(steps: Array, rates: Array) -> bool:
    """Say whether rates grow by a constant factor each step, over two orders of magnitude.

    >>> steps = np.arange(50.0)
    >>> is_exponential_rise(steps, 1e-7 * 1.3**steps), is_exponential_rise(steps, 1e-6 + 1e-4 * steps)
    (True, False)
    """
    if len(rates) < FEWEST or not np.isfinite(rates).all():
        return False
    first, last = rates[0], rates[-1]
    if first <= 0 or last < LEAST_RISE * first:
        return False
    falls = np.diff(rates) < 0
    if falls.any():
        return False
    correlations = np.corrcoef(steps, np.log(rates))
    return float(correlations[0, 1]) ** 2 >= STRAIGHT
