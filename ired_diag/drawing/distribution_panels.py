"""The panels of distributions, one for each noise level, in each of the three forms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import Literal

from ired_diag.drawing.data import Panel, Scale, Segment
from ired_diag.drawing.distribution_forms import (
    FEWEST,
    MOST_POINTS,
    Array,
    Violin,
    ecdf,
    histogram,
    shared_edges,
    violin,
)
from ired_diag.drawing.distribution_words import Samples, widths_in_words
from ired_diag.drawing.named_places import named_places
from ired_diag.drawing.quantities import Quantity

Form = Literal["ecdf", "violin", "histogram"]
FORMS: tuple[Form, ...] = ("ecdf", "violin", "histogram")
PANEL_HEIGHT = 0.9  # of several


def panels_of(form: Form, samples: Samples, quantity: Quantity, scale: Scale) -> tuple[list[Panel], str]:
    """Return the panels, and what they show in words."""
    if form == "ecdf":
        return _ecdf_panels(samples, scale)
    if form == "histogram":
        return _histogram_panels(samples, scale)
    return _violin_panels(samples, quantity, scale)


def _ecdf_panels(samples: Samples, scale: Scale) -> tuple[list[Panel], str]:
    panels = []
    most = 0
    for level, part in samples.items():
        lines = []
        for name, sample in part.items():
            lines.append(ecdf(name, sample))
            most = max(most, len(sample.values))
        panel = Panel(
            y_label=_y_label("share ≤ x", level, samples),
            lines=tuple(lines),
            x_scale=scale,
            y_range=(-0.03, 1.03),
            height=_height(samples),
        )
        panels.append(panel)
    thinned = f", drawn at {MOST_POINTS} of them" if most > MOST_POINTS else ""
    return panels, f"Share of all values at or below x{thinned}; no smoothing;"


def _histogram_panels(samples: Samples, scale: Scale) -> tuple[list[Panel], str]:
    panels = []
    widths = []
    for level, part in samples.items():
        edges = shared_edges(list(part.values()), scale)
        lines = []
        if len(edges):
            widths.append(_width(edges, scale))
            lines = [histogram(name, sample, edges) for name, sample in part.items()]
        panel = Panel(
            y_label=_y_label("share in bin", level, samples),
            lines=tuple(lines),
            x_scale=scale,
            height=_height(samples),
        )
        panels.append(panel)
    width = widths_in_words(widths, scale)
    return panels, f"Share of all values in bins {width} wide, the same for all;"


def _violin_panels(samples: Samples, quantity: Quantity, scale: Scale) -> tuple[list[Panel], str]:
    names = list(dict.fromkeys(chain.from_iterable(samples.values())))
    panels = []
    widths = []
    for level, part in samples.items():
        violins = []
        for name, sample in part.items():
            place = float(names.index(name))
            violins.append(violin(name, sample, place, scale))
        widths += [drawn.bandwidth for drawn in violins if drawn.bandwidth > 0]
        y_label = quantity.label
        if len(samples) > 1:
            y_label = f"{quantity.short}, level {level}"
        panels.append(_violin_panel(violins, names, y_label, scale))
    if not widths:
        return panels, "Single values, too few for a shape; line: median;"
    return panels, (
        f"Gaussian kernels of sd {widths_in_words(widths, scale)} (Silverman's rule), cut at the extremes, "
        f"all as wide at their mode; bar: quartiles, line: median; fewer than {FEWEST} values as points;"
    )


def _violin_panel(violins: Sequence[Violin], names: Sequence[str], y_label: str, scale: Scale) -> Panel:
    points = []
    outlines = []
    segments: list[Segment] = []
    for drawn in violins:
        segments += drawn.segments
        if drawn.points is not None:
            points.append(drawn.points)
        if drawn.outline is not None:
            outlines.append(drawn.outline)
    return Panel(
        y_label=y_label,
        lines=tuple(points),
        y_scale=scale,
        x_ticks=named_places(names),
        outlines=tuple(outlines),
        segments=tuple(segments),
        x_range=(-0.6, len(names) - 0.4),
    )


def _y_label(text: str, level: int, samples: Samples) -> str:
    return text if len(samples) == 1 else f"{text}, level {level}"


def _height(samples: Samples) -> float:
    return 1.0 if len(samples) == 1 else PANEL_HEIGHT


def _width(edges: Array, scale: Scale) -> float:
    """Return the width of a bin: in decades on a logarithmic axis."""
    if scale == "log":
        return math.log10(edges[1] / edges[0])
    return float(edges[1] - edges[0])
