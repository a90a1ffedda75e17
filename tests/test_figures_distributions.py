"""Distributions: every value counted, none invented, both renderers alike."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from ired_diag.drawing import paper, plotly
from ired_diag.drawing.data import FigureData, legend_names
from ired_diag.drawing.distribution_forms import (
    HALF_WIDTH,
    MOST_BINS,
    MOST_POINTS,
    Sample,
    ecdf,
    histogram,
    shared_edges,
    violin,
)
from ired_diag.drawing.distributions import FORMS, Form, distributions_of_groups, distributions_of_kinds
from ired_diag.drawing.probe_tables import Measured
from ired_diag.drawing.quantities import KINDS, QUANTITIES, quantity_of, values_of
from ired_diag.errors import NotFound
from ired_diag.table import Table

COND, DET = QUANTITIES["cond"], QUANTITIES["log_abs_det"]


def rows(seed: int = 0, n: int = 50, levels: int = 10) -> Table:
    """Return a conditioning table of heavy-tailed numbers, the kinds apart."""
    rng = np.random.default_rng(seed)
    keys = [(level, kind, i) for level in range(levels) for kind in KINDS for i in range(n)]
    shift = np.array([KINDS.index(kind) for _, kind, _ in keys])
    cond = np.exp(rng.standard_normal(len(keys)) * 2 + shift) + 1
    return {
        "level": np.array([level for level, *_ in keys]),
        "kind": np.array([kind for _, kind, _ in keys]),
        "sample": np.array([i for *_, i in keys]),
        "cond": cond,
        "log_abs_det": np.log(cond) - 5,
        "sigma_min": 1 / cond,
    }


def measured(table: Table, label: str = "q1/seed0") -> Measured:
    return Measured(
        group=label.split("/")[0],
        label=label,
        probe="conditioning",
        step=9000,
        weights="raw",
        settings={},
        rows=table,
    )


def singular(count: int = 7) -> Table:
    """Return a table whose first adversarial candidates at level 0 are singular, and one of them is NaN."""
    table = rows()
    where = np.flatnonzero((table["kind"] == "adversarial") & (table["level"] == 0))[:count]
    table["cond"][where], table["log_abs_det"][where], table["sigma_min"][where] = np.inf, -np.inf, 0.0
    table["cond"][where[0]] = table["log_abs_det"][where[0]] = np.nan
    return table


def test_an_ecdf_is_the_share_at_or_below_each_value_counted_naively() -> None:
    values = np.random.default_rng(1).integers(0, 20, 200).astype(float)
    line = ecdf("a", Sample.of(values))
    for x, y in zip(line.x[1:], line.y[1:], strict=True):
        assert y == pytest.approx(np.mean(values <= x))
    assert line.y[0] == 0
    assert line.y[-1] == 1


def test_a_thinned_ecdf_keeps_both_ends_and_its_points_are_exact() -> None:
    values = np.random.default_rng(1).standard_normal(10_000)
    line = ecdf("a", Sample.of(values))
    assert len(line.x) == MOST_POINTS + 1
    assert (line.x[0], line.x[-1]) == (values.min(), values.max())
    assert line.y[300] == pytest.approx(np.mean(values <= line.x[300]))


def test_what_has_no_place_on_the_axis_is_counted_in_every_share() -> None:
    values = [1.0, 2.0, 4.0, 8.0, math.inf, math.inf, 0.0, -1.0, math.nan]
    logarithmic, linear = Sample.of(values, "log"), Sample.of(values)
    assert (logarithmic.below, logarithmic.above, logarithmic.lost, logarithmic.n) == (2, 2, 1, 8)
    assert (linear.below, linear.above, linear.n) == (0, 2, 8)
    line = ecdf("a", logarithmic)
    assert (line.y[0], line.y[-1]) == (2 / 8, 6 / 8)
    bars = histogram("a", logarithmic, shared_edges([logarithmic], "log"))
    assert bars.y.sum() == pytest.approx(4 / 8)
    assert logarithmic.quantile(1.0) == math.inf
    assert logarithmic.quantile(0.0) == -math.inf
    assert linear.quantile(0.5) == 4.0


def test_bins_are_shared_follow_freedman_and_diaconis_and_hold_every_value() -> None:
    rng = np.random.default_rng(2)
    samples = [Sample.of(rng.standard_normal(400)), Sample.of(rng.standard_normal(300) + 1)]
    edges = shared_edges(samples, "linear")
    pooled = np.concatenate([s.values for s in samples])
    assert len(edges) == len(np.histogram_bin_edges(pooled, "fd"))
    for sample in samples:
        assert histogram("a", sample, edges).y.sum() == pytest.approx(1.0)
    logs = [Sample.of(np.exp(s.values), "log") for s in samples]
    np.testing.assert_allclose(np.log(shared_edges(logs, "log")), edges, atol=1e-9)
    heavy = Sample.of([*rng.standard_normal(1000), 1e6])
    assert len(shared_edges([heavy], "linear")) == MOST_BINS + 1


def test_a_violin_is_the_kernel_density_of_scipy_on_its_own_scale() -> None:
    stats = pytest.importorskip("scipy.stats")
    values = np.exp(np.random.default_rng(3).standard_normal(300))
    drawn = violin("a", Sample.of(values, "log"), 2.0, "log")
    assert drawn.outline is not None
    half = len(drawn.outline.x) // 2
    along, side = np.log10(drawn.outline.y[half:][::-1]), drawn.outline.x[half:][::-1] - 2.0
    x = np.log10(values)
    spread = min(x.std(ddof=1), np.subtract(*np.quantile(x, (0.75, 0.25))) / 1.34)
    assert drawn.bandwidth == pytest.approx(0.9 * spread * 300**-0.2)
    density = stats.gaussian_kde(x, drawn.bandwidth / x.std(ddof=1))(along)
    np.testing.assert_allclose(side, HALF_WIDTH * density / density.max(), rtol=1e-9)
    assert along.min() == pytest.approx(x.min())  # cut at the extremes: nothing beyond the data
    assert along.max() == pytest.approx(x.max())
    quartiles, median = drawn.segments
    assert quartiles.bold
    assert median.y[0] == pytest.approx(np.median(values), rel=0.05)


def test_a_violin_changes_with_the_unit_only_as_its_axis_does() -> None:
    values = np.random.default_rng(3).standard_normal(100)
    one, two = (violin("a", Sample.of(values * f), 0.0, "linear") for f in (1.0, 1000.0))
    assert one.outline is not None
    assert two.outline is not None
    np.testing.assert_allclose(one.outline.x, two.outline.x, atol=1e-12)
    np.testing.assert_allclose(one.outline.y * 1000, two.outline.y, atol=1e-9)


@pytest.mark.parametrize("values", [[], [3.0], [3.0] * 50, [math.nan], [math.inf, math.inf], [1.0, 2.0]])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_few_or_equal_values_have_no_shape_and_break_nothing(values: list[float], scale: str) -> None:
    sample = Sample.of(values, scale)  # type: ignore[arg-type]
    drawn = violin("a", sample, 0.0, scale)  # type: ignore[arg-type]
    assert drawn.outline is None
    assert len(ecdf("a", sample).x) == len(ecdf("a", sample).y)
    edges = shared_edges([sample], scale)  # type: ignore[arg-type]
    assert len(edges) == 0 or histogram("a", sample, edges).y.sum() == pytest.approx(
        len(sample.values) / sample.n
    )


@pytest.mark.parametrize("form", FORMS)
def test_infinite_and_missing_values_are_told_with_their_numbers(form: Form) -> None:
    figure = distributions_of_kinds([measured(singular())], COND, form=form)
    for words in (figure.method, figure.summary):
        assert "Infinite, not drawn but counted: 6 adversarial at level 0 of 50." in words
        assert "Not a number, left out: 1 adversarial at level 0 of 50." in words
    assert "beyond the axis" in figure.note
    below = distributions_of_kinds([measured(singular())], QUANTITIES["sigma_min"], form=form)
    assert "At or below 0, not drawn but counted: 7 adversarial at level 0 of 50." in below.method
    assert "Minus infinity" in distributions_of_kinds([measured(singular())], DET, form=form).method
    assert "not drawn" not in distributions_of_kinds([measured(rows())], COND, form=form).method


def test_levels_are_spread_over_all_at_most_four_and_said() -> None:
    figure = distributions_of_kinds([measured(rows())], COND)
    assert [panel.title[-7:] for panel in figure.panels] == ["level 0", "level 3", "level 6", "level 9"]
    assert "noise levels 0, 3, 6 and 9 of 10" in figure.method
    one = distributions_of_kinds([measured(rows())], COND, levels=[5])
    assert len(one.panels) == 1
    assert "noise level 5 of 10" in one.method
    for wrong in ([12], [], [0, 1, 2, 3, 4]):
        with pytest.raises(NotFound, match="Expected 1 to 4 noise levels"):
            distributions_of_kinds([measured(rows())], COND, levels=wrong)
    with pytest.raises(NotFound, match="no rows at any noise level"):
        distributions_of_kinds([measured({name: column[:0] for name, column in rows().items()})], COND)


def corners(figure: FigureData) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return every point of a picture's lines and outlines."""
    lines = [(line.x, line.y) for panel in figure.panels for line in panel.lines]
    outlines = [(outline.x, outline.y) for panel in figure.panels for outline in panel.outlines]
    return np.concatenate([np.stack(pair) for pair in lines + outlines], axis=1)


