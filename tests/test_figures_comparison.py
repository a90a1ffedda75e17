"""Pictures of a comparison: differences to the first group, by every readout, and evaluation noise."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import linalg, optimize, stats

from ired_diag.comparison import Comparison, compare
from ired_diag.comparison.words import verdict_of
from ired_diag.drawing import paper, plotly
from ired_diag.drawing.as_table import to_csv
from ired_diag.drawing.baseline_differences import differences_of
from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.evaluation_noise import evaluation_noise
from ired_diag.drawing.paired_differences import paired_differences
from ired_diag.drawing.readouts import readout_forest
from ired_diag.errors import DiagError
from ired_diag.open import open_study
from ired_diag.runs.run import Run
from tests.made_runs import made_run

GROUPS = ("q101", "q102", "q103")
STEADY = np.tile([1.0, -1.0, 0.5, -0.5, -1.0, 1.0], 20)  # noise about a level that surely does not drift
Picture = Callable[[Comparison], FigureData]
PICTURES = (paired_differences, readout_forest, evaluation_noise)


def run(experiment: str, seed: int | None, values: Sequence[float], **config: Any) -> Run:
    return made_run(
        experiment,
        seed,
        every=1000,
        config={"rank": 20, "ood": False, **config},
        path=Path(experiment),
        provenance={"job": f"77{seed}"},
        validation__mse=values,
    )


def finals(values: Mapping[str, Sequence[float]], **keys: Any) -> Comparison:
    """Return a comparison by the last of two evaluations."""
    groups = {name: [run(name, seed, [9.0, v]) for seed, v in enumerate(vs)] for name, vs in values.items()}
    return compare(groups, readout="last", **keys)


def curves(k: int, n: int, *, step: float = 0.02, **config: Any) -> dict[str, list[Run]]:
    """Return groups of seeds that come to rest; ``config`` is that of all but the first."""
    rng, t = np.random.default_rng(11), np.arange(60)
    shared = 0.02 * rng.standard_normal(n)

    def curve(level: float, seed: int) -> list[float]:
        own = level + shared[seed] + 0.01 * rng.standard_normal()
        values = own + np.exp(-t / 4) + 0.01 * rng.uniform(0.5, 1.5) * STEADY[:60]
        return [float(v) for v in values]

    return {
        f"q{300 + i}": [
            run(f"q{300 + i}", seed, curve(1 + step * i, seed), **(config if i else {})) for seed in range(n)
        ]
        for i in range(k)
    }


APART = {"a": [0.9, 0.9], "b": [1.11, 1.09]}  # by a fifth


def line_of(panel: Panel, name: str) -> Line:
    return next(line for line in panel.lines if line.name == name)


def ends(line: Line) -> tuple[float, float, float]:
    assert line.low is not None
    assert line.high is not None
    return float(line.y[0]), float(line.low[0]), float(line.high[0])


@pytest.fixture(scope="module")
def logs(shared: Path) -> dict[str, list[Run]]:
    study = open_study(shared / "ired_logs")
    return {name: study.select(name) for name in GROUPS}


@pytest.fixture(scope="module")
def study(logs: dict[str, list[Run]]) -> Comparison:
    return compare(logs)


def plateaus(runs: Sequence[Run], start: float) -> dict[int, np.ndarray[Any, Any]]:
    """Return each seed's evaluations from a step on, read off the history."""
    told = {run.seed: run.history.series["validation/mse"] for run in runs}
    return {seed: s.values[s.steps >= start] for seed, s in sorted(told.items()) if seed is not None}


def test_the_studys_differences_are_those_of_plain_numpy(
    logs: dict[str, list[Run]], study: Comparison
) -> None:
    figure = paired_differences(study)
    assert study.plateau_step is not None
    read = {name: [v.mean() for v in plateaus(logs[name], study.plateau_step).values()] for name in GROUPS}
    base = np.array(read["q101"])
    for name in GROUPS[1:]:
        d = 100 * (np.array(read[name]) - base) / np.mean(read[name])
        half = stats.t.ppf(0.975, 9) * d.std(ddof=1) / math.sqrt(10)
        mean, low, high = ends(line_of(figure.panels[1], name))
        assert (mean, low, high) == pytest.approx((d.mean(), d.mean() - half, d.mean() + half), rel=1e-9)
        np.testing.assert_allclose(line_of(figure.panels[1], f"{name} seeds").y, d, rtol=1e-9)
        np.testing.assert_allclose(line_of(figure.panels[0], f"{name} seeds").y, read[name], rtol=1e-12)
    assert [name for _, name in figure.panels[1].x_ticks] == ["q102: worse (<1%)", "q103: worse"]
    assert "(<1%): different, but by less than the margin" in figure.method
    assert (
        "q102 is higher than q101 by 0.238% of q102's mean (95% interval +0.079% to +0.396%): worse"
        in figure.summary
    )
    assert figure.panels[1].y_label == "group \u2212 q101 (% of each group's own mean)"


