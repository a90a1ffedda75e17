"""Pictures of ranks: the map holds each seed's ranks, the diagram joins what Nemenyi's test does not part."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ired_diag.comparison import Comparison, Margin, compare
from ired_diag.comparison.ranking import rank_all
from ired_diag.drawing import paper, plotly
from ired_diag.drawing.critical_difference import critical_difference, joined_groups
from ired_diag.drawing.data import FigureData, Segment
from ired_diag.drawing.rank_map import rank_map
from ired_diag.errors import DiagError
from ired_diag.open import open_study
from ired_diag.runs.run import Run
from tests.made_runs import made_run

pytestmark = pytest.mark.slow

GROUPS = ("q101", "q102", "q103")


def run(experiment: str, seed: int | None, values: Sequence[float]) -> Run:
    return made_run(
        experiment,
        seed,
        every=1000,
        config={"rank": 20, "ood": False},
        path=Path(experiment),
        provenance={"job": f"77{seed}"},
        validation__mse=values,
    )


def compared(finals: Mapping[str, Sequence[float]], *, better: str = "lower") -> Comparison:
    groups = {name: [run(name, seed, [9.0, v]) for seed, v in enumerate(vs)] for name, vs in finals.items()}
    return compare(groups, readout="last", lower_is_better=better == "lower")


def ranked(finals: Mapping[str, Sequence[float]]) -> Comparison:
    """Return a comparison of which only groups and ranks are true: pairs of many groups take seconds."""
    (some, *_), names = compared({name: finals[name] for name in list(finals)[:2]}).groups, list(finals)
    values = {name: {f"seed{i}": float(v) for i, v in enumerate(finals[name])} for name in names}
    ranks = rank_all("last", {"last": values}, names, lower_is_better=True, draw=0)
    groups = [replace(some, name=name, values=values[name]) for name in names]
    return Comparison(
        metric="validation/mse",
        readout="last",
        lower_is_better=True,
        margin=Margin(0.01),
        plateau_step=None,
        groups=groups,
        pairs=[],
        ranks=ranks,
        notes=[],
    )


def many(k: int, n: int, *, step: float = 0.5) -> Comparison:
    rng = np.random.default_rng(20261121)
    return ranked({f"q{300 + i}": (step * i + rng.standard_normal(n)).tolist() for i in range(k)})


def bars(figure: FigureData) -> list[Segment]:
    return [segment for segment in figure.panels[0].segments if segment.bold]


@pytest.fixture(scope="module")
def study(shared: Path) -> Comparison:
    opened = open_study(shared / "ired_logs")
    return compare({name: opened.select(name) for name in GROUPS}, readout="last")


def test_the_studys_map_holds_the_ranks_that_scipy_gives_to_the_logs_last_values(shared: Path) -> None:
    opened = open_study(shared / "ired_logs")
    runs = {name: opened.select(name) for name in GROUPS}
    figure = rank_map(compare(runs, readout="last"))
    last = [
        [r.history.series["validation/mse"].values[-1] for r in sorted(runs[name], key=lambda r: str(r.seed))]
        for name in GROUPS
    ]
    cells = figure.panels[0].cells
    assert cells is not None
    ranks = stats.rankdata(last, axis=0)
    order = np.argsort(ranks.mean(axis=1), kind="stable")
    np.testing.assert_array_equal(cells.values, ranks[order])
    assert "Kendall's W = 0.49 over 10 seeds" in figure.note
    assert "N = 10 seeds that all 3 groups have" in figure.method
    assert [name for _, name in figure.panels[0].x_ticks] == [str(seed) for seed in range(10)]


def test_ties_share_their_ranks_and_say_so_in_the_cell() -> None:
    figure = rank_map(compared({"a": [1.0, 1.0], "b": [1.0, 2.0], "c": [3.0, 3.0]}))
    cells = figure.panels[0].cells
    assert cells is not None
    assert cells.texts == (("1.5", "1"), ("1.5", "2"), ("3", "3"))
    assert [name for _, name in figure.panels[0].y_ticks] == ["a (1.25)", "b (1.75)", "c (3.00)"]
    assert "alone is best in 1 of 2 seeds" in figure.summary


def test_the_direction_turns_all_ranks_round() -> None:
    finals = {"a": [1.0, 1.5, 1.2], "b": [2.0, 2.5, 0.9]}
    lower, higher = (rank_map(compared(finals, better=way)).panels[0].cells for way in ("lower", "higher"))
    assert lower is not None
    assert higher is not None
    np.testing.assert_array_equal(lower.values, higher.values)  # rows turn with them
    assert rank_map(compared(finals, better="higher")).panels[0].y_ticks[0][1].startswith("b ")


def test_both_renderers_hold_the_same_ranks(study: Comparison) -> None:
    figure = rank_map(study)
    (heat,) = plotly.draw(figure).data
    image = paper.draw(figure).axes[0].images[0].get_array()
    assert figure.panels[0].cells is not None
    np.testing.assert_array_equal(np.array(heat.z), figure.panels[0].cells.values)
    np.testing.assert_array_equal(np.asarray(image), figure.panels[0].cells.values)


@pytest.mark.parametrize("picture", [rank_map, critical_difference])
def test_the_order_of_runs_changes_no_rank_picture(picture: object) -> None:
    assert callable(picture)
    values = {"a": [1.0, 2.0, 3.1], "b": [2.0, 1.0, 4.0], "c": [5.0, 6.0, 3.0]}
    groups = {name: [run(name, seed, [9.0, v]) for seed, v in enumerate(vs)] for name, vs in values.items()}
    shuffled = {name: random.Random(5).sample(runs, len(runs)) for name, runs in groups.items()}
    first, second = (picture(compare(runs, readout="last")) for runs in (groups, shuffled))
    assert first.summary == second.summary
    assert first.panels[0].segments == second.panels[0].segments
    if first.panels[0].cells is not None:
        columns = [
            dict(
                zip(
                    (name for _, name in f.panels[0].x_ticks),
                    f.panels[0].cells.values.T.tolist(),
                    strict=True,
                )
            )
            for f in (first, second)
        ]
        assert columns[0] == columns[1]


def test_one_seed_makes_a_map_without_a_test_and_no_diagram() -> None:
    one = compared({"a": [1.0], "b": [2.0]})
    assert "no test of the order: 1 seeds and 2 groups" in rank_map(one).note
    with pytest.raises(DiagError, match=r"a, b: no critical difference, 1 seeds and 2 groups.*Name groups"):
        critical_difference(one)


@pytest.mark.parametrize("picture", [rank_map, critical_difference])
def test_no_ranks_are_refused_with_the_reason(picture: object) -> None:
    assert callable(picture)
    with pytest.raises(DiagError, match="at least 2 groups, found 1"):
        picture(compared({"a": [1.0, 2.0]}))
    apart = {"a": [run("a", seed, [9.0, 1.0]) for seed in (0, 1)], "b": [run("b", 7, [9.0, 2.0])]}
    with pytest.raises(DiagError, match="a has seed0, seed1; b has seed7"):
        picture(compare(apart, readout="last"))


def test_bars_join_the_largest_sets_in_which_no_two_differ_by_nemenyis_formula() -> None:
    for k, n in ((2, 10), (3, 10), (5, 8), (12, 10), (20, 30)):
        ranks = many(k, n).ranks
        assert ranks is not None
        names = sorted(ranks.mean_ranks, key=lambda name: ranks.mean_ranks[name])
        at = [ranks.mean_ranks[name] for name in names]
        q = stats.studentized_range.isf(0.05, k, np.inf) / math.sqrt(2)
        cd = q * math.sqrt(k * (k + 1) / (6 * n))
        alike = {(i, j) for i, j in itertools.combinations(range(k), 2) if at[j] - at[i] < cd}
        largest = {
            (i, j) for i, j in alike if not any((a, b) != (i, j) and a <= i and b >= j for a, b in alike)
        }
        assert set(joined_groups(ranks, names)) == largest


def test_bars_of_one_height_never_touch_and_leaders_never_cross() -> None:
    figure = critical_difference(many(12, 10))
    drawn = bars(figure)
    assert len(drawn) > 2
    for one, other in itertools.combinations(drawn, 2):
        assert one.y != other.y or one.x[1] < other.x[0] or other.x[1] < one.x[0]
    leaders = [segment for segment in figure.panels[0].segments if segment.of]
    across = [s for s in leaders if s.y[0] == s.y[1]]
    upright = [s for s in leaders if s.x[0] == s.x[1]]
    for level, post in itertools.product(across, upright):
        left, right = sorted(level.x)
        inside = left < post.x[0] < right and level.of != post.of
        assert not (inside and post.y[1] > level.y[0]), (level, post)


def test_bars_that_end_at_the_same_group_have_different_heights() -> None:
    ordered = ranked({"a": [1.0] * 10, "b": [2.0] * 10, "c": [3.0] * 10})  # CD = 1.048: a, b and b, c
    first, second = bars(critical_difference(ordered))
    assert first.x[0] < 1 < 2 < first.x[1]
    assert second.x[0] < 2 < 3 < second.x[1]
    assert first.y[0] != second.y[0]


def test_the_scale_bar_is_as_long_as_the_critical_difference_and_inside_the_picture() -> None:
    for k, n in ((2, 2), (3, 2), (6, 4), (12, 10)):
        comparison = many(k, n)
        assert comparison.ranks is not None
        panel = critical_difference(comparison).panels[0]
        scale = max((s for s in panel.segments if not s.of and s.y[0] == s.y[1]), key=lambda s: s.y[0])
        assert scale.x[1] - scale.x[0] == pytest.approx(comparison.ranks.nemenyi.critical_difference)
        assert panel.x_range is not None
        assert panel.x_range[0] < 1 < scale.x[1] < panel.x_range[1]
        assert panel.x_range[1] > k


@pytest.mark.parametrize(("k", "length"), [(2, 4), (3, 20), (6, 4), (12, 4), (12, 13), (20, 4)])
def test_no_two_names_overlap_at_the_width_of_a_column_and_none_is_cut(k: int, length: int) -> None:
    rng = np.random.default_rng(3)
    finals = {f"{'q' * (length - 2)}{10 + i}": (0.3 * i + rng.standard_normal(9)).tolist() for i in range(k)}
    drawn = paper.draw(critical_difference(ranked(finals)), width=paper.COLUMN)
    drawn.draw_without_rendering()
    boxes = [text.get_window_extent() for text in drawn.axes[0].texts]
    assert len(boxes) == k + 1
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    for box in boxes:
        assert box.x0 >= -0.5
        assert box.x1 <= drawn.bbox.x1 + 0.5


def test_a_diagram_says_where_friedmans_test_does_not_reject() -> None:
    chance = compared({"a": [1.0, 2.0, 3.0], "b": [2.0, 1.0, 2.0], "c": [1.5, 1.5, 2.5]})
    assert chance.ranks is not None
    assert chance.ranks.friedman.p > 0.05
    figure = critical_difference(chance)
    for told in (figure.note, figure.method, figure.summary):
        assert "Friedman's test does not reject" in told
    clear = critical_difference(many(3, 12, step=9.0))
    assert "does not reject" not in clear.note + clear.method + clear.summary
    equal = critical_difference(compared({"a": [1.0, 2.0], "b": [1.0, 2.0]}))
    assert "no Friedman test, in every seed all groups are equal" in equal.note


def test_the_studys_diagram_names_its_groups_at_their_mean_ranks(study: Comparison) -> None:
    figure = critical_difference(study)
    assert study.ranks is not None
    for name, rank in study.ranks.mean_ranks.items():
        posts = [s.x for s in figure.panels[0].segments if s.of == name and s.x[0] == s.x[1]]
        assert posts == [(rank, rank)]
    assert figure.order == GROUPS
    assert re.search(r"CD = 1\.05", figure.method)


def test_hiding_a_group_changes_no_colour_of_another() -> None:
    whole = critical_difference(many(4, 6))
    colours = [whole.style(name, 0).colour for name in whole.order]
    assert len(set(colours)) == 4
    drawn = {trace.line.color for trace in plotly.draw(whole).data}
    assert set(colours) <= drawn


def test_twenty_groups_and_thirty_seeds_are_drawn_by_both() -> None:
    comparison = many(20, 30)
    for picture in (rank_map, critical_difference):
        figure = picture(comparison)
        assert paper.render(figure, "svg")
        assert plotly.draw(figure).data
    assert len(rank_map(comparison).panels[0].x_ticks) <= 14
