"""The end of learning curves: which steps and values the axes hold."""

from __future__ import annotations

import numpy as np
import pytest

from app.dashboard.address import View
from app.dashboard.components.whole_axis import whole_axis
from app.dashboard.curve_figures import after_first_fall
from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.end_of_curves import at_the_end


def falling(scale: str = "linear", *, steps: int = 101) -> Panel:
    x = np.linspace(0, 1000, steps)
    lines = (Line("a", x, 10 / (1 + x)), Line("b", x, 20 / (1 + x)))
    return Panel(y_label="loss", lines=lines, y_scale=scale)  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_the_axes_hold_the_last_fifth_and_no_more(scale: str) -> None:
    panel = at_the_end(falling(scale))
    assert panel is not None and panel.x_range is not None and panel.y_range is not None
    assert panel.x_range[0] == 800
    assert 1000 < panel.x_range[1] < 1020
    low, high = panel.y_range
    assert 0.9 * 10 / 1001 < low < 10 / 1001
    assert 20 / 801 < high < 1.1 * 20 / 801


def test_too_few_steps_have_no_end() -> None:
    assert at_the_end(falling(steps=4)) is None
    assert at_the_end(Panel(y_label="loss", lines=())) is None


def test_a_curve_that_ended_before_does_not_stretch_the_axis() -> None:
    x = np.linspace(0, 500, 51)
    panel = falling()
    early = Panel(y_label="loss", lines=(*panel.lines, Line("c", x, np.full(51, 99.0))))
    end = at_the_end(early)
    assert end is not None and end.y_range is not None
    assert end.y_range[1] < 0.03


def test_the_switch_is_offered_and_says_what_is_shown() -> None:
    figure = FigureData(name="c", title="Curves", method="m", x_label="step", panels=(falling(),))
    assert "The end" in str(whole_axis(View(), figure))
    shown = after_first_fall(View(end=True), figure)
    assert isinstance(shown, FigureData)
    assert "The axes show the last fifth of the steps." in str(whole_axis(View(end=True), shown))
    zoomed = View(end=True, x=(0, 10))
    assert after_first_fall(zoomed, figure) is figure
    assert whole_axis(zoomed, figure) is None
