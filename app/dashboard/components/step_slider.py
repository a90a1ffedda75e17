"""A slider over the steps at which a run was probed, and the way back to the last one.

It goes from place to place, so that an arrow key always leads to the next step, near or far;
assets/slider.js writes the step of a place into the address.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import dash
from dash import Input, dcc, html

from app.dashboard.address import View
from app.dashboard.clientside import clientside
from app.dashboard.components.attributes import attributes

MOST_LABELS = 6  # more would overlap on a narrow page


def register(app: dash.Dash, name: str) -> None:
    """Write the step of a slider into the address as it moves."""
    clientside(app, "slid", Input(name, "value"), initially=False)


def step_slider(name: str, steps: Sequence[int], view: View) -> html.Div | None:
    """Return a slider that writes ``View.step``; None where there is nothing to slide over.

    Args:
        name: Id of the slider.
        steps: The steps, ascending.
        view: Choices of the reader; without a step, the last step of each run is shown.
    """
    if len(steps) < 2:
        return None
    marks = attributes(data_page=view.page)
    place = len(steps) - 1
    if view.step is None:
        marks |= attributes(aria_current="step")
    else:
        distances = [abs(step - view.step) for step in steps]
        place = distances.index(min(distances))
    address = replace(view, step=None).to_query()
    last = html.A("last of each run", href=address, className="chip", **marks)
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
    """Return a mark for each step; of many steps, only every few marks have a label."""
    every = math.ceil(len(steps) / MOST_LABELS)
    marks = dict.fromkeys(range(len(steps)), "")
    for place in range(0, len(steps), every):
        marks[place] = f"{steps[place]:,}"
    return marks
