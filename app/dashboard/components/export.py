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
from app.next_command import options_in_words
from app.run_groups import all_runs
from ired_diag.errors import DiagError
from ired_diag.runs.judged import usual_metric
from ired_diag.runs.run import Run

Groups = Mapping[str, Sequence[Run]]
Build = Callable[[View, Snapshot], html.Section | None]

FOR_A_PAPER = "For a paper, as PDF, SVG and PNG, with data and provenance next to them."
COMPARED = ("metric", "direction", "readout", "margin")
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "learning-curves": ("metric", "direction", "smooth", "band", "from"),
    "plateau-curves": ("metric", "direction", "smooth", "band"),
    "paired-differences": COMPARED,
    "readouts": COMPARED,
    "evaluation-noise": COMPARED,
    "rank-map": COMPARED,
    "critical-difference": COMPARED,
    "sweep": (*COMPARED, "sweep"),
    "energy-gap": ("smooth",),
    "positive-energy": ("smooth",),
    "distributions": ("form", "quantity"),
}  # of ``ired-diag figures``, by picture
FIELDS = {"sweep": "knob"}  # of ``View``, where the option has another name


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
        view: Choices of the reader.
        snapshot: The study.
        picture: Name of the picture in ``app.pictures.RECIPES``.
        groups: Runs by group; the others are compared with the first one. None: the groups that are chosen
            and not hidden.
        options: Further words of the command line.
        note: Sentence on what the command draws differently from the page.
    """
    words = command(view, snapshot, picture, groups=groups, options=options)
    if not words:
        return None
    return html.Section(
        [
            html.H2("Export this view"),
            html.P(f"{FOR_A_PAPER} {note}".strip()),
            copyable(shlex.join(words)),
        ],
        className="export",
    )


def of_pictures(
    view: View, snapshot: Snapshot, pictures: Sequence[str], groups: Groups
) -> html.Section | None:
    """Return the command that draws several pictures of the same groups."""
    first, *others = pictures
    options: list[str] = []
    for name in others:
        options += ["--only", name]
    return export(view, snapshot, first, groups=groups, options=options)


def place(page: str) -> html.Div:
    """Return where a page's export will be; ``register`` fills it."""
    return html.Div(id=f"{page}-export")


def register(app: dash.Dash, catalog: Catalog, page: str, build: Build) -> None:
    """Keep a page's export up to date with the address and the folder.

    Args:
        app: The dashboard.
        catalog: The study.
        page: Name of the page, as in ``place``.
        build: Returns the export of a view. Where it raises a ``DiagError``, there is nothing to draw, and no
            export is shown.
    """

    @app.callback(Output(f"{page}-export", "children"), Input("address", "search"), Input("version", "data"))
    def show(search: str, _version: int) -> html.Section | None:
        try:
            view = catalog.view(search)
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
    from app.pictures import RECIPES

    if picture not in RECIPES:
        raise ValueError(f"no picture is called {picture!r}: expected one of {', '.join(RECIPES)}")
    if groups is None:
        groups = drawn_groups(view, snapshot)
    if not groups:
        return []
    settings: list[str] = []
    for option in OPTIONS.get(picture, ()):
        settings += _words(option, view, groups)
    where, names = _named(groups, snapshot, swept=picture == "sweep")
    if any(name.startswith("-") for name in names):
        names.insert(0, "--")
    return ["ired-diag", "figures", *where, "--only", picture, *settings, *options, *names]


def _named(groups: Groups, snapshot: Snapshot, *, swept: bool) -> tuple[list[str], list[str]]:
    """Return where the runs are, and their names.

    Where not all seeds of a group are shown, or where a name would be taken for a path, the names are the
    paths of the runs. A sweep is over all variants of its experiments.
    """
    sizes = {name: len(entries) for name, entries in snapshot.groups().items()}
    if any("/" in name or len(runs) < sizes.get(name, 0) for name, runs in groups.items()):
        paths = dict.fromkeys(str(run.path) for run in all_runs(groups))
        return list(snapshot.options), list(paths)
    names = list(groups)
    if swept:
        names = [runs[0].experiment for runs in groups.values()]
    arguments = dict.fromkeys(snapshot.argument_of(name) for name in names)
    return ["--runs", str(snapshot.root), *snapshot.options], list(arguments)


def _words(option: str, view: View, groups: Groups) -> list[str]:
    """Return the words of an option in a view; none where it is at its default."""
    if option == "direction":
        return list(options_in_words(higher_is_better=view.higher_is_better))
    value = _value(option, view, groups)
    if not value:
        return []
    return [f"--{option}", value]


def _value(option: str, view: View, groups: Groups) -> str | None:
    """Return the value of an option as the command line writes it; empty where it is at its default."""
    if option == "metric":
        return view.metric or usual_metric(all_runs(groups))
    if option == "margin":
        return margin_in_words(view)
    if option == "from":
        return None if view.step is None else str(view.step)
    if option == "band" and view.band == View.band:
        return None
    return str(getattr(view, FIELDS.get(option, option)) or "")


def margin_in_words(view: View) -> str | None:
    """Return a margin as the command line writes it; None where it is the default."""
    if view.margin == View.margin:
        return None
    if isinstance(view.margin, float):
        return repr(view.margin)
    return view.margin.text
