"""Places on a curve, steps or times, and factors between them, in words."""

from __future__ import annotations

import math

STEP = "step"  # the axis of curves that are compared at equal steps
TIMES = 2.0  # from this factor on, "2.1 times as many" is clearer than percent


def unit_of(axis: str) -> str:
    """Return what several places are: steps, or the name of the column that tells the time."""
    if axis == STEP:
        return "steps"
    return axis


def place_in_words(axis: str, place: float) -> str:
    """Return a place with what it is: ``step 3225``."""
    return f"{axis} {number_in_words(place)}"


def number_in_words(place: float) -> str:
    """Return a step or a time: whole where it is large.

    >>> number_in_words(3225.4), number_in_words(12.345)
    ('3225', '12.35')
    """
    is_whole = place == round(place)
    if is_whole or abs(place) >= 1000:
        return f"{place:.0f}"
    return f"{place:.4g}"


def p_in_words(p: float) -> str:
    """Return a p value with two digits."""
    return f"{p:.2g}"


def change_in_words(axis: str, factor: float) -> str:
    """Return a factor as a change.

    >>> change_in_words("step", 0.959), change_in_words("train_time", 3.0)
    ('4.1% fewer steps', '3 times as much time')
    """
    if factor >= TIMES:
        amount = "much time"
        if axis == STEP:
            amount = "many steps"
        return f"{size_in_words(factor)} as {amount}"
    words = "more time"
    if axis == STEP:
        words = "more steps"
    if factor < 1:
        words = "less time"
        if axis == STEP:
            words = "fewer steps"
    return f"{size_in_words(factor)} {words}"


def size_in_words(factor: float) -> str:
    """Return how far a factor is from 1.

    >>> size_in_words(0.959), size_in_words(1.002), size_in_words(2.5)
    ('4.1%', '0.2%', '2.5 times')
    """
    if factor >= TIMES:
        return f"{factor:.3g} times"
    percent = 100 * abs(factor - 1)
    if percent >= 0.95:
        return f"{percent:.1f}%"
    return f"{percent:.2g}%"


def than_in_words(factor: float, name: str) -> str:
    """Return with what is compared: 4% fewer steps *than*, three times as many steps *as*."""
    if factor >= TIMES:
        return f"as {name}"
    return f"than {name}"


def bounds_in_words(axis: str, low: float, high: float) -> str:
    """Return an interval of factors; empty where it has no end.

    >>> bounds_in_words("step", 0.945, 0.973), bounds_in_words("step", 0.0, 0.9)
    ('2.7% to 5.5% fewer steps', 'at least 10.0% fewer steps')
    """
    if low > 0 and math.isfinite(high):
        return _both_ends(axis, low, high)
    if math.isfinite(high):
        most = change_in_words(axis, high)
        return f"at least {most}" if high < 1 else f"at most {most}"
    if low > 0:
        least = change_in_words(axis, low)
        return f"at least {least}" if low > 1 else f"at most {least}"
    return ""


def _both_ends(axis: str, low: float, high: float) -> str:
    if low < 1 < high:
        return f"{change_in_words(axis, low)} to {change_in_words(axis, high)}"
    near = low
    far = high
    if high <= 1:
        near = high
        far = low
    near_size = size_in_words(near)
    change = change_in_words(axis, far)
    if near_size == size_in_words(far):
        return change
    return f"{near_size} to {change}"
