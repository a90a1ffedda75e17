"""Probe tables in pictures: found, read, followed over training, and what is lacking said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ired_diag.drawing import paper, plotly
from ired_diag.drawing.by_group import last_of_groups, of_one_run
from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.dodge import dodge
from ired_diag.drawing.floor_ladder import floor_ladder
from ired_diag.drawing.group_levels import (
    acceptance,
    approach,
    energy_against_error,
    energy_change,
    mining_by_group,
)
from ired_diag.drawing.over_training import followed, headlines_over_training, mean_and_interval
from ired_diag.drawing.probe_tables import Found, Lacking, find_tables
from ired_diag.drawing.quantities import QUANTITIES
from ired_diag.errors import NotFound
from ired_diag.runs.run import Run
from ired_diag.table import Table, read_arrow, select, write_table
from tests.made_runs import made_run

HEADLINE = {"key": "gap_adversarial", "label": "mean gap (nat)", "low": "", "high": "", "scale": "linear"}


def run_at(folder: Path, group: str = "q1", seed: int = 0, *, checkpoints: int = 1) -> Run:
    files = tuple(folder / f"step-{i}.safetensors" for i in range(checkpoints))
    return made_run(group, seed, path=folder, checkpoints=files)


def put(
    run: Run,
    probe: str,
    rows: Table,
    *,
    step: int = 1000,
    settings: str = "aa",
    answer: Mapping[str, Any] | None = None,
    headline: Mapping[str, Any] = HEADLINE,
    folder: Path | None = None,
    source: Path | None = None,
) -> Path:
    """Add rows to a run's table as the driver does."""
    path = (folder or run.path / "probes") / f"{probe}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    after, told = read_arrow(path) if path.exists() else (None, {})
    key = {"step": step, "weights": "raw", "settings": settings}
    answers = [*told.get("answers", []), *([] if answer is None else [key | {"evidence": answer}])]
    metadata = {
        "probe": probe,
        "source": str((source or run.path).resolve()),
        "settings": told.get("settings", {}) | {settings: {"samples": len(next(iter(rows.values())))}},
        "headlines": [headline],
        "answers": answers,
    }
    write_table(path, rows, metadata, key=key, among=after)
    return path


@pytest.fixture
def study(tmp_path: Path) -> dict[str, list[Run]]:
    """Two groups of three seeds with answers at three steps; the last seed of q2 lacks the last step."""
    groups = {g: [run_at(tmp_path / g / f"seed{k}", g, k) for k in range(3)] for g in ("q1", "q2")}
    for group, offset in (("q1", 0.0), ("q2", -2.0)):
        for k, run in enumerate(groups[group]):
            for step in (1000, 2000, 3000):
                if (group, k, step) != ("q2", 2, 3000):
                    gap = offset + k + step / 1000
                    rows = {"x": np.array([gap])}
                    put(run, "energy_gap", rows, step=step, answer={"gap_adversarial": gap, "n": 64})
    return groups


def test_the_latest_settings_of_a_step_are_meant_and_steps_are_in_order(tmp_path: Path) -> None:
    run = run_at(tmp_path / "q1/seed0")
    put(run, "conditioning", {"x": np.array([1.0])}, step=2000)
    put(run, "conditioning", {"x": np.array([2.0, 3.0])}, step=1000, settings="old")
    put(run, "conditioning", {"x": np.array([4.0])}, step=1000, settings="new")
    (table,) = find_tables({"q1": [run]}, "conditioning").tables
    told = table.read()
    assert [(one.step, one.rows["x"].tolist()) for one in told] == [(1000, [4.0]), (2000, [1.0])]
    assert told[0].settings == {"samples": 1}
    last = table.last()
    assert last is not None
    assert last.step == 2000
    with pytest.raises(NotFound, match=r"step 7 with raw weights.*1000, 2000.*--checkpoint 7"):
        table.read([7])


