"""Learning curves: an evaluation over training, mean and band over the seeds of each group.

The mean and its band are those of ``over_seeds``: N at each step is said, and drawn beneath where it changes.
Single seeds lie beneath as they were logged. Nothing is smoothed by default; with ``smooth`` the line is a
centred running median of the mean, and the band is still that of the unsmoothed values. Onset and best are
marked (``curve_marks``). Where the configurations state which data a task is trained on, dotted lines say
what predictors without training reach on them (``Task.references``).

The direction of the metric (``runs.direction``) says what is best and what is an onset. Where a higher value
is better the axis is linear: on a logarithmic one the top of a curve, which counts, would be flat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from ired_diag import tasks
from ired_diag.drawing import bounded_bands
from ired_diag.drawing.curve_marks import (
    Axes,
    Curve,
    curve_of,
    marks_of,
    with_room,
)
from ired_diag.drawing.data import (
    Drawn,
    FigureData,
    Guide,
    Line,
    Mark,
    Panel,
    Scale,
    cut_in_words,
    scale_of_lines,
)
from ired_diag.drawing.failed_runs import DRAWN, failed_in_words, failures_of
from ired_diag.drawing.learning_curve_caption import (
    bands_left_out,
    left_out,
    marks_in_words,
    method_of,
    stops_in_words,
)
from ired_diag.drawing.learning_curve_words import Shown, axis_label, drawn_singly, note_of, sentence_of
from ired_diag.drawing.over_seeds import Band, OverSeeds, over_seeds
from ired_diag.drawing.running_median import running_median
from ired_diag.drawing.seeds_panel import seeds_panel
from ired_diag.errors import NotFound
from ired_diag.runs.cross_validation import cross_validation_of
from ired_diag.runs.judged import shared_direction, shared_metric
from ired_diag.runs.run import Run
from ired_diag.verdict import Verdict, verdict_of

FEW = 30  # points: a curve of as many shows each of them
FLAT = 0.25  # of the height of the axes: curves that take less where they rest get a panel of their own

MOST_AT_ZERO = 0.05  # of a band's steps: one that reaches 0 at more fills a logarithmic axis and says little

Groups = Mapping[str, Sequence[Run]]
Curves = dict[str, list[Curve]]  # by group


def learning_curves(
    groups: Groups,
    *,
    metric: str | None = None,
    smooth: int | None = None,
    band: Band = "t interval",
    floors: bool = True,
    start: float | None = None,
    plateau: float | None = None,
    order: Sequence[str] = (),
    judge: Callable[[Run], Verdict] = verdict_of,
    label: str = "",
    most_marks: int | None = None,
) -> FigureData:
    """Return the learning curves of groups of seeds.

    Args:
        groups: Runs by the name of their group.
        metric: Metric to draw. Default: the one that all groups share (``runs.judged``).
        smooth: Number of evaluations over which the line is a running median, odd. Default: no smoothing.
        band: What is drawn around the mean, of the unsmoothed values.
        floors: Whether to draw what predictors without a network reach, where the data are known.
        start: Step from which on curves are shown. Marks and summary are still those of the whole curves, as
            in every other picture of them. Default: the whole curves.
        plateau: Step from which on all curves rest. Where they look like one line on the axis of the whole
            curves, a second panel shows them there on an axis of their own. Default: no such panel.
        order: All names that may be drawn in other figures next to this one, which fixes their colours.
            Default: the names of ``groups``.
        judge: Returns the verdict on a run by its ``metric``; a caller that remembers verdicts saves time.
        label: What words and axes call the metric. Default: its name.
        most_marks: Number of marks from which on those of the best, then those of early stops are left out.
            Default: all marks are drawn.

    Raises:
        NotFound: No run logged the metric.
        DiagError: The configurations contradict each other about its direction; or ``smooth`` or ``band``
            is not valid.
    """
    metric, curves, missing = _curves(groups, metric, judge, start)
    shown = Shown(
        metric=metric,
        label=label or metric,
        direction=shared_direction(groups, metric),
        means=_means_of(curves, metric, band),
        band=band,
        smooth=smooth,
        most_marks=most_marks,
    )
    guides: tuple[Guide, ...] = ()
    floor_words = ""
    if floors:
        guides, floor_words = _floors(curves, metric)
    panel = _panel(shown, curves, guides)
    resting = _resting_panel(panel, shown, curves, plateau)
    if resting:
        panel = replace(panel, height=1.0, marks=_before(panel, plateau))
    panels = (panel, *resting, *seeds_panel(shown.means))
    title = f"Learning curves: {shown.label}"
    if start is not None:
        title += f", from step {start:g}"
    marks = [mark for drawn in panels for mark in drawn.marks]
    method = method_of(shown, curves)
    if resting:
        method += f" Second panel: the same curves where they rest, from step {plateau:g} on."
    method += marks_in_words(shown, marks) + stops_in_words(curves, marks)
    if band == "t interval" and any(map(cross_validation_of, groups.values())):
        method += " Of folds, the t interval is corrected for training data that they share."
    method += (
        _ends_in_words(shown, curves)
        + bands_left_out(shown, panel.lines)
        + floor_words
        + cut_in_words(panel)
        + left_out(shown.label, missing)
        + _failed(groups, metric, curves)
    )
    sentences = [sentence_of(name, members, shown) for name, members in curves.items()]
    return FigureData(
        name="learning_curves",
        title=title,
        x_label="training step",
        panels=panels,
        method=method,
        note=note_of(shown, marks),
        summary=" ".join(sentences),
        order=tuple(order) or tuple(groups),
        stacked=len(panels) > 1 + len(resting),
    )


def _failed(groups: Groups, metric: str, curves: Curves) -> str:
    """Return which runs failed and are in the mean all the same; empty where none did."""
    drawn = {name: [curve.run.label for curve in members] for name, members in curves.items()}
    return failed_in_words(failures_of(groups, metric), drawn, DRAWN)


def _means_of(curves: Curves, metric: str, band: Band) -> dict[str, OverSeeds]:
    """Return each group's mean and band, which ends where the metric does."""
    limits = _limits(metric, curves)
    means = {}
    for name, members in curves.items():
        folds = cross_validation_of([curve.run for curve in members])
        mean = over_seeds([curve.series for curve in members], band, folds=folds)
        means[name] = bounded_bands.within(mean, limits)
    return means


