"""The box at the pointer holds the name of a line: next to it, a pale name would not be read."""

from __future__ import annotations

import numpy as np

from ired_diag.drawing import plotly
from ired_diag.drawing.data import FigureData, Line, Panel


def test_the_name_of_a_seed_is_in_the_box() -> None:
    x = np.arange(3.0)
    line = Line("a/seed0", x, x, of="a", faint=True)
    panel = Panel(y_label="loss", lines=(line, Line("a", x, x)))
    figure = FigureData(name="c", title="c", x_label="step", panels=(panel,), method="m")
    templates = [trace.hovertemplate for trace in plotly.draw(figure).data]
    assert templates == ["%{fullData.name}<br>%{x:,}: %{y:.6g}<extra></extra>"] * 2
