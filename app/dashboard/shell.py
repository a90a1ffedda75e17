"""The frame of every page: name, navigation, filter, "updated 4 s ago", theme, help.

The address is the only state. ``address`` (dcc.Location) holds it; assets/address.js writes it when a
control changes. ``frame`` is the address for which the page was laid out: it changes with the page, with
Back and with a link, and not with a control, whose change the page's own callbacks answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dash
from dash import ALL, Input, Output, dcc, html

from app.dashboard import pages
from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.clientside import clientside
from app.dashboard.components.attributes import attributes
from app.dashboard.components.table import empty
from app.dashboard.empty_pages import empty_pages
from ired_diag.errors import DiagError

# Dash's own without its script for old browsers, and with the language. plotly.js, of 5 MB, is read while the
# page asks for its content, not after: each component that draws looks for it before it loads it.
INDEX = """<!DOCTYPE html>
<html lang="en">
  <head>{%metas%}<title>{%title%}</title>{%favicon%}{%css%}</head>
  <body>
    <noscript>The dashboard needs JavaScript. For the same numbers without it: ired-diag diagnose</noscript>
    {%app_entry%}
    <footer>
      {%config%}{%scripts%}{%renderer%}
      <script src="/_dash-component-suites/plotly/package_data/plotly.min.js"></script>
    </footer>
  </body>
</html>"""
KEYS = (
    ("/", "Go to the filter"),
    ("j  k", "Next and previous row"),
    ("Enter", "Open the row"),
    ("Esc", "Leave the filter, close this, or go back"),
    ("t", "Theme: as the system, light, dark"),
    ("?", "This help"),
)
CARRIED = (
    "filter",
    "theme",
    "groups",
    "highlight",
    "hidden",
    "metric",
    "higher",
    "readout",
    "smooth",
)  # from page to page


def layout(catalog: Catalog, interval: float) -> html.Div:
    """Return the shell, without a page in it."""
    return html.Div(
        [
            dcc.Location(id="address", refresh=False),
            dcc.Store(id="frame"),
            dcc.Store(id="version"),
            dcc.Store(id="updated"),
            dcc.Store(id="wake"),
            dcc.Interval(id="interval", interval=int(1000 * interval)),
            html.A("Skip to the content", href="#content", className="skip"),
            _header(catalog),
            html.Main(id="content", tabIndex=-1, className="content"),
            _help(),
        ],
        className="shell",
    )


def navigation(view: View, empty_pages: Mapping[str, str]) -> list[html.A]:
    """Return a link to each page; it keeps the filter, the groups and the theme.

    Args:
        view: Choices of the reader.
        empty_pages: Why pages hold nothing, by name; their links are grey.
    """
    links = []
    carried = {key: getattr(view, key) for key in CARRIED}
    for name in pages.names():
        if name == "run" and view.page != "run":  # a run's page is reached from a table
            continue
        marks = attributes(data_page=name)
        if name == view.page:
            marks |= attributes(aria_current="page")
        address = View(page=name, **carried).to_query() or "/"
        reason = empty_pages.get(name)
        classes = "nav-link" if reason is None else "nav-link nothing"
        links.append(html.A(pages.load(name).title, href=address, className=classes, title=reason, **marks))
    return links


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Add the callbacks of the shell and of all pages."""

    @app.callback(
        Output("content", "children"),
        Output("navigation", "children"),
        Output({"view": "filter"}, "value"),
        Input("frame", "data"),
        prevent_initial_call=True,
    )
    def show(frame: dict[str, Any]) -> tuple[Any, Any, str]:
        view = catalog.view(frame["search"])
        if view.page not in pages.names():
            view = replace(view, page=pages.FIRST)
        try:
            content = pages.load(view.page).layout(view, catalog)
        except DiagError as error:
            content = empty(str(error))
        if words := not_logged(frame["search"], catalog):
            content = [html.Div(words, id="not-logged", role="status"), content]
        reasons = empty_pages(catalog.snapshot(), catalog.records)
        return content, navigation(view, reasons), view.filter

    @app.callback(
        Output("not-logged", "children"),
        Input("address", "search"),
        Input("version", "data"),
        prevent_initial_call=True,
    )
    def tell(search: str, _version: int) -> str:
        return not_logged(search, catalog)

    clientside(app, "frame", Output("frame", "data"), Input("address", "search"))
    clientside(app, "write", Input({"view": ALL}, "value"), initially=False)
    for name in pages.names():
        pages.load(name).register(app, catalog)


def not_logged(search: str, catalog: Catalog) -> str:
    """Return the line that says that no run logs the metric of an address; empty where one does."""
    metric = View.from_query(search).metric
    if not catalog.lacks(metric):
        return ""
    return f"No run here logs {metric!r}, the metric in the address: the page shows the default metric."


def _header(catalog: Catalog) -> html.Header:
    return html.Header(
        [
            html.Div(
                [
                    html.A("ired-diag", href="/", className="brand", **attributes(data_page=pages.FIRST)),
                    html.Span(catalog.root.name or str(catalog.root), className="root"),
                ],
                className="name",
            ),
            html.Nav(id="navigation", className="navigation", **attributes(aria_label="Pages")),
            html.Div(
                [
                    html.Label("Filter runs", htmlFor="filter-box", className="unseen"),
                    html.Div(
                        dcc.Input(
                            id={"view": "filter"}, type="search", debounce=0.25, placeholder="Filter runs  /"
                        ),
                        id="filter-box",
                        className="filter",
                    ),
                    html.Span("", id="updated-text", className="updated"),
                    _button("theme-button", "Theme", "Theme (t)"),
                    _button("help-button", "?", "Help (?)"),
                ],
                className="tools",
            ),
        ],
        className="header",
    )


def _button(name: str, text: str, title: str) -> html.Button:
    return html.Button(text, id=name, title=title, type="button", className="button")


def _help() -> html.Dialog:
    rows = [html.Div([html.Dt(html.Kbd(key)), html.Dd(action)]) for key, action in KEYS]
    return html.Dialog(
        [
            html.H2("Keyboard", id="help-title"),
            html.Dl(rows),
            html.P(
                "The address holds the whole view: a copy of it shows the same. Nothing here changes a run."
            ),
            html.Button("Close", id="help-close", type="button", className="button"),
        ],
        id="help",
        className="help",
        **attributes(aria_labelledby="help-title"),
    )