def test_lines_join_the_same_seed_where_seeds_are_pairs_and_only_there() -> None:
    together = paired_differences(finals({"a": [1.0, 2.0, 4.0], "b": [1.5, 2.5, 4.1]}))
    joins = [line for line in together.panels[0].lines if line.faint and line.drawn == "line"]
    assert [line.y.tolist() for line in joins] == [[1.0, 1.5], [2.0, 2.5], [4.0, 4.1]]
    apart = paired_differences(compare(curves(2, 5, rank=10)))
    assert [line for line in apart.panels[0].lines if line.drawn == "line"] == []
    assert "Seeds are not paired (rank is 20 and 10)." in apart.method
    x = line_of(apart.panels[0], "q300 seeds").x
    assert np.diff(np.sort(x)).min() > 0.02
    assert np.abs(x - x.mean()).max() < 0.3
    assert len(line_of(apart.panels[1], "q301 seeds").y) == 0


def test_an_unpaired_difference_has_welchs_interval() -> None:
    groups = curves(2, 6, rank=10)
    figure = paired_differences(compare(groups, readout="last"))
    a, b = (
        [r.history.series["validation/mse"].values[-1] for r in groups[name]] for name in ("q300", "q301")
    )
    interval = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    scale = 100 / np.mean(b)
    expected = scale * (np.mean(b) - np.mean(a)), scale * interval.low, scale * interval.high
    assert ends(line_of(figure.panels[1], "q301")) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("other", "word"),
    [
        ([0.5, 0.61, 0.7, 0.8], "better"),
        ([2.0, 2.11, 2.2, 2.3], "worse"),
        ([1.0001, 1.1, 1.2001, 1.3], "equivalent"),
        ([0.5, 1.6, 0.7, 1.9], "undecided"),
    ],
)
def test_the_word_is_the_verdict_on_the_other_group(other: list[float], word: str) -> None:
    base = [1.0, 1.1, 1.2, 1.3]
    lower = paired_differences(finals({"base": base, "other": other}))
    assert lower.panels[1].x_ticks == ((0.0, f"other: {word}"),)
    turned = {"better": "worse", "worse": "better"}.get(word, word)
    higher = paired_differences(finals({"base": base, "other": other}, lower_is_better=False))
    assert higher.panels[1].x_ticks == ((0.0, f"other: {turned}"),)


def test_a_scale_changes_no_percent() -> None:
    values = {"a": [1.0, 1.5, 2.1], "b": [1.1, 1.4, 2.2]}
    first, second = (
        paired_differences(finals({name: [c * v for v in vs] for name, vs in values.items()}))
        for c in (1.0, 64.0)
    )
    assert ends(line_of(first.panels[1], "b")) == ends(line_of(second.panels[1], "b"))
    margins = [line_of(figure.panels[1], "margin ±1%").y for figure in (first, second)]
    np.testing.assert_array_equal(margins[0], margins[1])


def test_the_margin_is_a_share_of_the_mean_of_both_means() -> None:
    y = line_of(paired_differences(finals(APART)).panels[1], "margin ±1%").y
    in_percent = 0.909090909  # 1% of 1, in percent of 1.1
    assert sorted(set(np.round(y[np.isfinite(y)], 9).tolist())) == [-in_percent, in_percent]


def test_the_forests_margin_is_that_share_in_percent_of_the_second() -> None:
    y = line_of(readout_forest(finals(APART)).panels[0], "margin ±1%").y
    at_the_last = y[np.isfinite(y)][:2]
    np.testing.assert_allclose(at_the_last, -1 / 1.1)  # 1% of 1, in percent of 1.1


