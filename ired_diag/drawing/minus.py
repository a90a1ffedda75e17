"""The difference of two groups by its name, with a minus sign: a hyphen would look like a part of a name."""

from __future__ import annotations

MINUS = "\N{MINUS SIGN}"


def minus(first: str, second: str) -> str:
    """Return the name of a difference.

    >>> minus("q102", "q103") == "q102 \N{MINUS SIGN} q103"
    True
    """
    return f"{first} {MINUS} {second}"
