"""Names and counts in a message: the first few names and how many more there are; a count with its noun."""

from __future__ import annotations

from collections.abc import Sequence


def first_names(names: Sequence[str], most: int) -> str:
    """Return the first names as a sentence lists them; empty where there are none.

    >>> first_names(["a", "b", "c"], most=2), first_names(["a", "b"], most=2)
    ('a, b and 1 more', 'a, b')
    """
    shown = ", ".join(names[:most])
    more = len(names) - most
    return f"{shown} and {more} more" if more > 0 else shown


def counted(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> counted(1, "run"), counted(3, "run")
    ('1 run', '3 runs')
    """
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun}s"
