"""Sweeps: how the readout answers one knob, over the variants of an experiment.

The configurations say which sweeps there are (``comparison.knobs``); the answer is that of
``ired-diag stats --sweep``, kept as long as no run of the sweep changes.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import dash
from dash import Input, Output, html

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components import chart, export
from app.dashboard.components.controls import by_name, choice, readout_choice
from app.dashboard.components.judging import direction_choice
from app.dashboard.components.table import Heading, empty, head, plain_rows, scrolling
from app.dashboard.remembered import Remembered
from app.dashboard.shown import kept_groups
from app.dashboard.snapshot import Snapshot
from app.next_command import options_in_words
from app.run_groups import all_runs, logged_metrics
from ired_diag.drawing.data import FigureData
from ired_diag.errors import DiagError, NotFound
from ired_diag.runs.evaluation_metric import USUAL
from ired_diag.runs.judged import usual_metric

if TYPE_CHECKING:
    from ired_diag.comparison import Comparison
    from ired_diag.comparison.knobs import KnobSweep

TITLE = "Sweeps"
NO_SWEEP = (
    "No sweep here: no experiment has two groups of runs whose configurations differ in the value of one "
    "knob. Groups of several experiments are compared on the page Statistics."
)
TO_TRAIN = " To train a sweep, ten seeds for each setting, and to list others:"
COMMANDS = "ired-diag train q301 --seeds 0-9\nired-diag train --list"
NUMBERS = ("Seeds", "Mean", "Sd", "95% interval from", "to", "Best in % of resampled studies")


@dataclass(frozen=True)
class _Choice:
    """A sweep and its metric, among all that can be chosen."""

    sweep: KnobSweep
    every_sweep: tuple[KnobSweep, ...]
    metric: str
    metrics: list[str]


def layout(view: View, catalog: Catalog) -> html.Div:
    """Return the page; its chart comes as soon as it is computed."""
    return html.Div(
        [
            html.H1(TITLE),
            html.Div(id="sweeps-controls"),
            html.Div(chart.place("sweeps-response"), id="sweeps-drawn"),
            html.Div(id="sweeps-table"),
            export.place("sweeps"),
        ],
        className="page",
    )


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Keep controls, chart and table up to date with the address and the folder."""
    kept: Remembered[Comparison] = Remembered()

    def build(view: View, snapshot: Snapshot) -> FigureData:
        from ired_diag.drawing.sweep_response import sweep_figure

        return sweep_figure(_answer(_chosen(view, snapshot), view, kept))

    chart.register(app, catalog, "sweeps-response", build)
    export.register(app, catalog, "sweeps", _export)

    @app.callback(
        Output("sweeps-controls", "children"),
        Output("sweeps-table", "children"),
        Output("sweeps-drawn", "hidden"),
        Input("address", "search"),
        Input("version", "data"),
    )
    def show(search: str, _version: int) -> tuple[Any, Any, bool]:
        view = catalog.view(search)
        snapshot = catalog.judged(view)
        try:
            chosen = _chosen(view, snapshot)
        except NotFound as nothing:
            if not any(entry.run.format for entry in snapshot.entries.values()):  # no logs of others
                return None, empty(f"{nothing}{TO_TRAIN}", COMMANDS), True
            return None, empty(str(nothing)), True
        table = None
        with suppress(DiagError):  # the chart shows it
            table = _table(_answer(chosen, view, kept), chosen.sweep, view, snapshot)
        return _controls(chosen, view), table, False


def _export(view: View, snapshot: Snapshot) -> html.Section | None:
    chosen = _chosen(view, snapshot)
    view = replace(view, knob=chosen.sweep.knob, metric=chosen.metric)
    return export.export(view, snapshot, "sweep", groups=chosen.sweep.groups)


