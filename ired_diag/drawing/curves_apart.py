"""Where two groups come apart: their mean curves, their difference with a simultaneous band, the stretches.

The band around the difference holds at all places together (``stats.separation``), so that it excludes 0
exactly where the curves are apart. Bold pieces on the line of 0 are these stretches. Where the curves fall by
more than a factor of ten, later differences would vanish next to early ones: there the difference is drawn in
half widths of its band, so that beyond 1 and -1 they are apart. How far beyond says little, and the axis ends
at 5.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.when_words import OF_FOLDS, headline
from ired_diag.drawing.curves_apart_words import MOST, method_of, note_of
from ired_diag.drawing.data import FigureData, Guide, Line, Panel, Segment, scale_of_lines
from ired_diag.drawing.minus import minus
from ired_diag.errors import NotFound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ired_diag.comparison.apart import CurvesApart
    from ired_diag.comparison.when import When

FEW = 30  # places: a curve of as many shows each of them
MOST_LETTERS = 30  # of a name on an axis
LEAST = 1.6  # half widths that the axis shows to each side


def curves_apart(answer: When) -> FigureData:
    """Return the picture of where two groups come apart.

    Args:
        answer: What ``comparison.when`` says of two groups.

    Raises:
        NotFound: Their curves are not compared.
    """
    apart = answer.apart
    if apart is None:
        raise NotFound(f"the curves are not compared: {answer.not_compared}")
    means = _means_panel(answer, apart)
    difference = _difference_panel(answer, apart)
    has_band = math.isfinite(apart.separation.bound)
    in_half_widths = has_band and means.y_scale == "log"
    if in_half_widths:
        difference = _in_half_widths(answer, apart)
    return FigureData(
        name="curves_apart",
        title=f"Where {answer.new} and {answer.old} come apart in {answer.shown_metric}",
        x_label="training step" if answer.axis == "step" else answer.axis,
        panels=(means, difference),
        method=method_of(answer, apart, in_half_widths=in_half_widths)
        + (f" {OF_FOLDS}" if answer.has_folds else ""),
        note=note_of(answer, apart, in_half_widths=in_half_widths),
        summary=headline(answer),
        order=(answer.new, answer.old, _difference_name(answer)),
        stacked=True,
    )


def _means_panel(answer: When, apart: CurvesApart) -> Panel:
    seeds = [
        *_seed_lines(answer.new, apart.places, apart.grid.a),
        *_seed_lines(answer.old, apart.places, apart.grid.b),
    ]
    means = [
        _mean_line(answer.new, apart.places, apart.mean_a),
        _mean_line(answer.old, apart.places, apart.mean_b),
    ]
    better = "" if answer.lower_is_better else " (higher is better)"
    return Panel(
        y_label=f"{answer.shown_metric}{better}",
        lines=(*seeds, *means),
        y_scale=scale_of_lines(means) if answer.lower_is_better else "linear",
        height=1.2,
    )


def _mean_line(name: str, places: NDArray[np.float64], mean: NDArray[np.float64]) -> Line:
    drawn = "both" if len(places) <= FEW else "line"
    return Line(name, places, mean, drawn=drawn)  # type: ignore[arg-type]


def _seed_lines(name: str, places: NDArray[np.float64], values: NDArray[np.float64]) -> list[Line]:
    lines = []
    for number, curve in enumerate(values):
        lines.append(Line(f"{name} {number}", places, curve, drawn="line", of=name, faint=True))
    return lines


def _difference_name(answer: When) -> str:
    return minus(answer.new, answer.old)


def _on_axis(answer: When) -> str:
    """Return the name of the difference, or what it is where the name is longer than an axis."""
    name = _difference_name(answer)
    return name if len(name) <= MOST_LETTERS else "difference"


def _difference_panel(answer: When, apart: CurvesApart) -> Panel:
    separation = apart.separation
    low = None
    high = None
    if math.isfinite(separation.bound):
        low = separation.low
        high = separation.high
    difference = Line(
        name=_difference_name(answer),
        x=apart.places,
        y=separation.difference,
        low=low,
        high=high,
        drawn="line",
        spread="band",
    )
    return Panel(
        y_label=_on_axis(answer),
        lines=(difference,),
        guides=(Guide(0.0, ""),),
        segments=_stretches(apart),
    )


def _in_half_widths(answer: When, apart: CurvesApart) -> Panel:
    """Return the difference over half the width of its band, the axis no longer than it says anything."""
    separation = apart.separation
    ratio = separation.t / separation.bound
    difference = Line(
        name=_difference_name(answer),
        x=apart.places,
        y=ratio,
        drawn="line",
    )
    shown = np.clip(ratio[np.isfinite(ratio)], -MOST, MOST)
    return Panel(
        y_label=f"{_on_axis(answer)} (half widths of its band)",
        lines=(difference,),
        guides=(Guide(0.0, ""), Guide(1.0, ""), Guide(-1.0, "")),
        segments=_stretches(apart),
        y_range=(min(-LEAST, 1.05 * shown.min(initial=0.0)), max(LEAST, 1.05 * shown.max(initial=0.0))),
    )


def _stretches(apart: CurvesApart) -> tuple[Segment, ...]:
    segments = []
    for first, last in apart.stretches:
        ends = (first, last)
        if first == last:
            ends = _around(first, apart.places)
        segments.append(Segment(x=ends, y=(0.0, 0.0), bold=True))
    return tuple(segments)


def _around(place: float, places: NDArray[np.float64]) -> tuple[float, float]:
    """Return a quarter of the way to each neighbour: a line from a place to itself cannot be seen."""
    at = int(np.searchsorted(places, place))
    before = places[max(at - 1, 0)]
    after = places[min(at + 1, len(places) - 1)]
    return float(place + (before - place) / 4), float(place + (after - place) / 4)