def test_a_margin_that_would_lie_on_0_is_told_and_not_drawn() -> None:
    wide = paired_differences(finals({"a": [1.0, 1.0, 1.1], "b": [3.0, 9.0, 20.0]}))
    assert not [line for line in wide.panels[1].lines if line.name.startswith("margin")]
    assert "Not drawn" in wide.method
    assert "too close to 0 on this axis: the margin, ±1% of the mean of both groups" in wide.method
    assert "Dotted: the margin, ±1%" in paired_differences(finals(APART)).method


def test_an_interval_of_a_level_ends_where_the_metric_does_and_one_of_a_difference_does_not() -> None:
    errors = {"a": [0.10, 0.01, 0.02], "b": [0.02, 0.11, 0.03]}
    bounded = paired_differences(finals(errors))
    levels, differences = bounded.panels
    assert [ends(line_of(levels, name))[1] for name in errors] == [0.0, 0.0]
    assert ends(line_of(differences, "b"))[1] < 0
    assert "Intervals of means end at 0" in bounded.method
    close = paired_differences(finals({"a": [0.10, 0.11, 0.12], "b": [0.12, 0.11, 0.13]}))
    assert ends(line_of(close.panels[0], "a"))[1] > 0
    assert "Intervals of means end" not in close.method


def test_a_baseline_whose_mean_is_0_leaves_the_metrics_own_unit() -> None:
    comparison = finals({"a": [-1.0, 1.0], "b": [2.0, 3.0]})
    (one,), unit = differences_of(comparison)
    assert (one.mean, unit) == (2.5, "validation/mse")
    assert paired_differences(comparison).panels[1].y_label == "b \u2212 a (validation/mse)"


def test_a_baseline_below_0_keeps_the_sign_of_the_difference() -> None:
    (one,), unit = differences_of(finals({"a": [-2.0, -2.2], "b": [-1.0, -1.3]}))
    assert unit == "%"
    assert one.mean == pytest.approx(100 * 0.95 / 1.15)
    forest = readout_forest(finals({"a": [-2.0, -2.2], "b": [-1.0, -1.3]}))
    assert ends(line_of(forest.panels[0], "a \u2212 b"))[0] == pytest.approx(-100 * 0.95 / 1.15)


def test_one_seed_has_a_difference_without_an_interval_and_says_why() -> None:
    comparison = finals({"a": [1.0], "b": [1.5]})
    figure = paired_differences(comparison)
    pair = line_of(figure.panels[1], "b")
    assert (pair.x.tolist(), pair.low) == ([0.0], None)
    assert pair.y.tolist() == pytest.approx([100 * 0.5 / 1.5])
    assert "Drawn: the only pair of seeds, and no mean." in figure.method
    assert "1 and 1 values: at least 2 of each are needed" in figure.summary
    without = "drawn without an interval: last, best, area of a \u2212 b"
    assert f"{without} (1 and 1 values: at least 2 of each are needed)" in readout_forest(comparison).note
    assert not any(panel.marks for panel in readout_forest(comparison).panels)
    assert "95% interval" not in readout_forest(comparison).method
    with pytest.raises(DiagError, match="cannot be split from evaluation noise"):
        evaluation_noise(comparison)


@pytest.mark.parametrize("picture", [paired_differences, readout_forest])
def test_one_group_is_refused(picture: Picture) -> None:
    with pytest.raises(DiagError, match="2 groups"):
        picture(finals({"a": [1.0, 2.0]}))


def test_the_studys_forest_shows_each_readouts_difference(
    logs: dict[str, list[Run]], study: Comparison
) -> None:
    figure = readout_forest(study)
    read: dict[str, dict[str, list[float]]] = {"last": {}, "best": {}, "last10": {}}
    for name in GROUPS:
        values = list(plateaus(logs[name], 0).values())
        read["last"][name] = [v[-1] for v in values]
        read["best"][name] = [v.min() for v in values]
        read["last10"][name] = [v[-10:].mean() for v in values]
    line = line_of(figure.panels[0], "q101 \u2212 q102")
    assert line.low is not None
    for place, readout in ((1, "last"), (2, "best"), (3, "last10")):
        a, b = (np.array(read[readout][name]) for name in GROUPS[:2])
        d = 100 * (a - b) / b.mean()
        half = stats.t.ppf(0.975, 9) * d.std(ddof=1) / math.sqrt(10)
        assert line.y[place] == pytest.approx(d.mean(), rel=1e-9)
        assert line.low[place] == pytest.approx(d.mean() - half, rel=1e-9)
    rings = [(mark.of, mark.label) for mark in figure.panels[0].marks]
    assert rings == [
        ("q101 \u2212 q102", "="),
        ("q101 \u2212 q102", "="),
    ]  # at the last and the best evaluation
    assert "q101 \u2212 q102: plateau -0.238% (better), last -0.391% (equivalent)" in figure.summary
    assert "the verdict changes with" in figure.summary
    assert [panel.x_ticks[0][1] for panel in figure.panels] == ["plateau", "area"]