def _limits(metric: str, curves: Curves) -> bounded_bands.Limits | None:
    every = [curve.series for curve in chain.from_iterable(curves.values())]
    return bounded_bands.limits_of_curves(metric, every)


def _ends_in_words(shown: Shown, curves: Curves) -> str:
    """Return that bands end where the metric does; empty where none reaches so far."""
    limits = _limits(shown.metric, curves)
    for name, members in curves.items():
        unbounded = over_seeds([curve.series for curve in members], shown.band)
        mean = shown.means[name]
        is_cut = (unbounded.low < mean.low) | (unbounded.high > mean.high)
        if is_cut.any():
            return bounded_bands.cut_in_words(limits)
    return ""


def _curves(
    groups: Groups, metric: str | None, judge: Callable[[Run], Verdict], start: float | None
) -> tuple[str, Curves, list[str]]:
    """Return the metric, the curves of each group that has any from a step on, and the runs without."""
    metric = metric or shared_metric(groups)
    curves: Curves = {}
    missing = []
    for name, runs in groups.items():
        for run in runs:
            series = run.history.series.get(metric)
            if series is not None and start is not None:
                series = series.since(start)
            if series is None or not len(series):
                missing.append(run.label)
                continue
            members = curves.setdefault(name, [])
            curve = curve_of(run, metric, judge)
            members.append(replace(curve, series=series))
    if not curves:
        logged: set[str] = set()
        for run in chain.from_iterable(groups.values()):
            logged.update(run.history.series)
        names = ", ".join(sorted(logged)) or "nothing"
        raise NotFound(f"No run logged {metric!r}. They logged: {names}.")
    return metric, curves, missing


def _panel(shown: Shown, curves: Curves, guides: Sequence[Guide]) -> Panel:
    lines: list[Line] = []
    for name in shown.means:
        lines += _lines(name, curves[name], shown)
    scale: Scale = "linear"
    if shown.direction.lower_is_better:
        scale = scale_of_lines(lines)
    all_series = [curve.series for curve in chain.from_iterable(curves.values())]
    if scale == "log" and shown.band != "range":
        lines = [_without_wide_band(line) for line in lines]
    axes = Axes.of(all_series, guides, scale)
    means = [(line.x, line.y) for line in lines if not line.faint]
    guides = with_room(guides, axes, means)
    return Panel(
        y_label=axis_label(shown),
        lines=tuple(lines),
        y_scale=scale,
        guides=guides,
        marks=marks_of(curves, axes, guides, shown.most_marks),
        height=1.3,
    )


