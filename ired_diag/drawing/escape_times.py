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
        "measured: median, 95% interval",
        escapes.noise,
        escapes.median,
        low=escapes.low,
        high=escapes.high,
        drawn="points",
    )
    lines = [measured]
    if not escapes.no_formula:
        lines.append(Line("formula, not fitted", escapes.noise, escapes.formula, drawn="line"))
    panel = Panel(
        "steps to escape",
        tuple(lines),
        x_scale="log",
    )
    return FigureData(
        name="noise",
        title=f"Escape from a saddle: {title}",
        x_label="standard deviation of the noise",
        panels=(panel,),
        method=f"{_caption(escapes)} {method}",
        note=f"{escapes.runs:,} runs of each noise",
        summary=in_words(escapes),
    )


def _caption(escapes: Escapes) -> str:
    """Return what runs do, what points and line are, and which points are missing."""
    sentences = [
        f"At each noise {escapes.runs:,} runs start at the saddle, with Gaussian noise added to each "
        f"coordinate of the gradient. A run has escaped at a distance of {escapes.radius:g} from the saddle, "
        "along the directions in which the loss curves down.",
        "Points: median number of steps, with its 95% interval by order statistics (bars; hidden where "
        "shorter than a point is high).",
    ]
    if not escapes.no_formula:
        sentences.append(
            "Line: formula, not fitted, for gradient descent on a quadratic loss of this curvature: the step "
            "at which the median distance reaches this distance."
        )
    missing = [noise for noise, median in zip(escapes.noise, escapes.median, strict=True) if median != median]
    if missing:
        listed = ", ".join(f"{noise:g}" for noise in missing)
        sentences.append(f"Without a point: {listed}, where less than half of the runs escaped.")
    return " ".join(sentences)


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
