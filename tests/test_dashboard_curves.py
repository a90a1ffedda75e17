"""The page Curves: what is drawn, what is thinned, what is computed anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.dashboard import curve_figures
from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components import chart
from app.dashboard.curve_figures import Curves, thinned
from app.dashboard.remembered import Verdicts
from app.dashboard.snapshot import Entry, Snapshot
from ired_diag.drawing.data import FigureData, Line
from ired_diag.drawing.learning_curves import learning_curves
from ired_diag.runs.history import History, Row, Series, to_jsonl
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.verdict import verdict_of
from tests.cpu_time import cpu_ratio
from tests.made_runs import made_run

Browse = Callable[[Path], Any]
Ask = Callable[..., dict[str, Any]]


def make_run(group: str, seed: int, **metrics: np.ndarray) -> Run:
    named = {name.replace("__", "/"): values for name, values in metrics.items()}
    return made_run(group, seed, every=10, path=Path(f"/nowhere/{group}/{seed}"), metrics=named)


def snapshot_of(*runs: Run, version: int = 1) -> Snapshot:
    entries = {run.label: Entry(run.label, run, "complete") for run in runs}
    return Snapshot(version=version, updated=0.0, study=Study.of(runs), entries=entries)


def decay(count: int, seed: int, rest: float = 0.01) -> np.ndarray:
    noise = 0.001 * np.random.default_rng(seed).normal(size=count)
    return rest + np.exp(-np.arange(count) / (count / 10)) + np.abs(noise)


@pytest.fixture
def small() -> Snapshot:
    runs = [
        make_run(f"q90{g}", s, validation__mse=decay(50, 9 * g + s, (g - 1) * 2 + 0.01))
        for g in (1, 2)
        for s in range(3)
    ]
    return snapshot_of(*runs)


def lines(figure: FigureData | str) -> dict[str, Line]:
    assert isinstance(figure, FigureData), figure
    return {line.name: line for line in figure.panels[0].lines}


def write_run(root: Path, name: str, seed: int, values: np.ndarray) -> Path:
    folder = root / name / f"seed{seed}"
    folder.mkdir(parents=True)
    told = {"format": 1, "experiment": name, "seed": seed, "config": {}, "ending": {"state": "complete"}}
    (folder / "config.json").write_text(json.dumps(told))
    rows = [Row(10 * i, {"validation/mse": v, "train/loss": 3 * v}) for i, v in enumerate(values, 1)]
    (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))
    return folder / "metrics.jsonl"


def test_the_line_is_the_mean_of_the_logged_values_and_raw_lies_beneath(small: Snapshot) -> None:
    drawn = lines(Curves().shown(View(), small))
    runs = small.study.groups()["q901"]
    every = [run.history.series["validation/mse"].values for run in runs]
    np.testing.assert_allclose(drawn["q901"].y, np.mean(every, axis=0), rtol=1e-12)
    for run, values in zip(runs, every, strict=True):
        np.testing.assert_array_equal(drawn[f"q901 {run.seed_label}"].y, values)


def test_smoothing_is_a_running_median_of_the_mean_and_leaves_band_and_raw_alone(small: Snapshot) -> None:
    plain, smooth = (lines(Curves().shown(View(smooth=n), small)) for n in (0, 5))
    mean = plain["q901"].y
    naive = [np.median(mean[max(i - 2, 0) : i + 3]) for i in range(len(mean))]
    np.testing.assert_allclose(smooth["q901"].y, naive)
    np.testing.assert_array_equal(smooth["q901"].low, plain["q901"].low)
    np.testing.assert_array_equal(smooth["q901 seed0"].y, plain["q901 seed0"].y)
    with pytest.raises(Exception, match="odd"):
        Curves().shown(View(smooth=4), small)


def test_hiding_a_group_changes_no_other(small: Snapshot) -> None:
    curves = Curves()
    both, one = curves.shown(View(), small), curves.shown(View(hidden=("q901",)), small)
    assert isinstance(both, FigureData) and isinstance(one, FigureData)
    kept = {name: line for name, line in lines(both).items() if not name.startswith("q901")}
    assert lines(one).keys() == kept.keys()
    for name, line in lines(one).items():
        np.testing.assert_array_equal(line.y, kept[name].y)
    traces = [{t["name"]: t["uid"] for t in chart._drawn(f, View())["data"]} for f in (both, one)]
    colours = [
        {t["name"]: t.get("line", {}).get("color") for t in chart._drawn(f, View())["data"]}
        for f in (both, one)
    ]
    for name in lines(one):
        assert (traces[0][name], colours[0][name]) == (traces[1][name], colours[1][name])
    assert both.panels[0].y_scale == one.panels[0].y_scale  # alone it would be linear
    alone = snapshot_of(*small.study.groups()["q902"])
    whole = Curves().shown(View(), alone)
    assert isinstance(whole, FigureData) and whole.panels[0].y_scale == "linear"


def test_the_axis_is_the_one_told(small: Snapshot) -> None:
    for scale in ("linear", "log"):
        figure = Curves().shown(View(scale=scale), small)
        assert isinstance(figure, FigureData) and figure.panels[0].y_scale == scale
    told = Curves().shown(View(log=True), snapshot_of(make_run("q", 0, loss=np.array([3.0, -1.0, 2.0]))))
    assert isinstance(told, FigureData) and "no place on a logarithmic axis" in told.method


def test_from_a_step_on_is_as_if_nothing_had_been_logged_before(small: Snapshot) -> None:
    figure = Curves().shown(View(step=200), small)
    cut = [
        replace(
            run,
            history=History({n: Series(s.steps[19:], s.values[19:]) for n, s in run.history.series.items()}),
        )
        for run in small.study.runs
    ]
    other = Curves().shown(View(), snapshot_of(*cut))
    assert isinstance(figure, FigureData) and isinstance(other, FigureData)
    assert figure.summary == other.summary and "from step 200" in figure.title
    assert lines(figure)["q902"].x[0] == 200


def test_words_stand_where_no_curve_can_be_drawn(small: Snapshot) -> None:
    curves = Curves()
    assert "ired-diag demo" in str(curves.shown(View(), snapshot_of()))
    assert "hidden" in str(curves.shown(View(hidden=("q901", "q902")), small))
    assert "No run matches" in str(curves.shown(View(filter="no such"), small))
    assert "q901" in lines(curves.shown(View(groups=("q901",)), small))
    assert "q902" not in lines(curves.shown(View(groups=("q901",)), small))


def test_a_spike_of_one_step_is_seen_at_every_zoom_and_zooming_in_shows_every_point() -> None:
    values = decay(100_000, 1)
    values[61_803] = 7.0
    curves, snapshot = (
        Curves(),
        snapshot_of(*(make_run("q901", seed, loss=values) for seed in range(3))),
    )
    spike = 618_040
    for width in (1e6, 3e5, 4e4, 3e3, 300.0, 30.0):
        view = View(x=(max(spike - width, 0.0), spike + width / 2))
        drawn = lines(curves.shown(view, snapshot))
        for line in (drawn["q901"], drawn["q901 seed0"], drawn["q901 seed1"]):
            assert line.y[line.x == spike].tolist() == [7.0]
            assert len(line.x) <= curve_figures.MOST_OF_A_LINE
    inside = [x for x in lines(curves.shown(View(x=(spike - 300, spike + 300)), snapshot))["q901 seed0"].x]
    assert inside == list(range(spike - 310, spike + 311, 10))
    assert curves.figures.computed == 1  # zooming thins again, and computes nothing


def test_how_many_points_are_drawn_is_said_and_the_csv_has_all() -> None:
    snapshot = snapshot_of(*(make_run("q901", s, loss=decay(50_000, s)) for s in range(3)))
    curves = Curves()
    shown, whole = curves.shown(View(), snapshot), curves.whole(View(), snapshot)
    assert isinstance(shown, FigureData) and isinstance(whole, FigureData)
    drawn = sum(len(line.x) for line in shown.panels[0].lines)
    assert f"Drawn: {drawn:,} of 200,000 points" in shown.method
    assert "Drawn" not in whole.method and len(lines(whole)["q901"].x) == 50_000
    few = curves.shown(View(x=(100.0, 400.0)), snapshot)
    assert isinstance(few, FigureData) and "Drawn" not in few.method


def test_thinned_means_and_bands_are_those_of_every_point() -> None:
    runs = [make_run("q901", s, loss=decay(30_000, s)) for s in range(4)]
    whole = learning_curves({"q901": runs})
    before, after = lines(whole)["q901"], lines(thinned(whole, None))["q901"]
    at = np.searchsorted(before.x, after.x)
    for old, new in ((before.y, after.y), (before.low, after.low), (before.high, after.high)):
        assert old is not None and new is not None
        np.testing.assert_array_equal(new, old[at])
        assert (new.min(), new.max()) == (old.min(), old.max())


def test_what_is_infinite_or_nan_hides_no_finite_spike() -> None:
    values = decay(20_000, 3)
    values[5_000], values[5_001], values[5_002] = np.inf, 9.0, np.nan
    drawn = lines(thinned(learning_curves({"q": [make_run("q", s, loss=values) for s in (0, 1)]}), None))
    line = drawn["q seed0"]
    assert 9.0 in line.y and not np.isfinite(line.y).all()


def test_a_curve_is_judged_once_while_it_stays_as_it_is(
    small: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[str] = []

    def judge(run: Run) -> Any:
        judged.append(run.label)
        return verdict_of(run)

    monkeypatch.setattr("app.dashboard.remembered.kept_verdict", judge)
    monkeypatch.setattr("app.dashboard.snapshot.kept_verdict", judge)
    curves = Curves()
    curves.shown(View(), small)
    curves.shown(View(smooth=3), small)
    curves.shown(View(), replace(small, version=2))
    assert len(judged) == 6 and curves.figures.computed == 2
    first, *_ = small.study.runs
    grown = make_run("q901", 0, validation__mse=decay(51, 9))
    kept = {label: entry for label, entry in small.entries.items() if entry.run is not first}
    told = curves.shown(
        View(), replace(small, version=3, entries={"new": Entry("new", grown, "complete"), **kept})
    )
    assert judged[6:] == [first.label] and len(lines(told)["q901 seed0"].x) == 51


def test_a_verdict_is_let_go_with_its_curve() -> None:
    verdicts = Verdicts()
    run = make_run("q", 0, loss=decay(30, 0))
    assert verdicts.of(run) == verdict_of(run)
    del run
    assert not verdicts._kept


@pytest.mark.slow
def test_thirty_runs_of_100_000_points_are_sent_in_two_megabytes_and_zoomed_without_new_work() -> None:
    runs = [
        make_run(f"q{g}", s, **{f"m{k}__loss": decay(100_000, s) + k for k in range(8)})
        for g in range(3)
        for s in range(10)
    ]
    snapshot, view = snapshot_of(*runs), View(metric="m3/loss")
    figure = Curves().shown(view, snapshot)
    assert isinstance(figure, FigureData)
    assert len(json.dumps(chart._update(figure, view, None)[0])) < 2e6
    curves = Curves()
    curves.shown(view, snapshot)
    zoomed = View(metric="m3/loss", x=(2e5, 4e5))
    assert cpu_ratio(lambda: curves.shown(zoomed, snapshot), lambda: Curves().shown(view, snapshot)) < 0.5


def content(ask: Ask, client: Any, query: str, **known: Any) -> dict[str, Any]:
    return ask(client, "curves-graph.figure", address_search=query, version_data=1, **known)


def test_appended_lines_are_drawn_and_the_zoom_is_kept(tmp_path: Path, browse: Browse, ask: Ask) -> None:
    log = write_run(tmp_path, "q901", 0, decay(40, 0))
    client, query = browse(tmp_path), View(page="curves", x=(100.0, 500.0)).to_query()
    first = content(ask, client, query)
    assert first["curves-graph"]["figure"]["layout"]["xaxis"]["range"] == [100.0, 500.0]
    drawn = first["curves-drawn"]["data"]
    assert content(ask, client, query, curves_drawn_data=drawn) == {}  # nothing changed: nothing is sent
    with log.open("ab") as file:
        file.write(to_jsonl([Row(410, {"validation/mse": 0.777})]))
    ask(client, "version.data")
    told = content(ask, client, query, curves_drawn_data=drawn)["curves-graph"]["figure"]
    assert "0.777" in json.dumps(told) or told["__dash_patch_update"]
    replaced = {"/".join(map(str, one["location"])) for one in told["operations"]}
    assert "data" in replaced and not any("axis" in place for place in replaced)


def test_the_controls_offer_what_was_logged_and_follow_the_folder(
    tmp_path: Path, browse: Browse, ask: Ask
) -> None:
    write_run(tmp_path, "q901", 0, decay(40, 0))
    client = browse(tmp_path)
    laid = json.dumps(
        ask(client, "content.children", frame_data={"search": "?page=curves&metric=gone", "number": 1})
    )
    said = "No run here logs 'gone', the metric in the address: the page shows the default metric."
    for words in ("validation/mse (evaluated)", "train/loss", said, "running median of 21"):
        assert words in laid
    assert "ired-diag figures" in laid and '"data-toggle": "hidden"' not in laid
    write_run(tmp_path, "q902", 0, decay(40, 1))
    ask(client, "version.data")
    told = ask(client, "curves-controls.children", address_search="?page=curves", version_data=2)
    assert '"data-value": "q902"' in json.dumps(told["curves-controls"])
    assert "q901 q902" in json.dumps(told["curves-export"])
    again = ask(
        client,
        "curves-controls.children",
        address_search="?page=curves&hidden=q901",
        curves_offered_data=told["curves-offered"]["data"],
    )
    assert "curves-controls" not in again and "q901" not in json.dumps(again["curves-export"])


def test_the_real_logs_are_drawn(shared: Path) -> None:
    snapshot = Catalog(shared / "ired_logs").snapshot()
    figure = Curves().shown(View(groups=("q101", "q102", "q103")), snapshot)
    drawn = lines(figure)
    every = [
        dict(zip(s.steps.tolist(), s.values.tolist(), strict=True))
        for run in snapshot.study.groups()["q102"]
        if (s := run.history.series["validation/mse"]) is not None
    ]
    naive = np.mean([one[100_000] for one in every])
    np.testing.assert_allclose(drawn["q102"].y[drawn["q102"].x == 100_000], naive)
    assert isinstance(figure, FigureData) and figure.order == tuple(snapshot.groups())
