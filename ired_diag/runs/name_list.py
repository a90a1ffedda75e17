"""A list of names in a message: the first few, and how many more there are."""

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
