"""Export equals screen: the command that a page shows writes the numbers that the page draws."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from plotly.io.json import to_json_plotly

from app.cli import main
from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components.export import command, export
from app.dashboard.curve_figures import Curves
from app.dashboard.snapshot import Snapshot
from app.pictures import RECIPES
from ired_diag.drawing.as_table import to_csv
from ired_diag.drawing.data import FigureData
from ired_diag.runs.history import Row, to_jsonl

Ask = Callable[..., dict[str, Any]]
CURVES = [10 / (10 + i) + (i % 7) / 100 for i in range(60)]


def write_run(root: Path, name: str, seed: int, lift: float = 0.0) -> Path:
    folder = root / f"{name.encode().hex()[:20]}-{seed}"
    folder.mkdir(parents=True)
    told = {"format": 1, "experiment": name, "seed": seed, "config": {}, "ending": {"state": "complete"}}
    (folder / "config.json").write_text(json.dumps(told))
    rows = [
        Row(100 * i, {"validation/mse": value + lift, "train/loss": 2 * value})
        for i, value in enumerate(CURVES, start=1)
    ]
    (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))
    return folder


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    root = tmp_path / "my runs"
    for seed in range(3):
        write_run(root, "q901", seed, seed / 50)
        write_run(root, "two words; rm -rf", seed, 0.1 + seed / 40)
    write_run(root, "q903", 0, 0.3)
    return Catalog(root).snapshot()


def run(words: list[str], out: Path) -> dict[str, str]:
    """Return the CSV files that a command line writes, by the picture's name."""
    line = shlex.split(shlex.join(words))  # as a shell would take what was copied
    assert line[:2] == ["ired-diag", "figures"]
    told = CliRunner().invoke(main, ["figures", "--out", str(out), "--format", "svg", *line[2:]])
    assert told.exit_code == 0, told.output
    assert "not drawn" not in told.stderr
    return {path.stem: path.read_text() for path in out.glob("*.csv")}


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize(
    "view",
    [
        View(),
        View(metric="train/loss", smooth=5, band="sd"),
        View(hidden=("q901",), step=2500, band="range", scale="linear"),
        View(groups=("q903", "two words; rm -rf"), smooth=21, x=(500.0, 900.0)),
    ],
)
def test_the_command_of_the_curves_writes_the_chart_s_csv(
    snapshot: Snapshot, tmp_path: Path, view: View
) -> None:
    figure = Curves().whole(view, snapshot)
    assert isinstance(figure, FigureData)
    files = run(command(view, snapshot, "learning-curves"), tmp_path / "out")
    assert files == {"learning-curves": to_csv(figure)}
    assert len(table(files["learning-curves"])) > 30


def test_a_filter_that_keeps_some_seeds_names_these_runs_alone(snapshot: Snapshot, tmp_path: Path) -> None:
    view = View(filter="seed0")
    words = command(view, snapshot, "learning-curves")
    assert "--runs" not in words
    figure = Curves().whole(view, snapshot)
    assert isinstance(figure, FigureData)
    assert run(words, tmp_path / "out") == {"learning-curves": to_csv(figure)}


@pytest.mark.parametrize("name", ["a/b", "--out", "it's"])
def test_names_that_are_paths_options_or_quotes_are_taken_as_names(tmp_path: Path, name: str) -> None:
    root = tmp_path / "runs"
    for seed in range(2):
        write_run(root, name, seed)
    snapshot = Catalog(root).snapshot()
    figure = Curves().whole(View(), snapshot)
    assert isinstance(figure, FigureData)
    files = run(command(View(), snapshot, "learning-curves"), tmp_path / "out")
    assert files == {"learning-curves": to_csv(figure)}


def test_the_folder_is_named_as_the_user_gave_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path / "runs", "q901", 0)
    monkeypatch.chdir(tmp_path)
    words = command(View(), Catalog(Path("runs")).snapshot(), "learning-curves")
    assert words[words.index("--runs") + 1] == "runs"


