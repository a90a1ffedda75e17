"""Export this view: the command that draws the same picture for a paper, with its data and provenance.

What the command draws is what the page shows, but for zoom and axis: the same groups, metric and settings.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence

import dash
from dash import Input, Output, html

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components.copying import copyable
from app.dashboard.curve_figures import drawn_groups
from app.dashboard.snapshot import Snapshot
from app.pictures import RECIPES
from ired_diag.comparison.margin import Margin
from ired_diag.errors import DiagError
from ired_diag.runs.judged import usual_metric
from ired_diag.runs.run import Run

Groups = Mapping[str, Sequence[Run]]
Option = Callable[[View, Groups], tuple[str, ...]]
Build = Callable[[View, Snapshot], html.Section | None]


def export(
    view: View,
    snapshot: Snapshot,
    picture: str,
    *,
    groups: Groups | None = None,
    options: Sequence[str] = (),
    note: str = "",
) -> html.Section | None:
    """Return the command that draws a view for a paper, with a button that copies it; None without a group.

    Args:
        view: What is looked at.
        snapshot: The study.
        picture: Its name, of ``app.pictures.RECIPES``.
        groups: Runs by group, the first of which the others are compared with; without, the groups that are
            chosen and not hidden.
        options: Further words of the command line.
        note: In what the command draws something else than the page shows.
    """
    words = command(view, snapshot, picture, groups=groups, options=options)
    if not words:
        return None
    return html.Section(
        [
            html.H2("Export this view"),
            html.P(f"For a paper, as PDF, SVG and PNG, with data and provenance beside them. {note}".strip()),
            copyable(shlex.join(words)),
        ],
        className="export",
    )


def place(page: str) -> html.Div:
    """Return where a page's export will be; ``register`` fills it."""
    return html.Div(id=f"{page}-export")


def register(app: dash.Dash, catalog: Catalog, page: str, build: Build) -> None:
    """Keep a page's export as the address and the folder tell.

    Args:
        app: The dashboard.
        catalog: Tells the study.
        page: As in ``place``.
        build: Returns the export of a view; where a ``DiagError`` says that there is nothing to draw, none
            is shown.
    """

    @app.callback(Output(f"{page}-export", "children"), Input("address", "search"), Input("version", "data"))
    def show(search: str, _version: int) -> html.Section | None:
        try:
            view = View.from_query(search)
            return build(view, catalog.judged(view))
        except DiagError:
            return None


def command(
    view: View,
    snapshot: Snapshot,
    picture: str,
    *,
    groups: Groups | None = None,
    options: Sequence[str] = (),
) -> list[str]:
    """Return the words of the command that draws a view, as ``export``; none where no group is shown.

    Raises:
        ValueError: There is no such picture.
    """
    if picture not in RECIPES:
        raise ValueError(f"no picture is called {picture!r}: expected one of {', '.join(RECIPES)}")
    shown = drawn_groups(view, snapshot) if groups is None else groups
    if not shown:
        return []
    settings = [word for option in _OPTIONS.get(picture, ()) for word in option(view, shown)]
    where, names = _named(shown, snapshot, swept=picture == "sweep")
    dashes = ["--"] if any(name.startswith("-") for name in names) else []
    return ["ired-diag", "figures", *where, "--only", picture, *settings, *options, *dashes, *names]


def _named(groups: Groups, snapshot: Snapshot, *, swept: bool) -> tuple[list[str], list[str]]:
    """Return where the runs are and how they are named.

    Where not all seeds of a group are shown, or where a name would be taken for a path, it is the places of
    the runs. A sweep is over all variants of its experiments.
    """
    whole = {name: len(entries) for name, entries in snapshot.groups().items()}
    if any("/" in name or len(runs) < whole.get(name, 0) for name, runs in groups.items()):
        places = dict.fromkeys(str(run.path) for runs in groups.values() for run in runs)
        return list(snapshot.options), list(places)
    names = [runs[0].experiment for runs in groups.values()] if swept else list(groups)
    called = dict.fromkeys(snapshot.patterns.get(name, name) for name in names)
    return ["--runs", str(snapshot.root), *snapshot.options], list(called)


def _metric(view: View, groups: Groups) -> tuple[str, ...]:
    metric = view.metric or usual_metric(run for runs in groups.values() for run in runs)
    return ("--metric", metric) if metric else ()


def _direction(view: View, _groups: Groups) -> tuple[str, ...]:
    if view.higher_is_better is None:
        return ()
    return ("--higher-is-better",) if view.higher_is_better else ("--lower-is-better",)


def _smooth(view: View, _groups: Groups) -> tuple[str, ...]:
    return ("--smooth", str(view.smooth)) if view.smooth else ()


def _band(view: View, _groups: Groups) -> tuple[str, ...]:
    return ("--band", view.band) if view.band != View.band else ()


def _start(view: View, _groups: Groups) -> tuple[str, ...]:
    return ("--from", str(view.step)) if view.step is not None else ()


def _readout(view: View, _groups: Groups) -> tuple[str, ...]:
    return ("--readout", view.readout)


def _margin(view: View, _groups: Groups) -> tuple[str, ...]:
    if view.margin == View.margin:
        return ()
    return ("--margin", view.margin.text if isinstance(view.margin, Margin) else f"{view.margin!r}")


def _sweep(view: View, _groups: Groups) -> tuple[str, ...]:
    return ("--sweep", view.knob) if view.knob else ()


def _form(view: View, _groups: Groups) -> tuple[str, ...]:
    return ("--form", view.form) if view.form else ()


def _quantity(view: View, _groups: Groups) -> tuple[str, ...]:
    return ("--quantity", view.quantity) if view.quantity else ()


_OPTIONS: Mapping[str, tuple[Option, ...]] = {
    "learning-curves": (_metric, _direction, _smooth, _band, _start),
    "plateau-curves": (_metric, _direction, _smooth, _band),
    "paired-differences": (_metric, _direction, _readout, _margin),
    "readouts": (_metric, _direction, _readout, _margin),
    "evaluation-noise": (_metric, _direction, _readout, _margin),
    "rank-map": (_metric, _direction, _readout, _margin),
    "critical-difference": (_metric, _direction, _readout, _margin),
    "sweep": (_metric, _direction, _readout, _margin, _sweep),
    "energy-gap": (_smooth,),
    "positive-energy": (_smooth,),
    "distributions": (_form, _quantity),
}
