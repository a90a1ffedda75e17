"""Sweep response: how the readout answers one knob.

Each setting has its mean over seeds with the 95% t interval, and its single seeds as dots. The best setting
is marked. Having been chosen for its mean it looks better than it is: the dotted line is what a setting
chosen by some seeds comes to when other seeds judge it (``stats.sweep_response``). The x axis is logarithmic
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
from ired_diag.errors import DiagError
from ired_diag.figures.data import FigureData, Guide, Line, Mark, Panel, scale_of
from ired_diag.stats.sweep_response import SweepResponse

BESIDE = 0.02  # of the axis: single seeds from the interval of their setting

Array = NDArray[np.float64]


def sweep_figure(comparison: Comparison) -> FigureData:
    """Return how the readout answers the knob that a comparison's groups differ in.

    Raises:
        DiagError: The comparison is of no sweep.
    """
    sweep = comparison.sweep
    if sweep is None:
        raise DiagError("These groups were not compared as a sweep. Name the knob (knob=…, --sweep KNOB).")
    response = sweep.response
    logarithmic = scale_of([response.knob]) == "log"
    places = response.knob if logarithmic else np.arange(len(response.knob), dtype=np.float64)
    mean, low, high, n = (
        np.array([getattr(one, name) for one in response.curve]) for name in ("mean", "low", "high", "n")
    )
    name = comparison.groups[0].name.partition("@")[0] if comparison.groups else sweep.knob
    seeds = _seeds(comparison, sweep, _beside(places, logarithmic=logarithmic), name)
    line = Line(name, places, mean, low, high)
    panel = Panel(
        f"{READOUT_NAMES[comparison.readout]} of {comparison.metric}",
        (*seeds, line),
        scale_of([one.y for one in (*seeds, line)]),
        x_scale="log" if logarithmic else "linear",
        x_ticks=tuple((float(x), f"{value:g}") for x, value in zip(places, response.knob, strict=True)),
        guides=_honest(response),
        marks=_best(response, places, name, below=comparison.lower_is_better),
        height=1.2,
    )
    return FigureData(
        "sweep_response",
        f"Response to {sweep.knob}",
        f"{sweep.knob} (as configured)",
        (panel,),
        _method(comparison, n.tolist(), corrected=math.isfinite(response.honest)),
        f"mean and 95% t interval, n = {_counts(n.tolist())}; dots: seeds"
        if n.max() > 1
        else "one seed each",
        sweep_of(sweep),
        (name,),
    )


def _best(response: SweepResponse, places: Array, name: str, *, below: bool) -> tuple[Mark, ...]:
    """Return the mark of the best setting, its words on the side where the dotted line is not."""
    best = response.best
    if best < 0:
        return ()
    right = best == len(places) - 1
    x, y = float(places[best]), response.curve[best].mean
    return (Mark(x, y, "best", name, anchor="right" if right else "left", below=below),)


def _honest(response: SweepResponse) -> tuple[Guide, ...]:
    if not math.isfinite(response.honest):
        return ()
    return (Guide(response.honest, f"best, judged by other seeds {response.honest:.4g}"),)


def _beside(places: Array, *, logarithmic: bool) -> Array:
    """Return where single seeds stand: a little to the right of their setting."""
    shift = BESIDE * max(1, len(places) - 1)
    beside: Array = places * (places.max() / places.min()) ** BESIDE if logarithmic else places + shift
    return beside


def _seeds(comparison: Comparison, sweep: Sweep, places: Array, name: str) -> tuple[Line, ...]:
    """Return the single seeds of all settings, as one line of dots a setting."""
    values = {group.name: group.values for group in comparison.groups}
    lines = []
    for place, setting in zip(places.tolist(), sweep.groups, strict=True):
        told = np.array(list(values[setting].values()), dtype=np.float64)
        x = np.full(len(told), place)
        lines.append(Line(f"{setting}, seeds", x, told, of=name, faint=True, drawn="points"))
    return tuple(lines)


def _method(comparison: Comparison, counts: Sequence[int], *, corrected: bool) -> str:
    better = "lower" if comparison.lower_is_better else "higher"
    honest = (
        " Dotted: mean of a setting chosen by resampled seeds and judged by those not drawn, free of the "
        "luck of having been chosen."
        if corrected
        else " Seeds are too few to correct the best for having been chosen."
    )
    return (
        f"Mean over seeds with 95% t interval, n = {_counts(counts)} a setting; dots: single seeds; "
        f"{better} is better; circle: the best mean.{honest}"
    )


def _counts(counts: Sequence[int]) -> str:
    low, high = min(counts, default=0), max(counts, default=0)
    return str(low) if low == high else f"{low} to {high}"