def test_a_readout_that_no_curve_has_is_left_out_and_named() -> None:
    figure = readout_forest(finals({"a": [1.0, 2.0, 3.0], "b": [1.5, 2.2, 3.1]}))
    assert len(line_of(figure.panels[0], "a \u2212 b").y) == 2
    assert "; last10 of a \u2212 b (the curve has 2 of the 10 evaluations needed)" in figure.note


def test_many_groups_are_compared_with_the_first_only_and_it_is_said() -> None:
    values = {f"g{i}": [1.0 + i, 1.1 + i, 1.3 + i] for i in range(5)}
    figure = readout_forest(finals(values))
    assert figure.order[5:] == tuple(f"g0 \u2212 g{i}" for i in range(1, 5))
    assert "only pairs with g0 are drawn" in figure.note
    assert len(readout_forest(finals(dict(list(values.items())[:4]))).order) == 4 + 6


def test_one_difference_is_one_percentage_in_verdict_and_pictures() -> None:
    comparison = finals({"a": [1.0, 1.1, 1.3], "b": [1.6, 1.8, 1.9], "c": [3.0, 3.3, 3.1]})
    forest = readout_forest(comparison)
    estimation = paired_differences(comparison)
    for name, pair in zip(("b", "c"), comparison.pairs, strict=False):
        percent = line_of(estimation.panels[1], name).y[0]
        readouts = [words for _, words in forest.panels[0].x_ticks]
        at_the_readout = readouts.index(comparison.readout)
        assert line_of(forest.panels[0], f"a \u2212 {name}").y[at_the_readout] == pytest.approx(-percent)
        assert f"{percent:.3g}%" in verdict_of(pair, comparison)


def test_an_interval_is_seen_between_both_sides_of_the_margin() -> None:
    for other in ([1.2, 1.3, 1.42], [0.95, 1.1, 1.25]):
        panel = paired_differences(finals({"a": [1.0, 1.1, 1.2], "b": other})).panels[1]
        margins = line_of(panel, "margin ±1%").y
        assert np.nanmin(margins) == -np.nanmax(margins) < 0


def correlation_of(v: NDArray[np.float64]) -> float:
    """Return φ of runs of shape (n, k), from traces of k by k matrices."""
    k = v.shape[1]
    r = v - v.mean(axis=1, keepdims=True)
    m = np.eye(k) - 1 / k
    neighbours = np.eye(k, k=1)

    def excess(phi: float) -> float:
        covariance = linalg.toeplitz(phi ** np.arange(k))
        expected = np.trace(m @ neighbours @ m @ covariance) / np.trace(m @ covariance)
        return float(expected - (r[:, 1:] * r[:, :-1]).sum() / (r**2).sum())

    return 0.0 if excess(0.0) >= 0 else float(optimize.brentq(excess, 0.0, 0.98))


