"""Which metric judges the runs, in which direction: said, and chosen, alike on every page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dash import html

from app.dashboard.address import View
from app.dashboard.components.controls import choice
from ired_diag.errors import DiagError
from ired_diag.runs.judged import judged_in_words, shared_direction
from ired_diag.runs.run import Run


def metric_choice(view: View, runs: Sequence[Run], first: str) -> html.Label:
    """Return the choice of a metric.

    Args:
        view: What is looked at.
        runs: Whose metrics there are to choose from.
        first: What happens where none is chosen.
    """
    logged = sorted({name for run in runs for name in run.history.series})
    unknown = [(view.metric, f"{view.metric} (not logged)")] if view.metric not in ("", *logged) else []
    return choice(
        "metric", "Metric", [("", first), *((name, name) for name in logged), *unknown], view.metric
    )


def direction_choice(view: View, runs: Iterable[Run], metric: str | None) -> html.Label:
    """Return the choice of a direction; the first is what configuration and name say.

    Args:
        view: What is looked at.
        runs: As they are without a choice.
        metric: The metric that is shown; None for each run's own.
    """
    options = [("", _by_itself(runs, metric)), ("1", "higher is better"), ("0", "lower is better")]
    return choice("higher", "Direction", options, view.higher)


def judged_by(runs: Sequence[Run]) -> html.Div:
    """Return the lines that say by which metric, in which direction, runs are judged."""
    return html.Div(
        [html.P(line[0].upper() + line[1:] + ".", className="count") for line in judged_in_words(runs)]
    )


def _by_itself(runs: Iterable[Run], metric: str | None) -> str:
    if metric is None:
        return "default: by configuration and name"
    try:
        return f"default: {shared_direction({'': list(runs)}, metric).in_brief}"
    except DiagError:
        return "default: unclear, the configurations differ"
