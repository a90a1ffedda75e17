"""Sweep response: how the readout answers one knob.

Each setting has its mean over seeds with the 95% t interval, and its single seeds as dots. The best setting
is marked. Having been chosen for its mean it looks better than it is: the dotted line is what a setting
chosen by some seeds comes to when other seeds judge it (``stats.sweep_response``). That mean has no interval,
and of few seeds it says little, so it is drawn from five seeds on. The x axis is logarithmic
where the knob's values are positive and span more than a factor of ten; else its settings stand side by side,
by name.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison import Comparison
from ired_diag.comparison.sweeps import Sweep
from ired_diag.comparison.words import READOUT_NAMES, sweep_of
from ired_diag.drawing.data import FigureData, Guide, Line, Mark, Panel, Scale, scale_of, scale_of_lines
from ired_diag.drawing.key_words import key_in_words
from ired_diag.drawing.ranges import range_in_words
from ired_diag.drawing.tick_words import tick_words
from ired_diag.errors import DiagError
from ired_diag.stats.sweep_response import SweepResponse

FEWEST = 5  # seeds that have every setting, for the line of the chosen setting on held-out seeds
SHIFT = 0.02  # of the axis: from the interval of a setting to its single seeds

Array = NDArray[np.float64]


def sweep_figure(comparison: Comparison) -> FigureData:
    """Return how the readout answers the knob that a comparison's groups differ in.

    Raises:
        DiagError: The comparison is of no sweep.
    """
    sweep = comparison.sweep
    if sweep is None:
        raise DiagError("These groups were not compared as a sweep. Name the knob (knob=…, --sweep KNOB).")
    name = sweep.knob
    if comparison.groups:
        name, _, _ = comparison.groups[0].name.partition("@")
    counts = [setting.n for setting in sweep.response.curve]
    note = "one seed each"
    if max(counts) > 1:
        note = f"mean and 95% t interval, n = {range_in_words(counts)}; dots: seeds"
    return FigureData(
        name="sweep_response",
        title=f"Response to {key_in_words(sweep.knob)}",
        x_label=key_in_words(sweep.knob),
        panels=(_panel(comparison, sweep, name),),
        method=_method(comparison, sweep.response, counts),
        note=note,
        summary=sweep_of(sweep),
        order=(name,),
    )


def _panel(comparison: Comparison, sweep: Sweep, name: str) -> Panel:
    response = sweep.response
    scale = scale_of([response.knob])
    places = response.knob
    if scale == "linear":
        places = np.arange(len(response.knob), dtype=np.float64)
    mean, low, high = np.array([(setting.mean, setting.low, setting.high) for setting in response.curve]).T
    means = Line(name, places, mean, low, high)
    lines: tuple[Line, ...] = (means,)
    if max(setting.n for setting in response.curve) > 1:
        lines = (*_seeds(comparison, sweep, _next_to(places, scale), name), means)
    ticks = []
    settings = tick_words(response.knob.tolist())
    for place, setting in zip(places.tolist(), settings, strict=True):
        ticks.append((place, setting))
    return Panel(
        y_label=f"{READOUT_NAMES[comparison.readout]} of {comparison.shown_metric}",
        lines=lines,
        y_scale=scale_of_lines(lines),
        x_scale=scale,
        x_ticks=tuple(ticks),
        guides=_honest(response),
        marks=_best(response, places, name, below=comparison.lower_is_better),
        height=1.2,
    )


def _best(response: SweepResponse, places: Array, name: str, *, below: bool) -> tuple[Mark, ...]:
    """Return the mark of the best setting, its words on the side where the dotted line is not."""
    best = response.best
    if best < 0:
        return ()
    is_last = best == len(places) - 1
    mark = Mark(
        x=float(places[best]),
        y=response.curve[best].mean,
        label="best",
        of=name,
        anchor="right" if is_last else "left",
        below=below,
    )
    return (mark,)


def _honest(response: SweepResponse) -> tuple[Guide, ...]:
    if not _has_line(response):
        return ()
    label = f"chosen setting on held-out seeds: {response.honest:.3g}"
    return (Guide(response.honest, label),)


def _has_line(response: SweepResponse) -> bool:
    """Say whether enough seeds chose a setting and judged it."""
    return math.isfinite(response.honest) and response.n >= FEWEST


def _next_to(places: Array, scale: Scale) -> Array:
    """Return where single seeds stand: a little to the right of their setting."""
    if scale == "log":
        extent = places.max() / places.min()
        shifted: Array = places * extent**SHIFT
        return shifted
    return places + SHIFT * max(1, len(places) - 1)


def _seeds(comparison: Comparison, sweep: Sweep, places: Array, name: str) -> tuple[Line, ...]:
    """Return the single seeds of all settings, as one line of dots for each setting."""
    by_setting = {group.name: group.values for group in comparison.groups}
    lines = []
    for place, setting in zip(places.tolist(), sweep.groups, strict=True):
        values = list(by_setting[setting].values())
        dots = Line(
            name=f"{setting}, seeds",
            x=np.full(len(values), place),
            y=np.array(values, dtype=np.float64),
            of=name,
            faint=True,
            drawn="points",
        )
        lines.append(dots)
    return tuple(lines)


def _method(comparison: Comparison, response: SweepResponse, counts: Sequence[int]) -> str:
    better = "lower" if comparison.lower_is_better else "higher"
    n = range_in_words(counts)
    if max(counts) > 1:
        shown = f"Mean over seeds with its 95% t interval (n = {n} a setting); small dots: single seeds."
    else:
        shown = "One seed a setting, so that there are no intervals."
    words = f"{READOUT_NAMES[comparison.readout]} of {comparison.shown_metric}"
    return (
        f"{words[0].upper()}{words[1:]} at each setting ({better} is better). {shown}"
        f"{_best_in_words(response, counts)}"
    )


def _best_in_words(response: SweepResponse, counts: Sequence[int]) -> str:
    """Return what circle and dotted line are."""
    if response.best < 0:
        return f" No setting is marked as the best: {response.reason}."
    if not _has_line(response):
        value = "mean" if max(counts) > 1 else "value"
        return f" Circle: the best {value}; seeds are too few to say how much of its lead is luck."
    seeds = "" if response.n == max(counts) else f" of the {response.n} seeds that have every setting"
    return (
        " Circle: the best mean, which looks better than it is because it was chosen for it. Dotted: the "
        f"chosen setting on held-out seeds, the mean over draws{seeds} of the setting that the drawn seeds "
        "chose, judged by the seeds not drawn; its interval is unknown."
    )
