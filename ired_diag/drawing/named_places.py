"""An x axis that has names and no numbers: the names stand at 0, 1, 2, …, what belongs to them next to it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ired_diag.drawing.data import Line


def named_places(names: Iterable[str]) -> tuple[tuple[float, str], ...]:
    """Return the ticks of an axis with names.

    >>> named_places(["q101", "q102"])
    ((0.0, 'q101'), (1.0, 'q102'))
    """
    ticks = []
    for place, name in enumerate(names):
        ticks.append((float(place), name))
    return tuple(ticks)


def numbered_places(numbers: Iterable[int]) -> tuple[tuple[float, str], ...]:
    """Return the ticks of an axis that shows whole numbers.

    >>> numbered_places([0, 5])
    ((0.0, '0'), (5.0, '5'))
    """
    ticks = []
    for number in numbers:
        ticks.append((float(number), str(number)))
    return tuple(ticks)


def ends_of_places(count: int) -> tuple[float, float]:
    """Return the ends of an axis with so many names: half a place beyond the first and the last."""
    return -0.5, count - 0.5


def interval_at(name: str, place: float, *, mean: float, low: float, high: float) -> Line:
    """Return a single point with its interval."""
    return Line(
        name=name,
        x=np.array([place]),
        y=np.array([mean]),
        low=np.array([low]),
        high=np.array([high]),
        drawn="points",
    )
