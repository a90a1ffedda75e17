"""Sweep response as a picture: means, intervals, single seeds, the best setting and its correction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ired_diag.comparison import Comparison, compare
from ired_diag.drawing import paper, plotly
from ired_diag.drawing.sweep_response import sweep_figure
from ired_diag.errors import DiagError
from ired_diag.runs.run import Run
from tests.made_runs import made_run

KNOB = "mining_opt_steps"


def sweep(table: dict[float, list[float]], *, lower_is_better: bool = True) -> Comparison:
    """Return a comparison of runs that each evaluated once, by the value of the knob."""
    groups: dict[str, list[Run]] = {}
    for value, readings in table.items():
        variant = f"{KNOB}={value:g}"
        members = []
        for seed, reading in enumerate(readings):
            run = made_run(
                "q301",
                seed,
                every=1000,
                config={KNOB: value},
                variant=variant,
                path=Path("q301"),
                validation__mse=[reading],
            )
            members.append(run)
        groups[f"q301@{variant}"] = members
    return compare(groups, knob=KNOB, readout="last", lower_is_better=lower_is_better)


@pytest.fixture
def table(rng: np.random.Generator) -> dict[float, list[float]]:
    means = {20.0: 1.3, 1.0: 1.2, 5.0: 1.05, 3.0: 1.0, 10.0: 1.15}
    return {value: list(rng.normal(mean, 0.05, 6)) for value, mean in means.items()}


def test_means_and_intervals_are_those_of_scipy_in_the_order_of_the_knob(
    table: dict[float, list[float]],
) -> None:
    panel = sweep_figure(sweep(table)).panels[0]
    line = panel.lines[-1]
    assert line.x.tolist() == [1.0, 3.0, 5.0, 10.0, 20.0]
    for x, mean, low, high in zip(line.x, line.y, line.low, line.high, strict=True):  # type: ignore[arg-type]
        values = table[float(x)]
        interval = stats.ttest_1samp(values, 0).confidence_interval()
        np.testing.assert_allclose(mean, np.mean(values), rtol=1e-12)
        np.testing.assert_allclose([low, high], np.array([interval.low, interval.high]), rtol=1e-11)


def test_single_seeds_stand_beside_their_setting(table: dict[float, list[float]]) -> None:
    panel = sweep_figure(sweep(table)).panels[0]
    dots = panel.lines[:-1]
    assert [sorted(line.y.tolist()) for line in dots] == [sorted(table[x]) for x in sorted(table)]
    assert all(line.faint and line.drawn == "points" and line.of == "q301" for line in dots)
    settings = np.array(sorted(table))
    places = np.array([line.x[0] for line in dots])
    np.testing.assert_allclose(places / settings, 20**0.02)


def test_the_best_is_marked_and_its_correction_is_that_of_the_statistics(
    table: dict[float, list[float]],
) -> None:
    comparison = sweep(table)
    assert comparison.sweep is not None
    figure = sweep_figure(comparison)
    (mark,), (guide,) = figure.panels[0].marks, figure.panels[0].guides
    assert mark.x == 3.0
    assert mark.y == pytest.approx(np.mean(table[3.0]))
    assert guide.y == comparison.sweep.response.honest
    assert f"{guide.y:.4g}" in figure.summary
    assert "lower is better" in figure.method
    assert "n = 6 a setting" in figure.method


@pytest.mark.parametrize("n", [4, 5])
def test_a_line_of_held_out_seeds_needs_five(table: dict[float, list[float]], n: int) -> None:
    figure = sweep_figure(sweep({setting: values[:n] for setting, values in table.items()}))
    labels = [guide.label for guide in figure.panels[0].guides]
    assert all(label.startswith("chosen setting on held-out seeds: ") for label in labels)
    assert len(labels) == (n == 5)
    assert ("seeds are too few to say how much of its lead is luck" in figure.method) == (n == 4)


def test_the_best_is_the_highest_where_higher_is_better(table: dict[float, list[float]]) -> None:
    figure = sweep_figure(sweep(table, lower_is_better=False))
    (mark,) = figure.panels[0].marks
    assert mark.x == 20.0
    assert mark.anchor == "right"
    assert not mark.below


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ((1.0, 3.0, 20.0), "log"),
        ((1.0, 10.0), "linear"),
        ((0.0, 0.5, 50.0), "linear"),
        ((-1.0, 1.0, 100.0), "linear"),
        ((0.7, 1.0), "linear"),
    ],
)
def test_x_is_logarithmic_over_decades_and_by_name_otherwise(values: tuple[float, ...], scale: str) -> None:
    panel = sweep_figure(sweep({value: [1.0, 1.1, 1.2] for value in values})).panels[0]
    assert panel.x_scale == scale
    assert [name for _, name in panel.x_ticks] == [f"{value:g}" for value in values]
    if scale == "linear":
        assert [place for place, _ in panel.x_ticks] == list(range(len(values)))


def test_one_seed_a_setting_has_no_interval_and_no_correction_and_says_so() -> None:
    figure = sweep_figure(sweep({1.0: [1.0], 3.0: [0.9], 20.0: [1.1]}))
    line = figure.panels[0].lines[-1]
    assert line.low is not None
    assert np.isnan(line.low).all()
    assert figure.panels[0].guides == ()
    assert "too few" in figure.method
    assert figure.note == "one seed each"


def test_a_comparison_that_is_no_sweep_is_refused_with_the_way_to_one(
    table: dict[float, list[float]],
) -> None:
    with pytest.raises(DiagError, match="--sweep KNOB"):
        sweep_figure(replace(sweep(table), sweep=None))


def test_the_order_of_settings_and_of_seeds_changes_nothing(table: dict[float, list[float]]) -> None:
    a, b = (sweep_figure(sweep(one)) for one in (table, dict(reversed(table.items()))))
    np.testing.assert_array_equal(a.panels[0].lines[-1].y, b.panels[0].lines[-1].y)
    assert a.panels[0].marks == b.panels[0].marks
    assert a.panels[0].guides == b.panels[0].guides


@pytest.mark.parametrize("width", [paper.COLUMN, paper.TEXT])
def test_both_renderers_draw_the_same_and_nothing_is_cut(
    table: dict[float, list[float]], width: float
) -> None:
    figure = sweep_figure(sweep(table))
    drawn = paper.draw(figure, width=width)
    drawn.draw_without_rendering()
    assert drawn.get_tightbbox().x1 <= width + 0.01
    axis, screen = drawn.axes[0], plotly.draw(figure)
    assert axis.get_xscale() == "log"
    assert screen.layout.xaxis.type == "log"
    for line in figure.panels[0].lines:
        assert any(np.array_equal(mine.get_ydata(), line.y) for mine in axis.get_lines())
        assert any(t.y is not None and np.array_equal(t.y, line.y) for t in screen.data)
    assert [label.get_text() for label in axis.get_xticklabels()] == ["1", "3", "5", "10", "20"]
    assert list(screen.layout.xaxis.ticktext) == ["1", "3", "5", "10", "20"]


def test_words_on_a_logarithmic_axis_stand_where_their_line_does_on_the_screen() -> None:
    seeds = np.linspace(0.0, 0.2, 5)
    figure = sweep_figure(sweep({1.0: [*1 + seeds], 3.0: [*100 + 50 * seeds], 20.0: [*5 + seeds]}))
    assert figure.panels[0].y_scale == "log"
    (guide,) = figure.panels[0].guides
    screen = plotly.draw(figure)
    assert screen.layout.shapes[0].y0 == guide.y
    assert screen.layout.annotations[0].y == pytest.approx(np.log10(guide.y))
