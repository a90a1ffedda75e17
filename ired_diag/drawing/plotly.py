"""Pictures for the screen, by plotly: one HTML file that asks nothing of the network."""

from __future__ import annotations

import math
from pathlib import Path

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from ired_diag.drawing.data import FigureData, Panel, Scale
from ired_diag.drawing.label_lines import broken_name
from ired_diag.drawing.plotly_text import as_written, in_lines
from ired_diag.drawing.plotly_traces import GREY, traces_of
from ired_diag.runs.files import write_atomically

HEIGHT = 420
ROW_HEIGHT = 230  # of a panel that stands above another
SIDE_BY_SIDE = 2  # panels, on a page of usual width
METHOD_LETTERS, METHOD_LINE = 120, 18  # of a line of the method above a picture; pixels of its height
LABEL_LETTERS = 25  # of a y label, before it is broken: a panel is not higher
TICK_LETTERS = 78  # of names on the x axis of a panel as wide as a narrow page
TICK_LINES = 5  # of such a name, before it is turned
TURNED = 30  # degrees
LINE, LETTER = 15, 3.5  # pixels that a line of a name, or a letter of a turned one, reaches downwards
SCRIPT = "plotly.min.js"
# No logo, and no button that would upload the picture: plotly 7 shows one by default.
CONFIG = {"displaylogo": False, "responsive": True, "showSendToCloud": False, "plotlyServerURL": ""}
ANCHORS = {"left": "left", "center": "center", "right": "right"}


def draw(figure: FigureData, *, titled: bool = True) -> go.Figure:
    """Return a picture, two panels side by side; more, or those that ask for it, above each other.

    Args:
        figure: Its data.
        titled: Whether title and method stand above it; a page may show them itself.
    """
    count = len(figure.panels)
    shares_x = figure.shares_x_axis
    is_stacked = figure.stacked or count > SIDE_BY_SIDE
    drawn = _grid(figure, is_stacked=is_stacked, shares_x=shares_x)
    named: set[str] = set()
    for place, panel in enumerate(figure.panels, start=1):
        where = {"row": 1, "col": place}
        if is_stacked:
            where = {"row": place, "col": 1}
        for trace in traces_of(figure, panel, named):
            drawn.add_trace(trace, **where)
        _annotate(drawn, panel, where)
        x_label = panel.x_label or figure.x_label
        if is_stacked and shares_x and place < count:
            x_label = ""
        _draw_axes(drawn, panel, x_label, where, 1 if is_stacked else count)
    _lay_out(drawn, figure, is_stacked=is_stacked, titled=titled)
    return drawn


def _grid(figure: FigureData, *, is_stacked: bool, shares_x: bool) -> go.Figure:
    """Return a picture with empty axes for each panel."""
    count = len(figure.panels)
    rows, columns, heights = 1, count, None
    if is_stacked:
        rows, columns = count, 1
        heights = figure.heights
    apart = 0.05
    if not shares_x:
        apart += 0.08 * (count - 1) / count  # room for the name of each x axis
    return make_subplots(
        rows=rows,
        cols=columns,
        shared_xaxes=shares_x,
        row_heights=heights,
        horizontal_spacing=0.15,
        vertical_spacing=apart,
    )


def _names_in_lines(panel: Panel, columns: int) -> list[str]:
    """Return the names on an x axis in lines that lie next to each other; none where one is too long."""
    letters = int(TICK_LETTERS / columns / len(panel.x_ticks))
    lines = [broken_name(name, letters, TICK_LINES) for _, name in panel.x_ticks]
    return lines if all(lines) else []


def _depth_of_names(panel: Panel, columns: int) -> float:
    """Return how many pixels the names on an x axis reach below a single line."""
    if not panel.x_ticks:
        return 0.0
    lines = _names_in_lines(panel, columns)
    if lines:
        return LINE * max(name.count("\n") for name in lines)
    return LETTER * max(len(name) for _, name in panel.x_ticks)


