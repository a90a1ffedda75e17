"""The page Energy: logged energies over training, and what the tables of probes say of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.dashboard.address import View
from ired_diag.runs.history import Row, to_jsonl
from ired_diag.table import write_table

Browse = Callable[[Path], Any]
Ask = Callable[..., dict[str, Any]]


def write_run(root: Path, group: str, seed: int, rows: list[Row], *, checkpoints: bool = True) -> Path:
    folder = root / group / f"seed{seed}"
    (folder / "checkpoints").mkdir(parents=True)
    told = {"format": 1, "experiment": group, "seed": seed, "config": {}, "ending": {"state": "complete"}}
    (folder / "config.json").write_text(json.dumps(told))
    (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))
    if checkpoints:
        (folder / "checkpoints" / "step-000001000.safetensors").touch()
    return folder


def energies(gap: float, count: int = 30) -> list[Row]:
    names = ("train/energy_positive", "train/energy_negative")
    return [Row(10 * i, dict(zip(names, (i + 1.0, i + 1.0 + gap), strict=True))) for i in range(1, count + 1)]


def floor(folder: Path, error: float) -> None:
    cells = [(data, s, p) for data in ("id", "ood") for p in ("zero", "linear", "model") for s in range(4)]
    data, sample, predictor = (np.array(column) for column in zip(*cells, strict=True))
    mse = np.select([predictor == "zero", predictor == "linear"], [1.0, 0.5], error)
    (folder / "probes").mkdir()
    key = {"step": 1000, "weights": "ema", "settings": "aa"}
    metadata = {"probe": "floor", "source": str(folder.resolve()), "settings": {"aa": {}}}
    rows = {"data": data, "sample": sample, "predictor": predictor, "mse": mse}
    write_table(folder / "probes" / "floor.parquet", rows, metadata, key=key)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """q901 has gaps of 1, 2 and 3 nat, q902 of -1; q903 logs no energies; only q901/seed0 is probed."""
    root = tmp_path / "runs"
    folders = [write_run(root, "q901", seed, energies(1.0 + seed)) for seed in range(3)]
    write_run(root, "q902", 0, energies(-1.0))
    write_run(root, "q903", 0, [Row(10, {"validation/mse": 0.5})], checkpoints=False)
    floor(folders[0], 0.25)
    return root


def words(tree: Any) -> str:
    if isinstance(tree, list):
        return " ".join(words(one) for one in tree)
    return words(tree["props"].get("children")) if isinstance(tree, dict) else str(tree or "")


def drawn(ask: Ask, client: Any, name: str, query: str = "?page=energy", **told: Any) -> dict[str, Any]:
    found = ask(client, f"energy-{name}-graph.figure", address_search=query, version_data=1, **told)
    return {key.removeprefix(f"energy-{name}-"): value for key, value in found.items()}


def said(told: dict[str, Any]) -> str:
    return words(told["words"]["children"])


def test_the_gap_is_told_with_the_seeds_in_which_it_is_above_zero(
    root: Path, browse: Browse, ask: Ask
) -> None:
    text = said(drawn(ask, browse(root), "gap"))
    assert "q901: a gap of 2 nat at step 300, above 0 in 3 of 3 seeds" in text  # mean of 1, 2 and 3
    assert "q902: a gap of -1 nat at step 300, above 0 in 0 of 1 seeds" in text
    assert "left out: q903 (1 run)" in text


def test_hiding_a_group_changes_neither_number_nor_colour_of_another(
    root: Path, browse: Browse, ask: Ask
) -> None:
    client = browse(root)

    def traces(query: str) -> list[Any]:
        figure = drawn(ask, client, "positive", query)["graph"]["figure"]
        return [trace for trace in figure["data"] if trace.get("name") == "q902"]

    assert traces("?page=energy&hidden=q901") == traces("?page=energy") != []


def test_zooming_draws_all_points_of_the_stretch_and_leaves_the_other_charts_axes_alone(
    tmp_path: Path, browse: Browse, ask: Ask
) -> None:
    root = tmp_path / "long"
    floor(write_run(root, "q901", 0, energies(1.0, count=9000)), 0.25)
    client = browse(root)
    assert "points, the smallest and the largest of each stretch" in said(drawn(ask, client, "positive"))
    zoomed = View(page="energy", x=(1000.0, 2000.0)).to_query()
    told = drawn(ask, client, "positive", zoomed)
    assert "points, the smallest" not in said(told)
    assert told["graph"]["figure"]["layout"]["xaxis"]["range"] == [1000, 2000]
    ladder = drawn(ask, client, "floor", zoomed)["graph"]["figure"]["layout"]["xaxis"]["range"]
    assert ladder == drawn(ask, client, "floor")["graph"]["figure"]["layout"]["xaxis"]["range"]
    told = ask(client, "energy-positive-download.data", energy_positive_csv_n_clicks=1, address_search=zoomed)
    assert told["energy-positive-download"]["data"]["content"].count("\n") > 9000


def test_a_running_median_is_said_and_an_even_window_is_refused_in_words(
    root: Path, browse: Browse, ask: Ask
) -> None:
    client = browse(root)
    assert "running median of 5 steps" in said(drawn(ask, client, "gap", "?page=energy&smooth=5"))
    assert drawn(ask, client, "gap", "?page=energy&smooth=4")["graph"]["style"] == {"display": "none"}


def test_a_group_stands_among_predictors_without_a_network_and_who_lacks_a_table_is_told(
    root: Path, browse: Browse, ask: Ask
) -> None:
    client = browse(root)
    assert "zero 1, linear 0.5, q901 0.25" in said(drawn(ask, client, "floor"))
    told = ask(client, "energy-floor-lacking.children", address_search="?page=energy", version_data=1)
    text = words(told["energy-floor-lacking"]["children"])
    assert "q901/seed1" in text and "ired-diag probe floor" in text and "to probe: q903/seed0" in text
    assert "ired-diag probe energy_judge" in said(drawn(ask, client, "judge"))
    assert "ired-diag probe mining_dynamics" in said(drawn(ask, client, "mining"))


def test_a_study_without_energies_says_what_would_make_them(tmp_path: Path, browse: Browse, ask: Ask) -> None:
    write_run(tmp_path / "runs", "q903", 0, [Row(10, {"validation/mse": 0.5})])
    client = browse(tmp_path / "runs")
    for name in ("gap", "positive"):
        assert "ired-diag probe energy_gap" in said(drawn(ask, client, name))
    (tmp_path / "empty").mkdir()
    assert "ired-diag demo" in said(drawn(ask, browse(tmp_path / "empty"), "gap"))


def test_unchanged_files_send_nothing_again(root: Path, browse: Browse, ask: Ask) -> None:
    client = browse(root)
    for name in ("gap", "floor"):
        first = drawn(ask, client, name)["drawn"]["data"]
        assert drawn(ask, client, name, **{f"energy_{name}_drawn_data": first}) == {}


def test_the_controls_stay_while_nothing_that_they_show_changes(root: Path, browse: Browse, ask: Ask) -> None:
    client = browse(root)

    def controls(query: str, known: str | None) -> dict[str, Any]:
        return ask(client, "energy-controls.children", address_search=query, energy_known_data=known)

    first = controls("?page=energy&smooth=7", None)
    assert "Running median of 7 steps" in words(first["energy-controls"]["children"])
    known = first["energy-known"]["data"]
    assert controls("?page=energy&smooth=7&x=0,100", known) == {}
    assert "energy-controls" in controls("?page=energy&hidden=q901", known)


def test_the_real_logs_are_drawn_or_it_is_said_why_not(shared: Path, browse: Browse, ask: Ask) -> None:
    client = browse(shared / "ired_logs")
    for name in ("gap", "positive", "floor", "judge", "mining"):
        assert said(drawn(ask, client, name))


def test_a_damaged_table_is_told_by_its_chart_and_breaks_no_other_part(
    root: Path, browse: Browse, ask: Ask
) -> None:
    damaged = root / "q902" / "seed0" / "probes"
    damaged.mkdir()
    (damaged / "floor.parquet").write_bytes(b"PAR1" + bytes(range(200)) + b"PAR1")
    client = browse(root)
    values = {"address_search": "?page=energy", "version_data": 1}
    assert ask(client, "energy-floor-lacking.children", **values)["energy-floor-lacking"]["children"] is None
    assert "cannot be read as a table" in str(ask(client, "energy-floor-graph.figure", **values))
