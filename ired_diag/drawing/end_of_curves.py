"""The end of learning curves: ends of both axes on which their last steps can be told apart.

The x axis begins at four fifths of the way from the first step to the last one of all curves; the y axis
holds what is drawn from there on, bands too.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ired_diag.drawing.data import Panel, drawable_spread

LAST = 0.2  # share of all steps
ROOM = 0.05  # of the extent, on each side
FEWEST = 5  # steps of all curves: of fewer, an end has no shape


def at_the_end(panel: Panel) -> Panel | None:
    """Return a panel with axes that show the last fifth of its steps; None where few steps are drawn."""
    lines = [(line, np.asarray(line.x, dtype=np.float64)) for line in panel.lines]
    steps = np.unique(np.concatenate([x for _, x in lines])) if lines else np.array([])
    if len(steps) < FEWEST:
        return None
    start = steps[-1] - LAST * (steps[-1] - steps[0])
    values = []
    for line, x in lines:
        for curve in (line.y, *(drawable_spread(line, panel) or ())[:2]):
            values.append(np.asarray(curve, dtype=np.float64)[x >= start])
    shown = np.concatenate(values)
    shown = shown[np.isfinite(shown)]
    if panel.y_scale == "log":
        shown = np.log10(shown[shown > 0])
    if not len(shown) or np.ptp(shown) == 0:
        return None
    room = ROOM * np.ptp(shown)
    low, high = float(shown.min() - room), float(shown.max() + room)
    if panel.y_scale == "log":
        low, high = 10**low, 10**high
    margin = ROOM * (steps[-1] - start)
    return replace(panel, x_range=(float(start), float(steps[-1] + margin)), y_range=(low, high))