def _lay_out(drawn: go.Figure, figure: FigureData, *, is_stacked: bool, titled: bool) -> None:
    heights = figure.heights
    height = HEIGHT * max(heights) ** 0.5
    if is_stacked:
        height = HEIGHT + ROW_HEIGHT * sum(heights[1:])
    columns = 1 if is_stacked else len(figure.panels)
    depth = max(_depth_of_names(panel, columns) for panel in figure.panels)
    if is_stacked and not figure.shares_x_axis:
        depth = _depth_of_names(figure.panels[-1], columns)
    height += depth
    title, top, total = None, 20, height
    if titled:
        method = in_lines(figure.method, METHOD_LETTERS)
        subtitle = {"text": method}
        title = {"text": as_written(figure.title), "x": 0.02, "subtitle": subtitle}
        top = 90 + METHOD_LINE * (method.count("<br>") + bool(method))
        total = height + top
    legend = {
        "orientation": "h",
        "y": -(0.22 * HEIGHT + depth) / (height - depth),
        "x": 0.5,
        "xanchor": "center",
    }
    drawn.update_layout(
        title=title,
        template="simple_white",
        height=total,
        margin={"t": top, "l": 70, "r": 20, "b": 90 + depth},
        legend=legend,
        hovermode="closest",
    )


def write_html(figure: FigureData, folder: Path) -> Path:
    """Write a picture as HTML, and plotly's script next to it once, and return the HTML file.

    Raises:
        CannotWrite: The folder cannot be written.
    """
    path = folder / f"{figure.name}.html"
    script = folder / SCRIPT
    if not script.is_file():
        write_atomically(script, get_plotlyjs().encode())
    html = draw(figure).to_html(
        include_plotlyjs=SCRIPT,
        full_html=True,
        div_id=figure.name,
        config=CONFIG,
    )
    write_atomically(path, html.encode())
    return path


def _annotate(drawn: go.Figure, panel: Panel, where: dict[str, int]) -> None:
    """Draw guides, and the words of texts."""
    for guide in panel.guides:
        label = {
            "text": "" if guide.quiet else as_written(guide.label),
            "font": {"size": 10},
            "y": _place(guide.y, panel.y_scale),
        }
        drawn.add_hline(
            guide.y,
            line={"color": GREY, "width": 1, "dash": "dot"},
            annotation=label,
            annotation_position=f"{'bottom' if guide.below else 'top'} {guide.anchor}",
            **where,
        )
    for text in panel.texts:
        drawn.add_annotation(
            x=_place(text.x, panel.x_scale),
            y=_place(text.y, panel.y_scale),
            text=as_written(text.text),
            xanchor=ANCHORS[text.anchor],
            showarrow=False,
            **where,
        )


def _place(value: float, scale: Scale) -> float:
    """Return where words, or an axis' end, lie: plotly wants the power of ten on a logarithmic axis."""
    return math.log10(value) if scale == "log" else value


def _places(ends: tuple[float, float], scale: Scale) -> list[float]:
    return [_place(end, scale) for end in ends]


def _draw_axes(drawn: go.Figure, panel: Panel, x_label: str, where: dict[str, int], columns: int) -> None:
    letters = int(LABEL_LETTERS * max(1.0, panel.height))
    y_label = in_lines(panel.name, letters)
    drawn.update_yaxes(title_text=y_label, type=panel.y_scale, **where)
    drawn.update_yaxes(exponentformat="none", **where)
    if panel.y_scale == "log":  # labels at 1, 2, 5; without a format plotly would write the bare 2 and 5
        drawn.update_yaxes(dtick="D2", tickformat="~g", **where)
    drawn.update_xaxes(title_text=as_written(x_label), type=panel.x_scale, exponentformat="none", **where)
    if panel.x_ticks:
        places, names = zip(*panel.x_ticks, strict=True)
        lines = _names_in_lines(panel, columns)
        texts = ["<br>".join(map(as_written, name.split("\n"))) for name in lines or names]
        drawn.update_xaxes(tickvals=places, ticktext=texts, tickangle=0 if lines else TURNED, **where)
    if panel.y_ticks:
        places, names = zip(*panel.y_ticks, strict=True)
        drawn.update_yaxes(tickvals=places, ticktext=list(map(as_written, names)), **where)
    if panel.x_range:
        drawn.update_xaxes(range=_places(panel.x_range, panel.x_scale), **where)
    y_range = panel.y_range
    if panel.cells is not None and y_range is None:
        y_range = (len(panel.cells.values) - 0.5, -0.5)  # the first row at the top
    if y_range:
        drawn.update_yaxes(range=_places(y_range, panel.y_scale), **where)
    if panel.square:
        (axis,) = drawn.select_yaxes(**where)
        drawn.update_yaxes(scaleanchor=axis.anchor, constrain="domain", **where)
        drawn.update_xaxes(constrain="domain", **where)
    if panel.bare:
        drawn.update_yaxes(visible=False, **where)