def test_runs_without_a_table_are_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    runs = [
        run_at(tmp_path / "a b" / "seed0", seed=0),
        run_at(tmp_path / "seed1", seed=1, checkpoints=0),
        run_at(tmp_path / "seed2", seed=2),
    ]
    put(runs[2], "floor", {"x": np.array([1.0])})
    found = find_tables({"q1": runs}, "floor")
    assert [table.label for table in found.tables] == ["q1/seed2"]
    said = found.lacking.words()
    assert f"Without: q1/seed0. Make it with: ired-diag probe floor '{tmp_path / 'a b' / 'seed0'}'." in said
    assert "No checkpoint to probe: q1/seed1." in said
    assert found.lacking.left_out() == "Not measured, left out: q1/seed0, q1/seed1."
    with pytest.raises(NotFound, match=r"No table of the probe gradients.*ired-diag probe gradients"):
        find_tables({"q1": runs}, "gradients").check()
    assert Found("floor", ("q1",), found.tables, Lacking("floor")).lacking.words() == ""


def test_a_table_elsewhere_counts_only_where_it_is_about_the_run(tmp_path: Path) -> None:
    run, out = run_at(tmp_path / "q1/seed0"), tmp_path / "out"
    put(run, "floor", {"x": np.array([1.0])}, folder=out, source=tmp_path / "other")
    assert not find_tables({"q1": [run]}, "floor", out=out).tables
    put(run, "floor", {"x": np.array([1.0])}, folder=out / "q1" / "seed0")
    (table,) = find_tables({"q1": [run]}, "floor", out=out).tables
    assert table.path == out / "q1/seed0/floor.parquet"
    put(run, "floor", {"x": np.array([1.0])}, source=tmp_path / "before it was moved")
    assert find_tables({"q1": [run]}, "floor").tables[0].path.parent == run.path / "probes"


def test_means_over_training_are_those_of_the_answers_and_both_renderers_draw_them(
    study: dict[str, list[Run]],
) -> None:
    figure = headlines_over_training(find_tables(study, "energy_gap"))
    gaps, signs = figure.panels
    means = {line.name: line for line in gaps.lines if not line.faint}
    np.testing.assert_allclose(means["q1"].y, [2.0, 3.0, 4.0])
    np.testing.assert_allclose(means["q2"].y, [0.0, 1.0, 1.5])  # two seeds at the last step
    assert means["q1"].high is not None
    assert means["q2"].high is not None
    np.testing.assert_allclose(means["q1"].high - means["q1"].y, 4.302653 / np.sqrt(3), rtol=1e-6)
    np.testing.assert_allclose(means["q2"].high[-1] - 1.5, 12.706205 * np.sqrt(0.5 / 2), rtol=1e-6)
    assert {line.name: line.y.tolist() for line in signs.lines} == {
        "q1": [1.0, 1.0, 1.0],
        "q2": pytest.approx([1 / 3, 2 / 3, 1.0]),
    }
    assert len([line for line in gaps.lines if line.faint]) == 6
    assert "seeds at each step: 2 to 3" in figure.note
    drawn = plotly.draw(figure)
    trace = next(t for t in drawn.data if t.name == "q2" and t.showlegend)
    np.testing.assert_array_equal(trace.y, means["q2"].y)
    on_paper = [np.asarray(line.get_ydata()) for line in paper.draw(figure).axes[0].get_lines()]
    assert any(np.array_equal(y, means["q2"].y) for y in on_paper)


def test_the_order_of_runs_changes_no_number_and_hiding_a_group_no_colour(
    study: dict[str, list[Run]],
) -> None:
    figure = headlines_over_training(find_tables(study, "energy_gap"))
    turned = {"q1": study["q1"][::-1], "q2": study["q2"][::-1]}
    other = headlines_over_training(find_tables(turned, "energy_gap"))
    alone = headlines_over_training(find_tables({"q2": study["q2"]}, "energy_gap"), order=("q1", "q2"))
    for a, b in zip(figure.panels[0].lines[-2:], other.panels[0].lines[-2:], strict=True):
        np.testing.assert_allclose(a.y, b.y)
    assert alone.style("q2", 0) == figure.style("q2", 1)
    np.testing.assert_allclose(alone.panels[0].lines[-1].y, figure.panels[0].lines[-1].y)


