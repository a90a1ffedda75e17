"""The page Run: one seed, its curve, what it was told, what was found, what was probed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import probes
from app.cli.demo import sample_runs
from app.dashboard.catalog import Catalog
from app.dashboard.pages import run as page
from app.dashboard.run_words import (
    headline_in_words,
    series_rows,
    settings_of,
    size_in_words,
    verdict_in_words,
)
from ired_diag.drawing.headline import Headline
from ired_diag.drawing.probe_tables import find_tables
from ired_diag.runs.history import Row, Series, to_jsonl
from ired_diag.runs.run import Run
from ired_diag.touched_runs import touched_by
from ired_diag.verdict import Verdict, verdict_of
from tests.made_runs import made_run

Browse = Callable[[Path], Any]
Ask = Callable[..., dict[str, Any]]


def write_run(root: Path, seed: int, config: dict[str, Any], values: list[float]) -> Path:
    folder = root / "q901" / f"seed{seed}"
    folder.mkdir(parents=True)
    told = {
        "format": 1,
        "experiment": "q901",
        "seed": seed,
        "config": {"seed": seed, **config},
        "ending": {"state": "complete"},
        "provenance": {"host": "a <b>host</b>", "git_commit": "0123abc", "started": "2026-01-01T00:00:00"},
    }
    (folder / "config.json").write_text(json.dumps(told))
    rows = [Row(100 * i, {"validation/mse": value}) for i, value in enumerate(values, start=1)]
    (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))
    return folder


def words(tree: Any) -> str:
    """Return the text of a page, as Dash sends it."""
    if isinstance(tree, list):
        return " ".join(words(one) for one in tree if one is not None)
    if isinstance(tree, dict):
        return words(tree["props"].get("children") or "")
    return str(tree)


def open_run(ask: Ask, client: Any, label: str) -> tuple[str, dict[str, Any]]:
    """Return the address of a run's page, and the page."""
    entries = client.application.extensions["catalog"].snapshot().entries
    id = next(id for id, entry in entries.items() if entry.run.label == label)
    told = ask(client, "content.children", frame_data={"search": f"?page=run&run={id}", "number": 1})
    return f"?page=run&run={id}", told["content"]["children"]


def run_of(config: dict[str, Any] | None, **series: Series) -> Run:
    return made_run("q", config=config, path=Path("/nowhere"), metrics=series)


def test_the_page_tells_state_verdict_provenance_and_configuration(
    tmp_path: Path, browse: Browse, ask: Ask
) -> None:
    for seed in range(2):
        write_run(tmp_path, seed, {"rank": 8 + seed, "width": 512}, [0.5, 0.2, 0.1, 0.3])
    client = browse(tmp_path)
    _, tree = open_run(ask, client, "q901/seed0")
    text = words(tree)
    for part in ("q901/seed0", "complete", "a <b>host</b>", "0123abc", "Last: 0.3 at step 400."):
        assert part in text
    assert '"data-back": ""' in json.dumps(tree) and "Nothing" not in text
    assert "There is no checkpoint" in text and "nothing to probe" in text
    assert str(tmp_path) not in json.dumps(tree)


def test_keys_in_which_siblings_differ_are_marked_and_defaults_are_told(tmp_path: Path) -> None:
    for seed, rank in enumerate((8, 8, 20)):
        write_run(tmp_path, seed, {"rank": rank, "width": 512, "notes": "x"}, [0.5])
    first, *others = Catalog(tmp_path).snapshot().study.runs
    settings = {one.key: one for one in settings_of(first, others)}
    assert settings["rank"].others == "20" and settings["rank"].default == "20"
    assert settings["seed"].others == "1, 2"
    assert settings["width"].others == "" and settings["width"].default == ""
    assert settings["notes"].default == ""
    assert settings_of(run_of(None), []) == []
    lacking = settings_of(run_of({"a": 1}), [run_of({"b": 2})])
    assert [(one.value, one.others) for one in lacking] == [("1", "not set"), ("not set", "2")]


def test_the_default_of_a_list_is_known() -> None:
    (same,) = settings_of(run_of({"adam_betas": [0.9, 0.99]}), [])
    (other,) = settings_of(run_of({"adam_betas": [0.9, 0.999]}), [])
    assert same.default == "" and other.default == "[0.9, 0.99]"


def test_a_run_that_is_not_there_is_said_to_be_gone(tmp_path: Path, browse: Browse, ask: Ask) -> None:
    folder = write_run(tmp_path, 0, {}, [0.5, 0.4])
    client = browse(tmp_path)
    query, _ = open_run(ask, client, "q901/seed0")
    shutil.rmtree(folder)
    ask(client, "version.data")
    told = ask(client, "run-header.children", address_search=query, version_data=2)
    assert "no such run" in words(told["run-header"]["children"])
    chart = ask(client, "run-graph.figure", address_search=query, version_data=2)
    assert "gone" in words(chart["run-words"]["children"])
    again = ask(client, "content.children", frame_data={"search": query, "number": 1})
    assert "no such run" in words(again["content"]["children"])


