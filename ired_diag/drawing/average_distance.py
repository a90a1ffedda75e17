"""How far the averaged weights lag behind the weights over training, and what that does to the metric.

Above: ‖w̄ - w‖ / ‖w‖ at each evaluation. Beneath, where runs evaluated both (``validate_raw_weights``): the
metric of the average over that of the weights themselves, on the same problems. Below 1, of a metric of which
lower is better, the average is better.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ired_diag.drawing.bounded_lines import cut_at, cut_in_words, within
from ired_diag.drawing.data import FigureData, Guide, Line, Panel, scale_of_lines
from ired_diag.drawing.over_seeds import (
    BANDS,
    BANDS_IN_BRIEF,
    MEANT,
    Band,
    OverSeeds,
    last_finite,
    over_seeds,
)
from ired_diag.drawing.running_median import running_median
from ired_diag.drawing.seeds_panel import n_in_brief, n_in_words
from ired_diag.errors import NotFound
from ired_diag.runs.average_metrics import RAW, RELATIVE
from ired_diag.runs.history import History, Series
from ired_diag.runs.judged import shared_direction, shared_metric
from ired_diag.runs.run import Run

UNKNOWN = "What it does to the metric is unknown: no run evaluated the raw weights (validate_raw_weights)."
NOT_NEGATIVE = (0.0, math.inf)  # a distance, and a ratio of two positive numbers
Groups = Mapping[str, Sequence[Run]]


def average_distances(
    groups: Groups,
    *,
    metric: str | None = None,
    smooth: int | None = None,
    band: Band = "t interval",
    order: Sequence[str] = (),
    label: str = "",
) -> FigureData:
    """Return the distance of averaged from raw weights over training, and its effect on the metric.

    Args:
        groups: Runs by the name of their group.
        metric: Metric whose ratio is drawn. Default: the one that all groups share.
        smooth: Number of evaluations over which the line is a running median, odd. Default: no smoothing.
        band: What is drawn around the mean, of the unsmoothed values.
        order: All names that may be drawn in other figures next to this one, which fixes their colours.
            Default: the names of ``groups``.
        label: What the picture calls the metric. Default: its name.

    Raises:
        NotFound: No run logged the distance.
    """
    metric = metric or shared_metric(groups)
    label = label or metric
    lags = {name: _of_group(runs, RELATIVE, band) for name, runs in groups.items()}
    drawn = {name: curve for name, curve in lags.items() if curve is not None}
    if not drawn:
        raise NotFound(
            f"no run logged {RELATIVE}. Our trainer logs it at each evaluation, unless ema_decay is 0."
        )
    cut: set[float] = set()
    panels = [_panel("‖w̄ - w‖ / ‖w‖", drawn, smooth, cut)]
    ratios = {name: _ratio_of_group(runs, metric, band) for name, runs in groups.items()}
    effects = {name: curve for name, curve in ratios.items() if curve is not None}
    lower_is_better = shared_direction(groups, metric).lower_is_better
    better = "below" if lower_is_better else "above"
    top, effect = "", ""
    if effects:
        guide = Guide(1.0, "no effect")
        panels.append(_panel(f"{label}: averaged / raw", effects, smooth, cut, guides=(guide,)))
        top = "Top: "
        effect = (
            f"Bottom: {label} of the averaged weights over that of the weights themselves, on the same "
            f"problems; {better} 1 the average is better."
        )
    distance = "distance of the weights' moving average w̄ from the weights w, over the length of w."
    parts = [
        top + (distance if top else distance.capitalize()),
        effect,
        _marks([*drawn.values(), *effects.values()], band, smooth),
        f"{n_in_words(drawn)}.",
        "" if _is_complete(groups, drawn) else f"{MEANT}.",
        cut_in_words(cut, "Bands"),
        _left_out(groups, drawn),
    ]
    sentences = [_sentence(name, drawn[name], effects.get(name), better) for name in drawn]
    return FigureData(
        name="average_distance",
        title="Distance of averaged from raw weights over training",
        x_label="training step",
        panels=tuple(panels),
        method=" ".join(filter(None, parts)),
        note=f"mean and {BANDS_IN_BRIEF[band]}, {n_in_brief(drawn)}",
        summary=" ".join([*sentences, *([] if effects else [UNKNOWN])]),
        order=tuple(order) or tuple(groups),
        stacked=len(panels) > 1,
    )


def _marks(curves: Sequence[OverSeeds], band: Band, smooth: int | None) -> str:
    """Return what lines and bands are, as far as they are drawn."""
    several = any(curve.n.max(initial=0) > 1 for curve in curves)
    line = "Line: mean over seeds at each evaluation" if several else "Line: the only seed"
    if smooth:
        line += f", then a running median of {smooth} evaluations"
    has_band = any(np.isfinite(curve.low).any() for curve in curves)
    return f"{line}; band: {BANDS[band]}." if has_band else f"{line}."


def _is_complete(groups: Groups, drawn: Mapping[str, OverSeeds]) -> bool:
    """Say whether every seed that logged the distance has one at every step."""
    for name, curve in drawn.items():
        count = sum(RELATIVE in run.history.series for run in groups[name])
        if curve.n.min(initial=count) < count:
            return False
    return True


def _left_out(groups: Groups, drawn: Mapping[str, OverSeeds]) -> str:
    """Return which groups logged no distance."""
    names = [name for name in groups if name not in drawn]
    return f"Logged no distance, left out: {', '.join(names)}." if names else ""


def _of_group(runs: Sequence[Run], metric: str, band: Band) -> OverSeeds | None:
    curves = [run.history.series[metric] for run in runs if metric in run.history.series]
    return over_seeds(curves, band) if curves else None


def _ratio_of_group(runs: Sequence[Run], metric: str, band: Band) -> OverSeeds | None:
    ratios = [ratio_to_raw(run.history, metric) for run in runs]
    curves = [curve for curve in ratios if curve is not None and len(curve.steps)]
    return over_seeds(curves, band) if curves else None


def ratio_to_raw(history: History, metric: str) -> Series | None:
    """Return the metric of averaged weights over that of raw ones, where both are above 0; None without."""
    averaged = history.series.get(metric)
    raw = history.series.get(RAW + metric.rpartition("/")[2])
    if averaged is None or raw is None:
        return None
    steps, own, other = np.intersect1d(averaged.steps, raw.steps, return_indices=True)
    above = np.asarray(averaged.values, dtype=np.float64)[own]
    below = np.asarray(raw.values, dtype=np.float64)[other]
    fits = np.isfinite(above) & np.isfinite(below) & (above > 0) & (below > 0)
    return Series(steps[fits], above[fits] / below[fits])


def _panel(
    label: str,
    curves: Mapping[str, OverSeeds],
    smooth: int | None,
    cut: set[float],
    guides: tuple[Guide, ...] = (),
) -> Panel:
    """Return a panel; the bounds at which any band is cut are added to ``cut``."""
    lines = []
    for name, curve in curves.items():
        mean = running_median(curve.mean, smooth)
        whole = Line(name=name, x=curve.steps, y=mean, low=curve.low, high=curve.high, spread="band")
        line = within(whole, NOT_NEGATIVE)
        cut |= cut_at(whole, line)
        lines.append(line)
    return Panel(y_label=label, lines=tuple(lines), y_scale=scale_of_lines(lines), guides=guides)


def _sentence(name: str, lag: OverSeeds, effect: OverSeeds | None, better: str) -> str:
    """Return how far the average is from the weights at the end, and what it does to the metric there."""
    end = last_finite(lag)
    if end is None:
        return f"{name}: no distance is finite."
    words = (
        f"{name}: at step {lag.steps[end]} the average is {100 * lag.mean[end]:.3g}% of ‖w‖ from the weights"
    )
    place = None if effect is None else last_finite(effect)
    if effect is None or place is None:
        return f"{words}."
    interval = ""
    if effect.n[place] > 1:
        interval = f" ({effect.low[place]:.3g} to {effect.high[place]:.3g}, n = {effect.n[place]})"
    return f"{words}, and has {effect.mean[place]:.3g} times their metric{interval}; {better} 1 it is better."