def _chosen(view: View, snapshot: Snapshot) -> _Choice:
    """Return the sweep that a view chooses, or the first one.

    Raises:
        NotFound: There is no sweep.
    """
    from ired_diag.comparison.knobs import sweeps_in

    every_sweep = tuple(sweeps_in(kept_groups(view, snapshot)))
    if not every_sweep:
        raise NotFound(NO_SWEEP)
    sweeps = _sweeps_of(every_sweep, view.experiment) or _sweeps_of(every_sweep, every_sweep[0].experiment)
    sweep = next((sweep for sweep in sweeps if sweep.knob == view.knob), sweeps[0])
    runs = all_runs(sweep.groups)
    metrics = logged_metrics(runs)
    metric = view.metric
    if metric not in metrics:
        metric = usual_metric(runs) or USUAL
    return _Choice(sweep, every_sweep, metric, metrics)


def _sweeps_of(sweeps: Sequence[KnobSweep], experiment: str) -> list[KnobSweep]:
    return [sweep for sweep in sweeps if sweep.experiment == experiment]


def _answer(chosen: _Choice, view: View, kept: Remembered[Comparison]) -> Comparison:
    """Return the comparison of a sweep's groups; it is computed again only where a run has changed."""
    from ired_diag.comparison import compare

    sweep = chosen.sweep
    settings = (sweep.experiment, sweep.knob, chosen.metric, view.readout, view.higher)
    return kept.get(
        all_runs(sweep.groups),
        settings,
        lambda: compare(
            sweep.groups,
            metric=chosen.metric,
            readout=view.readout,
            lower_is_better=view.lower_is_better,
            knob=sweep.knob,
        ),
    )


def _controls(chosen: _Choice, view: View) -> html.Div:
    sweep = chosen.sweep
    experiments = dict.fromkeys(each.experiment for each in chosen.every_sweep)
    knobs = [each.knob for each in _sweeps_of(chosen.every_sweep, sweep.experiment)]
    runs = [replace(run, higher_is_better=None) for run in all_runs(sweep.groups)]
    return html.Div(
        [
            choice("experiment", "Experiment", by_name(experiments), sweep.experiment),
            choice("knob", "Knob", by_name(knobs), sweep.knob),
            choice("metric", "Metric", by_name(chosen.metrics), chosen.metric),
            readout_choice(view),
            direction_choice(view, runs, chosen.metric),
        ],
        className="controls",
    )


def _table(comparison: Comparison, swept: KnobSweep, view: View, snapshot: Snapshot) -> list[Any]:
    from app.dashboard.components import verdicts

    sweep = comparison.sweep
    if sweep is None:
        return []
    response = sweep.response
    rows = []
    for name, value, setting, share in zip(
        sweep.groups, response.knob, response.curve, response.times_best, strict=True
    ):
        numbers = (value, setting.n, setting.mean, setting.sd, setting.low, setting.high, 100 * share)
        rows.append((name, *numbers))
    headings = [Heading("Group"), Heading(sweep.knob, numeric=True)]
    headings += [Heading(text, numeric=True) for text in NUMBERS]
    table = html.Table([head(headings, view), plain_rows(rows)])
    notes = [*comparison.left_out, *_cautions(swept), *comparison.notes]
    return [
        verdicts.metric(comparison),
        html.H2("Settings"),
        scrolling(table, "Settings of the sweep"),
        *(html.P(note, className="method") for note in notes),
        html.P("This command prints the same numbers, and every pair of settings:"),
        html.Pre(_command(comparison, swept, snapshot)),
    ]


def _cautions(swept: KnobSweep) -> list[str]:
    """Return what else differs between the settings, and which groups are left out."""
    notes = []
    if swept.also:
        notes.append(f"Not only the knob: the settings also differ in {', '.join(swept.also)}.")
    if swept.left_out:
        groups = ", ".join(swept.left_out)
        notes.append(f"Left out, since they differ in more than {swept.knob}: {groups}.")
    return notes


def _command(comparison: Comparison, swept: KnobSweep, snapshot: Snapshot) -> str:
    names = list(swept.groups) if swept.left_out else [swept.experiment]
    words = ["ired-diag", "stats", *snapshot.words_for(names), "--sweep", swept.knob]
    words += ["--readout", comparison.readout]
    if comparison.metric != USUAL:
        words += ["--metric", comparison.metric]
    if comparison.direction == "option":
        words += options_in_words(higher_is_better=not comparison.lower_is_better)
    return shlex.join(words)