@pytest.mark.parametrize("picture", sorted(RECIPES))
def test_every_picture_s_command_is_understood(snapshot: Snapshot, tmp_path: Path, picture: str) -> None:
    view = View(readout="best", smooth=3, margin=0.02)
    line = command(view, snapshot, picture)
    told = CliRunner().invoke(main, ["figures", "--out", str(tmp_path / "out"), "--format", "svg", *line[2:]])
    assert told.exit_code == 0, told.output
    assert line[line.index("--only") + 1] == picture


def test_the_readout_of_a_comparison_is_the_page_s(snapshot: Snapshot) -> None:
    words = command(View(readout="last10", margin=0.02), snapshot, "paired-differences")
    assert words[words.index("--readout") + 1] == "last10"
    assert words[words.index("--margin") + 1] == "0.02"


def test_the_order_of_a_comparison_is_the_one_told(snapshot: Snapshot) -> None:
    groups = {name: [e.run for e in snapshot.groups()[name]] for name in ("q903", "q901")}
    assert command(View(), snapshot, "rank-map", groups=groups)[-2:] == ["q903", "q901"]
    swept = command(View(knob="rank"), snapshot, "sweep", groups=groups, options=("--metric", "x"))
    assert swept[swept.index("--sweep") + 1] == "rank" and swept[-4:-2] == ["--metric", "x"]


def texts(tree: Any) -> Iterator[str]:
    children = getattr(tree, "children", tree)
    if isinstance(children, list):
        for one in children:
            yield from texts(one)
    elif isinstance(children, str):
        yield children
    elif children is not None:
        yield from texts(children)


def test_the_block_shows_the_command_and_its_button_copies_the_same(snapshot: Snapshot) -> None:
    view = View(hidden=("q901",))
    block = export(view, snapshot, "learning-curves")
    assert block is not None
    line = shlex.join(command(view, snapshot, "learning-curves"))
    assert line in list(texts(block))
    sent = json.dumps(json.loads(to_json_plotly(block)))  # plotly escapes slashes
    assert f'"data-copy": {json.dumps(line)}' in sent
    assert export(View(hidden=tuple(snapshot.groups())), snapshot, "learning-curves") is None
    with pytest.raises(ValueError, match="no picture"):
        export(view, snapshot, "curves")


def commands_in(part: Any) -> set[str]:
    """Return the command lines that a rendered part holds, to be read and to be copied."""
    text = json.dumps(part)
    return {json.loads(f'"{one}"') for one in re.findall(r'"(ired-diag figures (?:[^"\\]|\\.)*)"', text)}


@pytest.mark.parametrize(
    ("page", "folder", "pictures"),
    [
        ("statistics", "q901", {"paired-differences", "readouts"}),
        ("energy", "q901", {"energy-gap"}),
        ("sweeps", "sweep", {"sweep-response"}),
    ],
)
def test_the_command_of_each_page_draws_its_pictures(
    page: str, folder: str, pictures: set[str], tmp_path: Path, browse: Callable[[Path], Any], ask: Ask
) -> None:
    root = tmp_path / folder
    rows = [
        Row(100 * i, {"validation/mse": v, "E_pos": v, "E_neg": 2 * v}) for i, v in enumerate(CURVES, start=1)
    ]
    for experiment, seeds in (("q901", 3), ("q902", 3)):
        for seed in range(seeds):
            where = write_run(root, experiment, seed, seed / 50)
            told = json.loads((where / "config.json").read_text())
            if folder == "sweep":
                told |= {"experiment": "q901", "variant": experiment}
                told["config"] = {"mining_opt_steps": int(experiment[1:])}
            (where / "config.json").write_text(json.dumps(told))
            lifted = [Row(r.step, {k: v * (1 + seed / 50) for k, v in r.values.items()}) for r in rows]
            (where / "metrics.jsonl").write_bytes(to_jsonl(lifted))
    told = ask(browse(root), f"{page}-export.children", address_search=f"?page={page}")
    (line,) = commands_in(told)
    out = tmp_path / "out"
    result = CliRunner().invoke(
        main, ["figures", "--out", str(out), "--format", "svg", *shlex.split(line)[2:]]
    )
    assert result.exit_code == 0, result.output
    assert pictures <= {path.stem for path in out.glob("*.csv")}
