"""A slider over the steps at which a run was probed, and the way back to the last one.

It goes from place to place, so that an arrow key is one step further however far apart they are;
assets/slider.js writes the step of a place into the address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import dash
from dash import Input, dcc, html

from app.dashboard.address import View
from app.dashboard.clientside import clientside
from app.dashboard.components.attributes import attributes

MOST_LABELS = 6


def register(app: dash.Dash, name: str) -> None:
    """Write the step of a slider into the address as it moves."""
    clientside(app, "slid", Input(name, "value"), initially=False)


def step_slider(name: str, steps: Sequence[int], view: View) -> html.Div | None:
    """Return a slider that writes ``View.step``; None where there is nothing to slide over.

    Args:
        name: Its id.
        steps: Ascending.
        view: The one that is shown: without a step, each run's last one is.
    """
    if len(steps) < 2:
        return None
    shown = steps[-1] if view.step is None else view.step
    place = min(range(len(steps)), key=lambda place: abs(steps[place] - shown))
    last = html.A(
        "last of each run",
        href=replace(view, step=None).to_query(),
        className="chip",
        **attributes(data_page=view.page, **({"aria-current": "step"} if view.step is None else {})),
    )
    slider = dcc.Slider(
        id=name,
        min=0,
        max=len(steps) - 1,
        step=1,
        value=place,
        marks=_marks(steps),
        included=False,
        updatemode="drag",
        allow_direct_input=False,
    )
    return html.Div(
        [html.Div([html.Span("Training step"), last], className="chips"), slider],
        className="control step-slider",
        role="group",
        **attributes(aria_label="Training step", data_steps=" ".join(map(str, steps))),
    )


def _marks(steps: Sequence[int]) -> dict[int, str]:
    """Return a mark for each step; of many, some say which they are."""
    every = -(-len(steps) // MOST_LABELS)
    return {place: f"{step:,}" if place % every == 0 else "" for place, step in enumerate(steps)}
