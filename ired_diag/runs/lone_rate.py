"""One run whose logged learning rate is another multiple of the schedule than that of its siblings.

Runs of one configuration have one schedule, r(t). Where one of them logs c r(t) at every common step, with
one factor c that is not 1, and the others log r(t) alike, that run was started with another rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.runs.history import Series

FEWEST_OTHERS = 3  # runs that agree
FEWEST_STEPS = 5
ALIKE = 0.01  # relative: the others log the same
APART = 1.1  # times


@dataclass(frozen=True)
class LoneRate:
    """A run that logs another learning rate than the others.

    Attributes:
        place: Its place among the runs.
        factor: Of its rate to that of the others.
        value: Its largest rate at a common step.
        usual: That of the others there.
    """

    place: int
    factor: float
    value: float
    usual: float


def lone_rate(rates: Sequence[Series]) -> LoneRate | None:
    """Return the one run that logs a multiple of the learning rate of all others; None where there is none.

    Args:
        rates: The logged learning rate of each run.

    >>> steps = np.arange(5)
    >>> usual, odd = Series(steps, np.full(5, 0.001)), Series(steps, np.full(5, 0.01))
    >>> lone_rate([usual, usual, odd, usual]).place
    2
    """
    if len(rates) < FEWEST_OTHERS + 1:
        return None
    steps = set(rates[0].steps.tolist()).intersection(*(rate.steps.tolist() for rate in rates))
    values = np.array([rate.values[np.isin(rate.steps, sorted(steps))] for rate in rates])
    moving = (values > 0).all(axis=0)
    values = values[:, moving]
    if values.shape[1] < FEWEST_STEPS or not np.isfinite(values).all():
        return None
    for place in range(len(values)):
        usual = np.delete(values, place, axis=0)
        middle = np.median(usual, axis=0)
        factors = values[place] / middle
        factor = float(np.median(factors))
        others_agree = np.allclose(usual, middle, rtol=ALIKE, atol=0.0)
        is_one_factor = np.allclose(factors, factor, rtol=ALIKE, atol=0.0)
        if others_agree and is_one_factor and not 1 / APART < factor < APART:
            top = int(np.argmax(middle))
            return LoneRate(place, factor, value=float(values[place, top]), usual=float(middle[top]))
    return None