def _without_wide_band(line: Line) -> Line:
    """Return a line without its band where that often reaches 0, which a logarithmic axis cannot show."""
    if line.low is None:
        return line
    known = line.low[np.isfinite(line.low)]
    if not len(known) or np.mean(known <= 0) <= MOST_AT_ZERO:
        return line
    return replace(line, low=None, high=None)


def _resting_panel(whole: Panel, shown: Shown, curves: Curves, plateau: float | None) -> tuple[Panel, ...]:
    """Return the panel of the curves where they rest; none where the whole panel shows them well enough."""
    if plateau is None:
        return ()
    later: Curves = {}
    for name, members in curves.items():
        cut = [replace(curve, series=curve.series.since(plateau)) for curve in members]
        later[name] = [curve for curve in cut if len(curve.series)]
        if not later[name]:
            return ()
    all_series = [curve.series for curve in chain.from_iterable(curves.values())]
    axes = Axes.of(all_series, (), whole.y_scale)
    if _share_of_height(axes, later) > FLAT:
        return ()
    means = _means_of(later, shown.metric, shown.band)
    panel = _panel(replace(shown, means=means), later, ())
    return (replace(panel, x_label="training step", height=1.0),)


def _before(panel: Panel, plateau: float | None) -> tuple[Mark, ...]:
    """Return the marks before the step from which on the second panel has them."""
    return tuple(mark for mark in panel.marks if plateau is None or mark.x < plateau)


def _share_of_height(axes: Axes, curves: Curves) -> float:
    """Return which share of the height of axes curves take."""
    values = [curve.series.values for curve in chain.from_iterable(curves.values())]
    pooled = np.concatenate(values)
    finite = pooled[np.isfinite(pooled)]
    if axes.scale == "log":
        finite = finite[finite > 0]
    if not len(finite):
        return 1.0
    return axes.up(float(finite.min()), float(finite.max()))


def _lines(name: str, curves: Sequence[Curve], shown: Shown) -> list[Line]:
    """Return a group's raw curves, unless the mean is the only one, and its mean."""
    curve = shown.means[name]
    if drawn_singly(curve, shown.band) and len(curves) == 2:
        return _single_lines(name, curves, shown)
    mean = Line(
        name=name,
        x=curve.steps,
        y=running_median(curve.mean, shown.smooth),
        low=curve.low,
        high=curve.high,
        drawn="both" if len(curve.steps) <= FEW else "line",
        spread="band",
    )
    if len(curves) == 1 and not shown.smooth:
        return [mean]
    return [*(_seed_line(name, seed) for seed in curves), mean]


def _single_lines(group: str, curves: Sequence[Curve], shown: Shown) -> list[Line]:
    """Return two seeds as lines of their own, over their raw curves where they are smoothed."""
    lines = []
    for curve in curves:
        raw = _seed_line(group, curve)
        if shown.smooth:
            lines.append(raw)
        drawn: Drawn = "both" if len(raw.x) <= FEW else "line"
        lines.append(replace(raw, y=running_median(raw.y, shown.smooth), faint=False, drawn=drawn))
    return lines


def _seed_line(group: str, curve: Curve) -> Line:
    return Line(
        name=f"{group} {curve.run.seed_label}",
        x=curve.series.steps,
        y=curve.series.values,
        of=group,
        faint=True,
        drawn="line",
    )


def _floors(curves: Curves, metric: str) -> tuple[tuple[Guide, ...], str]:
    """Return the floors, and what the caption says of them."""
    configurations = []
    for curve in chain.from_iterable(curves.values()):
        configurations.append(curve.run.configuration or {})
    for task in tasks.judged_by(metric):
        by_data = {task.references(configuration, None) for configuration in configurations}
        if len(by_data) > 1:
            return (
                (),
                " No predictors without training are drawn: the runs are not known to have the same data.",
            )
        (references,) = by_data
        if references is not None:
            guides = []
            for floor in references.values:
                guides.append(Guide(floor.value, f"{floor.title} {floor.value:.3g}"))
            labels = ", ".join(guide.label for guide in guides)
            words = f" Grey dotted lines: predictors without training, on simulated data ({labels})."
            return tuple(guides), words
    return (), ""
