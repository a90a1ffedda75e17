"""What an author would else mend by hand: ticks, heights, names, colours, and marks that captions explain."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import probes
import probes.layers
import probes.sharpness
from ired_diag.drawing import paper
from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.palette import BLACK, OTHERS, style_at
from ired_diag.drawing.tick_words import linear_words, tick_words
from ired_diag.table import table_of_rows

X = np.arange(5.0)


def drawn(*panels: Panel, width: float = 3.25, x_label: str = "x", stacked: bool = False) -> Figure:
    figure = paper.draw(FigureData("f", "t", x_label, panels, "m", stacked=stacked), width=width)
    figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize("power", range(-12, 13))
def test_no_tick_has_an_exponent_in_letters_or_many_zeros(power: int) -> None:
    for factor in (1.0, 2.5, 7.3):
        values = [factor * 10.0**power * place for place in range(5)]
        words, end = linear_words(values, (0.0, values[-1]))
        for word in (*words, end, *tick_words(values[1:])):
            assert "e" not in word
            assert not word.strip("0.") or not word.startswith("0.0000")
        step = float(words[1]) / float(words[2])
        assert step == pytest.approx(0.5)


def test_a_stack_of_panels_is_not_much_higher_than_wide() -> None:
    panels = [Panel(f"y{place}", (Line("a", X, X),)) for place in range(4)]
    width, height = drawn(*panels, stacked=True).get_size_inches()
    assert height <= 1.6 * width + 1e-9
    _, usual = drawn(*panels[:2], stacked=True).get_size_inches()
    assert usual == pytest.approx(2 * paper.PANEL_HEIGHT + paper.MARGIN)


def test_rows_with_names_keep_their_height_and_a_long_label_stays_on_the_paper() -> None:
    ticks = tuple((float(place), f"a task with a long name {place}") for place in range(5))
    panel = Panel("", (Line("a", X, X, drawn="points"),), y_ticks=ticks, height=4.0)
    figure = drawn(panel, x_label="ours with a long name against the baseline (%; right is better)")
    width, height = figure.get_size_inches()
    assert height > 1.6 * width
    (axis,) = figure.axes
    label = axis.xaxis.label.get_window_extent()
    assert label.x0 >= 0
    assert label.x1 <= width * figure.dpi


def test_names_of_very_many_places_stand_upright_and_do_not_lie_on_each_other() -> None:
    names = [f"blocks.{place}.attention.weight" for place in range(60)]
    ticks = tuple((float(place), name) for place, name in enumerate(names))
    x = np.arange(60.0)
    figure = drawn(Panel("y", (Line("a", x, x, drawn="points"),), x_ticks=ticks))
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels() if label.get_text()]
    assert len(boxes) > 10
    assert all(first.x1 <= second.x0 for first, second in itertools.pairwise(boxes))


def test_no_group_is_black() -> None:
    assert BLACK not in {style.colour for style in OTHERS}
    assert BLACK not in {style_at(place).colour for place in range(30)}


@pytest.mark.parametrize("width", [3.25, 5.5])
def test_a_map_has_equal_units_and_all_its_names_on_the_paper(width: float) -> None:
    x = np.linspace(-500, 500, 9)
    panel = Panel(
        "second", (Line("a", x, x), Line("b", x, -x)), x_range=(-500, 500), y_range=(-400, 400), square=True
    )
    figure = drawn(panel, width=width, x_label="first")
    (axis,) = figure.axes
    box = axis.get_window_extent()
    assert box.width / 1000 == pytest.approx(box.height / 800, rel=0.01)
    across, up = figure.get_size_inches() * figure.dpi
    for label in (axis.xaxis.label, axis.yaxis.label):
        extent = label.get_window_extent()
        assert min(extent.x0, extent.y0) >= -0.5
        assert extent.x1 <= across
        assert extent.y1 <= up


def layers_of(**values: float) -> FigureData:
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for batch in range(6):
        row = {
            "batch": batch,
            "group": "w",
            "axes": 2,
            "gradient_norm": 1.0 + rng.random(),
            "weight_norm": 1.0,
        }
        row |= {"ratio": 1.0 + rng.random(), "cosine": rng.random(), **values}
        rows.append(row)
    return probes.layers.figure(table_of_rows(probes.layers.COLUMNS, rows))


def test_layers_leave_out_a_panel_without_a_number_and_speak_of_bars_that_are_drawn() -> None:
    whole = layers_of()
    assert len(whole.panels) == 3
    assert "bars: 95% t interval" in whole.method
    assert whole.shares_x_axis
    without_direction = layers_of(cosine=np.nan)
    assert [panel.y_label for panel in without_direction.panels] == [p.y_label for p in whole.panels[:2]]
    assert "cosine" not in without_direction.method


def test_the_mean_over_directions_is_that_of_the_slices() -> None:
    rows = []
    for number in range(3):
        for distance in (-1.0, 0.0, 1.0):
            slope = {"number": number, "distance": distance, "value": 1.0 + number * distance**2}
            rows.append({"place": "trained", "quantity": "slice", "factor": 1.0, "batches": 1, **slope})
    figure = probes.sharpness.figure(table_of_rows(probes.sharpness.COLUMNS, rows))
    *directions, mean = figure.panels[0].lines
    assert [line.faint for line in directions] == [True] * 3
    assert mean.y.tolist() == [2.0, 1.0, 2.0]
    assert "3 random directions" in figure.method
