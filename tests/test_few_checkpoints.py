"""Numbers over training at few checkpoints: intervals stand side by side, limits and runs are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ired_diag.drawing import paper, plotly
from ired_diag.drawing.as_table import rows_of
from ired_diag.drawing.bounded_lines import cut_in_words_by_panel
from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.over_training import FEW_STEPS, headlines_over_training
from ired_diag.drawing.paper_labels import Box, Ground
from ired_diag.drawing.probe_tables import find_tables
from ired_diag.runs.run import Run
from ired_diag.table import read_arrow, write_table
from probes import load
from tests.made_runs import made_run

GAP = {"key": "gap", "label": "mean gap (nat)", "low": "", "high": "", "scale": "linear"}
RATIO = {"key": "ratio", "label": "eigenvalue over limit", "low": "", "high": "", "scale": "log"}


def probed(run: Run, probe: str, headline: dict[str, Any], values: list[float]) -> Run:
    """Return a run with a value of a headline at steps 1000, 2000 and so on."""
    path = run.path / "probes" / f"{probe}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    answers: list[dict[str, Any]] = []
    for place, value in enumerate(values, start=1):
        key: dict[str, Any] = {"step": 1000 * place, "weights": "raw", "settings": "aa"}
        answers.append(key | {"evidence": {headline["key"]: value}})
        after, _ = read_arrow(path) if path.exists() else (None, {})
        metadata = {
            "probe": probe,
            "source": str(run.path.resolve()),
            "settings": {"aa": {"samples": 1}},
            "headlines": [headline],
            "answers": answers,
        }
        write_table(path, {"x": np.array([value])}, metadata, key=key, among=after)
    return run


def two_groups(tmp_path: Path, steps: int) -> FigureData:
    groups = {}
    for group, offset in (("q1", 0.0), ("q2", 5.0)):
        runs = [made_run(group, seed, path=tmp_path / group / f"seed{seed}") for seed in range(3)]
        for seed, run in enumerate(runs):
            probed(run, "energy_scale", GAP, [offset + seed + step for step in range(steps)])
        groups[group] = runs
    return headlines_over_training(find_tables(groups, "energy_scale"))


def means(figure: FigureData) -> list[Line]:
    return [line for line in figure.panels[0].lines if not line.faint]


def test_at_few_steps_intervals_stand_side_by_side_and_tables_have_the_steps(tmp_path: Path) -> None:
    figure = two_groups(tmp_path, FEW_STEPS)
    one, two = means(figure)
    assert (one.spread, two.spread) == ("bars", "bars")
    assert one.drawn_x[0] < 1000.0 < two.drawn_x[0]
    assert "groups of one step stand side by side" in figure.method
    steps = {float(row[3]) for row in rows_of(figure) if row[1] == "line"}
    assert steps == {1000.0 * place for place in range(1, FEW_STEPS + 1)}
    assert "steps 1000 to 5000" in figure.summary
    on_paper = [line.get_xdata() for line in paper.draw(figure).axes[0].get_lines()]
    assert any(np.array_equal(x, two.drawn_x) for x in on_paper)
    trace = next(trace for trace in plotly.draw(figure).data if trace.name == "q2" and trace.showlegend)
    np.testing.assert_array_equal(trace.x, two.drawn_x)
    assert trace.text[0] == "q2, 1000"


def test_at_more_steps_there_are_bands_at_the_steps(tmp_path: Path) -> None:
    figure = two_groups(tmp_path, FEW_STEPS + 1)
    for line in means(figure):
        assert line.spread == "band"
        np.testing.assert_array_equal(line.drawn_x, line.x)
    assert "(band)" in figure.method


def test_a_single_run_is_solid_and_named_and_its_limit_is_drawn(tmp_path: Path) -> None:
    run = probed(made_run("q2", 0, path=tmp_path / "seed0"), "stability", RATIO, [0.02, 0.04])
    figure = headlines_over_training(find_tables({"q2": [run]}, "stability"), order=("q1", "q2"))
    assert "Line: q2/seed0, the only run." in figure.method
    assert [(guide.y, guide.label) for guide in figure.panels[0].guides] == [(1.0, "limit")]
    assert figure.style("q2", 0).dash == ()
    (axis,) = paper.draw(figure).axes
    low, high = axis.get_ylim()
    assert low < 0.02 < 1.0 < high
    (words,) = [text for text in axis.texts if text.get_text() == "limit"]
    canvas = axis.figure.canvas
    box = words.get_window_extent(canvas.get_renderer())  # type: ignore[attr-defined]
    assert box.y1 <= axis.figure.bbox.y1  # within the paper


def test_each_panel_has_its_own_bounds() -> None:
    ends = {"share": {0.0, 1.0}, "distance": {0.0}, "change": set[float]()}
    words = "Intervals are cut at the bounds of what is shown: share at 0 and 1; distance at 0."
    assert cut_in_words_by_panel(ends) == words
    assert cut_in_words_by_panel({"change": set(), "share": set()}) == ""
    assert "no values" in cut_in_words_by_panel({"share": {1.0}})


def test_a_reported_loss_that_is_another_one_has_a_panel_of_its_own() -> None:
    taken = np.arange(3)
    rows = {
        "taken": np.tile(taken, 2),
        "group": np.repeat("all", 6),
        "term": np.repeat(["trained", "reported"], 3),
        "delivered": np.array([-1e-3, -2e-3, -1e-3, -1.0, -2.0, -3.0]),
        "promised": np.full(6, -1e-3),
        "promised_curved": np.full(6, -1e-3),
        "h": np.zeros(6),
        "quotient_cosine": np.full(6, np.nan),
    }
    change, reported, _ = load("steps").figure(rows).panels
    assert [line.name for line in change.lines] == ["delivered", "promised", "promised with curvature"]
    assert max(np.abs(line.y).max() for line in change.lines) < 0.01
    (line,) = reported.lines
    assert line.y.tolist() == [-1.0, -3.0, -6.0]


def test_a_line_from_words_to_their_mark_crosses_neither_curve_nor_band() -> None:
    x = np.linspace(0.0, 1.0, 50)
    half = np.full(50, 0.5)
    curve = Line("q1", x, half, drawn="line")
    band = Line("q1", x, half + 9, half - 0.05, half + 0.05, drawn="line", spread="band")
    for line in (curve, band):
        panel = Panel("y", (line,), y_range=(0.0, 1.0))
        drawn = paper.draw(FigureData("f", "", "x", (panel,), ""))
        ground = Ground(drawn)
        left, low = drawn.axes[0].transData.transform((0.3, 0.2))
        _, high = drawn.axes[0].transData.transform((0.3, 0.8))
        below = Box(left=left + 30, bottom=low, width=20, height=5, distance=30)
        beyond = Box(left=left, bottom=high, width=20, height=5, distance=60)
        assert ground.is_free_to(below, (left, low))
        assert not ground.is_free_to(beyond, (left, low))