@pytest.mark.parametrize("form", FORMS)
def test_seeds_are_taken_together_in_any_order_and_counted(form: Form) -> None:
    seeds = [measured(rows(k), f"q1/seed{k}") for k in range(3)]
    one, other = (distributions_of_kinds(some, COND, form=form) for some in (seeds, seeds[::-1]))
    assert "n = 150 each (problems in 3 runs together; step 9000, weights not averaged)" in one.method
    assert "q1, 3 seeds, step 9000" in one.title
    np.testing.assert_allclose(corners(one), corners(other))


@pytest.mark.parametrize("form", FORMS)
def test_hiding_a_group_changes_neither_colour_nor_line_of_another(form: Form) -> None:
    order = ("q1", "q2", "q3")
    groups = {name: [measured(rows(k), f"{name}/seed0")] for k, name in enumerate(order)}
    whole = distributions_of_groups(groups, COND, "adversarial", form=form, order=order)
    rest = {name: some for name, some in groups.items() if name != "q2"}
    part = distributions_of_groups(rest, COND, "adversarial", form=form, order=order)
    assert [part.style(n, 0) for n in order] == [whole.style(n, 0) for n in order]
    if form == "ecdf":
        lines = {line.name: line for line in whole.panels[0].lines}
        for line in part.panels[0].lines:
            np.testing.assert_array_equal(line.y, lines[line.name].y)
    with pytest.raises(NotFound, match="gap is of random"):
        distributions_of_groups(groups, QUANTITIES["gap"], "positive")


