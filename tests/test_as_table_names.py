"""A table that a person reads has the names on an axis, not the places where points are drawn."""

from __future__ import annotations

import numpy as np

from ired_diag.drawing.as_table import rows_of, to_csv
from ired_diag.drawing.data import FigureData, Line, Panel

JITTERED = np.array([-0.2, 0.1, 0.9, 1.3])


Ticks = tuple[tuple[float, str], ...]


def figure(x_ticks: Ticks = (), y_ticks: Ticks = ()) -> FigureData:
    line = Line("seeds", JITTERED, np.array([5.0, 6.0, 7.0, 8.0]))
    return FigureData("f", "", "group", (Panel("MSE", (line,), x_ticks=x_ticks, y_ticks=y_ticks),), "")


def test_points_of_one_name_stand_under_that_name() -> None:
    named = figure(x_ticks=((0.0, "no\nmining"), (1.0, "adversarial")))
    assert [row[3] for row in rows_of(named, named=True)] == ["no mining"] * 2 + ["adversarial"] * 2
    assert [row[3] for row in rows_of(named)] == JITTERED.tolist(), "as drawn, where nobody asks for names"
    assert "no\nmining" not in to_csv(named) and "0.1" in to_csv(named)


def test_numbers_on_an_axis_stay_numbers() -> None:
    ranks = figure(x_ticks=((0.0, "0"), (1.0, "1")))
    assert [row[3] for row in rows_of(ranks, named=True)] == JITTERED.tolist()
    assert [row[3] for row in rows_of(figure(), named=True)] == JITTERED.tolist()


def test_a_place_far_from_every_name_and_a_place_without_a_value_stay() -> None:
    rows = list(rows_of(figure(x_ticks=((0.0, "first"),), y_ticks=((5.0, "five"),)), named=True))
    assert [row[3] for row in rows] == ["first", "first", 0.9, 1.3]
    assert [row[4] for row in rows] == ["five", 6.0, 7.0, 8.0]
