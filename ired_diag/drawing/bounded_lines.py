"""Lines whose intervals end where their quantity does: a t interval knows no bounds, a share does.

Where an interval is cut, the caption says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from ired_diag.drawing.data import Line

Bounds = tuple[float, float]


def within(line: Line, bounds: Bounds | None) -> Line:
    """Return a line whose intervals end at the bounds of its quantity; the line itself without bounds."""
    if bounds is None or line.low is None or line.high is None:
        return line
    return replace(line, low=np.clip(line.low, *bounds), high=np.clip(line.high, *bounds))


def cut_at(whole: Line, cut: Line) -> set[float]:
    """Return the bounds at which intervals of a line were cut."""
    if whole.low is None or cut.low is None or whole.high is None or cut.high is None:
        return set()
    low = cut.low[cut.low > whole.low]
    high = cut.high[cut.high < whole.high]
    return {*low.tolist(), *high.tolist()}


def cut_in_words(ends: Collection[float], what: str = "Intervals") -> str:
    """Return where intervals are cut, as a caption says it; empty where none is.

    >>> cut_in_words({1.0, 0.0})
    'Intervals are cut at 0 and 1, beyond which there are no values.'
    """
    if not ends:
        return ""
    listed = " and ".join(f"{end:g}" for end in sorted(ends))
    return f"{what} are cut at {listed}, beyond which there are no values."


def cut_in_words_by_panel(ends: Mapping[str, Collection[float]], what: str = "Intervals") -> str:
    """Return in which panels intervals are cut, and where: each panel's quantity has bounds of its own.

    Args:
        ends: The bounds at which any interval is cut, by the name of the panel; of all panels.
        what: What is cut.

    >>> cut_in_words_by_panel({"share": {0.0}, "change": ()})
    'Intervals are cut at the bounds of what is shown: share at 0.'
    """
    if len(ends) == 1:
        (only,) = ends.values()
        return cut_in_words(only, what)
    parts = []
    for panel, bounds in ends.items():
        if bounds:
            listed = " and ".join(f"{end:g}" for end in sorted(bounds))
            parts.append(f"{panel} at {listed}")
    return f"{what} are cut at the bounds of what is shown: {'; '.join(parts)}." if parts else ""