def test_the_right_answers_energy_is_taken_once() -> None:
    table: Table = {
        "level": np.zeros(6, dtype=int),
        "kind": np.repeat(["random", "adversarial"], 3),
        "energy_positive": np.array([1.0, 2.0, 3.0] * 2),
        "energy_negative": np.array([4.0, 5.0, 6.0, 1.5, 2.5, 3.5]),
    }
    energy = quantity_of("energy")
    assert values_of(table, energy, "positive", 0).tolist() == [1.0, 2.0, 3.0]
    assert values_of(table, energy, "adversarial", 0).tolist() == [1.5, 2.5, 3.5]
    assert len(values_of(table, energy, "control", 0)) == 0
    figure = distributions_of_kinds([measured(table)], energy)
    assert [line.name for line in figure.panels[0].lines] == ["positive", "random", "adversarial"]
    with pytest.raises(NotFound, match=r"No quantity is named 'beauty'. There are: cond, "):
        quantity_of("beauty")


def test_both_renderers_hold_the_same_numbers() -> None:
    figure = distributions_of_kinds([measured(rows())], COND, levels=[0])
    axis, screen = paper.draw(figure).axes[0], plotly.draw(figure)
    traces = {trace.name: trace for trace in screen.data}
    for line, drawn in zip(figure.panels[0].lines, axis.get_lines(), strict=True):
        np.testing.assert_array_equal(drawn.get_ydata(), line.y)
        np.testing.assert_array_equal(traces[line.name].y, line.y)
        assert drawn.get_drawstyle() == "steps-post"
        assert traces[line.name].line.shape == "hv"
    assert axis.get_xscale() == screen.layout.xaxis.type == "log"


