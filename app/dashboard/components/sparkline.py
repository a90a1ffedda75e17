"""A curve in the height of a line of text: a picture without axes, whose words give its range."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

import numpy as np
from dash import html

from ired_diag.drawing.thinning import thin
from ired_diag.runs.history import Series

WIDTH = 120  # pixels
HEIGHT = 28
MARGIN = 2  # keeps thick lines inside
MOST_POINTS = 60  # half a point for each pixel
MOST_CURVES = 20  # every curve is sent with the page
COLOUR = "#3b82c4"  # visible on white and on near-black
THICK = 1.5  # pixels, of a single curve
THIN = 0.8  # pixels, of several curves
LOG_FROM = 30.0  # largest over smallest from which the height is logarithmic


Points = np.ndarray  # of shape (n, 2): step and value


def sparkline(
    curves: Sequence[Series],
    metric: str,
    *,
    lower_is_better: bool = True,
    total: int | None = None,
    colour: str = COLOUR,
) -> html.Img | None:
    """Return a picture of curves on shared axes, None where no point is finite.

    Args:
        curves: One curve or several, of the same metric. Of more than ``MOST_CURVES``, the first are drawn.
        metric: Name of the metric.
        lower_is_better: Direction of the metric. Where higher is better the height is linear, as in learning
            curves.
        total: How many curves there are. Default: those that are given.
        colour: Colour of the curves.
    """
    points = [curve for curve in map(_points, curves[:MOST_CURVES]) if len(curve)]
    total = total or len(curves)
    if not points:
        return None
    values = np.concatenate(points)[:, 1]
    lowest = values.min()
    highest = values.max()
    axis = "linear"
    if lower_is_better and lowest > 0 and highest / lowest > LOG_FROM:
        axis = "log"
    words = f"{metric}, {axis} height, from {highest:.4g} (largest) to {lowest:.4g} (smallest)"
    if total > MOST_CURVES:
        words += f", of the {len(points)} curves that are drawn; there are {total}"
    svg = _svg(points, colour, log=axis == "log")
    content = b64encode(svg.encode()).decode()
    return html.Img(
        src=f"data:image/svg+xml;base64,{content}",
        alt=words,
        title=words,
        width=WIDTH,
        height=HEIGHT,
    )


def _points(curve: Series) -> Points:
    """Return the finite points of a curve, thinned, as rows (step, value)."""
    finite = np.isfinite(curve.values)
    steps = curve.steps[finite].astype(float)
    values = curve.values[finite]
    thinned = thin(steps, values, MOST_POINTS)
    kept = thinned.indices
    return np.column_stack([steps[kept], values[kept]])


def _svg(curves: Sequence[Points], colour: str, *, log: bool) -> str:
    every_step, every_value = np.concatenate(curves).T
    stroke = THIN
    if len(curves) == 1:
        stroke = THICK
    lines = []
    for points in curves:
        steps, values = points.T
        x = _share(steps, every_step, log=False)
        y = _share(values, every_value, log=log)
        lines.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="{stroke}" stroke-linejoin="round" '
            f'points="{_placed(x, y)}"/>'
        )
    content = "".join(lines)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">{content}</svg>'


def _share(values: np.ndarray, every_value: np.ndarray, *, log: bool) -> np.ndarray:
    """Return where values lie on an axis that holds every value, from 0 to 1."""
    if log:
        values = np.log(values)
        every_value = np.log(every_value)
    extent = np.ptp(every_value) or 1
    above_lowest = values - every_value.min()
    share: np.ndarray = above_lowest / extent
    return share


def _placed(x: np.ndarray, y: np.ndarray) -> str:
    """Return points in pixels, given as shares of the axes."""
    across = MARGIN + x * (WIDTH - 2 * MARGIN)
    down = HEIGHT - MARGIN - y * (HEIGHT - 2 * MARGIN)
    places = []
    for right, below in zip(across, down, strict=True):
        places.append(f"{right:.1f},{below:.1f}")
    return " ".join(places)
