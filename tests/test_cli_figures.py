"""``figures`` and ``report``: every picture that runs allow, the same bytes each time, no request."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from app import report
from app.cli import main
from app.cli.demo import sample_runs
from app.pictures import RECIPES
from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.paper_files import Provenance
from ired_diag.finding import Finding
from ired_diag.finding_clusters import clusters_of
from ired_diag.runs.study import Study

pytestmark = pytest.mark.slow

NAMES = ["q101", "q102", "q103"]


def run(command: str, *arguments: object) -> Result:
    return CliRunner().invoke(main, [command, *NAMES, "--runs", str(sample_runs()), *map(str, arguments)])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures")
    result = run("figures", "--out", folder, "--format", "png,pdf")
    assert result.exit_code == 0, result.output
    return folder


def test_each_picture_has_its_data_and_provenance_beside_it(drawn: Path) -> None:
    pictures = {path.stem for path in drawn.glob("*.png")}
    assert {"learning-curves", "paired-differences", "readouts", "energy-gap", "rank-map"} <= pictures
    for name in pictures:
        told = json.loads((drawn / f"{name}.json").read_text())
        assert told["format"] == 1
        assert told["sources"]
        for source in told["sources"]:
            content = Path(source["path"]).read_bytes()
            assert source["sha256"] == hashlib.sha256(content).hexdigest()
        assert (drawn / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        with (drawn / f"{name}.csv").open() as file:
            assert len(list(csv.reader(file))) > 3
    assert "\\begin{tabular}" in (drawn / "comparison.tex").read_text()


def test_the_csv_holds_the_logged_values(drawn: Path) -> None:
    with (drawn / "learning-curves.csv").open() as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["kind"] == "single run" and row["name"].startswith("q101")
        ]
    logged = [
        json.loads(line) for line in (sample_runs() / "q101/seed0/metrics.jsonl").read_text().splitlines()
    ]
    values = {float(entry["validation/mse"]) for entry in logged if "validation/mse" in entry}
    assert values <= {float(row["y"]) for row in rows}


def test_repeated_the_files_are_the_same_byte_for_byte(drawn: Path, tmp_path: Path) -> None:
    assert run("figures", "--out", tmp_path, "--format", "png,pdf").exit_code == 0
    first, again = ({p.name: p.read_bytes() for p in folder.iterdir()} for folder in (drawn, tmp_path))
    assert first.keys() == again.keys()
    differing = [name for name in first if first[name] != again[name]]
    assert differing == []


def test_what_cannot_be_drawn_is_said_with_the_command_that_helps(tmp_path: Path) -> None:
    result = run("figures", "--out", tmp_path, "--only", "floor-ladder", "--only", "sweep")
    assert "not drawn: floor-ladder" in result.stderr
    assert "ired-diag probe floor" in result.stderr
    assert "not drawn: sweep" in result.stderr
    one = CliRunner().invoke(
        main, ["figures", "q101", "--runs", str(sample_runs()), "--out", str(tmp_path), "--only", "rank-map"]
    )
    assert "nothing to compare" in one.stderr


def test_the_list_tells_every_picture_and_a_wrong_name_is_refused(tmp_path: Path) -> None:
    told = CliRunner().invoke(main, ["figures", "--list"]).stdout
    assert all(name in told and recipe.question in told for name, recipe in RECIPES.items())
    result = run("figures", "--out", tmp_path, "--only", "rankmap")
    assert result.exit_code == 1
    assert "rank-map" in result.stderr
    for option, value in (("--width", "7 cm"), ("--width", "90"), ("--format", "gif")):
        assert run("figures", "--out", tmp_path, option, value).exit_code == 2


def test_the_report_holds_all_and_asks_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    result = run("report", "--out", path, "--question", "Does <mining> help?")
    assert result.exit_code == 0, result.output
    page = path.read_text()
    assert path.stat().st_size < 3e6
    assert "Does &lt;mining&gt; help?" in page
    assert "default-src 'none'" in page
    outside = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"""(?:src|href)=["'](?!#)""", outside)
    for section in ("verdicts", "findings", "figures", "tables", "methods", "provenance"):
        assert f'id="{section}"' in page
    charts = page.count("<figure ")
    packed = re.findall(r'<script type="application/gzip" id="(?:data-\d+|plotly)">([\w+/=]*)</script>', page)
    assert charts > 3 and len(packed) == charts + 1  # and plotly itself
    for content in packed[:-1]:
        assert json.loads(gzip.decompress(base64.b64decode(content)))["data"]
    lines = [line for line in re.findall(r"<li>(.*?)</li>", page) if "href" not in line]
    assert len(lines) == len(set(lines)), "something is said twice"
    first_screen = page[page.index("<main>") : page.index('id="groups"')]
    assert "no better than" in first_screen and "undecided" in first_screen
    assert '<th scope="col">mining_strategy</th>' in page


def hostile() -> report.Report:
    name = "</script><img src=x onerror=alert(1)>"
    line = Line(name, np.arange(3), np.array([1.0, np.nan, np.inf]))
    figure = FigureData("f", name, "step", (Panel("y", (line,)),), name, summary=name)
    (cluster,) = clusters_of([Finding("curve_shape", "error", name, {}, name)], Study(()))
    advised = report.Advised(cluster, [(name, name)])
    provenance = Provenance(name, [{"path": name, "bytes": 1, "sha256": "0"}], {"x": name})
    table = report.Table(name, [name], [[name]])
    return report.Report(
        title=name,
        question=name,
        verdicts=[name],
        caveats=[name],
        findings=[advised],
        figures=[figure],
        not_drawn=[name],
        tables=[table],
        methods=name,
        results=name,
        provenance=provenance,
    )


def test_names_that_are_markup_stay_words() -> None:
    page = report.to_html(hostile())
    assert "<img src=x" not in page
    assert page.count("&lt;img src=x") > 10


def test_long_lines_keep_their_extremes_and_the_thinning_is_said() -> None:
    y = np.sin(np.arange(100_000.0))
    y[70_001] = 50.0
    y[5] = np.nan
    line = Line("a", np.arange(100_000), y, y - 1, y + 1)
    small = report.thinned(FigureData("f", "t", "step", (Panel("y", (line,)),), "Method."), 4000)
    (panel,) = small.panels
    (thin,) = panel.lines
    assert len(thin.x) <= 4000
    assert thin.y[thin.x == 70_001].tolist() == [50.0]
    np.testing.assert_array_equal(thin.y, y[thin.x])
    assert thin.low is not None
    np.testing.assert_array_equal(thin.low, y[thin.x] - 1)
    assert "100,000 points" in small.method


def test_a_page_with_very_many_points_is_thinned_until_it_can_be_sent() -> None:
    noise = np.random.default_rng(7).standard_normal((40, 20_000))
    lines = tuple(Line(f"run {i}", np.arange(20_000), y, y - 1, y + 1) for i, y in enumerate(noise))
    figures = [FigureData(f"f{i}", "t", "step", (Panel("y", lines),), "Method.") for i in range(2)]
    page = report.to_html(replace(hostile(), figures=figures))
    assert len(page.encode()) <= report.MOST_BYTES
    assert "20,000 points are drawn by" in page


def test_a_short_figure_is_left_as_it_is() -> None:
    figure: Any = hostile().figures[0]
    assert report.thinned(figure, 3) is figure
