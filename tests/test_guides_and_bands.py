"""Words of reference lines leave room for curves, and a caption says where bands are cut."""

from __future__ import annotations

import numpy as np

from ired_diag.drawing.curve_marks import Axes, with_room
from ired_diag.drawing.data import FigureData, Guide, Line, Panel, cut_in_words
from ired_diag.drawing.plotly_traces import traces_of
from ired_diag.runs.history import Series

STEPS = np.arange(1, 101)


def quiet(values: np.ndarray, guide: float) -> bool:
    curve = Series(STEPS, values)
    axes = Axes.of([curve], [Guide(guide, "floor")], "linear")
    (placed,) = with_room([Guide(guide, "floor")], axes, [(STEPS, values)])
    return placed.quiet


def test_words_are_left_out_where_a_curve_runs_through_them() -> None:
    falling = np.linspace(1.0, 0.0, 100)
    around = np.where(STEPS % 2 == 0, 0.48, 0.52)
    around[49:51] = 0.0, 1.0  # what the axis spans
    assert quiet(around, 0.5)
    assert not quiet(np.where(STEPS < 50, falling, 0.51), 0.5)  # there is room below its left end
    assert not quiet(np.where(STEPS < 40, falling, 0.2), 0.5)
    assert not quiet(np.where(STEPS < 20, 0.51, 0.0), 0.5)  # it passes where no words stand
    assert not quiet(np.where(STEPS < 50, 1.0, np.nan), 0.5)


def test_a_caption_says_below_which_value_bands_are_cut() -> None:
    mean = np.array([1.0, 0.5, 0.04])
    line = Line("a", np.arange(3), mean, low=np.array([0.9, 0.4, 0.001]), high=2 * mean, spread="band")
    assert "bands are cut below 0.02" in cut_in_words(Panel(y_label="y", lines=(line,), y_scale="log"))
    assert cut_in_words(Panel(y_label="y", lines=(line,), y_scale="linear")) == ""


def test_all_bands_lie_under_all_lines_and_single_seeds_are_pale_by_colour() -> None:
    lines = []
    for name in ("a", "b"):
        mean = np.array([1.0, 0.5, 0.4])
        lines.append(Line(f"{name} seed0", np.arange(3), mean, of=name, faint=True))
        lines.append(Line(name, np.arange(3), mean, low=mean / 2, high=2 * mean, spread="band"))
    figure = FigureData("f", "t", "x", (Panel(y_label="y", lines=tuple(lines)),), "m")
    traces = list(traces_of(figure, figure.panels[0], set()))
    assert [trace.fill for trace in traces] == ["toself", "toself", None, None, None, None]
    assert [trace.name for trace in traces[2:]] == ["a seed0", "b seed0", "a", "b"]
    assert all(trace.opacity is None for trace in traces)
    assert all(trace.line.color.endswith(",0.3)") for trace in traces[2:4])
