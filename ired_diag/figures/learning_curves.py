"""Learning curves: an evaluation over training, mean and band over the seeds of each group.

The mean and its band are those of ``over_seeds``: N at each step is said, and drawn beneath where it changes.
Single seeds lie beneath as they were logged. Nothing is smoothed unless asked for; then the line is a centred
running median of the mean, and the band is still that of the unsmoothed values. Onset and best are marked
(``curve_marks``). Where the configurations tell which data a task is trained on, dotted lines say what
predictors without training reach on them (``Task.references``).

The direction of the metric (``runs.direction``) says what is best and what is an onset. Where a higher value
is better the axis is linear: on a logarithmic one the top of a curve, which counts, would be flat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ired_diag import tasks
from ired_diag.errors import NotFound
from ired_diag.figures.curve_marks import Axes, Curve, curve_of, first_onset, marks_of, median_best, with_room
from ired_diag.figures.data import Drawn, FigureData, Guide, Line, Panel, cut_in_words, scale_of
from ired_diag.figures.over_seeds import BANDS, MEANT, Band, OverSeeds, over_seeds
from ired_diag.figures.running_median import running_median
from ired_diag.figures.seeds_panel import n_in_brief, seeds_in_words, seeds_panel
from ired_diag.runs.direction import Direction
from ired_diag.runs.from_step import from_step
from ired_diag.runs.judged import shared_direction, shared_metric
from ired_diag.runs.run import Run
from ired_diag.verdict import Verdict, verdict_of

FEW = 30  # points: a curve of as many shows each of them

Groups = Mapping[str, Sequence[Run]]


def learning_curves(
    groups: Groups,
    *,
    metric: str | None = None,
    smooth: int | None = None,
    band: Band = "t interval",
    floors: bool = True,
    start: float | None = None,
    order: Sequence[str] = (),
    judge: Callable[[Run], Verdict] = verdict_of,
) -> FigureData:
    """Return the learning curves of groups of seeds.

    Args:
        groups: Runs by the name of their group.
        metric: Metric to draw. Default: the one that all groups share (``runs.judged``).
        smooth: Over how many evaluations the line is a running median, odd; as it is without.
        band: What is drawn around the mean, of the unsmoothed values.
        floors: Whether to draw what predictors without a network reach, where the data are known.
        start: Step from which on curves are shown, and judged; all of them without.
        order: All names that may be seen beside these, which fixes their colours; without, ``groups``' own.
        judge: Says where a run is best and where it rises, by its ``metric``; who remembers it saves time.

    Raises:
        NotFound: No run logged the metric.
        DiagError: The configurations contradict each other about its direction; or there is no such
            ``smooth`` or ``band``.
    """
    if start is not None:
        groups = {name: [from_step(run, start) for run in runs] for name, runs in groups.items()}
    metric, curves, missing = _curves(groups, metric, judge)
    direction = shared_direction(groups, metric)
    seen = {name: over_seeds([curve.series for curve in members], band) for name, members in curves.items()}
    lines = tuple(line for name, mean in seen.items() for line in _lines(name, curves[name], mean, smooth))
    guides, told = _floors(curves, metric) if floors else ((), "")
    scale = scale_of([line.y for line in lines]) if direction.lower_is_better else "linear"
    axes = Axes.of([curve.series for members in curves.values() for curve in members], guides, scale)
    guides = with_room(guides, axes)
    marks = marks_of(curves, axes, guides)
    panel = Panel(_label(metric, direction), lines, scale, guides=guides, marks=marks, height=1.3)
    return FigureData(
        "learning_curves",
        f"Learning curves: {metric}" + ("" if start is None else f", from step {start:g}"),
        "training step",
        (panel, *seeds_panel(seen)),
        _method(metric, direction, seen, band, smooth, told + cut_in_words(panel), missing),
        _note(seen, band, smooth, direction),
        " ".join(_sentence(name, curves[name], seen[name], band, direction) for name in curves),
        tuple(order) or tuple(groups),
        stacked=True,
    )


def _curves(
    groups: Groups, metric: str | None, judge: Callable[[Run], Verdict]
) -> tuple[str, dict[str, list[Curve]], list[str]]:
    """Return the metric, the curves of each group that has some, and the runs without."""
    metric = metric or shared_metric(groups)
    found: dict[str, list[Curve]] = {}
    missing = []
    for name, runs in groups.items():
        for run in runs:
            series = run.history.series.get(metric)
            if series is None or not len(series):
                missing.append(run.label)
            else:
                found.setdefault(name, []).append(curve_of(run, metric, judge))
    if not found:
        known = sorted({key for runs in groups.values() for run in runs for key in run.history.series})
        raise NotFound(f"No run logged {metric!r}. They logged: {', '.join(known) or 'nothing'}.")
    return metric, found, missing


def _lines(name: str, curves: Sequence[Curve], mean: OverSeeds, smooth: int | None) -> list[Line]:
    """Return a group's raw curves, unless one is all there is to see, and its mean."""
    raw = [
        Line(f"{name} {c.run.seed_label}", c.series.steps, c.series.values, of=name, faint=True, drawn="line")
        for c in curves
    ]
    drawn: Drawn = "both" if len(mean.steps) <= FEW else "line"
    y = running_median(mean.mean, smooth)
    own = Line(name, mean.steps, y, mean.low, mean.high, drawn, "band")
    return [*(raw if len(raw) > 1 or smooth else []), own]


