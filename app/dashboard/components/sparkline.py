"""A curve in the height of a line of text: a picture without axes, whose words give its range."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

import numpy as np
from dash import html

from ired_diag.drawing.thinning import thin
from ired_diag.runs.history import Series

WIDTH, HEIGHT, MARGIN = 120, 28, 2  # pixels; the margin keeps thick lines inside
MOST_POINTS, MOST_CURVES = 60, 20  # half a point for each pixel; every curve is sent with the page
COLOUR = "#3b82c4"  # visible on white and on near-black
THICK, THIN = 1.5, 0.8  # pixels, of a single curve and of several
LOG_FROM = 30.0  # largest over smallest from which the height is logarithmic


Points = np.ndarray  # of shape (n, 2): step and value


def sparkline(curves: Sequence[Series], metric: str, *, lower_is_better: bool = True) -> html.Img | None:
    """Return a picture of curves on shared axes, None where no point is finite.

    Args:
        curves: One curve or several, of the same metric.
        metric: Name of the metric.
        lower_is_better: Direction of the metric. Where higher is better the height is linear, as in learning
            curves.
    """
    points = [curve for curve in map(_points, curves) if len(curve)]
    if not points:
        return None
    values = np.concatenate(points)[:, 1]
    lowest, highest = values.min(), values.max()
    axis = "linear"
    if lower_is_better and lowest > 0 and highest / lowest > LOG_FROM:
        axis = "log"
    words = f"{metric}, {axis} height, from {highest:.4g} (largest) to {lowest:.4g} (smallest)"
    if len(points) > MOST_CURVES:
        words += f"; {MOST_CURVES} of {len(points)} curves drawn"
    content = b64encode(_svg(points[:MOST_CURVES], log=axis == "log").encode()).decode()
    source = f"data:image/svg+xml;base64,{content}"
    return html.Img(src=source, alt=words, title=words, width=WIDTH, height=HEIGHT)


def _points(curve: Series) -> Points:
    """Return the finite points of a curve, thinned, as rows (step, value)."""
    finite = np.isfinite(curve.values)
    steps, values = curve.steps[finite].astype(float), curve.values[finite]
    kept = thin(steps, values, MOST_POINTS).indices
    return np.column_stack([steps[kept], values[kept]])


def _svg(curves: Sequence[Points], *, log: bool) -> str:
    every_point = np.concatenate(curves)
    stroke = THICK if len(curves) == 1 else THIN
    lines = []
    for points in curves:
        x = _share(points[:, 0], every_point[:, 0], log=False)
        y = _share(points[:, 1], every_point[:, 1], log=log)
        lines.append(
            f'<polyline fill="none" stroke="{COLOUR}" stroke-width="{stroke}" stroke-linejoin="round" '
            f'points="{_placed(x, y)}"/>'
        )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(lines)}</svg>'


def _share(values: np.ndarray, every_value: np.ndarray, *, log: bool) -> np.ndarray:
    """Return where values lie on an axis that holds every value, from 0 to 1."""
    if log:
        values, every_value = np.log(values), np.log(every_value)
    share: np.ndarray = (values - every_value.min()) / (np.ptp(every_value) or 1)
    return share


def _placed(x: np.ndarray, y: np.ndarray) -> str:
    """Return points in pixels, given as shares of the axes."""
    across = MARGIN + x * (WIDTH - 2 * MARGIN)
    down = HEIGHT - MARGIN - y * (HEIGHT - 2 * MARGIN)
    return " ".join(f"{right:.1f},{below:.1f}" for right, below in zip(across, down, strict=True))
