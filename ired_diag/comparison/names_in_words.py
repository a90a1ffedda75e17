"""Names in a sentence, joined by "and", and the verb that fits a count."""

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


def is_or_are(count: int) -> str:
    """Return the verb that fits a count."""
    return "is" if count == 1 else "are"
