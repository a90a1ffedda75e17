"""Figures: both renderers draw the same data; paper output repeats byte for byte."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text as Words

from ired_diag.drawing import paper, plotly
from ired_diag.drawing.as_table import to_csv
from ired_diag.drawing.curve_marks import Axes, with_room
from ired_diag.drawing.data import (
    Areas,
    Cells,
    FigureData,
    Guide,
    Line,
    Mark,
    Outline,
    Panel,
    Segment,
    Text,
    drawable_spread,
)
from ired_diag.drawing.distinct_places import with_distinct_places
from ired_diag.drawing.palette import FIXED, OTHERS, style_of


@pytest.fixture
def figure() -> FigureData:
    x = np.arange(5)
    lines = tuple(
        Line(name, x, (i + 1.0) * (x + 1), (i + 0.5) * (x + 1), (i + 2.0) * (x + 1))
        for i, name in enumerate(("positive", "adversarial", "something else"))
    )
    panels = (Panel("condition number", lines, "log"), Panel("log |det|  (nat)", lines))
    return FigureData("planted", "A title", "noise level", panels, "Median; n = 5.", "n = 5")


@pytest.mark.parametrize("form", ["pdf", "svg", "png"])
def test_paper_output_is_the_same_bytes_each_time(figure: FigureData, form: str) -> None:
    assert paper.render(figure, form) == paper.render(figure, form)


@pytest.mark.parametrize("width", [paper.COLUMN, paper.TEXT, 5.0])
def test_paper_output_has_the_asked_width_and_no_text_is_cut(figure: FigureData, width: float) -> None:
    drawn = paper.draw(figure, width=width)
    drawn.draw_without_rendering()
    assert drawn.get_figwidth() == width
    box = drawn.get_tightbbox()
    assert box.x0 >= -0.01
    assert box.x1 <= width + 0.01
    assert box.y0 >= -0.01
    assert box.y1 <= drawn.get_figheight() + 0.01


def test_paper_pdf_embeds_truetype_fonts(figure: FigureData) -> None:
    content = paper.render(figure, "pdf")
    assert b"/Type3" not in content
    assert b"/FontFile2" in content or b"/Type0" in content


def test_both_renderers_draw_the_data_as_given(figure: FigureData) -> None:
    drawn = plotly.draw(figure)
    axes = paper.draw(figure).axes
    for number, panel in enumerate(figure.panels):
        for line, mine in zip(panel.lines, axes[number].get_lines(), strict=True):
            np.testing.assert_array_equal(mine.get_ydata(), line.y)
            assert mine.get_color() == figure.style(line.name, panel.lines.index(line)).colour
        traces = drawn.data[number * 3 : number * 3 + 3]
        for line, trace in zip(panel.lines, traces, strict=True):
            assert line.low is not None
            assert line.high is not None
            np.testing.assert_array_equal(trace.y, line.y)
            np.testing.assert_allclose(trace.y + trace.error_y.array, line.high)
            np.testing.assert_allclose(trace.y - trace.error_y.arrayminus, line.low)
        assert axes[number].get_yscale() == panel.y_scale
        assert axes[number].get_ylabel() == panel.y_label


def test_html_asks_nothing_of_the_network_and_offers_no_upload(figure: FigureData, tmp_path: Path) -> None:
    html = plotly.write_html(figure, tmp_path).read_text()
    assert '<script charset="utf-8" src="plotly.min.js">' in html or 'src="plotly.min.js"' in html
    assert (tmp_path / "plotly.min.js").stat().st_size > 1_000_000
    assert "https://" not in html.replace("https://plot.ly", "")
    assert '"showSendToCloud": false' in html


def test_colours_are_fixed_by_name_and_all_different() -> None:
    assert style_of("adversarial", 0) == style_of("adversarial", 5) == FIXED["adversarial"]
    assert len({style.colour for style in FIXED.values()}) == len(FIXED)
    assert len({(s.colour, s.dash, s.marker) for s in OTHERS}) == len(OTHERS)


def test_a_spread_without_end_is_cut_and_never_left_out() -> None:
    x = np.arange(3)
    line = Line(
        "start", x, np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.0, 2.0]), np.array([2.0, 4.0, np.inf])
    )
    panel = Panel("condition number", (line,), "log")
    spread = drawable_spread(line, panel)
    assert spread is not None
    low, high, cut_low, cut_high = spread
    assert (low.tolist(), high.tolist()) == ([0.5, 0.5, 2.0], [2.0, 4.0, 4.0])
    assert (cut_low.tolist(), cut_high.tolist()) == ([False, True, False], [False, False, True])
    figure = FigureData("planted", "A title", "noise level", (panel,), "Median.")
    assert paper.render(figure, "png")
    assert np.isfinite(plotly.draw(figure).data[0].error_y.array).all()


def everything() -> FigureData:
    """Return a picture with one of each thing that can be drawn."""
    x = np.arange(6)
    raw = [Line(f"a seed{i}", x, x + i * 0.1 + 1.0, of="a", faint=True, drawn="line") for i in range(3)]
    mean = Line("a", x, x + 1.1, x + 0.9, x + 1.3, "line", spread="band")
    curves = Panel("loss", (*raw, mean, Line("b", x, x + 2.0)), "log", marks=(Mark(2.0, 3.1, "best", "a"),))
    angle = np.linspace(0, 2 * np.pi, 20)
    violin = Panel("energy", (), outlines=(Outline("b", np.cos(angle), np.sin(angle)),), height=1.5)
    cells = Cells(np.arange(6.0).reshape(2, 3), (("1", "2", "3"), ("4", "5", "6")), "rank")
    ranks = Panel("", (), x_label="seed", y_ticks=((0, "a"), (1, "b")), cells=cells)
    bars = Panel(
        "",
        (),
        x_label="mean rank",
        segments=(Segment((1, 2), (0, 0), bold=True), Segment((1, 1), (0, 1), of="b")),
        texts=(Text(1, 1, "CD", "center"),),
        x_range=(0, 3),
        y_range=(-1, 2),
        bare=True,
    )
    panels = (curves, violin, ranks, bars)
    return FigureData("everything", "All", "step", panels, "Method.", "n = 3", order=("b", "a"))


@pytest.mark.parametrize("width", [paper.COLUMN, paper.TEXT, 12.0])
def test_all_that_can_be_drawn_is_drawn_by_both_and_nothing_is_cut(width: float) -> None:
    figure = everything()
    drawn = paper.draw(figure, width=width)
    drawn.draw_without_rendering()
    box = drawn.get_tightbbox()
    assert box.x0 >= -0.01
    assert box.x1 <= width + 0.01
    screen = plotly.draw(figure)
    named = [trace.name for trace in screen.data if trace.showlegend]
    assert named == ["a", "b"]
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["a", "b"]
    colours = {trace.line.color for trace in screen.data if trace.legendgroup == "a" and trace.line.color}
    pale = "rgba(230,159,0,0.3)"  # of single seeds
    assert colours - {pale} == {figure.style("a", 0).colour} == {OTHERS[1].colour}
    assert "CD" in [note.text for note in screen.layout.annotations]


def test_words_stand_on_no_data_and_far_ones_have_a_leader_line() -> None:
    x = np.linspace(0.0, 10.0, 400)
    waves = tuple(Line(f"w{i}", x, np.sin(3 * x + i) + 0.3 * i, drawn="line") for i in range(4))
    marks = (Mark(5.0, 0.5, "best", "w0"), Mark(5.2, 0.4, "onset", "w1", shape="diamond"))
    guides = (Guide(0.0, "through all lines"), Guide(4.0, "above them"))
    panel = Panel("value", waves, marks=marks, guides=guides)
    drawn = paper.draw(FigureData("f", "", "x", (panel,), "", order=("w0", "w1", "w2", "w3")))
    (axis,) = drawn.axes
    words = {text.get_text(): text for text in axis.texts}
    assert set(words) == {"best", "onset", "above them", "through all lines"}
    for text in words.values():
        box = Words.get_window_extent(text)  # of the words alone, without their leader line
        for line in axis.get_lines():
            if np.size(line.get_xdata()) < 400:
                continue
            points = axis.transData.transform(np.column_stack([x, np.asarray(line.get_ydata())]))
            inside = (points[:, 0] > box.x0 + 1) & (points[:, 0] < box.x1 - 1)
            inside &= (points[:, 1] > box.y0 + 1) & (points[:, 1] < box.y1 - 1)
            assert inside.sum() <= 3, text.get_text()
    assert getattr(words["best"], "arrow_patch", None) is not None
    assert getattr(words["above them"], "arrow_patch", None) is None
    assert getattr(words["through all lines"], "arrow_patch", None) is not None


def test_long_names_on_a_screen_are_broken_and_take_their_room_from_no_one() -> None:
    def screen(names: list[str]) -> Any:
        places = np.arange(float(len(names)))
        ticks = tuple(zip(places.tolist(), names, strict=True))
        panel = Panel("y", (Line("a", places, places + 1),), x_label="group", x_ticks=ticks)
        return plotly.draw(FigureData("f", "", "x", (panel, panel), ""), titled=False).layout

    short = screen(["a", "b", "c"])
    broken = screen(["q101: worse", "random negatives: worse", "adversarial mining with a name: worse"])
    turned = screen(["transformerwithoutanyhyphen"] * 3)
    assert (short.xaxis.tickangle, broken.xaxis.tickangle, turned.xaxis.tickangle) == (0, 0, 30)
    assert list(broken.xaxis.ticktext)[1] == "random<br>negatives:<br>worse"
    assert max(len(line) for name in broken.xaxis.ticktext for line in name.split("<br>")) <= 13
    assert short.height < broken.height < turned.height
    assert short.margin.b < broken.margin.b < turned.margin.b
    assert short.legend.y > broken.legend.y > turned.legend.y


def test_on_a_screen_the_words_of_guides_go_where_neither_curves_nor_other_words_are() -> None:
    x = np.linspace(1.0, 100.0, 100)
    steps = [(x, 0.0098 + 2 * np.exp(-x))]
    guides = [Guide(value, str(value)) for value in (0.0207, 0.0141, 0.0096)]
    axes = Axes(left=0.0, width=100.0, bottom=0.0096, height=5.3, scale="log")
    lowest, middle, highest = with_room(guides, axes, steps)
    assert (lowest.quiet, lowest.below) == (False, True)
    assert (middle.quiet, middle.below, highest.quiet, highest.below) == (False, False, False, False)
    all_around = [(x, np.full(100, value)) for value in (0.0094, 0.0098)]
    assert with_room([guides[2]], axes, all_around)[0].quiet


def test_guides_that_lie_close_all_have_their_words_and_no_arrow_crosses_words() -> None:
    x = np.linspace(1.0, 100.0, 100)
    curve = Line("a", x, 0.0098 + 2 * np.exp(-x), drawn="line")
    floors = {"answering zero": 0.0207, "the mean inverse": 0.0141, "linear regression": 0.0096}
    guides = tuple(Guide(value, name) for name, value in floors.items())
    for width in (3.25, 5.5):
        panel = Panel("error", (curve,), y_scale="log", guides=guides)
        drawn = paper.draw(FigureData("f", "", "x", (panel,), ""), width=width)
        drawn.draw_without_rendering()
        (axis,) = drawn.axes
        words = {text.get_text(): text for text in axis.texts}
        assert set(words) == set(floors)
        boxes = {name: Words.get_window_extent(text) for name, text in words.items()}
        for name, text in words.items():
            arrow = getattr(text, "arrow_patch", None)
            if arrow is None:
                continue
            way = arrow.get_window_extent()
            others = [box for other, box in boxes.items() if other != name]
            assert not any(way.overlaps(box) for box in others), name


def test_long_names_of_places_are_broken_into_lines_and_turned_only_where_that_fails() -> None:
    def rotations(names: list[str]) -> set[float]:
        places = np.arange(float(len(names)))
        ticks = tuple(zip(places.tolist(), names, strict=True))
        panel = Panel("y", (Line("a", places, places + 1),), x_ticks=ticks)
        (axis,) = paper.draw(FigureData("f", "", "x", (panel,), "")).axes
        return {label.get_rotation() for label in axis.get_xticklabels()}

    assert rotations(["adversarial mining: better", "random negatives: undecided"]) == {0.0}
    assert rotations(["baseline", "baseline+mixup", "ours (full)"]) == {0.0}
    assert rotations(["q201@mining_opt_steps=10"] * 4) == {40.0}


def test_ticks_are_plain_numbers_and_the_last_one_is_not_far_below_the_data() -> None:
    x = np.arange(5.0)
    for largest in (5.6e-5, 3.9, 8.7e4):
        panel = Panel("sd", (Line("a", x, largest * (x + 1) / 5),), y_from_zero=True)
        drawn = paper.draw(FigureData("f", "", "x", (panel,), ""))
        drawn.draw_without_rendering()
        (axis,) = drawn.axes
        power = "\u00d710⁻⁵" if largest < 0.001 else ""
        assert axis.yaxis.get_offset_text().get_text() == power
        labels = [label.get_text() for label in axis.get_yticklabels()]
        assert not any("e" in label for label in labels)
        ticks = axis.get_yticks()
        assert axis.get_ylim()[0] == 0.0
        assert ticks[-1] >= largest - 0.3 * (ticks[1] - ticks[0]) - 1e-12


def test_areas_fill_their_axes() -> None:
    x = np.linspace(-5.1, 5.1, 11)
    kinds = np.arange(121).reshape(11, 11) % 2
    areas = Areas(x, x, kinds, ("a", "b"), ("#000000", "#ffffff"))
    (axis,) = paper.draw(FigureData("f", "", "x", (Panel("y", (), areas=areas),), "")).axes
    assert axis.get_ylim() == pytest.approx((-5.61, 5.61))


def test_panels_that_show_different_things_have_legends_of_their_own() -> None:
    x = np.arange(5.0)
    one = Panel("a", (Line("steepest", x, x), Line("random", x, 2 * x)), x_label="step")
    two = Panel("b", (Line("first", x, x), Line("later", x, 2 * x)), x_label="level")
    apart = paper.draw(FigureData("f", "", "", (one, two), ""))
    assert not apart.legends
    legends = [axis.get_legend() for axis in apart.axes]
    names = [[text.get_text() for text in legend.get_texts()] for legend in legends if legend is not None]
    assert names == [["steepest", "random"], ["first", "later"]]
    shared = paper.draw(FigureData("f", "", "", (one, one), ""))
    assert [text.get_text() for text in shared.legends[0].get_texts()] == ["steepest", "random"]


def test_styles_go_by_the_order_and_stay_when_one_is_left_out() -> None:
    order = tuple(f"q{i}" for i in range(20))
    figures = [FigureData("f", "", "", (), "", order=order)] * 2
    assert len({figures[0].style(name, 0) for name in order}) == 20
    assert figures[0].style("q7", 0) == figures[1].style("q7", 3)


def test_groups_of_a_study_differ_on_paper_and_have_the_styles_of_the_screen() -> None:
    order = tuple(f"q{i}" for i in range(60))
    x = np.arange(3.0)
    for names in (("q5", "q6", "q7"), ("q0", "q5", "q7", "q14"), tuple(f"q{i}" for i in range(3, 24, 3))):
        lines = tuple(Line(name, x, x + place) for place, name in enumerate(names))
        figure = FigureData("f", "", "", (Panel("a", lines),), "", order=order)
        (axis,) = paper.draw(figure).axes
        drawn = axis.get_lines()
        looks = [(line.get_color(), line.get_marker()) for line in drawn]
        assert looks == [(figure.style(name, 0).colour, figure.style(name, 0).marker) for name in names]
        assert len(set(looks)) == len(names)
        dashes = {(line.get_color(), str(line._dash_pattern)) for line in drawn}  # type: ignore[attr-defined]
        assert len(dashes) == len(names)


def test_only_a_group_that_would_look_like_another_moves_on_paper() -> None:
    x = np.arange(3.0)
    names = ("q1", "q8", "q50")
    lines = tuple(Line(name, x, x + place) for place, name in enumerate(names))
    order = tuple(f"q{i}" for i in range(60))
    figure = FigureData("f", "", "", (Panel("a", lines),), "", order=order)
    assert figure.style("q1", 0) == figure.style("q50", 0)
    moved = with_distinct_places(figure)
    assert [moved.style(name, 0) for name in names[:2]] == [figure.style(name, 0) for name in names[:2]]
    assert moved.style("q50", 0) not in (figure.style("q1", 0), figure.style("q8", 0))


@pytest.mark.parametrize("name", ["=1+1", "+A1", "-name", "@x", "\t=1", "\r=1", " =1", "\uff1d1+1"])
def test_a_name_that_a_spreadsheet_would_run_is_written_as_text(name: str) -> None:
    line = Line(name, np.array([1000]), np.array([-0.5]))
    rows = list(csv.reader(io.StringIO(to_csv(FigureData("f", "", "step", (Panel("MSE", (line,)),), "")))))
    assert rows[1][2] == "'" + name.replace("\r", " ") and rows[1][4] == "-0.5"


@pytest.mark.parametrize("text", ["-0.5%", "+3", "-1e-5", "q101", "a=b", "1 - 2"])
def test_numbers_and_other_names_are_written_as_they_are(text: str) -> None:
    line = Line(text, np.array([1000]), np.array([-0.5]))
    rows = list(csv.reader(io.StringIO(to_csv(FigureData("f", "", "step", (Panel("MSE", (line,)),), "")))))
    assert rows[1][2] == text


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_values_that_no_logarithmic_axis_can_show_are_drawn_without_a_warning(value: float) -> None:
    x, y = np.arange(5.0), np.full(5, value)
    line = Line("positive", x, y)
    panel = Panel("energy", (line, Line("none", np.zeros(5), y)), "log", x_scale="log")
    figure = FigureData("planted", "A title", "step", (panel, panel), "Median; n = 5.", "n = 5")
    drawn = paper.draw(figure)
    drawn.draw_without_rendering()
    assert drawn.axes[0].get_yscale() == "linear"
    assert paper.render(figure, "png")
    assert plotly.draw(figure).data


def test_a_legend_of_long_names_is_not_cut() -> None:
    x = np.arange(3.0)
    names = [f"transformer_lr{i}e-4_warmup-cosine - transformer_lr9e-4_warmup-cosine" for i in range(3)]
    panel = Panel("y", tuple(Line(name, x, x) for name in names))
    drawn = paper.draw(FigureData("f", "", "x", (panel,), ""))
    drawn.draw_without_rendering()
    box = drawn.get_tightbbox()
    assert box.x0 >= -0.01 and box.x1 <= paper.COLUMN + 0.01
    texts = {text.get_text() for text in drawn.legends[0].get_texts()}
    assert {text.replace("\n", "") for text in texts} == {name.replace(" - ", " -") for name in names}


def test_a_legend_is_drawn_for_what_axes_do_not_say() -> None:
    x = np.arange(2.0)
    ticks = ((0.0, "a: better"), (1.0, "b: worse"))
    named = (Line("a", x[:1], x[:1]), Line("b", x[1:], x[1:]))
    margin = Line("margin ±1%", x, x)
    for lines, names in (
        (named, []),
        ((*named, margin), ["margin ±1%"]),
        ((margin,), []),
    ):
        figure = FigureData("f", "", "x", (Panel("y", lines, x_ticks=ticks),), "")
        legends = paper.draw(figure).legends
        assert [text.get_text() for legend in legends for text in legend.get_texts()] == names
