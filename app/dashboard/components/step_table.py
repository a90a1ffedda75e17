"""The values of all groups at the step under the cursor, sorted: filled in the browser (assets/linked.js)."""

from __future__ import annotations

import dash
from dash import Input, Output, dcc, html

from app.dashboard.clientside import clientside
from app.dashboard.components.attributes import attributes

HEADINGS = ("Group", "Mean", "sd", "N", "At step")


def place(page: str) -> html.Div:
    """Return where a page's table will be; ``register`` lets the browser fill it."""
    headings = []
    for text in HEADINGS:
        name = "" if text == HEADINGS[0] else "number"
        headings.append(html.Th(text, scope="col", className=name))
    table = html.Table(
        [
            html.Caption("", id=f"{page}-step-words"),
            html.Thead(html.Tr(headings)),
            html.Tbody(id=f"{page}-step-rows"),
        ]
    )
    region = html.Div(
        table, className="scroll", tabIndex=0, role="region", **attributes(aria_label="Values at a step")
    )
    return html.Div([region, dcc.Store(id=f"{page}-values")], className="step-table")


def register(app: dash.Dash, page: str) -> None:
    """Let the browser fill the table as the cursor moves."""
    clientside(
        app,
        "linkedValues",
        Output(f"{page}-step-words", "children"),
        Input(f"{page}-values", "data"),
        Input("address", "search"),
    )
