"""A curve in the height of a line of text: a picture without axes, whose words give its range."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from dash import html

from ired_diag.drawing.data import Scale
from ired_diag.drawing.first_fall import range_after_fall
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
OUTSIDE = 10_000  # pixels: a line that leaves the picture keeps its slope
LOG_FROM = 30.0  # largest over smallest from which the height is logarithmic


Points = np.ndarray  # of shape (n, 2): step and value
Ends = tuple[float, float]


@dataclass(frozen=True)
class Axes:
    """The axes of small pictures that are compared with each other.

    Attributes:
        steps: Ends of the steps.
        values: Ends of the values; first values that would hide the rest lie outside (``first_fall``).
        scale: Scale of the height.
        is_cut: Whether values lie outside.
    """

    steps: Ends
    values: Ends
    scale: Scale
    is_cut: bool


def axes_of(curves: Iterable[Series], *, lower_is_better: bool = True) -> Axes | None:
    """Return axes for curves of one metric, None where no point is finite.

    Args:
        curves: The curves.
        lower_is_better: Direction of the metric. Where higher is better the height is linear, as in learning
            curves.
    """
    points = [curve for curve in map(_points, curves) if len(curve)]
    if not points:
        return None
    steps, values = np.concatenate(points).T
    scale: Scale = "linear"
    if lower_is_better and values.min() > 0 and values.max() / values.min() > LOG_FROM:
        scale = "log"
    ends = range_after_fall([(curve[:, 0], curve[:, 1]) for curve in points], scale)
    shown = ends or (float(values.min()), float(values.max()))
    return Axes((float(steps.min()), float(steps.max())), shown, scale, ends is not None)


def sparkline(
    curves: Sequence[Series],
    metric: str,
    *,
    lower_is_better: bool = True,
    total: int | None = None,
    colour: str = COLOUR,
    axes: Axes | None = None,
) -> html.Img | None:
    """Return a picture of curves on shared axes, None where no point is finite.

    Args:
        curves: One curve or several, of the same metric. Of more than ``MOST_CURVES``, the first are drawn.
        metric: Name of the metric.
        lower_is_better: Direction of the metric, where ``axes`` are not given.
        total: How many curves there are. Default: those that are given.
        colour: Colour of the curves.
        axes: Axes that other pictures share. Default: those of the curves.
    """
    drawn = curves[:MOST_CURVES]
    points = [curve for curve in map(_points, drawn) if len(curve)]
    axes = axes or axes_of(drawn, lower_is_better=lower_is_better)
    total = total or len(curves)
    if not points or axes is None:
        return None
    low, high = axes.values
    words = f"{metric}, {axes.scale} height, from {high:.4g} (top) to {low:.4g} (bottom)"
    if axes.is_cut:
        words += "; first values that lie outside are left out"
    if total > MOST_CURVES:
        words += f"; the {len(points)} curves that are drawn are of {total}"
    content = b64encode(_svg(points, colour, axes).encode()).decode()
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


def _svg(curves: Sequence[Points], colour: str, axes: Axes) -> str:
    stroke = THIN
    if len(curves) == 1:
        stroke = THICK
    lines = []
    for points in curves:
        steps, values = points.T
        x = _share(steps, axes.steps, "linear")
        y = _share(values, axes.values, axes.scale)
        lines.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="{stroke}" stroke-linejoin="round" '
            f'points="{_placed(x, y)}"/>'
        )
    content = "".join(lines)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">{content}</svg>'


def _share(values: np.ndarray, ends: Ends, scale: Scale) -> np.ndarray:
    """Return where values lie between the ends of an axis: from 0 to 1, and beyond where they lie outside."""
    low, high = ends
    if scale == "log":
        values = np.log(np.maximum(values, np.finfo(float).tiny))
        low, high = np.log(low), np.log(high)
    share: np.ndarray = (values - low) / ((high - low) or 1)
    return share


def _placed(x: np.ndarray, y: np.ndarray) -> str:
    """Return points in pixels, given as shares of the axes."""
    across = MARGIN + x * (WIDTH - 2 * MARGIN)
    down = HEIGHT - MARGIN - y * (HEIGHT - 2 * MARGIN)
    places = []
    for right, below in zip(across, np.clip(down, -OUTSIDE, HEIGHT + OUTSIDE), strict=True):
        places.append(f"{right:.1f},{below:.1f}")
    return " ".join(places)