@pytest.mark.parametrize(
    ("label", "bounds"),
    [("cosine of gradients", (-1.0, 1.0)), ("share of negatives", (0.0, 1.0)), ("mean gap (nat)", None)],
)
def test_a_band_says_no_number_that_there_cannot_be(
    tmp_path: Path, label: str, bounds: tuple[float, float] | None
) -> None:
    runs = [run_at(tmp_path / f"q1/seed{k}", "q1", k) for k in range(3)]
    for run, value in zip(runs, (0.99, 0.6, 0.95), strict=True):
        answer = {"gap_adversarial": value}
        put(run, "energy_gap", {"x": np.ones(1)}, answer=answer, headline={**HEADLINE, "label": label})
    figure = headlines_over_training(find_tables({"q1": runs}, "energy_gap"))
    (line,) = [line for line in figure.panels[0].lines if not line.faint]
    assert line.high is not None
    unbounded = stats.t.interval(0.95, 2, np.mean([0.99, 0.6, 0.95]), stats.sem([0.99, 0.6, 0.95]))[1]
    assert unbounded > 1
    assert line.high[0] == pytest.approx(unbounded if bounds is None else bounds[1])
    assert ("are cut at" in figure.method) == (bounds is not None)


def test_one_seed_has_no_band_and_no_number_stands_for_a_missing_one(tmp_path: Path) -> None:
    run = run_at(tmp_path / "q1/seed0")
    for step, value in ((1, 1.0), (2, float("nan")), (3, 3.0)):
        put(run, "energy_gap", {"x": np.ones(1)}, step=step, answer={"gap_adversarial": value})
    found = find_tables({"q1": [run], "q2": []}, "energy_gap")
    (line,) = headlines_over_training(found).panels[0].lines
    assert line.x.tolist() == [1, 3]
    assert line.low is None
    assert followed(found.tables, "gap_adversarial").counts.tolist() == [1, 0, 1]
    with pytest.raises(NotFound, match=r"no headline 'size'. There are: gap_adversarial"):
        headlines_over_training(found, keys=["size"])


def test_a_log_headline_has_a_geometric_mean_and_a_linear_axis_where_something_is_not_positive(
    tmp_path: Path,
) -> None:
    headline = HEADLINE | {"key": "size", "scale": "log"}
    runs = [run_at(tmp_path / f"seed{k}", seed=k) for k in range(2)]
    for run, value in zip(runs, (1.0, 100.0), strict=True):
        put(run, "energy_scale", {"x": np.ones(1)}, answer={"size": value}, headline=headline)
    figure = headlines_over_training(find_tables({"q1": runs}, "energy_scale"))
    assert figure.panels[0].y_scale == "log"
    assert figure.panels[0].lines[-1].y.tolist() == pytest.approx([10.0])
    put(runs[0], "energy_scale", {"x": np.ones(1)}, step=2000, answer={"size": -1.0}, headline=headline)
    assert headlines_over_training(find_tables({"q1": runs}, "energy_scale")).panels[0].y_scale == "linear"
    assert mean_and_interval(np.array([1e-300, 1e300]), "log")[2] == np.inf


def test_a_table_of_before_answers_were_kept_asks_for_the_probe(tmp_path: Path) -> None:
    run = run_at(tmp_path / "q1/seed0")
    put(run, "energy_gap", {"x": np.ones(1)})
    with pytest.raises(NotFound, match=r"hold no answers yet.*ired-diag probe energy_gap .*--checkpoint all"):
        headlines_over_training(find_tables({"q1": [run]}, "energy_gap"))


