"""Names that no font and no line can hold are drawn all the same, without a warning."""

from __future__ import annotations

import numpy as np
import pytest

from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.paper import render
from ired_diag.drawing.paper_text import drawable, with_drawable_text
from ired_diag.runs.store import folder_name


@pytest.mark.parametrize(
    "name", ["x" * 5000, "\x1b[2J\ud800", "$\\frac{$ 100 %", "\u6a21\u578b", "x y " * 2000]
)
def test_a_picture_with_an_odd_name_is_drawn(name: str) -> None:
    lines = tuple(Line(f"{name}{k}", np.arange(5.0), np.arange(5.0) + k) for k in range(2))
    figure = FigureData("curves", name, "step", (Panel(name, lines),), "", note=name)
    assert render(figure, "png").startswith(b"\x89PNG")


def test_plain_words_are_drawn_as_they_are() -> None:
    sentence = "Mean of the last 10 evaluations; 95% interval over seeds. " * 5
    assert drawable(sentence, 600) == sentence
    figure = FigureData("curves", "Loss", "step", (Panel("mse", (Line("a", np.zeros(2), np.ones(2)),)),), "")
    drawn = with_drawable_text(figure)
    assert (drawn.name, drawn.title, drawn.panels[0].lines[0].name) == ("curves", "Loss", "a")


def test_the_folder_of_a_long_name_fits_a_file_system_and_stays_its_own() -> None:
    first, second = folder_name("x" * 5000), folder_name("x" * 5001)
    assert len(first) == len(second) == 200 and first != second
    assert len(folder_name("\u6a21" * 300).encode()) <= 200
