"""Pictures of a comparison over tasks."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from app.calls.tasks_compared import across
from app.cli import main
from app.pictures import Material, make_pictures
from ired_diag.comparison.across import Across
from ired_diag.drawing.across_rows import Row, beyond_in_words, range_without_outliers
from ired_diag.drawing.aggregate_intervals import aggregate_intervals
from ired_diag.drawing.improvement_probability import improvement_probability
from ired_diag.drawing.paper import render
from ired_diag.drawing.performance_profiles import performance_profiles
from ired_diag.drawing.task_effects import task_effects

NAMES = ["task-effects", "aggregate-intervals", "performance-profiles", "improvement-probability"]


def written(path: Path) -> Path:
    rng = np.random.default_rng(3)
    lines = ["algorithm,game,seed,score"]
    for group, factor in (("new", 1.15), ("old", 1.0)):
        for game in ("Pong", "Breakout", "Qbert", "Seaquest", "Alien", "Boxing"):
            for seed in range(5):
                lines.append(f"{group},{game},{seed},{factor * (1 + 0.1 * rng.standard_normal())}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def comparison(tmp_path: Path) -> Across:
    return across(written(tmp_path / "scores.csv"))


def test_a_forest_has_a_row_for_each_task_and_the_mean(comparison: Across) -> None:
    (panel,) = task_effects(comparison).panels
    names = [name for _, name in panel.y_ticks]
    assert names == [*comparison.task_names, "mean over tasks"]
    first = comparison.pairs[0].result.tasks[0]
    (place,) = (place for place, name in panel.y_ticks if name == "Pong")
    assert panel.lines[0].y[0] == place
    assert panel.lines[0].x[0] == pytest.approx(100 * np.expm1(first.difference))


def test_the_wide_interval_of_a_task_holds_the_narrow_one(comparison: Across) -> None:
    (panel,) = task_effects(comparison).panels
    own = [segment for segment in panel.segments if segment.name == "Qbert"]
    wide, narrow = sorted(own, key=lambda segment: segment.bold)
    assert wide.x[0] < narrow.x[0] < narrow.x[1] < wide.x[1]


def test_aggregates_have_four_panels_with_every_group(comparison: Across) -> None:
    figure = aggregate_intervals(comparison)
    assert [panel.x_label.split(" (")[0] for panel in figure.panels] == [
        "IQM",
        "median",
        "mean",
        "optimality gap",
    ]
    for panel in figure.panels:
        assert [name for _, name in panel.y_ticks] == ["new", "old"]


def test_of_one_seed_no_caption_speaks_of_bars_and_no_row_is_empty(tmp_path: Path) -> None:
    lines = ["algorithm,game,seed,score"]
    for group, score in (("new", 1.1), ("old", 1.0)):
        lines += [f"{group},{game},0,{score}" for game in ("Pong", "Boxing")]
    path = tmp_path / "scores.csv"
    path.write_text("\n".join(lines) + "\n")
    single = across(path)
    for draw in (task_effects, aggregate_intervals, performance_profiles, improvement_probability):
        figure = draw(single)
        for words in ("Thick", "Bars:", "Bands:", "bootstrap"):
            assert words not in figure.method
        assert "at least 2" in figure.method or "too rarely" in figure.method
        for panel in figure.panels:
            assert all(np.isfinite(line.x).any() for line in panel.lines)
    effects = task_effects(single)
    assert [name for _, name in effects.panels[0].y_ticks] == single.task_names
    assert "Left out: mean over tasks" in effects.method
    assert "the last row" not in effects.method


def test_an_interval_far_longer_than_most_is_cut_and_said_to_be() -> None:
    rows = [Row(name=name, of="new", value=1.0, low=0.0, high=2.0) for name in "abc"]
    assert range_without_outliers(rows, 0.0) is None
    rows.append(Row(name="wild", of="new", value=2.0, low=-1.0, high=900.0))
    ends = range_without_outliers(rows, 0.0)
    assert ends is not None
    assert ends[0] < -1.0
    assert 2.0 < ends[1] < 20.0
    assert beyond_in_words(rows, ends) == " Intervals that go on beyond the axis: wild."
    assert beyond_in_words(rows, None) == ""


def test_profiles_fall_from_one_to_zero_within_their_bands(comparison: Across) -> None:
    runs, tasks = performance_profiles(comparison).panels
    for line in (*runs.lines, *tasks.lines):
        assert (np.diff(line.y) <= 0).all()
        assert line.y[0] > 0.9
        assert line.y[-1] < 0.1
    for line in runs.lines:
        assert line.low is not None
        assert line.high is not None
        assert ((line.low <= line.y) & (line.y <= line.high)).all()
    assert all(line.low is None for line in tasks.lines)


def test_probabilities_stand_on_one_axis_with_one_half(comparison: Across) -> None:
    (panel,) = improvement_probability(comparison).panels
    assert panel.x_range == (-0.02, 1.02)
    assert panel.segments[0].x == (0.5, 0.5)


@pytest.mark.parametrize(
    "figure", [task_effects, aggregate_intervals, performance_profiles, improvement_probability]
)
def test_every_caption_says_n(figure: object, comparison: Across) -> None:
    drawn = figure(comparison)  # type: ignore[operator]
    assert "N = 6 tasks" in drawn.method
    assert "5 seeds of new, 5 seeds of old" in drawn.method
    assert render(drawn, "png", width=3.25) == render(drawn, "png", width=3.25)


def test_the_command_writes_pictures_and_their_data(tmp_path: Path) -> None:
    path = written(tmp_path / "scores.csv")
    result = CliRunner().invoke(main, ["across", str(path), "--figures", str(tmp_path / "figures")])
    assert result.exit_code == 0
    for name in NAMES:
        for form in ("pdf", "svg", "png", "csv", "json"):
            assert (tmp_path / "figures" / f"{name}.{form}").stat().st_size > 0
    with (tmp_path / "figures" / "task-effects.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["name"] for row in rows if row["kind"] == "segment"} >= {"Pong", "Boxing"}


def test_without_a_comparison_over_tasks_the_picture_says_what_it_needs() -> None:
    pictures = make_pictures(Material(groups={}), ["performance-profiles"])
    assert "ired-diag across" in pictures.not_drawn["performance-profiles"]