def floor_rows(model: float, n: int = 40) -> Table:
    """Return a floor table whose errors have a mean that is known: all alike."""
    told = {"zero": 1.0, "linear": 0.1, "newton_15": 1e-9, "model": model, "inverse": 0.0}
    return {
        "data": np.repeat("id", n * len(told)),
        "sample": np.tile(np.arange(n), len(told)),
        "predictor": np.repeat(list(told), n),
        "mse": np.repeat(list(told.values()), n),
    }


def test_the_floor_ladder_stands_groups_among_references_by_their_error(tmp_path: Path) -> None:
    groups = {g: [run_at(tmp_path / g / f"seed{k}", g, k) for k in range(3)] for g in ("q1", "q2")}
    for group, error in (("q1", 0.05), ("q2", 0.3)):
        for k, run in enumerate(groups[group]):
            put(run, "floor", floor_rows(error + 0.01 * k))
    figure = floor_ladder(last_of_groups(find_tables(groups, "floor")))
    (panel,) = figure.panels
    assert [name for _, name in panel.x_ticks] == ["zero", "q2", "linear", "q1"]  # newton 15 is off the axis
    own = {line.name: line for line in panel.lines}
    assert own["q1"].y.tolist() == pytest.approx([0.06])
    assert own["q2"].low is not None
    assert own["q2"].low.tolist() == pytest.approx([0.31 - 4.302653 * 0.01 / np.sqrt(3)])
    assert own["references"].y.tolist() == pytest.approx([1.0, 0.1])
    assert "q1 0.06" in figure.summary
    assert "references" in [trace.name for trace in plotly.draw(figure).data]
    assert figure.style("references", 0).colour == "#1A1A1A"
    assert "n = 3 seeds each" in figure.method


def test_each_ladder_names_only_what_stands_on_it(tmp_path: Path) -> None:
    run = run_at(tmp_path / "q1/seed0")
    near, far = floor_rows(0.05), floor_rows(0.5)
    far["data"] = np.full(len(far["mse"]), "ood")
    far["mse"] = np.where(far["predictor"] == "newton_15", 0.2, far["mse"])
    put(run, "floor", {name: np.concatenate([near[name], far[name]]) for name in near})
    explain = pytest.importorskip("probes.inverse.floor").in_words
    figure = floor_ladder(last_of_groups(find_tables({"q1": [run]}, "floor")), explain=explain)
    names = [[name for _, name in panel.x_ticks] for panel in figure.panels]
    assert names == [["zero", "linear", "q1"], ["zero", "q1", "newton 15", "linear"]]
    assert [panel.title for panel in figure.panels] == ["in distribution", "out of distribution"]
    assert "Newton k stands for k Newton-Schulz steps towards the inverse" in figure.method
    assert "degree k" not in figure.method  # explained only where it is drawn
    assert "one seed each, mean" in figure.method


def mining_rows(seed: int, share: float) -> Table:
    rng = np.random.default_rng(seed)
    n, moves = 40, 3
    accepted = np.repeat((np.arange(n) < share * n).astype(float), moves)
    return {
        "level": np.zeros(n * moves, dtype=int),
        "walker": np.repeat("descent", n * moves),
        "sample": np.repeat(np.arange(n), moves),
        "move": np.tile(np.arange(moves), n),
        "accepted": accepted,
        "energy_change": -rng.random(n * moves),
        "distance": 1 + rng.random(n * moves),
    }


