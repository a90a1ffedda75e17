"""The pages, asked as a browser would ask them."""

from __future__ import annotations

import html
import json
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plotly.io.json import to_json_plotly

from app.dashboard import pages
from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components import chart
from app.dashboard.components.controls import choice, members, switch
from app.dashboard.components.sparkline import sparkline
from app.dashboard.pages.findings import runs_of
from app.dashboard.server import create_app
from ired_diag import forensics
from ired_diag.drawing import as_table
from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.plotly_text import as_written
from ired_diag.errors import NotFound
from ired_diag.runs.history import Row, Series, to_jsonl

Browse = Callable[[Path], Any]
Ask = Callable[..., dict[str, Any]]
HOSTILE = '<img src=x onerror="alert(1)">/../../etc'


def write_run(root: Path, name: str, seed: int, values: Iterable[float] = ()) -> Path:
    folder = root / f"{name.encode().hex()[:20]}" / f"seed{seed}"
    folder.mkdir(parents=True)
    told = {"format": 1, "experiment": name, "seed": seed, "config": {}, "ending": {"state": "complete"}}
    (folder / "config.json").write_text(json.dumps(told))
    values = list(values) or [1 / i for i in range(1, 40)]
    rows = [Row(100 * i, {"validation/mse": value}) for i, value in enumerate(values, start=1)]
    (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    root = tmp_path / "runs"
    for seed in range(3):
        write_run(root, "q901", seed, [0.5, 0.2, 0.1 + seed / 100])
    write_run(root, "q902", 0, [0.5, 0.4, 0.3])
    return root


def parts(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every component of a page, as Dash sends it."""
    if isinstance(tree, dict) and "type" in tree:
        yield tree
        tree = tree["props"].get("children")
    if isinstance(tree, list):
        for one in tree:
            yield from parts(one)
    elif isinstance(tree, dict):
        yield from parts(tree)


def words(tree: Any) -> str:
    """Return the text of a page."""
    if isinstance(tree, str):
        return tree
    if isinstance(tree, list):
        return " ".join(words(one) for one in tree if one is not None)
    return words(tree["props"].get("children") or "") if isinstance(tree, dict) else str(tree or "")


def study(ask: Ask, client: Any, query: str = "") -> Any:
    return ask(client, "study-content.children", address_search=query, version_data=1)["study-content"][
        "children"
    ]


def findings(ask: Ask, client: Any, query: str = "") -> Any:
    client.application.extensions["catalog"].diagnosis.newest()
    client.application.extensions["catalog"].diagnosis.wait()
    told = ask(client, "findings-content.children", address_search=query)
    return told["findings-content"]["children"]


def show(ask: Ask, client: Any, query: str) -> dict[str, Any]:
    return ask(client, "content.children", frame_data={"search": query, "number": 1})


def test_every_page_is_found_by_its_name_and_has_what_a_page_has() -> None:
    assert {"study", "findings"} <= set(pages.names())
    for name in pages.names():
        page = pages.load(name)
        assert page.name == name and page.title and callable(page.layout) and callable(page.register)


@pytest.mark.parametrize("name", pages.names())
@pytest.mark.parametrize(
    "query", ["", "&run=0123456789ab", "&groups=nothing&metric=nothing&step=7&level=999"]
)
def test_every_page_opens_with_nothing_one_seed_or_many(
    tmp_path: Path, runs: Path, browse: Browse, ask: Ask, name: str, query: str
) -> None:
    write_run(tmp_path / "one", "q900", 0, [0.5])
    (tmp_path / "empty").mkdir()
    for root in (tmp_path / "empty", tmp_path / "one", runs, tmp_path / "absent"):
        told = show(ask, browse(root), f"?page={name}{query}")
        assert words(told["content"]["children"])


def test_an_unknown_page_is_the_first(runs: Path, browse: Browse, ask: Ask) -> None:
    told = show(ask, browse(runs), "?page=no_such_page&filter=q901")
    assert "Overview" in words(told["content"]["children"])
    current = [p for p in parts(told["navigation"]["children"]) if p["props"].get("aria-current")]
    assert [p["props"]["data-page"] for p in current] == ["overview"]
    assert told['{"view":"filter"}']["value"] == "q901"


def test_the_study_groups_by_all_but_seed_and_means_over_seeds(runs: Path, browse: Browse, ask: Ask) -> None:
    client = browse(runs)
    text = words(study(ask, client))
    assert "4 runs in 2 groups" in text and "q901" in text and "seed0" not in text
    assert "0.1100 ± 0.0100" in " ".join(text.split())  # the mean of 0.10, 0.11 and 0.12
    opened = study(ask, client, View(open=("q901",)).to_query())
    links = [p["props"]["href"] for p in parts(opened) if p["type"] == "A"]
    assert links == [
        f"?page=run&run={id}" for id in list(client.application.extensions["catalog"].snapshot().entries)[:3]
    ]


def test_no_run_is_left_out(tmp_path: Path, browse: Browse, ask: Ask) -> None:
    for number in range(60):
        write_run(tmp_path / "many", f"q{number:03}", 0, [0.5, 0.4])
    client = browse(tmp_path / "many")
    names = []
    for query in ("", "?part=2"):
        rows = [p for p in parts(study(ask, client, query)) if "data-toggle" in p["props"]]
        names += [row["props"]["data-value"] for row in rows]
    assert names == [f"q{number:03}" for number in range(60)]


@pytest.mark.parametrize(("query", "first"), [("sort=last", "q901"), ("sort=last&descending=1", "q902")])
def test_a_column_sorts_the_groups(runs: Path, browse: Browse, ask: Ask, query: str, first: str) -> None:
    tree = study(ask, browse(runs), query)
    assert next(p["props"]["data-value"] for p in parts(tree) if "data-toggle" in p["props"]) == first
    headings = [p["props"].get("aria-sort") for p in parts(tree) if p["type"] == "Th"]
    assert headings.count("ascending") + headings.count("descending") == 1


def test_a_filter_keeps_runs_that_hold_all_its_words(runs: Path, browse: Browse, ask: Ask) -> None:
    client = browse(runs)
    assert "3 of 4 runs in 1 group" in words(study(ask, client, "?filter=q901+complete"))
    assert "No run matches" in words(study(ask, client, "?filter=q901+failed"))


def test_hostile_names_are_words_and_never_paths_or_markup(tmp_path: Path, browse: Browse, ask: Ask) -> None:
    root = tmp_path / "runs"
    write_run(root, HOSTILE, 0)
    (root / "<img onerror=1>").mkdir()
    (root / "<img onerror=1>" / "config.json").write_text("{")
    client = browse(root)
    tree = study(ask, client, View(open=(HOSTILE,)).to_query())
    assert HOSTILE in words(tree)
    assert all("dangerously_allow_html" not in p["props"] for p in parts(tree))
    assert all(p["type"] not in ("Markdown", "Iframe", "Script") for p in parts(tree))
    (link,) = [p["props"]["href"] for p in parts(tree) if p["type"] == "A"]
    assert link.startswith("?page=run&run=") and ".." not in link
    assert str(tmp_path) not in json.dumps(tree)
    assert html.escape(HOSTILE) not in client.get("/").text


def test_appended_lines_appear_and_what_is_unchanged_is_not_sent(
    runs: Path, browse: Browse, ask: Ask
) -> None:
    client = browse(runs)
    first = ask(client, "version.data")
    shown = first["version"]["data"]
    again = ask(client, "version.data", version_data=shown)
    assert "version" not in again and again["updated"]["data"] >= first["updated"]["data"]
    metrics = next(runs.rglob("metrics.jsonl"))
    with metrics.open("ab") as file:
        file.write(to_jsonl([Row(5000, {"validation/mse": 0.0777})]))
    assert ask(client, "version.data", version_data=shown)["version"]["data"] == shown + 1
    assert "100" not in words(study(ask, client)).split() and "300 to 5,000" in words(study(ask, client))


def test_a_deleted_run_goes_and_its_page_says_so(runs: Path, browse: Browse, ask: Ask) -> None:
    client = browse(runs)
    assert "4 runs" in words(study(ask, client))
    shutil.rmtree(next(runs.glob("*/seed2")))
    ask(client, "version.data")
    assert "3 runs" in words(study(ask, client))


def test_a_torn_file_is_told_and_stops_nothing(runs: Path, browse: Browse, ask: Ask) -> None:
    (next(runs.glob("*/seed1")) / "config.json").write_text('{"format": 1,')
    client = browse(runs)
    assert "1 file is not a run" in words(study(ask, client))
    assert "was not read" in words(findings(ask, client))


def statements(tree: Any) -> int:
    return sum(part["props"].get("className") == "statement" for part in parts(tree))


@pytest.mark.slow
def test_the_findings_are_those_of_forensics_notes_last(shared: Path, browse: Browse, ask: Ask) -> None:
    client = browse(shared / "ired_logs")
    snapshot = client.application.extensions["catalog"].snapshot()
    tree = findings(ask, client)
    told = forensics.diagnose(snapshot.study)
    assert statements(tree) == len(told) + len(snapshot.study.skipped)
    items = [p for p in parts(tree) if p["type"] == "Li" and p["props"]["className"] != "statement"]
    levels = [item["props"]["className"] for item in items]
    assert [level for level in levels if level == "note"] == levels[levels.index("note") :]
    assert levels[0] == "error"
    errors = statements(findings(ask, client, "?severity=error"))
    assert errors == sum(finding.severity == "error" for finding in told)
    one = statements(findings(ask, client, "?rule=curve_shape"))
    assert one == sum(finding.rule == "curve_shape" for finding in told)
    linked = [runs_of(finding, snapshot) for finding in told if finding.rule == "curve_shape"]
    assert all(linked)


def test_the_findings_are_computed_once_a_version_and_meanwhile_said_to_be(
    runs: Path, browse: Browse, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, go = [], threading.Event()

    def slow(study: Any, tell: Any) -> list[Any]:
        calls.append(study)
        assert go.wait(10)
        return []

    monkeypatch.setattr("app.dashboard.diagnosis.forensics.diagnose", slow)
    client = browse(runs)
    for _ in range(3):
        told = words(ask(client, "findings-content.children")["findings-content"]["children"])
        assert "Looking for mistakes in 4 runs" in told
    go.set()
    for _ in range(3):
        assert "No finding does not mean no problem" in words(findings(ask, client))
    assert len(calls) == 1


def test_a_rule_that_fails_is_told_on_the_page(
    runs: Path,
    browse: Browse,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("app.dashboard.diagnosis.forensics.diagnose", lambda study, tell: 1 / 0)
    assert "ZeroDivisionError" in words(findings(ask, browse(runs)))
    assert "Traceback" in caplog.text  # what a report of the defect needs


def test_asking_every_page_changes_no_file(runs: Path, browse: Browse, ask: Ask) -> None:
    before = {str(p): p.stat().st_mtime_ns for p in runs.rglob("*")}
    client = browse(runs)
    for name in pages.names():
        show(ask, client, f"?page={name}")
    findings(ask, client)
    assert {str(p): p.stat().st_mtime_ns for p in runs.rglob("*")} == before


def figure(values: list[float], name: str = "q901") -> FigureData:
    line = Line(name, np.arange(len(values)), np.array(values), drawn="line")
    return FigureData(
        "f",
        "A title",
        "step",
        (Panel("MSE", (line,)),),
        "One seed.",
        summary="It falls.",
        order=("q901", "q902"),
    )


def test_a_chart_has_words_a_table_and_every_row_in_its_csv() -> None:
    told = json.loads(to_json_plotly(chart.chart(figure([float(i) for i in range(500)]), "c")))
    text = words(told)
    assert "A title" in text and "It falls." in text and "One seed." in text
    assert "100 of 500 rows. The CSV holds all." in text
    assert as_table.to_csv(figure([1.0, 2.0])).count("\n") == 3


def test_new_data_on_the_same_axes_replace_the_data_alone() -> None:
    view = View(page="curves", metric="m")
    first = chart._update(figure([3.0, 2.0]), view, None)
    assert "layout" in first[0] and first[0]["layout"]["uirevision"]
    same = chart._update(figure([3.0, 2.0]), view, first[-1])
    assert all(type(part).__name__ == "NoUpdate" for part in same)
    grown = chart._update(figure([3.0, 2.0, 1.0]), view, first[-1])
    assert type(grown[0]).__name__ == "Patch"
    zoomed = chart._update(figure([3.0, 2.0, 1.0]), View(page="curves", metric="m", x=(0, 1)), first[-1])
    assert type(zoomed[0]).__name__ == "Patch"
    other = chart._update(figure([3.0]), View(page="curves", metric="n"), first[-1])
    assert isinstance(other[0], dict)
    gone = chart._update("Nothing logged. Make some: ired-diag demo", view, first[-1])
    assert gone[1] == {"display": "none"} and "ired-diag demo" in str(gone[2])


def test_what_a_user_can_mend_stands_where_the_chart_would(runs: Path) -> None:
    def build(view: View, snapshot: Any) -> FigureData:
        raise NotFound("No run logs 'x'. Run: ired-diag probe energy_gap")

    told = chart._update(chart._built(build, View(), Catalog(runs)), View(), None)
    assert "ired-diag probe energy_gap" in str(told[2])


def test_a_trace_keeps_its_id_and_colour_when_another_is_hidden() -> None:
    def traces(names: list[str]) -> dict[str, Any]:
        lines = tuple(Line(n, np.arange(3), np.arange(3.0)) for n in names)
        whole = FigureData("f", "", "", (Panel("", lines),), "", order=("q901", "q902"))
        return {t["name"]: (t["uid"], t["line"]["color"]) for t in chart._drawn(whole, View())["data"]}

    assert traces(["q902"])["q902"] == traces(["q901", "q902"])["q902"]
    assert traces([HOSTILE])[as_written(HOSTILE)][0].isalnum()  # plotly puts it into a CSS selector


def test_a_control_writes_its_key_of_the_view() -> None:
    for control in (
        choice("metric", "Metric", [("a", "A"), ("b", "B")], "b"),
        switch("log", "Log axis", True),
        members("hidden", "Hidden", ["q901", "q902"], ["q902"]),
    ):
        tree = json.loads(to_json_plotly(control))
        keys = {p["props"].get(k) for p in parts(tree) for k in ("data-choice", "data-flag", "data-toggle")}
        assert keys - {None} <= set(View.__dataclass_fields__) and keys - {None}
        pressed = [p["props"]["aria-pressed"] for p in parts(tree) if "aria-pressed" in p["props"]]
        assert pressed in ([], ["true"], ["false", "true"])


def test_no_chart_offers_to_upload_or_share() -> None:
    assert chart.CONFIG["showSendToCloud"] is False and chart.CONFIG["plotlyServerURL"] == ""
    assert chart.CONFIG["showEditInChartStudio"] is False and chart.CONFIG["displaylogo"] is False


def test_a_sparkline_says_what_it_draws_and_copes_with_odd_curves() -> None:
    def curve(*values: float) -> Series:
        return Series(np.arange(len(values)), np.array(values))

    assert sparkline([], "m") is None
    assert sparkline([curve(float("nan"), float("inf"))], "m") is None
    drawn = sparkline([curve(1.0, float("nan"), 3.0), curve(2.0)], "validation/mse")
    assert drawn is not None and "from 3 (top) to 1 (bottom)" in vars(drawn)["alt"]
    assert sparkline([curve(0.0)], "m") is not None


def test_a_request_loads_no_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from app.dashboard.server import create_app;"
        f"app = create_app(Path({str(tmp_path)!r}), token='k', port=8050);"
        "app.server.extensions['catalog'].refresh();"
        "assert 'torch' not in sys.modules, 'torch'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


def test_only_the_catalog_below_the_root_is_served(runs: Path) -> None:
    app = create_app(runs, token="k", port=8050)
    assert isinstance(app.server.extensions["catalog"], Catalog)
    assert app.config.serve_locally and not app.config.get("external_scripts")
