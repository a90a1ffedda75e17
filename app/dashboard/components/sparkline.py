"""A curve in the height of a line of text: a picture without axes, whose words say first, last and best."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

import numpy as np
from dash import html

from ired_diag.figures.thinning import thin
from ired_diag.runs.history import Series

WIDTH, HEIGHT, MARGIN = 120, 28, 2
MOST_POINTS, MOST_CURVES = 60, 20
COLOUR = "#3b82c4"  # told from white and from near-black alike
LOG_FROM = 30.0  # largest over smallest from which the height is logarithmic


def sparkline(curves: Sequence[Series], metric: str, *, lower_is_better: bool = True) -> html.Img | None:
    """Return a picture of some curves on shared axes, None where no point is finite.

    Args:
        curves: One or several, of one metric.
        metric: Its name.
        lower_is_better: Its direction; where higher is better the height is linear, as in learning curves.
    """
    points = [_points(curve) for curve in curves]
    points = [(x, y) for x, y in points if len(x)]
    if not points:
        return None
    every = np.concatenate([y for _, y in points])
    log = lower_is_better and every.min() > 0 and every.max() / every.min() > LOG_FROM
    lowest, highest = every.min(), every.max()
    axis = "log" if log else "linear"
    words = f"{metric}, {axis} height, from {highest:.4g} (largest) to {lowest:.4g} (smallest)"
    if len(points) > MOST_CURVES:
        words += f"; {MOST_CURVES} of {len(points)} curves drawn"
    content = b64encode(_svg(points[:MOST_CURVES], log).encode()).decode()
    return html.Img(
        src=f"data:image/svg+xml;base64,{content}", alt=words, title=words, width=WIDTH, height=HEIGHT
    )


def _points(curve: Series) -> tuple[np.ndarray, np.ndarray]:
    finite = np.isfinite(curve.values)
    x, y = curve.steps[finite].astype(float), curve.values[finite]
    kept = thin(x, y, MOST_POINTS).indices
    return x[kept], y[kept]


def _svg(points: Sequence[tuple[np.ndarray, np.ndarray]], log: bool) -> str:
    drawn = [(x, np.log(y) if log else y) for x, y in points]
    xs, ys = np.concatenate([x for x, _ in drawn]), np.concatenate([y for _, y in drawn])
    width = f"{1.5 if len(drawn) == 1 else 0.8}"
    lines = "".join(
        f'<polyline fill="none" stroke="{COLOUR}" stroke-width="{width}" stroke-linejoin="round" '
        f'points="{_placed(x, xs, WIDTH, y, ys)}"/>'
        for x, y in drawn
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">{lines}</svg>'


def _placed(x: np.ndarray, xs: np.ndarray, width: int, y: np.ndarray, ys: np.ndarray) -> str:
    across = MARGIN + (x - xs.min()) / (np.ptp(xs) or 1) * (width - 2 * MARGIN)
    down = HEIGHT - MARGIN - (y - ys.min()) / (np.ptp(ys) or 1) * (HEIGHT - 2 * MARGIN)
    return " ".join(f"{a:.1f},{d:.1f}" for a, d in zip(across, down, strict=True))