def test_intervals_of_shares_end_at_one_and_groups_do_not_hide_each_other(tmp_path: Path) -> None:
    groups = {g: [run_at(tmp_path / g / f"seed{k}", g, k) for k in range(3)] for g in ("q1", "q2")}
    for runs in groups.values():
        for k, run in enumerate(runs):
            put(run, "mining_dynamics", mining_rows(k, (1.0, 1.0, 0.5)[k]))
    figure = mining_by_group(last_of_groups(find_tables(groups, "mining_dynamics")))
    one, two = figure.panels[0].lines
    assert one.high is not None
    assert one.y.tolist() == pytest.approx([2.5 / 3])
    assert one.high.tolist() == [1.0]
    assert "cut at the bounds of what is shown: share of steps accepted at 1." in figure.method
    assert one.x.tolist() != two.x.tolist()
    assert "stand side by side" in figure.method
    alone = mining_by_group(last_of_groups(find_tables({"q1": groups["q1"][:1]}, "mining_dynamics")))
    assert "cut at" not in alone.method
    assert "one seed each, mean" in alone.method
    assert "side by side" not in alone.method


def test_many_groups_at_one_level_stay_nearer_to_it_than_to_the_next() -> None:
    for count in (1, 2, 8, 30):
        places = [dodge([0.0, 1.0], position, count) for position in range(count)]
        assert max(place[0] for place in places) < min(place[1] for place in places)


def test_four_numbers_over_training_stand_in_two_rows_with_their_names_above(tmp_path: Path) -> None:
    labels = ("Vendi score a", "effective rank b", "distance c", "coverage d")
    run = run_at(tmp_path / "q1/seed0")
    path = put(run, "diversity", {"x": np.ones(1)}, answer={label: 0.5 for label in labels} | {"n": 128})
    _, metadata = read_arrow(path)
    metadata["headlines"] = [HEADLINE | {"key": label, "label": label} for label in labels]
    path.unlink()
    write_table(path, {"x": np.ones(1)}, metadata, key={"step": 1000, "weights": "raw", "settings": "aa"})
    figure = headlines_over_training(find_tables({"q1": [run]}, "diversity"))
    assert [panel.title for panel in figure.panels] == list(labels)
    assert "band" not in figure.method
    assert "thin lines" not in figure.method
    assert "blocks of 128 problems" in figure.method
    drawn = paper.draw(figure)
    assert drawn.get_figheight() < 4.5
    assert plotly.draw(figure).layout.yaxis2.title.text == "effective rank b"


def judge_rows(rng: np.random.Generator, noise: float) -> Table:
    """Return an energy_judge table: energy rises with error, but for noise."""
    error = rng.random((30, 6)) + 0.1
    error[:, 0] = 0.0
    kind = np.tile(["right", *["perturbed"] * 5], 30)
    return {
        "level": np.zeros(180, dtype=int),
        "sample": np.repeat(np.arange(30), 6),
        "kind": kind,
        "number": np.tile([0, 0, 1, 2, 3, 4], 30),
        "error": error.ravel(),
        "energy": (error + noise * rng.random(error.shape)).ravel(),
    }


