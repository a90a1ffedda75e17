"""The picture of escape times: steps to leave a saddle against the noise on the gradient."""

from __future__ import annotations

import numpy as np

from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.maps.escapes import Escapes


def escape_times(escapes: Escapes, *, title: str, method: str) -> FigureData:
    """Return the picture of escape times.

    Args:
        escapes: What was measured.
        title: What was descended, in a few words.
        method: Optimiser and settings, as a sentence.
    """
    measured = Line(
        "median, 95% interval",
        escapes.noise,
        escapes.median,
        low=escapes.low,
        high=escapes.high,
        drawn="points",
    )
    lines = [measured]
    if not escapes.no_formula:
        lines.append(Line("formula", escapes.noise, escapes.formula, drawn="line"))
    panel = Panel(
        "steps to escape",
        tuple(lines),
        x_scale="log",
    )
    return FigureData(
        name="noise",
        title=title,
        x_label="standard deviation of the noise on the gradient",
        panels=(panel,),
        method=f"{method} {escapes.runs:,} runs of each noise start at the saddle; a run has escaped at "
        f"distance {escapes.radius:g} along the directions that curve down. Median with the interval of its "
        "order statistics.",
        note=f"{escapes.runs:,} runs of each noise",
        summary=in_words(escapes),
    )


def in_words(escapes: Escapes) -> str:
    """Return in a sentence how long runs need, and how far the formula is off."""
    reached = np.isfinite(escapes.median)
    if not reached.any():
        return "At no noise did half of the runs escape."
    first, last = np.flatnonzero(reached)[[0, -1]]
    sentence = (
        f"Half of the runs have escaped after {escapes.median[first]:,.0f} steps at noise "
        f"{escapes.noise[first]:g}, after {escapes.median[last]:,.0f} at {escapes.noise[last]:g}."
    )
    if escapes.no_formula:
        return f"{sentence} No formula is compared: {escapes.no_formula}."
    errors = np.abs(escapes.median / escapes.formula - 1)[reached]
    return f"{sentence} The formula is off by {100 * errors.max():.1f}% at most."