def _floors(curves: Mapping[str, Sequence[Curve]], metric: str) -> tuple[tuple[Guide, ...], str]:
    """Return the floors, and what is said of them."""
    keys = [curve.run.configuration or {} for members in curves.values() for curve in members]
    for task in tasks.judged_by(metric):
        known = {task.references(configuration, None) for configuration in keys}
        if len(known) > 1:
            return (), " No floors are drawn: the runs are not known to have the same data."
        (references,) = known
        if references is not None:
            guides = tuple(Guide(r.value, f"{r.title} {r.value:.3g}") for r in references.values)
            values = ", ".join(guide.label for guide in guides)
            return guides, f" Dotted: predictors without training, scored on simulated data ({values})."
    return (), ""


def _label(metric: str, direction: Direction) -> str:
    """Return the axis' label; a log does not state a unit, a task may."""
    unit = next((task.metric.unit for task in tasks.judged_by(metric)), "") or "as logged"
    return f"{metric} ({unit})" if direction.lower_is_better else f"{metric} ({unit}, higher is better)"


def _best(direction: Direction) -> str:
    """Return which value is the best."""
    return "lowest" if direction.lower_is_better else "highest"


def _method(
    metric: str,
    direction: Direction,
    seen: Mapping[str, OverSeeds],
    band: Band,
    smooth: int | None,
    floors: str,
    missing: Sequence[str],
) -> str:
    several = any(curve.n.max(initial=0) > 1 for curve in seen.values())
    line = f"Mean of {metric} over seeds at each step" if several else f"{metric} of one seed at each step"
    band_told = f"; band: {BANDS[band]}, at each step by itself" if several else ""
    smoothed = f", then a centred running median of {smooth} evaluations (the band is of the raw values)"
    thin = "; thin: single seeds as logged" if several or smooth else ""
    constant = all(len(np.unique(curve.n)) <= 1 for curve in seen.values())
    falls = (
        "" if constant else "; where N falls, seeds ended or are not finite, and the mean is of the others"
    )
    left_out = f" Without {metric}, left out: {', '.join(missing)}." if missing else ""
    return (
        f"{line}{smoothed if smooth else ', not smoothed'}{band_told}{thin}. {seeds_in_words(seen)}. "
        f"{MEANT}{falls}. Circles: first onset of a lasting {_worse(direction)} among a group's seeds; best "
        f"({_best(direction)}) evaluation of the seed whose best is the group's median. "
        f"{metric}: {direction.words}.{floors}{left_out}"
    )


def _worse(direction: Direction) -> str:
    """Return the word for a turn for the worse."""
    return "rise" if direction.lower_is_better else "fall"


def _note(seen: Mapping[str, OverSeeds], band: Band, smooth: int | None, direction: Direction) -> str:
    several = any(curve.n.max(initial=0) > 1 for curve in seen.values())
    line = "mean" if several else "one seed"
    around = f" and {'95% t interval' if band == 't interval' else band}" if several else ""
    thin = "; thin: seeds" if several or smooth else ""
    median = f"; running median of {smooth}" if smooth else ""
    return f"{line}{around}, {n_in_brief(seen)}{thin}{median}; circles: onset, best ({_best(direction)})"


def _sentence(name: str, curves: Sequence[Curve], mean: OverSeeds, band: Band, direction: Direction) -> str:
    seeds = "1 seed" if len(curves) == 1 else f"{len(curves)} seeds"
    known = np.flatnonzero(np.isfinite(mean.mean))
    told = f"{name}, {seeds}"
    if len(known):
        end = known[-1]
        told += f": {mean.mean[end]:.4g} at step {mean.steps[end]}"
        if mean.n[end] > 1:
            told += f" ({mean.low[end]:.4g} to {mean.high[end]:.4g}, {band}, n = {mean.n[end]})"
    else:
        told += ": no mean is finite"
    best, rising = median_best(curves), first_onset(curves)
    if best is not None:
        lucky = ", by luck" if best.verdict.best_is_luck else ""
        told += f"; median best {best.verdict.best:.4g} at step {best.verdict.best_step:.0f}{lucky}"
    if rising is not None:
        count = sum(curve.verdict.onset is not None for curve in curves)
        told += f"; {count} of {len(curves)} {_worse(direction)} for good, "
        told += f"first at step {rising.verdict.onset:.0f}"
    return f"{told}."
