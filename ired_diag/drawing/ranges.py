"""Counts and steps of training in words, as the smallest and the largest of them."""

from __future__ import annotations

from collections.abc import Collection


def range_in_words(values: Collection[int], *, empty: str = "0") -> str:
    """Return the smallest and the largest of some whole numbers, or the only one.

    >>> range_in_words([10, 10]), range_in_words([2, 6, 3]), range_in_words([])
    ('10', '2 to 6', '0')
    """
    if not values:
        return empty
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def steps_in_words(steps: Collection[int]) -> str:
    """Return at which steps of training runs stand.

    >>> steps_in_words([900]), steps_in_words([900, 600])
    ('step 900', 'steps 600 to 900')
    """
    word = "step" if len(set(steps)) == 1 else "steps"
    return f"{word} {range_in_words(steps)}"
