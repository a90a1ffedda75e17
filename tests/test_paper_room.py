"""Paper figures have room: for long names below an axis, for labels of low panels, for numbers of an axis."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ired_diag.drawing import paper, plotly
from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.named_places import named_places

LONG = "an adversarial mining with a name that is long"


def with_names(names: list[str], title: str = "") -> FigureData:
    places = np.arange(len(names), dtype=float)
    line = Line("a", places, places + 1, drawn="points")
    panel = Panel("MSE", (line,), x_ticks=named_places(names), title=title)
    return FigureData("f", "", "", (panel,), "")


def least_height(figure: FigureData, width: float) -> float:
    """Return the height of the lowest panel in inches."""
    drawn = paper.draw(figure, width=width)
    drawn.draw_without_rendering()
    return min(axis.get_position().height for axis in drawn.axes) * drawn.get_figheight()


@pytest.mark.parametrize("width", [paper.COLUMN, 5.5])
@pytest.mark.parametrize("count", [3, 8, 16])
def test_long_names_take_nothing_from_the_height_of_a_panel(width: float, count: int) -> None:
    short = with_names([str(k) for k in range(count)])
    long = with_names([LONG, *(f"group {k} of many" for k in range(1, count))])
    assert least_height(long, width) > 0.85 * least_height(short, width)


def test_names_that_stand_close_are_upright_and_do_not_touch() -> None:
    drawn = paper.draw(with_names([f"group {k} of many" for k in range(20)]), width=paper.COLUMN)
    drawn.draw_without_rendering()
    labels = drawn.axes[0].get_xticklabels()
    assert {label.get_rotation() for label in labels} == {90.0}
    boxes = [label.get_window_extent() for label in labels]
    assert all(left.x1 <= right.x0 for left, right in itertools.pairwise(boxes))
    few = paper.draw(with_names([LONG, "b", "c", "d"]), width=5.5).axes[0].get_xticklabels()
    assert {label.get_rotation() for label in few} == {40.0}


def test_small_numbers_on_a_logarithmic_axis_are_powers_of_ten_alone() -> None:
    x = np.arange(4.0)
    panel = Panel("MSE", (Line("a", x, np.array([3e-4, 2e-3, 0.05, 0.3])),), "log")
    drawn = paper.draw(FigureData("f", "", "step", (panel,), ""))
    drawn.draw_without_rendering()
    low, high = drawn.axes[0].get_ylim()
    ticks = [tick for tick in drawn.axes[0].get_yticks() if low <= tick <= high]
    assert len(ticks) >= 2
    np.testing.assert_allclose(np.log10(ticks), np.rint(np.log10(ticks)))


def test_labels_of_panels_that_are_lowered_for_the_page_do_not_overlap() -> None:
    names = [f"group number {k} with a name of its own" for k in range(8)]
    x = np.arange(5.0)
    lines = tuple(Line(name, x, x + k) for k, name in enumerate(names))
    panels = tuple(Panel(f"share of all steps that are {k}", lines) for k in range(3))
    drawn = paper.draw(FigureData("f", "", "noise level", panels, "", stacked=True))
    drawn.draw_without_rendering()
    boxes = [axis.yaxis.label.get_window_extent() for axis in drawn.axes]
    assert all(upper.y0 >= lower.y1 for upper, lower in itertools.pairwise(boxes))


def test_a_wide_line_is_wide_on_paper_and_on_the_screen() -> None:
    x = np.arange(3.0)
    lines = (Line("a", x, x, drawn="line", width=2.0), Line("b", x, x, drawn="line"))
    figure = FigureData("f", "", "x", (Panel("y", lines),), "")
    wide, usual = paper.draw(figure).axes[0].get_lines()
    assert wide.get_linewidth() == pytest.approx(2 * usual.get_linewidth())
    first, second = plotly.draw(figure).data
    assert first.line.width == pytest.approx(2 * second.line.width)


def test_a_panel_has_its_title_above_it_on_paper_and_in_its_label_on_the_screen() -> None:
    figure = with_names(["a", "b"], title="noise level 3")
    assert paper.draw(figure).axes[0].get_title() == "noise level 3"
    assert plotly.draw(figure).layout.yaxis.title.text.replace("<br>", " ") == "MSE, noise level 3"
