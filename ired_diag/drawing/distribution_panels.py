"""The panels of distributions, one for each noise level, in each of the three forms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from ired_diag.drawing.central_range import Range, Samples
from ired_diag.drawing.data import Line, Panel, Scale, Segment
from ired_diag.drawing.distribution_forms import (
    FEWEST,
    Array,
    Violin,
    ecdf,
    histogram,
    shared_edges,
    violin,
)
from ired_diag.drawing.distribution_words import width_in_words
from ired_diag.drawing.named_places import named_places
from ired_diag.drawing.quantities import Quantity

Form = Literal["ecdf", "violin", "histogram"]
FORMS: tuple[Form, ...] = ("ecdf", "violin", "histogram")
COLUMNS = {2: 2, 3: 3, 4: 2}  # of so many panels; a page has no empty place
HEIGHT = 0.85  # of a panel in rows


@dataclass(frozen=True)
class Panels:
    """Panels, and what they show in words."""

    panels: tuple[Panel, ...]
    words: str

    @property
    def columns(self) -> int:
        """How many of them stand in a row."""
        return COLUMNS.get(len(self.panels), 0)


def panels_of(
    form: Form, samples: Samples, quantity: Quantity, scale: Scale, ends: Range | None = None
) -> Panels:
    """Return the panels, one for each noise level.

    Args:
        form: The form of the distributions.
        samples: Values by noise level and name.
        quantity: The quantity.
        scale: Scale of its axis.
        ends: Ends of its axis. Default: those of the values.
    """
    if form == "ecdf":
        return _ecdf_panels(samples, scale, ends)
    if form == "histogram":
        return _histogram_panels(samples, quantity, scale, ends)
    return _violin_panels(samples, quantity, scale, ends)


def _ecdf_panels(samples: Samples, scale: Scale, ends: Range | None) -> Panels:
    panels = []
    for level, part in samples.items():
        panel = Panel(
            y_label="share ≤ x",
            lines=tuple(ecdf(name, sample) for name, sample in part.items()),
            x_scale=scale,
            x_range=ends,
            y_range=(-0.03, 1.03),
            height=_height(samples),
            title=_title(level, samples),
        )
        panels.append(panel)
    return Panels(tuple(panels), "Share of all values at or below x, not smoothed,")


def _histogram_panels(samples: Samples, quantity: Quantity, scale: Scale, ends: Range | None) -> Panels:
    panels = []
    every_sample = list(chain.from_iterable(part.values() for part in samples.values()))
    edges = shared_edges(every_sample, scale, ends)
    lines_at: dict[int, tuple[Line, ...]] = {}
    most = 0.0
    for level, part in samples.items():
        lines_at[level] = ()
        if len(edges):
            lines_at[level] = tuple(histogram(name, sample, edges) for name, sample in part.items())
        most = max([most, *(float(line.y.max()) for line in lines_at[level])])
    for level, lines in lines_at.items():
        panel = Panel(
            y_label="share in bin",
            lines=lines,
            x_scale=scale,
            x_range=ends,
            y_range=(0.0, 1.06 * most) if most else None,
            height=_height(samples),
            title=_title(level, samples),
        )
        panels.append(panel)
    if not len(edges):
        return Panels(tuple(panels), "No value has a place on the axis,")
    width = width_in_words(_width(edges, scale), quantity, scale)
    return Panels(tuple(panels), f"Share of all values in each bin; all bins are {width} wide,")


def _violin_panels(samples: Samples, quantity: Quantity, scale: Scale, ends: Range | None) -> Panels:
    names = list(dict.fromkeys(chain.from_iterable(samples.values())))
    panels = []
    every_violin = []
    for level, part in samples.items():
        violins = []
        for name, sample in part.items():
            place = float(names.index(name))
            violins.append(violin(name, sample, place, scale))
        every_violin += violins
        panel = _violin_panel(violins, names, quantity.label, scale)
        panels.append(replace(panel, y_range=ends, height=_height(samples), title=_title(level, samples)))
    return Panels(tuple(panels), _violins_in_words(every_violin))


def _violins_in_words(violins: Sequence[Violin]) -> str:
    """Return what shapes, bars, lines and points are, as far as there are any."""
    if not any(drawn.outline for drawn in violins):
        return "Points: single values, too few for a shape; line: median,"
    points = ""
    if any(drawn.points for drawn in violins):
        points = f"; points: the values where they are fewer than {FEWEST}"
    return (
        "Shape: density (Gaussian kernels of Silverman's width, cut at the extremes, all equally wide at "
        f"the mode); bar: quartiles; line: median{points},"
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


def _title(level: int, samples: Samples) -> str:
    return "" if len(samples) == 1 else f"noise level {level}"


def _height(samples: Samples) -> float:
    return 1.0 if len(samples) == 1 else HEIGHT


def _width(edges: Array, scale: Scale) -> float:
    """Return the width of a bin: in decades on a logarithmic axis."""
    if scale == "log":
        return math.log10(edges[1] / edges[0])
    return float(edges[1] - edges[0])