def test_energy_ranks_errors_perfectly_where_it_rises_with_them_and_by_naive_ranks(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    run, other = run_at(tmp_path / "q1/seed0"), run_at(tmp_path / "q2/seed0", "q2")
    put(run, "energy_judge", judge_rows(rng, 0.0))
    rows = judge_rows(rng, 1.0)
    shuffled = rng.permutation(len(rows["level"]))
    put(other, "energy_judge", {name: values[shuffled] for name, values in rows.items()})
    groups = last_of_groups(find_tables({"q1": [run], "q2": [other]}, "energy_judge"))
    one, two = energy_against_error(groups).panels[0].lines
    assert one.y.tolist() == pytest.approx([1.0])
    naive = []
    for sample in range(30):
        mine = select(rows, sample=sample)
        a, b = (np.argsort(np.argsort(mine[name])) for name in ("energy", "error"))
        naive.append(float(np.corrcoef(a, b)[0, 1]))
    assert two.y.tolist() == pytest.approx([np.mean(naive)])
    assert two.low is not None
    half = 2.04523 * np.std(naive, ddof=1) / np.sqrt(30)  # one seed: the interval over problems
    assert two.low.tolist() == pytest.approx([np.mean(naive) - half], rel=1e-4)


def test_mining_is_read_from_its_moves_without_the_noise_walk() -> None:
    rows: Table = {
        "walker": np.repeat(["descent", "noise"], 6),
        "sample": np.tile([0, 0, 0, 1, 1, 1], 2),
        "move": np.tile([0, 1, 2], 4),
        "accepted": np.array([0, 1, 0, 0, 1, 1, *[0] * 6], dtype=float),
        "energy_change": np.array([-9, -1, -2, -9, -3, -4, *[100] * 6], dtype=float),
        "distance": np.array([2, 5, 1, 4, 5, 4, *[100] * 6], dtype=float),
    }
    assert acceptance(rows).tolist() == [0.5, 1.0]
    assert energy_change(rows).tolist() == [-3.0, -7.0]
    assert approach(rows).tolist() == [0.5, 1.0]


def test_the_picture_of_one_run_says_which(tmp_path: Path) -> None:
    runs = [run_at(tmp_path / f"seed{k}", seed=k) for k in range(2)]
    for k, run in enumerate(runs):
        put(run, "curvature", {"x": np.array([float(k)])})

    def draw(table: Table) -> FigureData:
        return FigureData(
            "curvature", "Curvature", "x", (Panel("y", (Line("a", table["x"], table["x"]),)),), "How."
        )

    (figure,) = of_one_run(last_of_groups(find_tables({"q1": runs}, "curvature")), draw)
    assert (figure.name, figure.title) == ("curvature-q1", "Curvature: q1/seed0, step 1000")
    assert figure.method == "How. This run is the first of 2 of q1."
    assert figure.panels[0].lines[0].y.tolist() == [0.0]


def test_no_picture_of_probe_tables_needs_torch() -> None:
    modules = ("over_training", "distributions", "floor_ladder", "group_levels", "by_group")
    names = ", ".join(f"ired_diag.drawing.{name}" for name in modules)
    code = f"import sys, {names}, ired_diag.open; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_quantity_is_a_column_that_its_probe_declares() -> None:
    probes = pytest.importorskip("probes")
    for quantity in QUANTITIES.values():
        declared = {column.name for column in probes.load(quantity.probe).columns}
        assert {quantity.column, "kind", "level"} | ({quantity.right} - {""}) <= declared


def test_what_the_driver_writes_is_what_pictures_read(tmp_path: Path) -> None:
    from ired_diag.finding import Finding
    from ired_diag.probing.tables import Key, ProbeTable

    probe = pytest.importorskip("probes").load("energy_scale")
    run = run_at(tmp_path / "q1/seed0")
    columns = {column.name: np.ones(3) for column in probe.columns}
    table = ProbeTable(run.path / "probes/energy_scale.parquet", probe, str(run.path.resolve()))
    table.path.parent.mkdir(parents=True)
    first = Finding("energy_scale", "note", "So.", {"size": np.float64(2.0), "n": 3, "mse": float("nan")})
    table.put(Key(1000, "raw", {"seed": 0}), columns, first)
    table.put(Key(2000, "raw", {"seed": 0}), columns, Finding("energy_scale", "note", "So.", {"size": 4.0}))
    before = table.path.stat().st_mtime_ns
    table.note_answer(Key(1000, "raw", {"seed": 0}), columns, first)  # known: not written again
    assert table.path.stat().st_mtime_ns == before
    found = find_tables({"q1": [run]}, "energy_scale")
    assert found.tables[0].headlines == tuple(probe.headlines)
    assert {step: told["size"] for step, told in found.tables[0].answers().items()} == {1000: 2.0, 2000: 4.0}
    table.note_answer(
        Key(1000, "raw", {"seed": 0}), columns, Finding("energy_scale", "note", "", {"size": 3.0})
    )
    again = find_tables({"q1": [run]}, "energy_scale").tables[0]
    assert [told["size"] for told in again.answers().values()] == [3.0, 4.0]
    assert [len(one.rows["energy"]) for one in again.read()] == [3, 3]
