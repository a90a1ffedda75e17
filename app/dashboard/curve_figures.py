"""Learning curves for the screen: computed once from every point, then thinned for the x range that is seen.

Means and bands are over all points; what is drawn of a line are its smallest and largest in each stretch of
the x axis (``thinning``), and those of its band. Zooming in thins again, down to every point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from app.dashboard.address import View
from app.dashboard.few_groups import FewGroups, few_groups
from app.dashboard.remembered import Remembered, Verdicts
from app.dashboard.shown import kept_groups, without_hidden
from app.dashboard.snapshot import Snapshot
from app.run_groups import all_runs
from app.thinned_lines import line_at
from ired_diag.drawing.curves_over_time import curves_over_time
from ired_diag.drawing.data import FigureData, Line, Scale, cut_in_words, scale_of
from ired_diag.drawing.end_of_curves import at_the_end
from ired_diag.drawing.first_fall import range_of_panel
from ired_diag.drawing.fold_words import in_words_of_folds
from ired_diag.drawing.learning_curves import learning_curves
from ired_diag.drawing.over_seeds import Band
from ired_diag.drawing.thinning import FEWEST, thin
from ired_diag.runs.judged import shared_direction, usual_metric
from ired_diag.runs.run import Run

MOST_DRAWN = 40_000  # points of all lines together: about 1 MB
MOST_OF_A_LINE = 3000  # points: more than a screen has pixels across

Groups = Mapping[str, Sequence[Run]]
XRange = tuple[float, float] | None


@dataclass
class Curves:
    """Builds the learning curves of views, and remembers them.

    Attributes:
        figures: Figures with every point.
        verdicts: Verdicts on single curves: where they are best and where they rise.
    """

    figures: Remembered[FigureData] = field(default_factory=Remembered)
    verdicts: Verdicts = field(default_factory=Verdicts)

    def shown(self, view: View, snapshot: Snapshot) -> FigureData | str:
        """Return the curves of the groups that are shown, thinned for the screen, after their first fall."""
        return thinned_for(view, after_first_fall(view, self.whole(view, snapshot)))

    def whole(self, view: View, snapshot: Snapshot) -> FigureData | str:
        """Return the curves with every point, or why they cannot be drawn."""
        if not snapshot.entries:
            return "No runs here yet. They appear by themselves. To make some: ired-diag demo"
        chosen, shown = chosen_groups(view, snapshot), drawn_groups(view, snapshot)
        if not chosen:
            return f"No run matches {view.filter!r}. Esc leaves the filter."
        if not shown:
            return "All groups are hidden. Press one of their buttons to show it."
        metric = view.metric or evaluated_metric(chosen)
        if view.clock:
            order = tuple(snapshot.groups())
            figure = curves_over_time(shown, metric=metric or "", start=view.step, order=order)
        else:
            figure = self.of(shown, view, metric, snapshot)
        return scaled(figure, scale_for(view, chosen, metric))

    def of(self, groups: Groups, view: View, metric: str | None, snapshot: Snapshot) -> FigureData:
        """Return the curves of groups of a study with the settings of a view.

        Raises:
            DiagError: There are no curves; the message has the reason.
        """
        settings = (metric, view.smooth, view.band, view.step, tuple(snapshot.groups()))
        return self.figures.get(
            all_runs(groups), settings, lambda: self._computed(groups, view, metric, snapshot)
        )

    def _computed(self, groups: Groups, view: View, metric: str | None, snapshot: Snapshot) -> FigureData:
        entries = {}
        for entry in snapshot.entries.values():
            if entry.run.evaluated:
                entries[id(entry.run.evaluated[1])] = entry
        figure = learning_curves(
            groups,
            metric=metric,
            smooth=view.smooth or None,
            band=cast(Band, view.band),
            start=view.step,
            order=tuple(snapshot.groups()),
            judge=partial(self.verdicts.of, entries=entries),
        )
        return in_words_of_folds(figure, groups.values())


def evaluated_metric(groups: Groups) -> str | None:
    """Return the metric that judges most runs; None where no run has one."""
    return usual_metric(all_runs(groups))


def few_to_draw(view: View, snapshot: Snapshot) -> FewGroups:
    """Return the chosen groups, or a few where none is chosen, of the runs that the filter keeps."""
    kept = kept_groups(view, snapshot)
    metric = view.metric or evaluated_metric(kept) or ""
    return few_groups(view, kept, lambda run: metric in run.history.series)


def chosen_groups(view: View, snapshot: Snapshot) -> dict[str, list[Run]]:
    """Return the groups that a view draws, the hidden ones too."""
    return few_to_draw(view, snapshot).groups


def drawn_groups(view: View, snapshot: Snapshot) -> dict[str, list[Run]]:
    """Return the chosen groups without the hidden ones."""
    return without_hidden(chosen_groups(view, snapshot), view)


def scale_for(view: View, groups: Groups, metric: str | None) -> Scale:
    """Return the scale of the y axis: the one in the view, else one that suits all chosen groups.

    Hidden groups count too, so that hiding a group does not change the axis.
    """
    if view.log or view.scale == "log":
        return "log"
    if view.scale == "linear":
        return "linear"
    if not shared_direction(groups, metric or "").lower_is_better:
        return "linear"
    values = []
    for run in all_runs(groups):
        series = run.history.series.get(metric or "")
        if series is not None:
            values.append(series.values[series.steps >= (view.step or 0)])
    return scale_of(values)


def scaled(figure: FigureData, scale: Scale) -> FigureData:
    """Return learning curves with a scale of the y axis."""
    first, *others = figure.panels
    if first.y_scale == scale:
        return figure
    panel = replace(first, y_scale=scale)
    remark = cut_in_words(panel)
    if scale == "log" and any((line.y <= 0).any() for line in panel.lines):
        remark += " Values at or below 0 have no place on a logarithmic axis."
    method = figure.method
    if remark not in method:
        method += remark
    return replace(figure, panels=(panel, *others), method=method)


def after_first_fall(view: View, figure: FigureData | str) -> FigureData | str:
    """Return curves without the first fall, or their end, unless a reader wants all or has zoomed in."""
    if isinstance(figure, str) or view.x is not None or view.y is not None:
        return figure
    first, *others = figure.panels
    end = at_the_end(first) if view.end else None
    if end is not None:
        return replace(figure, panels=(end, *others))
    if view.whole:
        return figure
    ends = range_of_panel(first)
    if ends is None:
        return figure
    return replace(figure, panels=(replace(first, y_range=ends), *others))


def thinned_for(view: View, figure: FigureData | str) -> FigureData | str:
    """Return a figure thinned for the x range of a view; words that stand in for one as they are."""
    if isinstance(figure, str):
        return figure
    return thinned(figure, view.x)


def thinned(figure: FigureData, x_range: XRange) -> FigureData:
    """Return a figure of at most ``MOST_DRAWN`` points; its method says how many points are drawn.

    Args:
        figure: Figure with every point.
        x_range: Visible ends of the x axis; None: all of it. Lines reach the next point outside.
    """
    count = sum(len(panel.lines) for panel in figure.panels)
    most = max(min(MOST_DRAWN // max(count, 1), MOST_OF_A_LINE), FEWEST)
    panels = []
    drawn = visible = 0
    for panel in figure.panels:
        lines = [_thinned(line, most, x_range) for line in panel.lines]
        panels.append(replace(panel, lines=tuple(lines)))
        drawn += sum(len(line.x) for line in lines)
        visible += sum(_points_inside(line.x, x_range) for line in panel.lines)
    method = figure.method
    if drawn < visible:
        method += (
            f" Drawn: {drawn:,} of {visible:,} points, the smallest and the largest of each stretch; "
            "zooming in draws the rest."
        )
    return replace(figure, panels=tuple(panels), method=method)


def _thinned(line: Line, most: int, x_range: XRange) -> Line:
    curves = [values for values in (line.y, line.low, line.high) if values is not None]
    kept = []
    for values in curves:
        kept.append(thin(line.x, _finite(values), most // len(curves), x_range).indices)
    places = np.unique(np.concatenate(kept))
    if len(places) == len(line.x):
        return line
    return line_at(line, places)


def _finite(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return values with NaN in place of infinite ones, which would hide the largest finite one."""
    floats = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(floats), floats, np.nan)


def _points_inside(x: NDArray[Any], x_range: XRange) -> int:
    low, high = x_range or (-np.inf, np.inf)
    return int(((x >= low) & (x <= high)).sum())
