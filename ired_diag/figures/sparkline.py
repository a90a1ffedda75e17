"""Sparkline: one curve in the height of a line of text, as an inline SVG for tables.

It has no axes; its description says first, least, greatest and last value. A long curve is thinned to two
points a pixel, the least and the greatest in each, in their order: a spike of one step is still seen. Where
values are not finite, or not positive on a logarithmic axis, the curve is broken and the description says how
many.
"""

from __future__ import annotations

from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

PAD = 2.0  # pixels around the curve: half a stroke, and the dot at its end

Array = NDArray[np.float64]


def sparkline_svg(
    steps: ArrayLike, values: ArrayLike, *, width: int = 120, height: int = 24, log: bool, name: str = "curve"
) -> str:
    """Return a curve as an SVG element; its colour is that of the text around it.

    Args:
        steps: Of shape (n,), increasing.
        values: Of shape (n,).
        width: In pixels.
        height: In pixels.
        log: Whether its height goes by the logarithm.
        name: What the curve is, for who cannot see it; any text.
    """
    x, y = np.asarray(steps, dtype=np.float64), np.asarray(values, dtype=np.float64)
    drawable = np.isfinite(x) & np.isfinite(y) & ((y > 0) if log else True)
    told = escape(_in_words(name, x, y, drawable))
    shape = "".join(_shapes(x, np.log(np.where(drawable, y, 1.0)) if log else y, drawable, width, height))
    return (
        f'<svg class="sparkline" role="img" xmlns="http://www.w3.org/2000/svg" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}"><title>{escape(name)}</title><desc>{told}</desc>'
        f"{shape}</svg>"
    )


def thinned(x: Array, y: Array, columns: int) -> NDArray[np.intp]:
    """Return which points to draw: in each of equal columns the least and the greatest, and both ends.

    Args:
        x: Of shape (n,), increasing.
        y: Of shape (n,), finite.
        columns: At most so many.
    """
    if len(x) <= 2 * columns:
        return np.arange(len(x))
    span = float(x[-1] - x[0]) or 1.0
    column = np.minimum((columns * (x - x[0]) / span).astype(np.intp), columns - 1)
    order = np.lexsort((y, column))
    starts = np.flatnonzero(np.diff(column[order], prepend=-1))
    ends = np.append(starts[1:], len(order)) - 1
    return np.unique(np.concatenate([order[starts], order[ends], [0, len(x) - 1]]))


def _shapes(x: Array, y: Array, drawable: NDArray[np.bool_], width: int, height: int) -> list[str]:
    """Return the pieces of the curve as polylines, single points as dots, and a dot at the end."""
    known = np.flatnonzero(drawable)
    if not len(known):
        return []
    across = _scaled(x, x[known], width)
    up = height - _scaled(y, y[known], height)
    shapes = []
    for piece in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
        kept = piece[thinned(x[piece], y[piece], width)]
        points = " ".join(f"{across[i]:.1f},{up[i]:.1f}" for i in kept)
        if len(kept) > 1:
            shapes.append(f'<polyline fill="none" stroke="currentColor" stroke-width="1" points="{points}"/>')
        elif piece[-1] != known[-1]:
            shapes.append(_dot(across[kept[0]], up[kept[0]], 0.8))
    return [*shapes, _dot(across[known[-1]], up[known[-1]], 1.5)]


def _dot(x: float, y: float, radius: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="currentColor"/>'


def _scaled(values: Array, known: Array, extent: int) -> Array:
    """Return places in pixels; in the middle where all are the same."""
    unit = np.abs(known).max() or 1.0  # the span of the largest floats overflows
    low, high = known.min() / unit, known.max() / unit
    if low == high:
        return np.full(len(values), extent / 2)
    share = (np.where(np.isfinite(values), values, 0.0) / unit - low) / (high - low)
    placed: Array = PAD + share * (extent - 2 * PAD)
    return placed


def _in_words(name: str, x: Array, y: Array, drawable: NDArray[np.bool_]) -> str:
    known, lost = y[drawable], int((~drawable).sum())
    if not len(known):
        return f"{name}: no values" if not lost else f"{name}: none of {lost} values can be drawn"
    end = np.flatnonzero(drawable)[-1]
    missing = f", {lost} of {len(y)} values cannot be drawn" if lost else ""
    return (
        f"{name}: {len(known)} values, first {known[0]:.4g}, least {known.min():.4g}, "
        f"greatest {known.max():.4g}, last {known[-1]:.4g} at step {x[end]:g}{missing}"
    )
