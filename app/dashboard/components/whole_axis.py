"""The line under a chart's title that says what its axes leave out, with switches to see all or the end."""

from __future__ import annotations

from dash import html

from app.dashboard.address import View
from app.dashboard.components.controls import switch
from ired_diag.drawing.data import FigureData, Panel
from ired_diag.drawing.end_of_curves import at_the_end
from ired_diag.drawing.first_fall import EARLY, range_of_panel


def whole_axis(view: View, figure: FigureData) -> html.Div | None:
    """Return the line; None where a reader zoomed in, or where there is nothing to switch."""
    panel = figure.panels[0]
    if view.x is not None or view.y is not None:
        return None
    end = switch("end", "The end", view.end)
    if view.end and panel.x_range is not None:
        return _line("The axes show the last fifth of the steps.", end)
    ends = [end] if at_the_end(panel) is not None else []
    if panel.y_range is not None:
        words = f"The y axis leaves out {_left_out(panel)}."
        return _line(words, switch("whole", "Whole y axis", False), *ends)
    if view.whole and range_of_panel(panel) is not None:
        return _line("The y axis shows all values.", switch("whole", "Whole y axis", True), *ends)
    return _line("", *ends) if ends else None


def _line(words: str, *switches: html.Button) -> html.Div:
    said = [html.Span(words)] if words else []
    return html.Div([*said, *switches], className="whole-axis")


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
