"""A slider over the steps at which a run was probed, and the way back to the last one.

Its scale is that of the charts beneath: steps that are far apart lie far apart. It rests at steps only;
assets/slider.js writes the step into the address, moves the knob to the step that the address holds, and
leads to the next step by an arrow key, near or far.
"""

from __future__ import annotations

from collections.abc import Sequence

import dash
import numpy as np
from dash import Input, dcc, html

from app.dashboard.address import View
from app.dashboard.clientside import clientside
from app.dashboard.components.attributes import attributes

MOST_LABELS = 6  # more would overlap on a narrow page


def register(app: dash.Dash, name: str) -> None:
    """Write the step of a slider into the address as it moves, and let it follow the address."""
    clientside(app, "slid", Input(name, "value"), initially=False)
    clientside(app, "followStep", Input("address", "search"))


def step_slider(
    name: str,
    steps: Sequence[int],
    view: View,
    *,
    rest: int | None = None,
    rest_words: str = "last of each run",
) -> html.Div | None:
    """Return a slider that writes ``View.step``; None where there is nothing to slide over.

    Args:
        name: Id of the slider.
        steps: The steps, ascending.
        view: Choices of the reader.
        rest: Step where the knob rests while none is chosen. Default: the last one.
        rest_words: What is shown then.
    """
    if len(steps) < 2:
        return None
    resting = steps[-1] if rest is None else _nearest(steps, rest)
    step = resting if view.step is None else _nearest(steps, view.step)
    keys = attributes(data_key="step", data_value="", aria_pressed=view.step is None)
    last = html.Button(rest_words, type="button", className="chip", **keys)
    listed = " ".join(map(str, steps))
    slider = dcc.Slider(
        id=name,
        min=steps[0],
        max=steps[-1],
        step=None,
        value=step,
        marks=_marks(steps),
        included=False,
        updatemode="drag",
        allow_direct_input=False,
    )
    return html.Div(
        [html.Div([html.Span("Training step"), last], className="chips"), slider],
        className="control step-slider",
        role="group",
        **attributes(
            aria_label="Training step",
            data_steps=listed,
            data_slider=name,
            data_rest=resting,
        ),
    )


def _marks(steps: Sequence[int]) -> dict[int, str]:
    """Return a mark for each step; of many steps, only a few marks evenly apart have a label."""
    marks = dict.fromkeys(steps, "")
    for place in np.linspace(steps[0], steps[-1], min(len(steps), MOST_LABELS)):
        nearest = _nearest(steps, place)
        marks[nearest] = f"{nearest:,}"
    return marks


def _nearest(steps: Sequence[int], place: float) -> int:
    return min(steps, key=lambda step: abs(step - place))
