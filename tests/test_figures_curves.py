"""Learning curves: means, bands and N against plain numpy; marks, floors, smoothing."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from ired_diag.drawing import paper, plotly
from ired_diag.drawing.as_table import rows_of
from ired_diag.drawing.data import FigureData, Line
from ired_diag.drawing.learning_curves import learning_curves
from ired_diag.drawing.over_seeds import Band, over_seeds
from ired_diag.drawing.running_median import running_median
from ired_diag.errors import DiagError, NotFound
from ired_diag.inverse.simulated_floors import inverse_floors
from ired_diag.open import open_study
from ired_diag.runs.ending import Ending
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.verdict import verdict_of
from tests.made_runs import made_run

MSE = "validation/mse"
TOLD = {"rank": 20, "ood": False, "mining_strategy": "none", "diffusion_steps": 10}


def series(values: Sequence[float] | NDArray[np.float64], steps: Sequence[int] | None = None) -> Series:
    told = np.arange(1, len(values) + 1) * 1000 if steps is None else steps
    return Series(np.asarray(told, dtype=np.int64), np.asarray(values, dtype=np.float64))


def run_of(
    values: Sequence[float] | NDArray[np.float64] | Series,
    *,
    group: str = "q1",
    seed: int = 0,
    metric: str = MSE,
    told: Mapping[str, Any] | None = None,
) -> Run:
    curve = values if isinstance(values, Series) else series(values)
    return made_run(group, seed, config=told, path=Path(group), metrics={metric: curve})


def group_of(
    table: Iterable[Sequence[float] | NDArray[np.float64]],
    name: str = "q1",
    told: Mapping[str, Any] | None = None,
) -> dict[str, list[Run]]:
    return {name: [run_of(values, group=name, seed=s, told=told) for s, values in enumerate(table)]}


@pytest.fixture
def falling(rng: np.random.Generator) -> NDArray[np.float64]:
    return np.asarray(np.exp(-np.arange(40) / 8) * rng.lognormal(sigma=0.2, size=(6, 40)))


def mean_line(figure: FigureData, name: str = "q1") -> Line:
    return next(line for line in figure.panels[0].lines if line.name == name and not line.faint)


def ends(line: Line) -> NDArray[np.float64]:
    assert line.low is not None
    assert line.high is not None
    return np.stack([line.low, line.high])


def test_mean_and_t_interval_are_those_of_scipy_at_each_step(falling: NDArray[np.float64]) -> None:
    line = mean_line(learning_curves(group_of(falling)))
    interval = stats.t.interval(0.95, 5, falling.mean(0), stats.sem(falling, axis=0))
    np.testing.assert_allclose(line.y, falling.mean(0), rtol=1e-13)
    np.testing.assert_allclose(ends(line), interval, rtol=1e-11)


@pytest.mark.parametrize("band", get_args(Band))
def test_bands_are_what_they_are_called(falling: NDArray[np.float64], band: Band) -> None:
    line = mean_line(learning_curves(group_of(falling), band=band))
    mean, sd = falling.mean(0), falling.std(0, ddof=1)
    half = stats.t.ppf(0.975, 5) * sd / np.sqrt(6)
    expected = {
        "t interval": (mean - half, mean + half),
        "sd": (mean - sd, mean + sd),
        "range": (falling.min(0), falling.max(0)),
    }[band]
    np.testing.assert_allclose(ends(line), expected, rtol=1e-12)


def test_n_at_each_step_is_counted_and_drawn_where_seeds_end_early_or_turn_into_nan() -> None:
    table = [[4.0, 2.0, 1.0, 1.0], [4.0, 2.0, 1.0], [4.0, np.nan, np.inf, 3.0], [4.0, 6.0]]
    seen = over_seeds([series(values) for values in table])
    assert seen.n.tolist() == [4, 3, 2, 2]
    np.testing.assert_allclose(seen.mean, [4.0, 10 / 3, 1.0, 2.0])
    figure = learning_curves(group_of(table))
    seeds = figure.panels[1]
    assert seeds.y_label == "seeds"
    assert seeds.lines[0].y.tolist() == [4, 3, 2, 2]
    assert "n = 2 to 4" in figure.method
    assert "where N, in the lowest panel, falls" in figure.method
    assert "n = 2 to 4" in figure.note


def test_n_that_never_changes_is_only_said(falling: NDArray[np.float64]) -> None:
    figure = learning_curves(group_of(falling))
    assert len(figure.panels) == 1
    assert "n = 6 seeds" in figure.method
    assert "in the lowest panel" not in figure.method


def test_a_step_that_few_seeds_were_evaluated_at_has_no_mean() -> None:
    """Two seeds each 1000 steps and one each 500: a mean of one among means of three would jump."""
    often = series([9.0, 1.0, 9.0, 2.0, 9.0, 3.0], range(500, 3500, 500))
    seen = over_seeds([series([1.0, 2.0, 3.0]), series([1.0, 2.0, 3.0]), often])
    assert seen.steps.tolist() == [500, 1000, 2000, 3000]  # at 500 one seed is in training, and has a value
    assert seen.n.tolist() == [1, 3, 3, 3]
    np.testing.assert_allclose(seen.mean, [9.0, 1.0, 2.0, 3.0])
    assert over_seeds([series([1.0, 2.0, 3.0]), often]).n.tolist() == [1, 2, 2, 2]  # half is not enough


def test_the_mean_knows_no_order_of_seeds_and_follows_the_scale(falling: NDArray[np.float64]) -> None:
    curves = [series(values) for values in falling]
    plain, turned = over_seeds(curves), over_seeds(curves[::-1])
    np.testing.assert_allclose(plain.mean, turned.mean, rtol=1e-14)
    large = over_seeds([replace(curve, values=curve.values * 2.0**900) for curve in curves])
    np.testing.assert_array_equal(large.mean, plain.mean * 2.0**900)
    np.testing.assert_array_equal(large.high, plain.high * 2.0**900)


def test_raw_curves_lie_beneath_as_logged(falling: NDArray[np.float64]) -> None:
    for smooth in (None, 5):
        lines = learning_curves(group_of(falling), smooth=smooth).panels[0].lines
        faint = [line for line in lines if line.faint]
        assert [line.of for line in faint] == ["q1"] * 6
        np.testing.assert_array_equal([line.y for line in faint], falling)


def test_smoothing_moves_the_line_and_not_the_band_and_is_said(falling: NDArray[np.float64]) -> None:
    plain, smooth = (learning_curves(group_of(falling), smooth=k) for k in (None, 5))
    a, b = mean_line(plain), mean_line(smooth)
    assert a.low is not None
    assert b.low is not None
    np.testing.assert_array_equal(a.low, b.low)
    naive = [np.median(falling.mean(0)[max(0, i - 2) : i + 3]) for i in range(40)]
    np.testing.assert_allclose(b.y, naive, rtol=1e-13)
    assert "not smoothed" in plain.method
    assert "running median of 5" in smooth.method
    assert "running median of 5" in smooth.note


def test_a_running_median_leaves_out_what_is_not_finite_and_keeps_it() -> None:
    found = running_median(np.array([1.0, np.nan, 3.0, np.inf, 5.0]), 3)
    np.testing.assert_array_equal(found, [1.0, np.nan, 3.0, np.inf, 5.0])
    for window in (0, 1, 4, -3):
        with pytest.raises(DiagError, match="odd number"):
            running_median(np.ones(5), window)


def test_runs_judged_by_different_metrics_are_refused_by_name() -> None:
    groups = group_of([[1.0, 2.0]]) | {"q2": [run_of([1.0, 2.0], group="q2", metric="eval_loss")]}
    with pytest.raises(DiagError, match=r"no metric in common.*: q1 has validation/mse; q2 has eval_loss"):
        learning_curves(groups)


def test_a_run_without_the_metric_is_left_out_and_named() -> None:
    groups = {"q1": [run_of([1.0, 2.0]), run_of([1.0, 2.0], seed=1, metric="other/thing")]}
    figure = learning_curves(groups, metric=MSE)
    assert "Left out, because they did not log validation/mse: q1/seed1." in figure.method
    with pytest.raises(NotFound, match=r"'nothing'.*validation/mse"):
        learning_curves(groups, metric="nothing")
    with pytest.raises(NotFound):
        learning_curves({})


def test_the_axis_is_logarithmic_where_a_curve_spans_more_than_a_factor_of_ten() -> None:
    for values, scale in (
        ([10.0, 1.01], "linear"),
        ([10.0, 0.99], "log"),
        ([10.0, 0.0], "linear"),
        ([10.0, -1.0], "linear"),
        ([1e200, np.nan, 1.0], "log"),
    ):
        assert learning_curves(group_of([values])).panels[0].y_scale == scale, values


def test_onset_is_the_first_among_seeds_and_best_the_median_of_bests() -> None:
    valley = [8.0, 4.0, 2.0, 1.0]
    table = [[*valley, 0.9, 2.0, 4.0, 8.0, 16.0], [*valley, 2.0, 4.0, 8.0, 16.0, 32.0], [*valley, *[0.5] * 5]]
    groups = group_of(table)
    verdicts = [verdict_of(run) for run in groups["q1"]]
    onsets = [verdict.onset for verdict in verdicts if verdict.onset is not None]
    figure = learning_curves(groups)
    onset, best = figure.panels[0].marks
    assert (onset.label, onset.of) == ("onset", "q1")
    assert onset.x == min(onsets) == 5000.0
    assert onset.y == 2.0
    assert (best.label, best.x, best.y) == ("best", 5000.0, 0.9)
    assert "2 of 3 rise for good, first at step 5000" in figure.summary
    assert "Diamond: where the first seed of the group begins to rise for good." in figure.method


def test_a_caption_speaks_of_no_mark_band_or_cut_that_is_not_drawn(falling: NDArray[np.float64]) -> None:
    calm = learning_curves(group_of(falling))
    assert {mark.shape for mark in calm.panels[0].marks} == {"circle"}
    for word in ("Diamond", "Square", "(noise)", "Bands end", "cut", "Dotted", "dotted", "Second panel"):
        assert word not in calm.method
    wide = learning_curves(group_of(np.array([[0.5, 0.2, 0.1], [0.1, 0.2, 0.1], [0.2, 0.1, 0.4]])))
    low = mean_line(wide).low
    assert low is not None and low.min() == 0.0
    assert "Bands end at 0" in wide.method


def test_a_later_start_moves_no_mark_of_a_curve() -> None:
    """The best evaluation is one of the run: pictures of its whole and of its end agree on it."""
    groups = group_of([[8.0, 4.0, 2.0, 1.5, 1.6, 1.55, 1.52, 1.58, 1.51, 1.57, 1.6]] * 2)
    whole = learning_curves(groups).panels[0].marks
    later = learning_curves(groups, start=whole[0].x - 1).panels[0].marks
    assert later == whole
    assert learning_curves(groups, start=whole[0].x + 1).panels[0].marks == ()


def test_a_plateau_that_looks_like_one_line_gets_a_panel_of_its_own() -> None:
    rng = np.random.default_rng(3)
    fall = 100.0 * np.exp(-np.arange(60) / 4)
    groups: dict[str, list[Run]] = {}
    for level, name in ((1.0, "a"), (1.02, "b")):
        groups |= group_of([fall + level + 0.002 * rng.standard_normal(60) for _ in range(3)], name)
    figure = learning_curves(groups, plateau=40_000)
    whole, resting = figure.panels
    assert min(line.x.min() for line in resting.lines) == 40_000
    assert resting.y_scale == "linear" and "from step 40000 on" in figure.method
    assert all(mark.x < 40_000 for mark in whole.marks)
    values = np.concatenate([line.y for line in resting.lines])
    assert np.ptp(values) < 0.1
    flat = group_of([[1.0, 3.0, 1.0, 3.0, 1.0, 3.0]] * 2)
    assert len(learning_curves(flat, plateau=2000).panels) == 1


def test_an_onset_that_is_nan_is_marked_at_the_last_number_before() -> None:
    figure = learning_curves(group_of([[4.0, 2.0, 1.0, 0.9, np.nan, np.nan]]))
    onset = figure.panels[0].marks[0]
    assert (onset.x, onset.y) == (4000.0, 0.9)


def test_many_groups_have_marks_and_words_only_where_there_is_room() -> None:
    valley = [8.0, 4.0, 2.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    groups: dict[str, list[Run]] = {}
    for i in range(20):
        groups |= group_of([np.array(valley) * (1 + i / 100)] * 3, f"q{i}")
    figure = learning_curves(groups)
    marks = figure.panels[0].marks
    assert len(marks) == 40
    assert sum(not mark.quiet for mark in marks) == 2
    few = learning_curves(groups, most_marks=4)
    assert {mark.label for mark in few.panels[0].marks} == {"onset"}
    assert len(few.panels[0].marks) == 20
    assert "Circle" in figure.method
    assert "Circle" not in few.method
    assert all(row[-1] for row in rows_of(figure) if row[1] == "mark")
    styles = {figure.style(name, 0) for name in groups}
    assert len(styles) == 20


def test_hiding_a_group_changes_no_colour_of_another() -> None:
    groups = group_of([[2.0, 1.0]], "a") | group_of([[2.0, 1.0]], "b")
    whole, part = learning_curves(groups), learning_curves({"b": groups["b"]}, order=("a", "b"))
    assert whole.style("b", 1) == part.style("b", 0) != whole.style("a", 0)


def test_floors_are_drawn_where_all_runs_invert_the_same_known_matrices() -> None:
    known = group_of([[1.0, 0.01]], told=TOLD)
    figure = learning_curves(known)
    assert [guide.y for guide in figure.panels[0].guides] == sorted(
        floor.mse for floor in inverse_floors(20, epsilon=0.5, weight=2.0)
    )
    assert "linear regression 0.00954" in figure.method
    assert learning_curves(known, floors=False).panels[0].guides == ()
    other = group_of([[1.0, 0.01]], "q2", told={**TOLD, "ood": True})
    mixed = learning_curves(known | other)
    assert mixed.panels[0].guides == ()
    assert "not known to have the same data" in mixed.method
    assert learning_curves(group_of([[1.0, 0.01]])).panels[0].guides == ()
    loss = {"q1": [run_of([1.0, 0.01], metric="eval_loss", told=TOLD)]}
    assert learning_curves(loss).panels[0].guides == ()


def test_both_renderers_draw_the_same_numbers(falling: NDArray[np.float64]) -> None:
    shorter = [values[: 20 + i] for i, values in enumerate(falling[:3])]
    groups = group_of(falling, told=TOLD) | group_of(shorter, "q2", told=TOLD)
    figure = learning_curves(groups)
    axes, screen = paper.draw(figure).axes, plotly.draw(figure)
    wide = paper.draw(figure, width=paper.TEXT).axes
    assert wide[0].get_position().y0 > wide[1].get_position().y1  # beneath, at any width
    for line in figure.panels[0].lines:
        on_paper = [mine for mine in axes[0].get_lines() if np.array_equal(mine.get_ydata(), line.y)]
        on_screen = [t for t in screen.data if t.y is not None and np.array_equal(t.y, line.y)]
        assert on_paper, line.name
        assert on_screen, line.name
    band = next(trace for trace in screen.data if trace.name == "q1, band")
    line = mean_line(figure)
    assert line.high is not None
    np.testing.assert_array_equal(band.y[40:], line.high[::-1])


def test_a_broken_band_is_not_bridged_on_the_screen() -> None:
    table = [[1.0, 2.0, np.nan, 4.0, 5.0], [2.0, 3.0, 3.0, 5.0, 6.0], [2.5, 3.5, 3.5, 5.5, 6.5]]
    band = next(t for t in plotly.draw(learning_curves(group_of(table))).data if t.name == "q1, band")
    assert np.isnan(band.y).sum() == 1
    assert len(band.x) == 9


@pytest.mark.parametrize("width", [paper.COLUMN, paper.TEXT])
@pytest.mark.parametrize(
    "table",
    [
        [[1.0]],
        [[np.nan, np.nan]],
        [[np.inf]],
        [[0.0, 0.0, 0.0]],
        [[1.0, 2.0], [1.0]],
        [[1e300, 1e-300], [1.0, 1.0]],
        [[-1.0, 1.0]],
    ],
)
def test_odd_curves_are_drawn_by_both(table: list[list[float]], width: float) -> None:
    figure = learning_curves(group_of(table, told=TOLD))
    drawn = paper.draw(figure, width=width)
    drawn.draw_without_rendering()
    assert drawn.get_tightbbox().x1 <= width + 0.01
    assert plotly.draw(figure).data


def test_one_seed_has_no_band_and_is_drawn_once() -> None:
    figure = learning_curves(group_of([[3.0, 2.0, 1.0]]))
    (line,) = figure.panels[0].lines
    assert line.low is not None
    assert np.isnan(line.low).all()
    assert "one seed" in figure.method
    assert "interval" not in figure.method


def test_an_unknown_band_is_refused() -> None:
    with pytest.raises(DiagError, match="t interval, sd, range"):
        learning_curves(group_of([[1.0]]), band="sem")  # type: ignore[arg-type]


def test_the_study_s_last_means_are_those_published(shared: Path) -> None:
    groups = open_study(shared / "ired_logs").groups()
    figure = learning_curves({name: groups[name] for name in ("q101", "q102", "q103")})
    for name in ("q101", "q102", "q103"):
        values = [run.history.series[MSE].values[-1] for run in groups[name]]
        line = mean_line(figure, name)
        assert line.y[-1] == pytest.approx(np.mean(values), rel=1e-12)
        assert line.low is not None
        assert line.low[-1] == pytest.approx(stats.ttest_1samp(values, 0).confidence_interval().low)
    assert [round(float(mean_line(figure, n).y[-1]), 6) for n in ("q101", "q103")] == [0.009692, 0.009777]
    assert figure.panels[0].y_scale == "log"
    assert [mark.label for mark in figure.panels[0].marks] == ["best (noise)"] * 3


def points(svg: str) -> list[tuple[float, float]]:
    root = ET.fromstring(svg)
    told = [line.get("points", "") for line in root.iter("{http://www.w3.org/2000/svg}polyline")]
    return [(float(p.split(",")[0]), float(p.split(",")[1])) for one in told for p in one.split()]


def test_early_stops_are_marked_at_the_median_seed_and_counted() -> None:
    values = np.concatenate([np.linspace(1.0, 0.5, 10), np.full(3, 0.6)])
    runs = []
    for seed, length in enumerate((13, 12, 11)):
        run = made_run("a", seed, val_loss=values[:length])
        last = int(run.history.series["val_loss"].steps[-1])
        runs.append(replace(run, ending=Ending("complete", f"stopped early at step {last}: none was better")))
    other = made_run("b", val_loss=values)
    drawn = learning_curves({"stopped": runs, "other": [other]}, metric="val_loss")
    squares = [mark for mark in drawn.panels[0].marks if mark.shape == "square"]
    middle = sorted(int(run.history.series["val_loss"].steps[-1]) for run in runs)[1]
    assert [(mark.x, mark.y, mark.of, mark.label) for mark in squares] == [
        (middle, 0.6, "stopped", "early stop")
    ]
    assert "early stopping ended stopped 3 of 3 seeds, at steps" in drawn.method
    assert "Square" not in learning_curves({"other": [other]}, metric="val_loss").method
    four = {name: [made_run(name, val_loss=values)] for name in ("b", "c", "d", "e")}
    many = learning_curves({"stopped": runs, **four}, metric="val_loss", most_marks=4)
    assert {mark.shape for mark in many.panels[0].marks} == {"diamond"}
    assert " Early stopping ended stopped 3 of 3 seeds, at steps" in many.method
    assert "Square" not in many.method


def test_a_run_that_diverged_is_named_and_is_in_the_mean() -> None:
    calm = [1.0 / step for step in range(1, 13)]
    diverging = [*calm[:6], *(10.0**power for power in range(6))]
    groups = group_of([calm, calm, diverging], "a") | group_of([calm, calm, calm], "b")
    figure = learning_curves(groups)
    assert "1 of 3 runs of a diverged; its curve is drawn and is in the mean." in figure.method
    assert "runs of b" not in figure.method
    alone = learning_curves(group_of([diverging], "a"))
    assert "1 of 1 run of a diverged; it is drawn all the same." in alone.method
    assert "diverged" not in learning_curves({"b": groups["b"]}).method