def test_the_studys_noise_is_that_of_an_analysis_of_variance_with_the_effective_number(
    logs: dict[str, list[Run]], study: Comparison
) -> None:
    figure = evaluation_noise(study)
    assert study.plateau_step is not None
    for name in GROUPS:
        v = np.array(list(plateaus(logs[name], study.plateau_step).values()))
        k = v.shape[1]
        worth = 1 / linalg.toeplitz(correlation_of(v) ** np.arange(k)).mean()
        within = v.var(axis=1).mean() * k / (k - k / worth)
        between = worth * v.mean(axis=1).var(ddof=1)
        seeds = math.sqrt(max(0.0, (between - within) / worth))
        expected = [math.sqrt(within), math.sqrt(within / worth), seeds]
        np.testing.assert_allclose(line_of(figure.panels[0], name).y, expected, rtol=1e-4)
        spreads = line_of(figure.panels[0], name)
        assert spreads.low is not None and spreads.high is not None
        freedom = len(v) * (worth - 1)
        expected_low = math.sqrt(within * freedom / stats.chi2.ppf(0.975, freedom))
        assert spreads.low[0] == pytest.approx(expected_low, rel=1e-4)
        assert (spreads.low <= spreads.y).all() and (spreads.y <= spreads.high).all()
        icc, low, high = ends(line_of(figure.panels[1], name))
        assert icc == pytest.approx((between - within) / (between + (worth - 1) * within), rel=1e-4)
        assert low < icc < high
        assert (f"{name} {worth:.3g} of {k}" in figure.method) == (worth < k)
    assert "n = 10 seeds of 74 evaluations each" in figure.note
    assert "seed scatter by 2.4e-05, seeds, without that noise, by 2.2e-06" in figure.summary


def test_noise_names_the_group_that_cannot_be_split() -> None:
    groups = curves(2, 4)
    groups["q301"] = groups["q301"][:1]
    figure = evaluation_noise(compare(groups))
    assert "q301 left out: 1 seed: at least 2 are needed" in figure.note
    assert [line.name for line in figure.panels[0].lines] == ["q300"]
    assert figure.style("q301", 0) != figure.style("q300", 0)


@pytest.mark.parametrize("picture", PICTURES)
def test_both_renderers_hold_the_same_numbers(picture: Picture) -> None:
    figure = picture(compare(curves(3, 4)))
    assert figure.name
    drawn = paper.draw(figure, width=paper.TEXT)
    traces = list(plotly.draw(figure).data)
    for axis, panel in zip(drawn.axes, figure.panels, strict=True):
        on_paper = [np.asarray(mine.get_ydata()) for mine in axis.get_lines()]
        for line in panel.lines:
            assert any(np.array_equal(line.y, y, equal_nan=True) for y in on_paper if len(y) == len(line.y))
            assert any(
                np.array_equal(line.y, np.array(t.y, dtype=float), equal_nan=True)
                for t in traces
                if t.y is not None and len(t.y) == len(line.y)
            )
    rows = to_csv(figure).splitlines()
    assert len(rows) > sum(len(line.y) for panel in figure.panels for line in panel.lines)


@pytest.mark.parametrize("picture", PICTURES)
def test_the_order_of_runs_changes_nothing(picture: Picture) -> None:
    groups = curves(3, 5)
    shuffled = {name: random.Random(2).sample(runs, len(runs)) for name, runs in groups.items()}
    first, second = (picture(compare(runs)) for runs in (groups, shuffled))
    assert first.note == second.note
    for one, other in zip(first.panels, second.panels, strict=True):
        told = [
            sorted((line.name, tuple(np.sort(line.y).round(12))) for line in p.lines) for p in (one, other)
        ]
        assert str(told[0]) == str(told[1])  # as words, in which a gap equals a gap


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("width", [paper.COLUMN, paper.TEXT])
def test_no_word_is_cut_or_lies_over_an_axis_name(picture: Picture, width: float, study: Comparison) -> None:
    drawn = paper.draw(picture(study), width=width)
    drawn.draw_without_rendering()
    box = drawn.get_tightbbox()
    assert box.x0 >= -0.01
    assert box.x1 <= width + 0.01
    names = [axis.yaxis.label.get_window_extent() for axis in drawn.axes]
    legend = [text.get_window_extent() for legend in drawn.legends for text in legend.get_texts()]
    assert not any(name.overlaps(text) for name in names for text in legend)
    for i, name in enumerate(names):
        assert not any(name.overlaps(other) for other in names[i + 1 :])


def test_names_too_long_for_a_row_get_the_height_that_they_take() -> None:
    values = {f"q20{i}@mining_opt_steps=10": [1.0, 1.2 + 0.1 * i, 1.3] for i in range(4)}
    long, short = (paired_differences(finals({name[:n]: v for name, v in values.items()})) for n in (30, 4))
    assert long.panels[0].height > short.panels[0].height == 1.0
    drawn = paper.draw(long)
    drawn.draw_without_rendering()
    names = [axis.yaxis.label.get_window_extent() for axis in drawn.axes]
    words = [text for axis in drawn.axes for text in axis.get_xticklabels()]
    words += [text for legend in drawn.legends for text in legend.get_texts()]
    corners = [text.get_window_extent() for text in words if text.get_rotation() == 0]
    assert not any(name.overlaps(box) for name in names for box in corners)
    assert not names[0].overlaps(names[1])


