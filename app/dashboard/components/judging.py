"""Which metric judges the runs, in which direction: shown and chosen in the same way on every page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dash import html

from app.dashboard.address import View
from app.dashboard.components.controls import by_name, choice
from app.run_groups import logged_metrics
from ired_diag.errors import DiagError
from ired_diag.runs.judged import judged_in_words, shared_direction
from ired_diag.runs.name_list import counted
from ired_diag.runs.run import Run


def metric_choice(view: View, runs: Sequence[Run], first: str) -> html.Label:
    """Return the choice of a metric.

    Args:
        view: Choices of the reader.
        runs: Runs whose metrics can be chosen.
        first: Words of the first option, which chooses no metric.
    """
    options = [("", first), *by_name(logged_metrics(runs))]
    return choice("metric", "Metric", [*options, *not_logged(view, options)], view.metric)


def evaluated_option(metric: str | None) -> tuple[str, str]:
    """Return the first option of a choice of metrics: the metric that judges the runs."""
    if metric is None:
        return "", "none is an evaluation"
    return "", f"{metric} (evaluated)"


def not_logged(view: View, options: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return a further option for a metric of the address that is not among the options."""
    if view.metric in ("", *(value for value, _ in options)):
        return []
    return [(view.metric, f"{view.metric} (not logged)")]


def direction_choice(view: View, runs: Iterable[Run], metric: str | None) -> html.Label:
    """Return the choice of a direction; the first option is what configuration and name say.

    Args:
        view: Choices of the reader.
        runs: The runs, without a choice of direction.
        metric: The metric that is shown. None: each run's own.
    """
    options = [("", _by_itself(runs, metric)), ("1", "higher is better"), ("0", "lower is better")]
    return choice("higher", "Direction", options, view.higher)


def judged_by(runs: Sequence[Run]) -> html.Div:
    """Return the lines that say by which metric, in which direction, runs are judged."""
    return sentences(judged_in_words(runs))


def runs_in_groups(groups: int, shown: int, total: int) -> str:
    """Return how many runs, in how many groups, are shown."""
    runs = counted(total, "run")
    if shown != total:
        runs = f"{shown} of {runs}"
    return f"{runs} in {counted(groups, 'group')}"


def sentences(lines: Sequence[str]) -> html.Div:
    """Return lines as sentences, each on its own line."""
    return html.Div([html.P(f"{line[0].upper()}{line[1:]}.", className="count") for line in lines])


def _by_itself(runs: Iterable[Run], metric: str | None) -> str:
    if metric is None:
        return "default: by configuration and name"
    try:
        return f"default: {shared_direction({'': list(runs)}, metric).in_brief}"
    except DiagError:
        return "default: unclear, the configurations differ"
