"""A group has one colour: on every page, under every filter, and in the pictures that ``figures`` draws."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.calls.material import material_of
from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components.study_table import StudyTable
from app.dashboard.curve_figures import Curves
from app.dashboard.step_values import values_of_view
from app.pictures import make_pictures
from ired_diag.drawing.data import FigureData
from ired_diag.drawing.palette import style_at

SAMPLES = Path(__file__).parents[1] / "sample_runs"


def colour_on_curves(view: View, catalog: Catalog, group: str) -> str:
    figure = Curves().whole(view, catalog.snapshot())
    assert isinstance(figure, FigureData)
    return figure.style(group, 0).colour


@pytest.mark.parametrize("names", [("q103",), ("q103", "q102"), ("q102", "q101", "q103")])
def test_figures_of_some_groups_have_the_dashboard_s_colours(names: tuple[str, ...]) -> None:
    catalog = Catalog(SAMPLES)
    material, _ = material_of(list(names), runs=SAMPLES)
    drawn = make_pictures(material, ["learning-curves", "energy-gap"])
    place = list(catalog.snapshot().groups()).index("q103")
    for view in (View(), View(groups=names), View(filter="q103"), View(hidden=("q101",))):
        assert colour_on_curves(view, catalog, "q103") == style_at(place).colour
    for figure in drawn.figures:
        assert figure.style("q103", 0) == style_at(place)


def test_a_label_keeps_the_colour_of_its_group() -> None:
    material, _ = material_of(["q103"], runs=SAMPLES, labels={"q103": "adversarial mining"})
    (figure,) = make_pictures(material, ["learning-curves"]).figures
    place = list(Catalog(SAMPLES).snapshot().groups()).index("q103")
    assert figure.style("adversarial mining", 0) == style_at(place)


def test_pictures_of_paths_know_no_other_groups() -> None:
    material, _ = material_of([str(SAMPLES / "q103" / "seed0")], runs=SAMPLES)
    (figure,) = make_pictures(material, ["learning-curves"]).figures
    assert figure.style("q103", 0) == style_at(0)


def test_the_table_at_the_cursor_and_the_study_have_the_same_colours() -> None:
    catalog = Catalog(SAMPLES)
    snapshot = catalog.snapshot()
    order = tuple(snapshot.groups())
    colour = style_at(order.index("q102")).colour
    (sent,) = [each for each in values_of_view(View(), snapshot)["groups"] if each["group"] == "q102"]
    assert colour in sent["line"]
    table = StudyTable(view=View(), order=order, by_run={}, has_several_metrics=False, decimals={}, axes={})
    assert table._colour("q102") == colour