def inside(figure: FigureData, width: float) -> bool:
    drawn = paper.draw(figure, width=width)
    drawn.draw_without_rendering()
    box = drawn.get_tightbbox()
    return bool(box.x0 >= -0.01 and box.x1 <= width + 0.01 and box.y0 >= -0.01)


def test_violins_named_at_their_place_need_no_legend_and_nothing_is_cut() -> None:
    figure = distributions_of_kinds([measured(singular())], COND, form="violin", levels=[0, 9])
    assert [name for _, name in figure.panels[0].x_ticks] == list(KINDS)
    assert legend_names(figure.panels[0]) == []
    assert not paper.draw(figure).legends
    assert inside(figure, paper.COLUMN)
    many = {f"q{k}": [measured(rows(k), f"q{k}/seed0")] for k in range(20)}
    crowd = distributions_of_groups(many, COND, "adversarial", levels=[0])
    assert len({crowd.style(name, 0) for name in many}) == 20
    assert inside(crowd, paper.TEXT)


def test_neighbouring_labels_of_small_panels_do_not_overlap() -> None:
    for form in FORMS:
        figure = distributions_of_kinds([measured(rows())], COND, form=form)
        drawn = paper.draw(figure)
        drawn.draw_without_rendering()
        labelled = [axis for axis in drawn.axes if axis.get_ylabel()]
        boxes = [axis.yaxis.label.get_window_extent() for axis in labelled]
        assert len(boxes) == 2
        assert all(upper.y0 >= lower.y1 for upper, lower in itertools.pairwise(boxes))


def test_a_tail_does_not_squeeze_the_others_and_what_lies_beyond_the_axis_is_counted() -> None:
    table = rows()
    is_right = table["kind"] == "positive"
    table["cond"] = np.where(is_right, 10.0, 1.0) * (2 + np.sin(np.arange(len(is_right))))
    table["cond"][3] = 1e9
    for form in FORMS:
        figure = distributions_of_kinds([measured(table)], COND, form=form)
        ranges = {panel.y_range if form == "violin" else panel.x_range for panel in figure.panels}
        (ends,) = ranges
        assert ends is not None
        assert ends[0] < 1
        assert 30 < ends[1] < 1000
        assert "The axis ends before the outermost 1 of all 1000 values, which are counted." in figure.method
    alike = distributions_of_kinds([measured(rows())], DET)
    assert "axis ends" not in alike.method


def test_panels_of_levels_stand_in_rows_of_one_height_and_share_their_axes() -> None:
    figure = distributions_of_kinds([measured(rows())], COND)
    narrow = paper.draw(figure)
    assert narrow.get_figheight() < 4.5
    tops = [round(axis.get_position().y1, 2) for axis in narrow.axes]
    assert tops[0] == tops[1] > tops[2] == tops[3]
    assert [axis.get_title() for axis in narrow.axes] == [f"noise level {level}" for level in (0, 3, 6, 9)]
    assert [bool(axis.get_ylabel()) for axis in narrow.axes] == [True, False, True, False]
    assert len({axis.get_ylim() for axis in narrow.axes}) == 1
    assert len(paper.draw(figure, width=1.5).axes) == 4  # too narrow for rows: above each other
    bars = distributions_of_kinds([measured(rows())], DET, form="histogram")
    peak = max(float(line.y.max()) for panel in bars.panels for line in panel.lines)
    assert all(axis.get_ylim()[1] > peak for axis in paper.draw(bars).axes)


def test_many_lost_values_are_counted_over_all_levels_together() -> None:
    table = rows(levels=4)
    is_lost = (table["sample"] < 3) & (table["kind"] != "positive")
    table["cond"][is_lost] = np.nan
    words = distributions_of_kinds([measured(table)], COND).method
    assert "Not a number, left out: 12 random, 12 start, 12 adversarial, 12 control, all levels" in words
    assert "together, of 50 at each." in words
