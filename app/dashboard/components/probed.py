"""Distributions at the step under the cursor, of right answers and negatives: drawn in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash
from dash import Input, Output, dcc, html

from app.dashboard.clientside import clientside
from app.dashboard.components.attributes import attributes
from ired_diag.drawing.palette import BLACK, style_of
from ired_diag.drawing.quantities import KINDS, QUANTITIES

KIND_NAMES = {
    "positive": "right answers",
    "random": "random negatives",
    "start": "start of mining",
    "adversarial": "adversarial negatives",
    "control": "control",
}


def place(page: str, quantities: Sequence[str]) -> html.Div:
    """Return where the distributions will be; it is hidden until there are any."""
    pictures = []
    for name in quantities:
        words = f"Distribution of the {QUANTITIES[name].label.partition('  (')[0]}"
        picture = html.Div(
            id=f"{page}-{name}", className="distribution", role="img", **attributes(aria_label=words)
        )
        pictures.append(html.Figure([html.H2(words), picture], className="chart compact"))
    return html.Div(
        [
            html.P("", id=f"{page}-probed-words", className="count"),
            html.Div(pictures, className="side-by-side"),
            html.Div([_legend(kind) for kind in KINDS], className="legend"),
            dcc.Store(id=f"{page}-binned"),
        ],
        id=f"{page}-probed",
        hidden=True,
    )


def register(app: dash.Dash, page: str) -> None:
    """Let the browser draw the distributions as the cursor moves."""
    clientside(
        app,
        "linkedBins",
        Output(f"{page}-probed-words", "children"),
        Input(f"{page}-binned", "data"),
        Input("address", "search"),
    )


def _legend(kind: str) -> html.Span:
    colour = style_of(kind, 0).colour
    style: dict[str, Any] = {} if colour == BLACK else {"background": colour}
    return html.Span([html.Span("", className="swatch", style=style), KIND_NAMES[kind]])
