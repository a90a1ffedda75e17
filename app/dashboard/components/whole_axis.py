"""The line under a chart's title that says which values its y axis leaves out, with the switch to see all."""

from __future__ import annotations

from dash import html

from app.dashboard.address import View
from app.dashboard.components.controls import switch
from ired_diag.drawing.data import FigureData, Panel
from ired_diag.drawing.first_fall import EARLY, range_of_panel


def whole_axis(view: View, figure: FigureData) -> html.Div | None:
    """Return the line; None where the axis shows all values and always would."""
    panel = figure.panels[0]
    if view.x is not None or view.y is not None:
        return None
    if panel.y_range is not None:
        return _line(f"The y axis leaves out {_left_out(panel)}.", is_whole=False)
    if view.whole and range_of_panel(panel) is not None:
        return _line("The y axis shows all values.", is_whole=True)
    return None


def _line(words: str, *, is_whole: bool) -> html.Div:
    return html.Div([html.Span(words), switch("whole", "Whole y axis", is_whole)], className="whole-axis")


def _left_out(panel: Panel) -> str:
    """Return which values have no place: they lie in the first part of a curve."""
    assert panel.y_range is not None
    low, high = panel.y_range
    ends = []
    if any((line.y > high).any() for line in panel.lines):
        ends.append(f"above {high:.4g}")
    if any((line.y < low).any() for line in panel.lines):
        ends.append(f"below {low:.4g}")
    return f"values {' and '.join(ends) or 'of bands'} in the first {100 * EARLY:.0f}% of a curve"