def test_a_baseline_that_stands_last_is_the_one_reference_of_verdicts_and_pictures() -> None:
    comparison = finals({"q102": [1.6, 1.8, 1.9], "q103": [0.5, 0.7, 0.6], "q101": [1.0, 1.1, 1.3]})
    estimation = paired_differences(comparison, "q101")
    forest = readout_forest(comparison, "q101")
    assert [name for _, name in estimation.panels[0].x_ticks] == ["q101", "q102", "q103"]
    assert estimation.panels[1].y_label == "group \u2212 q101 (% of q101)"
    for name, values in (("q102", [1.6, 1.8, 1.9]), ("q103", [0.5, 0.7, 0.6])):
        percent = 100 * (np.mean(values) - np.mean([1.0, 1.1, 1.3])) / np.mean([1.0, 1.1, 1.3])
        assert line_of(estimation.panels[1], name).y[0] == pytest.approx(percent)
        at_the_readout = [words for _, words in forest.panels[0].x_ticks].index(comparison.readout)
        assert line_of(forest.panels[0], f"{name} \u2212 q101").y[at_the_readout] == pytest.approx(percent)
        side = "higher" if percent > 0 else "lower"
        assert f"{name} is {side} than q101 by {abs(percent):.3g}% of q101's mean" in estimation.summary


def test_different_last_steps_are_in_the_caption_and_at_the_axis() -> None:
    groups = {
        "long": [run("long", seed, [9.0, 1.0, 1.1 + seed / 9]) for seed in range(3)],
        "short": [run("short", seed, [9.0, 1.2 + seed / 7]) for seed in range(3)],
    }
    comparison = compare(groups, readout="last")
    note = "The last evaluations are of different steps: long at 3000, short at 2000."
    estimation, forest = paired_differences(comparison, "short"), readout_forest(comparison)
    assert note in estimation.method
    assert note in forest.method
    assert estimation.panels[0].y_label == "validation/mse, last (2000/3000)"
    assert [name for _, name in forest.panels[0].x_ticks] == ["last (3000/2000)", "best"]
    equal = finals({"a": [1.0, 1.1], "b": [1.2, 1.4]})
    assert paired_differences(equal).panels[0].y_label == "validation/mse, last"
    assert "different steps" not in readout_forest(equal).method


def test_runs_that_failed_are_in_no_mean_and_a_single_pair_is_no_mean_either() -> None:
    values = {"a": [1.0, math.nan, math.nan], "b": [1.5, 1.1, 1.2], "c": [1.1, 1.3, 1.6]}
    comparison = finals(values)
    estimation, forest = paired_differences(comparison), readout_forest(comparison)
    for figure in (estimation, forest):
        assert "2 of 3 runs of a ended not finite; they are in no mean." in figure.method
        assert "runs of b" not in figure.method
    pair = line_of(estimation.panels[1], "b")
    assert pair.x.tolist() == [0.0]
    assert pair.y.tolist() == pytest.approx([100 * 0.5 / np.mean(values["b"])])
    assert {line.of for panel in forest.panels for line in panel.lines} - {""} == {"b \u2212 c"}
    assert {mark.of for panel in forest.panels for mark in panel.marks} == {"b \u2212 c"}
    assert " of 2 pairs (1 and 3 values: at least 2 of each are needed)" in forest.note
    assert forest.panels[0].y_label == "b \u2212 c (% of c's mean)"


def test_a_mean_without_dots_stands_on_its_tick() -> None:
    groups = finals({"a": [1.0, 1.1], "b": [1.2, 1.4]}, paired=False)
    assert line_of(paired_differences(groups).panels[1], "b").x.tolist() == [0.0]
    paired = finals({"a": [1.0, 1.1], "b": [1.2, 1.4]})
    assert line_of(paired_differences(paired).panels[1], "b").x.tolist() != [0.0]
