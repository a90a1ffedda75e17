"""Names in a sentence: joined by "and", or the first few of them with the count of the others."""

from __future__ import annotations

from collections.abc import Sequence


def joined(names: Sequence[str]) -> str:
    """Return names as a sentence lists them.

    >>> joined(["best", "last10", "area"]), joined(["best"]), joined([])
    ('best, last10 and area', 'best', '')
    """
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def first_few(names: Sequence[str], most: int) -> str:
    """Return the first names, and how many more there are.

    >>> first_few(["seed0", "seed1", "seed2"], 2)
    'seed0, seed1 and 1 more'
    """
    shown = ", ".join(names[:most])
    more = len(names) - most
    if more <= 0:
        return shown
    return f"{shown} and {more} more"


def count_of(noun: str, count: int) -> str:
    """Return a count with its noun.

    >>> count_of("seed", 1), count_of("seed", 4)
    ('1 seed', '4 seeds')
    """
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun}s"


def is_or_are(count: int) -> str:
    """Return the verb that fits a count."""
    return "is" if count == 1 else "are"
