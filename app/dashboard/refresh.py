"""Live: the folder is looked at again and again, and a page changes only when the folder has changed.

An interval asks every few seconds; it rests in hidden tabs (assets/refresh.js) and asks at once when the
tab is seen again. The version of the catalog goes into the store ``version``, to which pages listen. While
nothing changes, the store stays as it is, so that no page is drawn again.
"""

from __future__ import annotations

from typing import Any

import dash
from dash import Input, Output, State, no_update

from app.dashboard.catalog import Catalog
from app.dashboard.clientside import clientside


def register(app: dash.Dash, catalog: Catalog) -> None:
    """Add the callbacks that look for changes and show the time of the last look."""

    @app.callback(
        Output("version", "data"),
        Output("updated", "data"),
        Input("interval", "n_intervals"),
        Input("wake", "data"),
        State("version", "data"),
    )
    def look(_ticks: int, _woken: Any, shown: int | None) -> tuple[Any, float]:
        snapshot = catalog.refresh()
        if snapshot.version == shown:
            return no_update, snapshot.updated
        return snapshot.version, snapshot.updated

    clientside(app, "updated", Input("updated", "data"))