def test_the_curve_is_this_run_s_alone_in_its_group_s_colour(
    tmp_path: Path, browse: Browse, ask: Ask
) -> None:
    write_run(tmp_path, 0, {}, [0.5, 0.4])
    write_run(tmp_path, 1, {}, [9.0, 8.0])
    client = browse(tmp_path)
    query, _ = open_run(ask, client, "q901/seed0")
    drawn = ask(client, "run-graph.figure", address_search=query, version_data=1)
    text = json.dumps(drawn["run-table"]["children"])
    assert "0.4" in text and '"8"' not in text
    other = ask(client, "run-graph.figure", address_search=query + "&metric=not-there", version_data=1)
    assert other["run-drawn"]["data"]["content"] == drawn["run-drawn"]["data"]["content"]


def test_findings_are_those_that_name_the_run_or_its_group(shared: Path, browse: Browse, ask: Ask) -> None:
    client = browse(shared / "ired_logs")
    query, tree = open_run(ask, client, "q101/seed0")
    diagnosis = client.application.extensions["catalog"].diagnosis
    diagnosis.newest()
    diagnosis.wait()
    told = ask(client, "run-findings.children", address_search=query)
    items = json.dumps(told["run-findings"])
    study = client.application.extensions["catalog"].snapshot().study
    named = [
        finding for finding in diagnosis.newest().findings if "q101/seed0" in touched_by(finding, study).runs
    ]
    assert named and items.count('"className": "statement"') == len(named)
    assert all(json.dumps(one.statement) in items for one in named)
    assert told["run-wait"]["disabled"] is True
    text = words(tree)
    assert "Earlier attempts" in text and "argument_error" in text and "file_not_found" in text


def test_probes_that_ran_tell_their_headlines_and_others_their_command(
    tmp_path: Path, browse: Browse, ask: Ask
) -> None:
    root = tmp_path / "runs"
    shutil.copytree(sample_runs() / "q101", root / "q101")
    catalog = Catalog(root)
    (run, *_) = catalog.snapshot().study.runs
    assert run.checkpoints
    text = json.dumps([part.to_plotly_json() for part in page._probes(run, catalog)], default=vars)
    for name in probes.names():
        found = find_tables({run.group: [run]}, name)
        if found.tables:
            assert name.replace("_", " ") in text
            for headline in found.tables[0].headlines:
                assert headline.label in text
        else:
            assert f"ired-diag probe {name} " in text


def test_a_damaged_table_is_told_in_its_row(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    shutil.copytree(sample_runs() / "q101" / "seed0", root / "q101" / "seed0")
    (root / "q101/seed0/probes").mkdir(exist_ok=True)
    (root / "q101/seed0/probes/floor.parquet").write_bytes(b"no table")
    catalog = Catalog(root)
    (run,) = catalog.snapshot().study.runs
    text = json.dumps([part.to_plotly_json() for part in page._probes(run, catalog)], default=vars)
    assert "floor.parquet" in text and "ired-diag probe floor " not in text


def test_checkpoints_are_named_with_their_size_and_never_opened(
    tmp_path: Path, browse: Browse, ask: Ask
) -> None:
    folder = write_run(tmp_path, 0, {}, [0.5, 0.4])
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "step-000000200.safetensors").write_bytes(b"\0" * 1_234_567)
    client = browse(tmp_path)
    _, tree = open_run(ask, client, "q901/seed0")
    assert "step-000000200.safetensors 1.23 MB" in words(tree)
    assert "ired-diag probe floor" in words(tree)


@pytest.mark.parametrize(("size", "told"), [(0, "0 bytes"), (999, "999 bytes"), (2.5e9, "2.5 GB")])
def test_a_size_is_told_in_its_unit(size: float, told: str) -> None:
    assert size_in_words(int(size)) == told


def test_a_verdict_is_told_with_its_numbers() -> None:
    steps = np.arange(1, 61)
    rises = np.concatenate([np.exp(-steps[:30] / 5), 0.002 * np.exp((steps[30:] - 30) / 4)])
    run = run_of({}, **{"validation/mse": Series(steps, rises)})
    verdict = verdict_of(run)
    text = verdict_in_words(verdict)
    assert (verdict.shape or "").capitalize() in text and f"at step {verdict.best_step:g}" in text
    assert verdict.onset is not None and f"from step {verdict.onset:g} on" in text
    plain = verdict_in_words(Verdict("q", "complete", "m", "too_short", 1, 10.0, float("nan"), spikes=2))
    assert "Too short" in plain and "Last: NaN" in plain and "2 single evaluations stand out" in plain


def test_a_headline_tells_its_interval_where_it_is_known() -> None:
    headline = Headline("gap", "gap (nat)", "low", "high")
    assert headline_in_words(headline, {"gap": 1.5, "low": 1, "high": 2}) == "gap (nat): 1.5 (1 to 2)"
    assert headline_in_words(headline, {"gap": 1.5, "low": float("nan"), "high": 2}) == "gap (nat): 1.5"
    assert headline_in_words(headline, {}) == "gap (nat): unknown"


def test_what_was_logged_is_listed_with_its_ends() -> None:
    odd = Series(np.array([1, 2, 3]), np.array([np.inf, 2.0, np.nan]))
    none = Series(np.array([1]), np.array([np.nan]))
    rows = series_rows(run_of({}, b=odd, a=none, c=Series(np.array([]), np.array([]))))
    assert rows == [("a", 1, "1", "NaN", "-", "-"), ("b", 3, "3", "NaN", "2", "2")]
