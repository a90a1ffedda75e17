"""Live: the folder is looked at again and again, and a page changes only when something in it did.

An interval asks every few seconds; it rests in hidden tabs (assets/refresh.js) and asks at once when the
tab is seen again. The version of the catalog goes into the store ``version``, which pages listen to; while
nothing changed it is left alone, so that no page is drawn anew.
"""

from __future__ import annotations

from typing import Any

import dash
from dash import Input, Output, State, no_update

from app.dashboard.catalog import Catalog
from app.dashboard.clientside import clientside


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Add the callbacks that look for changes and tell when that was."""

    @app.callback(
        Output("version", "data"),
        Output("updated", "data"),
        Input("interval", "n_intervals"),
        Input("wake", "data"),
        State("version", "data"),
    )
    def look(_ticks: int, _woken: Any, shown: int | None) -> tuple[Any, float]:
        snapshot = catalog.refresh()
        return no_update if snapshot.version == shown else snapshot.version, snapshot.updated

    clientside(app, "updated", Input("updated", "data"))
