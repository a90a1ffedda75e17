"""Sweeps: how the readout answers one knob, over the variants of an experiment.

Which sweeps there are is told by the configurations (``comparison.knobs``); the answer is that of
``ired-diag stats --sweep``, kept as long as no run of the sweep changes.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import Any

import dash
from dash import Input, Output, html

from app.dashboard.address import READOUTS, View
from app.dashboard.catalog import Catalog
from app.dashboard.components import chart, export, verdicts
from app.dashboard.components.controls import choice
from app.dashboard.components.judging import direction_choice
from app.dashboard.components.table import Heading, empty, head, plain_rows, scrolling
from app.dashboard.remembered import Remembered
from app.dashboard.shown import kept_groups
from app.dashboard.snapshot import Snapshot
from ired_diag.comparison import Comparison, compare
from ired_diag.comparison.knobs import KnobSweep, sweeps_in
from ired_diag.comparison.words import READOUT_NAMES
from ired_diag.errors import DiagError, NotFound
from ired_diag.figures.data import FigureData
from ired_diag.figures.sweep_response import sweep_figure
from ired_diag.runs.evaluation_metric import USUAL
from ired_diag.runs.judged import usual_metric

TITLE = "Sweeps"
NONE = (
    "No sweep here: no experiment has two groups of runs whose configurations differ in the value of one "
    "knob. To train one, ten seeds a setting, and to list others:"
)
COMMANDS = "ired-diag train q301 --seeds 0-9\nired-diag train --list"


@dataclass(frozen=True)
class _Asked:
    """A sweep, and what is read out of it."""

    sweep: KnobSweep
    every: tuple[KnobSweep, ...]
    metric: str
    metrics: tuple[str, ...]


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
    """Keep controls, chart and table as the address and the folder tell."""
    kept: Remembered[Comparison] = Remembered()

    def answered(view: View, snapshot: Snapshot) -> Comparison:
        return _answer(_asked(view, snapshot), view, kept)

    def build(view: View, snapshot: Snapshot) -> FigureData:
        return sweep_figure(answered(view, snapshot))

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
        view = View.from_query(search)
        snapshot = catalog.judged(view)
        try:
            asked = _asked(view, snapshot)
        except NotFound as nothing:
            return None, empty(str(nothing), COMMANDS), True
        try:
            told = _table(answered(view, snapshot), asked.sweep, view, snapshot)
        except DiagError:  # the chart tells it
            told = None
        return _controls(asked, view), told, False


def _export(view: View, snapshot: Snapshot) -> html.Section | None:
    asked = _asked(view, snapshot)
    told = replace(view, knob=asked.sweep.knob, metric=asked.metric)
    return export.export(told, snapshot, "sweep", groups=asked.sweep.groups)


def _asked(view: View, snapshot: Snapshot) -> _Asked:
    """Return the sweep that a view chooses, or the first there is.

    Raises:
        NotFound: There is none.
    """
    every = tuple(sweeps_in(kept_groups(view, snapshot)))
    if not every:
        raise NotFound(NONE)
    same = [one for one in every if one.experiment == view.experiment] or [
        one for one in every if one.experiment == every[0].experiment
    ]
    sweep = next((one for one in same if one.knob == view.knob), same[0])
    runs = [run for some in sweep.groups.values() for run in some]
    metrics = tuple(sorted({name for run in runs for name in run.history.series}))
    usual = usual_metric(runs) or USUAL
    return _Asked(sweep, every, view.metric if view.metric in metrics else usual, metrics)


def _answer(asked: _Asked, view: View, kept: Remembered[Comparison]) -> Comparison:
    """Return the comparison of a sweep's groups; computed anew only where a run of them has changed."""
    sweep = asked.sweep
    settings = (sweep.experiment, sweep.knob, asked.metric, view.readout, view.higher)
    runs = [run for some in sweep.groups.values() for run in some]
    return kept.get(
        runs,
        settings,
        lambda: compare(
            sweep.groups,
            metric=asked.metric,
            readout=view.readout,
            lower_is_better=None if view.higher_is_better is None else not view.higher_is_better,
            knob=sweep.knob,
        ),
    )


def _controls(asked: _Asked, view: View) -> html.Div:
    experiments = list(dict.fromkeys(one.experiment for one in asked.every))
    runs = [replace(run, higher_is_better=None) for some in asked.sweep.groups.values() for run in some]
    knobs = [one.knob for one in asked.every if one.experiment == asked.sweep.experiment]
    return html.Div(
        [
            choice("experiment", "Experiment", [(e, e) for e in experiments], asked.sweep.experiment),
            choice("knob", "Knob", [(k, k) for k in knobs], asked.sweep.knob),
            choice("metric", "Metric", [(m, m) for m in asked.metrics], asked.metric),
            choice("readout", "Readout", [(r, READOUT_NAMES[r]) for r in READOUTS], view.readout),
            direction_choice(view, runs, asked.metric),
        ],
        className="controls",
    )


def _table(comparison: Comparison, swept: KnobSweep, view: View, snapshot: Snapshot) -> list[Any]:
    sweep = comparison.sweep
    if sweep is None:
        return []
    response = sweep.response
    rows = [
        (name, value, one.n, one.mean, one.sd, one.low, one.high, 100 * share)
        for name, value, one, share in zip(
            sweep.groups, response.knob, response.curve, response.times_best, strict=True
        )
    ]
    numbers = (sweep.knob, "Seeds", "Mean", "Sd", "95% interval from", "to", "Best in % of resampled studies")
    headings = [Heading("Group"), *(Heading(text, numeric=True) for text in numbers)]
    table = html.Table([head(headings, view), plain_rows(rows)])
    return [
        verdicts.metric(comparison),
        html.H2("Settings"),
        scrolling(table, "Settings of the sweep"),
        *(
            html.P(note, className="method")
            for note in (*comparison.left_out, *_caution(swept), *comparison.notes)
        ),
        html.P("The same numbers, and every pair of settings, are told by:"),
        html.Pre(_command(comparison, swept, snapshot)),
    ]


def _caution(swept: KnobSweep) -> list[str]:
    """Return what else differs between the settings, and which groups are left out."""
    notes = []
    if swept.also:
        notes.append(f"Not the knob alone: the settings also differ in {', '.join(swept.also)}.")
    if swept.left_out:
        notes.append(f"Left out, since more than {swept.knob} sets them apart: {', '.join(swept.left_out)}.")
    return notes


def _command(comparison: Comparison, swept: KnobSweep, snapshot: Snapshot) -> str:
    names = list(swept.groups) if swept.left_out else [swept.experiment]
    told = ["ired-diag", "stats", *snapshot.words_for(names), "--sweep", swept.knob]
    told += ["--readout", comparison.readout]
    told += [] if comparison.metric == USUAL else ["--metric", comparison.metric]
    if comparison.direction == "option":
        told.append("--lower-is-better" if comparison.lower_is_better else "--higher-is-better")
    return shlex.join(told)
