"""Learning curves for the screen: computed once from every point, then thinned for the x range that is seen.

Means and bands are over all points; what is drawn of a line are its smallest and largest in each stretch of
the x axis (``thinning``), and those of its band. Zooming in thins again, down to every point.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from app.dashboard.address import View
from app.dashboard.remembered import Remembered, Verdicts
from app.dashboard.shown import kept_groups
from app.dashboard.snapshot import Snapshot
from ired_diag.figures.data import FigureData, Line, Panel, Scale, cut_in_words, scale_of
from ired_diag.figures.learning_curves import learning_curves
from ired_diag.figures.over_seeds import Band
from ired_diag.figures.thinning import FEWEST, thin
from ired_diag.runs.judged import shared_direction, usual_metric
from ired_diag.runs.run import Run

MOST_DRAWN = 40_000  # points of all lines together: about 1 MB
MOST_OF_A_LINE = 3000

Groups = Mapping[str, Sequence[Run]]


@dataclass
class Curves:
    """Builds the learning curves of views, and remembers what they were built from.

    Attributes:
        figures: With every point.
        verdicts: Where curves are best and where they rise.
    """

    figures: Remembered[FigureData] = field(default_factory=Remembered)
    verdicts: Verdicts = field(default_factory=Verdicts)

    def shown(self, view: View, snapshot: Snapshot) -> FigureData | str:
        """Return the curves of the groups that are shown, thinned for the screen."""
        figure = self.whole(view, snapshot)
        return figure if isinstance(figure, str) else thinned(figure, view.x)

    def whole(self, view: View, snapshot: Snapshot) -> FigureData | str:
        """Return them with every point, or why there are none."""
        if not snapshot.entries:
            return "No runs here yet. They appear by themselves. To make some: ired-diag demo"
        chosen, shown = chosen_groups(view, snapshot), drawn_groups(view, snapshot)
        if not chosen:
            return f"No run matches {view.filter!r}. Esc leaves the filter."
        if not shown:
            return "All groups are hidden. Press one of their buttons to show it."
        metric = view.metric or evaluated_metric(chosen)
        figure = self.of(shown, view, metric, snapshot)
        return scaled(figure, scale_told(view, chosen, metric))

    def of(self, groups: Groups, view: View, metric: str | None, snapshot: Snapshot) -> FigureData:
        """Return the curves of groups, of a study, with the settings of a view.

        Raises:
            DiagError: There are none, with the reason.
        """
        runs = [run for members in groups.values() for run in members]
        settings = (metric, view.smooth, view.band, view.step, tuple(snapshot.groups()))
        return self.figures.get(runs, settings, lambda: self._computed(groups, view, metric, snapshot))

    def _computed(self, groups: Groups, view: View, metric: str | None, snapshot: Snapshot) -> FigureData:
        entries = {id(e.run.evaluated[1]): e for e in snapshot.entries.values() if e.run.evaluated}
        return learning_curves(
            groups,
            metric=metric,
            smooth=view.smooth or None,
            band=cast(Band, view.band),
            start=view.step,
            order=tuple(snapshot.groups()),
            judge=partial(self.verdicts.of, entries=entries),
        )


def evaluated_metric(groups: Groups) -> str | None:
    """Return the metric by which most runs are judged; None where none is."""
    return usual_metric(run for runs in groups.values() for run in runs)


def chosen_groups(view: View, snapshot: Snapshot) -> dict[str, list[Run]]:
    """Return the groups that are chosen, all where none is, of the runs that the filter keeps."""
    kept = kept_groups(view, snapshot)
    return {name: runs for name, runs in kept.items() if name in view.groups} or kept


def drawn_groups(view: View, snapshot: Snapshot) -> dict[str, list[Run]]:
    """Return the chosen groups but for the hidden ones."""
    chosen = chosen_groups(view, snapshot)
    return {name: runs for name, runs in chosen.items() if name not in view.hidden}


def logged_metrics(groups: Groups) -> list[str]:
    """Return every metric that some run logged."""
    return sorted({name for runs in groups.values() for run in runs for name in run.history.series})


def scale_told(view: View, groups: Groups, metric: str | None) -> Scale:
    """Return the scale of the y axis: the one told, else what all chosen groups ask for, hidden ones too."""
    if view.log or view.scale == "log":
        return "log"
    if view.scale == "linear":
        return "linear"
    if not shared_direction(groups, metric or "").lower_is_better:
        return "linear"
    series = [run.history.series.get(metric or "") for runs in groups.values() for run in runs]
    known = [one.values[one.steps >= (view.step or 0)] for one in series if one is not None]
    return scale_of(known)


def scaled(figure: FigureData, scale: Scale) -> FigureData:
    """Return learning curves with a scale of the y axis."""
    first, *others = figure.panels
    if first.y_scale == scale:
        return figure
    panel = replace(first, y_scale=scale)
    told = cut_in_words(panel)
    if scale == "log" and any((line.y <= 0).any() for line in panel.lines):
        told += " Values at or below 0 have no place on a logarithmic axis."
    method = figure.method if told in figure.method else figure.method + told
    return replace(figure, panels=(panel, *others), method=method)


def thinned(figure: FigureData, x_range: tuple[float, float] | None) -> FigureData:
    """Return a figure of at most ``MOST_DRAWN`` points, and say how many of how many are drawn.

    Args:
        figure: With every point.
        x_range: What is seen of the x axis; all without it. Lines go on to the next point outside.
    """
    count = sum(len(panel.lines) for panel in figure.panels)
    most = max(min(MOST_DRAWN // max(count, 1), MOST_OF_A_LINE), FEWEST)
    panels = [_thinned_panel(panel, most, x_range) for panel in figure.panels]
    drawn = sum(len(line.x) for panel in panels for line in panel.lines)
    inside = sum(_inside(line.x, x_range) for panel in figure.panels for line in panel.lines)
    said = figure.method
    if drawn < inside:
        said += (
            f" Drawn: {drawn:,} of {inside:,} points, the smallest and the largest of each stretch; "
            "zooming in draws the rest."
        )
    return replace(figure, panels=tuple(panels), method=said)


def _thinned_panel(panel: Panel, most: int, x_range: tuple[float, float] | None) -> Panel:
    return replace(panel, lines=tuple(_thinned(line, most, x_range) for line in panel.lines))


def _thinned(line: Line, most: int, x_range: tuple[float, float] | None) -> Line:
    values = [one for one in (line.y, line.low, line.high) if one is not None]
    at = _union(thin(line.x, _gaps(one), most // len(values), x_range).indices for one in values)
    if len(at) == len(line.x):
        return line
    ends = [None if end is None else end[at] for end in (line.low, line.high)]
    return replace(line, x=line.x[at], y=line.y[at], low=ends[0], high=ends[1])


def _gaps(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return values with NaN for what cannot be drawn: an infinite one would hide the largest beside it."""
    told = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(told), told, np.nan)


def _union(indices: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.unique(np.concatenate(list(indices)))


def _inside(x: NDArray[Any], x_range: tuple[float, float] | None) -> int:
    low, high = x_range or (-np.inf, np.inf)
    return int(((x >= low) & (x <= high)).sum())
