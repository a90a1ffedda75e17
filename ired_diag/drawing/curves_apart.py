"""Where two groups come apart: their mean curves, their difference with a simultaneous band, the stretches.

The band around the difference holds at all places together (``stats.separation``), so that it excludes 0
exactly where the curves are apart. Bold pieces on the line of 0 are these stretches. Where the curves fall by
more than a factor of ten, later differences would vanish next to early ones: there the difference is drawn in
half widths of its band, so that beyond 1 and -1 they are apart.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.when_words import OF_FOLDS, headline
from ired_diag.drawing.data import FigureData, Guide, Line, Panel, Segment, scale_of_lines
from ired_diag.errors import NotFound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ired_diag.comparison.apart import CurvesApart
    from ired_diag.comparison.when import When

FEW = 30  # places: a curve of as many shows each of them


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
    level = f"{100 * (1 - answer.alpha):g}%"
    drawn = f"band: {level} at all places together"
    if not math.isfinite(apart.separation.bound):
        drawn = "no band: of so few seeds none is finite"
    elif means.y_scale == "log":
        difference = _in_half_widths(answer, apart)
        drawn = f"below: in half widths of its {level} band at all places together"
    n_a, n_b = apart.seeds
    noun = answer.run_noun
    count = f"{n_a} pairs of {noun}s" if apart.is_paired else f"{n_a} and {n_b} {noun}s, not paired"
    note = f"{count}; {drawn}"
    if apart.stretches:
        note += "; bold: apart"
    of_folds = f" {OF_FOLDS}" if answer.has_folds else ""
    read_off = ""
    if apart.grid.is_interpolated:
        read_off = " Values are read off the line between neighbouring evaluations."
    return FigureData(
        name="curves_apart",
        title=f"{answer.new} and {answer.old}: {answer.shown_metric}",
        x_label="training step" if answer.axis == "step" else answer.axis,
        panels=(means, difference),
        method=f"Above: mean of {answer.shown_metric} over {noun}s; thin: single {noun}s. Below: mean of "
        f"{answer.new} minus mean of {answer.old}; {drawn} "
        f"({len(apart.places)} places, max-t, exchanges of whole {noun}s); "
        f"bold on 0: where the band excludes 0. {count}.{read_off}{of_folds}",
        note=note,
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
    return f"{answer.new} - {answer.old}"


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
        y_label="difference",
        lines=(difference,),
        guides=(Guide(0.0, ""),),
        segments=_stretches(apart),
    )


def _in_half_widths(answer: When, apart: CurvesApart) -> Panel:
    """Return the difference over half the width of its band."""
    separation = apart.separation
    difference = Line(
        name=_difference_name(answer),
        x=apart.places,
        y=separation.t / separation.bound,
        drawn="line",
    )
    return Panel(
        y_label="difference / half band",
        lines=(difference,),
        guides=(Guide(1.0, "edge of the band"), Guide(-1.0, "")),
        segments=_stretches(apart),
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
