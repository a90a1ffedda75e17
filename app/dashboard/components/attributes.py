"""Attributes of HTML elements whose names have a hyphen."""

from __future__ import annotations

from typing import Any


def attributes(**values: Any) -> dict[str, Any]:
    """Return attributes by their names in HTML; truth is written as HTML's aria attributes want it.

    >>> attributes(aria_expanded=True, data_value="q101")
    {'aria-expanded': 'true', 'data-value': 'q101'}
    """
    written = {}
    for name, value in values.items():
        if isinstance(value, bool):
            value = str(value).lower()
        written[name.replace("_", "-")] = value
    return written
